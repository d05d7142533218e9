"""Blocks that are full: 255 inner nodes and 256 links, as all upper blocks of a large index are.

In these every node is at a known place: nothing has to be followed or measured, and hashing is a
matter of slices. It is what ``prefix_growth`` does with any block, in half the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise
from operator import itemgetter

from ledger.tree.merkle import HASH
from ledger.tree.prefix_blocks import BLOCK_BITS, HEADER, INNER_TAG, LINK_TAG

_LINK = 1 + HASH
_LENGTHS = [_LINK]
for _ in range(BLOCK_BITS):
    _LENGTHS.append(HEADER + 2 * _LENGTHS[-1])
"""Bytes of a full node of 0 to 8 levels."""
SIZE = _LENGTHS[-1]


def _starts() -> list[list[int]]:
    """For each depth, where its nodes begin, from the left."""
    rows = [[0]]
    for depth in range(BLOCK_BITS):
        length = _LENGTHS[BLOCK_BITS - 1 - depth]
        lefts = [start + HEADER for start in rows[-1]]
        rows.append([at for left in lefts for at in (left, left + length)])
    return rows


_ROWS = _starts()
LINKS = _ROWS[-1]
"""Where the link is to which a byte of the key leads."""
_HASHES = [[slice(start + 1, start + 1 + HASH) for start in row] for row in _ROWS]
_TRIPLES = [
    [(hashes[n], below[2 * n], below[2 * n + 1]) for n in range(len(hashes))]
    for hashes, below in pairwise(_HASHES)
]
"""For each depth, where the hashes of its nodes and of their children are."""
_TAGS = itemgetter(*(start for row in _ROWS for start in row))
_FULL = (INNER_TAG,) * (2**BLOCK_BITS - 1) + (LINK_TAG,) * 2**BLOCK_BITS


def is_full(block: bytes) -> bool:
    """Whether this block, which is well formed, has a link for every byte."""
    return len(block) == SIZE and _TAGS(block) == _FULL


def hash_full(data: bytearray, ways: Iterable[int]) -> None:
    """Hash again what is above the links to which the bytes ``ways`` lead."""
    nodes = set(ways)
    for triples in reversed(_TRIPLES):
        nodes = {node >> 1 for node in nodes}
        for node in nodes:
            itself, left, right = triples[node]
            data[itself] = sha256(b"\x23" + data[left] + data[right]).digest()
