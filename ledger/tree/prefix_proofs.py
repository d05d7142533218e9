"""Proofs of presence and absence, made from blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ledger.tree.merkle import HASH
from ledger.tree.prefix import EMPTY, KEY_BITS, PrefixProof
from ledger.tree.prefix_blocks import (
    BLOCK_BITS,
    HEADER,
    INNER_TAG,
    LEAF_TAG,
    LINK_TAG,
    BlockReader,
    hash_at,
    read_blocks,
    right_of,
    root_block,
    well_formed,
)


class Lookup(msgspec.Struct, frozen=True):
    """What the tree with ``root`` has for a key: its ``value``, None where it is absent."""

    value: bytes | None
    proof: PrefixProof
    root: bytes


def prove(reader: BlockReader, keys: Iterable[bytes]) -> dict[bytes, Lookup]:
    """A proof for each of ``keys``: of its presence, or of its absence.

    One call of the reader for each eight levels. Proofs are not verified: damaged blocks give
    wrong proofs. Raises ``damaged.tree.block`` and what the reader raises.
    """
    with well_formed():
        return _proved(reader, [_Way(key) for key in dict.fromkeys(keys)])


def _proved(reader: BlockReader, ways: Sequence[_Way]) -> dict[bytes, Lookup]:
    block = root_block(reader)
    root = hash_at(block, 0)
    blocks: Mapping[bytes, bytes] = {b"": block}
    waiting: Sequence[_Way] = ways
    while waiting:
        links: dict[bytes, bytes] = {}
        for way in waiting:
            way.follow(blocks[way.place])
            if way.link is not None:
                links[way.place] = way.link
        blocks = read_blocks(reader, links)
        waiting = [way for way in waiting if way.link is not None]
    return {way.key: way.lookup(root) for way in ways}


class _Way:
    """How far a key was followed: up to the block at ``place``, to which ``link`` leads."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.link: bytes | None = None
        self._siblings: list[bytes] = []
        self._leaf: tuple[bytes, bytes] | None = None

    @property
    def place(self) -> bytes:
        return self.key[: len(self._siblings) // BLOCK_BITS]

    def follow(self, block: bytes) -> None:
        """Through one block more."""
        position, start = int.from_bytes(self.key, "big"), 0
        while block[start] == INNER_TAG:
            left, right = start + HEADER, right_of(block, start)
            is_right = position >> (KEY_BITS - 1 - len(self._siblings)) & 1
            self._siblings.append(hash_at(block, left if is_right else right))
            start = right if is_right else left
        tag, first, second = block[start], start + 1, start + 1 + HASH
        self.link = block[first:second] if tag == LINK_TAG else None
        if tag == LEAF_TAG:
            self._leaf = block[first:second], block[second : second + HASH]

    def lookup(self, root: bytes) -> Lookup:
        if self._leaf is not None and self._leaf[0] == self.key:
            return Lookup(self._leaf[1], _proof(self._siblings, None), root)
        return Lookup(None, _proof(self._siblings, self._leaf), root)


def _proof(siblings: Sequence[bytes], other: tuple[bytes, bytes] | None) -> PrefixProof:
    """``siblings`` from the root down, empty ones too."""
    depth, bits = len(siblings), 0
    for sibling in siblings:
        bits = bits << 1 | (sibling != EMPTY)
    present = (bits << -depth % 8).to_bytes(-(-depth // 8), "big")
    return PrefixProof(depth, present, b"".join(s for s in siblings if s != EMPTY), other)
