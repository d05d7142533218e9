"""The right edge of a tree: the roots of its perfect subtrees, which is all that appending needs.

Also known as a compact range. A tree of n leaves has as many as n has bits that are set.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Self

import msgspec

from keys.errors import declare
from ledger.tree.merkle import EMPTY_ROOT, HASH, HASHES, LARGEST, node_hash, number

EDGE = declare(
    "malformed.tree.edge",
    "The bytes are not the right edge of a tree of this size.",
    "Load the edge from the tiles.",
)
FULL = declare(
    "unavailable.tree.full",
    "A tree cannot have more than 2^63 - 1 leaves.",
    "Found a new log.",
)


class Edge(msgspec.Struct, frozen=True):
    """``size`` leaves, and the ``hashes`` of the perfect subtrees, the largest first."""

    size: int
    hashes: tuple[bytes, ...]

    @classmethod
    def empty(cls) -> Self:
        """The edge of the tree without leaves."""
        return cls(0, ())

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """The inverse of ``to_bytes``. Raises ``malformed.tree.edge``; hashes are not checked."""
        if not 0 <= size <= LARGEST or len(data) != size.bit_count() * HASH:
            raise EDGE.at("edge", f"{len(data)} bytes for size {number(size)}")
        return cls(size, split(data))

    def to_bytes(self) -> bytes:
        """The hashes, one after the other; how many they are follows from the size."""
        return b"".join(self.hashes)

    def root(self) -> bytes:
        """The tree's root."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for left in reversed(larger):
            root = node_hash(left, root)
        return root

    def append(self, leaf_hash: bytes) -> Edge:
        """The edge after one more leaf. Raises as ``rows``."""
        return self.rows([leaf_hash])[0]

    def extend(self, leaf_hashes: Sequence[bytes]) -> Edge:
        """The edge after more leaves. Raises as ``rows``."""
        return self.rows(leaf_hashes)[0]

    def rows(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, list[list[bytes]]]:
        """The edge after more leaves, and the perfect subtrees that they complete, by height.

        Row 0 are the leaf hashes themselves, row 8 the roots of 256 leaves that became full.
        Raises ``malformed.proof.hash`` for a hash that is not 32 bytes, ``unavailable.tree.full``.
        """
        _check(self.size, leaf_hashes)
        waiting, left_over, rows = list(self.hashes), [], []
        row, width = list(leaf_hashes), self.size
        while row:
            rows.append(row)
            nodes = [waiting.pop(), *row] if width & 1 else row
            if len(nodes) & 1:
                left_over.append(nodes[-1])
            pairs = iter(nodes)
            # Inlined, not node_hash: every leaf costs one of these.
            row = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=False)
            ]
            width >>= 1
        hashes = (*waiting, *reversed(left_over))
        return Edge(self.size + len(leaf_hashes), hashes), rows


def split(data: bytes) -> tuple[bytes, ...]:
    """The hashes that stand in ``data``, whose length is a multiple of 32."""
    return tuple(data[i : i + HASH] for i in range(0, len(data), HASH))


def _check(size: int, leaf_hashes: Sequence[bytes]) -> None:
    if not set(map(len, leaf_hashes)) <= {HASH}:
        raise HASHES.at("leaf hash")
    if size + len(leaf_hashes) > LARGEST:
        raise FULL.at("tree", f"{size} leaves and {len(leaf_hashes)} more")
