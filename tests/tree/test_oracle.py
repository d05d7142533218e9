"""merkletools computes the same roots and paths: an implementation that shares nothing with ours.

It hashes nodes without a prefix; with its hash function replaced and leaves hashed beforehand its
trees are those of RFC 9162.
"""

from __future__ import annotations

import random
import warnings
from hashlib import sha256
from typing import Any

import pytest

from ledger.tree.growth import Growth
from ledger.tree.merkle import root_from_path, root_of, verify_inclusion
from ledger.tree.proofs import Proofs
from tests.tree.reference import Tiles, Tree, hashes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says that the optional sha3 is not installed
    from merkletools import MerkleTools

LARGEST = 640
LEAVES = hashes(LARGEST)
TREE = Tree(LEAVES)
TILES = Tiles(TREE, LARGEST)
EVERY_LEAF = {*range(1, 70), 127, 128, 129, 255, 256, 257, 511, 512, 513, 600, LARGEST}


def oracle(size: int) -> Any:
    tools = MerkleTools()
    tools.hash_function = lambda pair: sha256(b"\x01" + pair)
    tools.add_leaf([leaf.hex() for leaf in LEAVES[:size]])
    tools.make_tree()
    return tools


def steps(tools: Any, index: int) -> tuple[list[str], list[bytes]]:
    """The oracle's path: on which side each hash stands, and the hashes."""
    pairs = [pair for step in tools.get_proof(index) for pair in step.items()]
    return [side for side, _ in pairs], [bytes.fromhex(value) for _, value in pairs]


def sample(size: int) -> set[int]:
    if size in EVERY_LEAF:
        return set(range(size))
    some = random.Random(size).sample(range(size), 6)
    return {0, 1, size // 2, size - 2, size - 1, *some}


@pytest.mark.parametrize("first", range(1, LARGEST + 1, 64))
def test_roots_and_inclusion_proofs_at_every_size(first: int) -> None:
    proofs = Proofs(TILES)
    growth = Growth.empty().append(LEAVES[: first - 1]).growth
    for size in range(first, min(first + 64, LARGEST + 1)):
        growth = growth.append([LEAVES[size - 1]]).growth
        tools = oracle(size)
        root = bytes.fromhex(tools.get_merkle_root())
        assert root == root_of(LEAVES[:size]) == growth.root == proofs.root(size)
        for index in sample(size):
            sides, path = steps(tools, index)
            assert proofs.inclusion(index, size) == path
            assert root_from_path(LEAVES[index], index, size, path) == root
            assert "".join(sides).count("right") == rights(index, size)


def rights(index: int, size: int) -> int:
    """How often the way up from a leaf is on the left side, by the definition of the tree."""
    count = 0
    while size > 1:
        half = 1 << (size - 1).bit_length() - 1
        count += index < half
        index, size = (index, half) if index < half else (index - half, size - half)
    return count


@pytest.mark.parametrize("size", [1, 2, 3, 100, 256, 600])
def test_the_oracle_accepts_our_proofs(size: int) -> None:
    tools, proofs = oracle(size), Proofs(TILES)
    for index in sample(size):
        sides, _ = steps(tools, index)
        path = proofs.inclusion(index, size)
        verify_inclusion(LEAVES[index], index, size, path, root_of(LEAVES[:size]))
        form = [{side: value.hex()} for side, value in zip(sides, path, strict=True)]
        assert tools.validate_proof(form, LEAVES[index].hex(), tools.get_merkle_root())
