"""What a writer needs to append: the right edge, and the tiles there that are not full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import msgspec

from ledger.tree.edge import Edge, split
from ledger.tree.merkle import EMPTY_ROOT, HASH, LARGEST, SIZE
from ledger.tree.reader import TileReader, read_tile
from ledger.tree.tiles import TILE, TILE_BITS

_FULL = TILE * HASH


class Growth(msgspec.Struct, frozen=True):
    """A tree at its right edge. ``partial`` are the bytes, by level, of the tiles not yet full."""

    edge: Edge
    root: bytes
    partial: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return self.edge.size

    @classmethod
    def empty(cls) -> Self:
        """The tree without leaves."""
        return cls(Edge.empty(), EMPTY_ROOT, ())

    @classmethod
    def load(cls, size: int, reader: TileReader) -> Self:
        """The tree of ``size`` from its tiles: one is read for each level.

        Raises ``malformed.proof.size``, ``damaged.tree.tile`` and what the reader raises. Nothing
        says that the tiles are right: compare ``root`` with a root that is known.
        """
        if not 0 <= size <= LARGEST:
            raise SIZE.at("tree")
        partial = tuple(_partial(reader, level, size) for level in range(_levels(size)))
        hashes: tuple[bytes, ...] = ()
        for data in partial:
            hashes = Edge.empty().extend(split(data)).hashes + hashes
        edge = Edge(size, hashes)
        return cls(edge, edge.root(), partial)

    def append(self, leaf_hashes: Sequence[bytes]) -> Grown:
        """The tree with more leaves; this one stays as it is.

        Raises ``malformed.proof.hash`` and ``unavailable.tree.full``.
        """
        edge, rows = self.edge.rows(leaf_hashes)
        tiles: dict[tuple[int, int], bytes] = {}
        partial = list(self.partial)
        for level, row in enumerate(rows[::TILE_BITS]):
            if level == len(partial):
                partial.append(b"")
            data = partial[level] + b"".join(row)
            first = self.size >> TILE_BITS * (level + 1)
            for start in range(0, len(data), _FULL):
                tiles[level, first + start // _FULL] = data[start : start + _FULL]
            partial[level] = data[len(data) // _FULL * _FULL :]
        root = edge.root()
        return Grown(edge.size, root, tiles, Growth(edge, root, tuple(partial)))

    def to_bytes(self) -> bytes:
        """The edge's bytes: they and the size are enough to append, without tiles."""
        return self.edge.to_bytes()


class Grown(msgspec.Struct, frozen=True):
    """After an append: every tile that changed, whole, by (level, n), full ones and partial."""

    size: int
    root: bytes
    tiles: dict[tuple[int, int], bytes]
    growth: Growth


def _levels(size: int) -> int:
    """Levels on which a tree of ``size`` has hashes."""
    return -(-size.bit_length() // TILE_BITS)


def _partial(reader: TileReader, level: int, size: int) -> bytes:
    """The tile at the right edge of a level, or nothing where the last one is full."""
    return read_tile(reader, level, size >> TILE_BITS * (level + 1), size)
