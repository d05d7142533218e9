"""Tiles and entries of one tree, checked against its root as they are read.

A full tile is the one under whose root the level above stands; the tiles at the right edge, which
are not full, together give the root. So nothing is believed of whoever serves the files, and what
is read needs no other tile than those above it.
"""

from __future__ import annotations

from keys.errors import declare
from ledger.monitor.source import LogSource, fetch_tile
from ledger.tree.edge import Edge
from ledger.tree.growth import Growth
from ledger.tree.merkle import HASH, leaf_hash
from ledger.tree.reader import SHORT
from ledger.tree.tiles import BUNDLE, TILE, decode_entry_bundle, tile_width

TREE = declare(
    "failed.published.tree",
    "A published tile is not part of the tree that the checkpoint states.",
    "Read the log from somewhere else; if it is the same there, the log contradicts itself.",
)
LEAF = declare(
    "failed.published.entry",
    "A published entry is not the one that is in the tree.",
    "Read the log from somewhere else; if it is the same there, the log contradicts itself.",
)

_KEPT = 64


class CheckedTiles:
    """A ``TileReader`` over the tree of ``size`` with ``root``.

    Memory is bounded: tiles above the leaves are kept, up to 64. May be used from several threads.
    """

    def __init__(self, source: LogSource, size: int, root: bytes) -> None:
        """Reads the right edge. Raises ``failed.published.tree`` and what ``fetch_tile`` raises."""
        self.size = size
        self.root = root
        self._source = source
        self._known: dict[tuple[int, int], bytes] = {}
        loaded = Growth.load(size, _Unchecked(source))
        if loaded.root != root:
            raise TREE.at("right edge", f"it does not give the root of tree size {size}")
        self._edge = loaded.partial

    def tile(self, level: int, n: int, width: int) -> bytes:
        """See ``TileReader``; ``width`` is at most what the tree has there. Raises
        ``failed.published.tree`` and what ``fetch_tile`` raises."""
        present = tile_width(level, n, self.size)
        if width > present:
            raise SHORT.at(f"tile {level}/{n}", f"{present} hashes in a tree of {self.size}")
        return self._full(level, n) if present == TILE else self._edge[level][: width * HASH]

    def entries(self, n: int) -> list[bytes]:
        """The entries that the tree has in bundle ``n``: leaf bytes.

        Raises ``failed.published.entry``, ``malformed.tile.bundle``, ``failed.published.tree`` and
        what ``fetch_tile`` raises.
        """
        width = tile_width(0, n, self.size)
        leaves = decode_entry_bundle(fetch_tile(self._source, None, n, width))[:width]
        if len(leaves) < width:
            raise BUNDLE.at(f"entry bundle {n}", f"{len(leaves)} entries of {width}")
        hashes = [leaf_hash(leaf) for leaf in leaves]
        if width == TILE and _root(hashes) == self._parent(0, n):
            return leaves
        expected = self.tile(0, n, width)
        for place, found in enumerate(hashes):
            if expected[place * HASH : (place + 1) * HASH] != found:
                raise LEAF.at(f"entry {n * TILE + place}")
        return leaves

    def _full(self, level: int, n: int) -> bytes:
        known = self._known.get((level, n))
        if known is not None:
            return known
        data = fetch_tile(self._source, level, n, TILE)
        hashes = [data[at : at + HASH] for at in range(0, len(data), HASH)]
        if _root(hashes) != self._parent(level, n):
            raise TREE.at(f"tile {level}/{n}")
        if level > 0:
            self._keep(level, n, data)
        return data

    def _parent(self, level: int, n: int) -> bytes:
        """The root of a full tile, as the tile above it has it."""
        above, place = divmod(n, TILE)
        present = tile_width(level + 1, above, self.size)
        data = self._full(level + 1, above) if present == TILE else self._edge[level + 1]
        return data[place * HASH : (place + 1) * HASH]

    def _keep(self, level: int, n: int, data: bytes) -> None:
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[level, n] = data


class _Unchecked:
    """What the right edge is read with, before anything is known."""

    def __init__(self, source: LogSource) -> None:
        self._source = source

    def tile(self, level: int, n: int, width: int) -> bytes:
        return fetch_tile(self._source, level, n, width)


def _root(hashes: list[bytes]) -> bytes:
    """The root of a full tile's hashes."""
    return Edge.empty().extend(hashes).hashes[0]
