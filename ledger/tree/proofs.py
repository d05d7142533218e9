"""Proofs from tiles.

A tile's inner nodes are computed once and kept. What is computed for a partial tile is the
beginning of what the full tile has, so that a tile that grows costs only what was added. Nodes
that are not full are hashed for one tree size only, at its border, and are never part of a tile.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

import msgspec

from keys.errors import declare
from ledger.tree.merkle import EMPTY_ROOT, HASH, LARGEST, node_hash, number
from ledger.tree.reader import TileReader, read_tile
from ledger.tree.tiles import TILE, TILE_BITS, tile_width

CAPACITY = 1024
"""Tiles kept, of up to 16 KiB each."""
_BORDERS = 64

RANGE = declare(
    "usage.tree.range",
    "There is no such proof: the sizes are not 0 < older ≤ newer, or the index is not in the tree.",
    "Ask for an index below the tree size.",
)

Layers = tuple[bytes, ...]
"""A tile's nodes by height above its own hashes, 0 to 7, each layer 32-byte hashes in a row."""


class Border(msgspec.Struct, frozen=True):
    """The way from a tree's last leaf up to its root.

    ``nodes[h]`` is the node at height h on this way, which covers all leaves to the tree's end;
    ``lefts`` are the left siblings on the way, upwards, one for each bit that is set in size - 1.
    """

    nodes: tuple[bytes, ...]
    lefts: tuple[bytes, ...]


class Proofs:
    """Makes proofs for trees whose tiles ``reader`` gives. May be used from several threads.

    Keeps up to ``capacity`` tiles. Proofs are not verified: damaged tiles give wrong proofs.
    """

    def __init__(self, reader: TileReader, capacity: int = CAPACITY) -> None:
        self._reader = reader
        self._tiles: _Recent[tuple[int, int], Layers] = _Recent(max(1, capacity))
        self._borders: _Recent[int, Border] = _Recent(_BORDERS)

    def root(self, size: int) -> bytes:
        """The root of the tree of ``size``, 0 too. Raises as ``inclusion``."""
        _check(0 <= size <= LARGEST, size)
        return self._border(size).nodes[-1] if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The path of the leaf at ``index`` in the tree of ``size``: RFC 9162 section 2.1.3.1.

        Raises ``usage.tree.range``, ``damaged.tree.tile`` and what the reader raises.
        """
        _check(0 <= index < size <= LARGEST, size)
        border = self._border(size)
        last = size - 1
        inner = (index ^ last).bit_length()
        path = self._below(index, inner - 1, size)
        if inner:
            path.append(border.nodes[inner - 1])
        path += border.lefts[(last & ((1 << inner) - 1)).bit_count() :]
        return path

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The path that shows the older tree in the newer one: RFC 9162 section 2.1.4.1.

        Empty for equal sizes. Raises as ``inclusion``, also for size 0.
        """
        _check(0 < size1 <= size2 <= LARGEST, size2)
        if size1 == size2:
            return []
        height = (size1 & -size1).bit_length() - 1
        path = self.inclusion(size1 - 1, size2)[height:]
        if size1 != 1 << height:
            path.insert(0, self._node(height, (size1 - 1) >> height, size2))
        return path

    def _below(self, index: int, height: int, size: int) -> list[bytes]:
        """Siblings on the way from the leaf up to ``height``; all are full."""
        path: list[bytes] = []
        for base in range(0, height, TILE_BITS):
            place = index >> base
            layers = self._layers(base // TILE_BITS, place >> TILE_BITS, size)
            place &= TILE - 1
            for layer in layers[: height - base]:
                at = (place ^ 1) * HASH
                path.append(layer[at : at + HASH])
                place >>= 1
        return path

    def _node(self, height: int, index: int, size: int) -> bytes:
        """A full node of the tree: its ``index`` counts nodes of its height from the left."""
        level, up = divmod(height, TILE_BITS)
        n, at = divmod((index << up) * HASH, TILE * HASH)
        at >>= up
        return self._layers(level, n, size)[up][at : at + HASH]

    def _layers(self, level: int, n: int, size: int) -> Layers:
        known = self._tiles.get((level, n))
        held = len(known[0]) if known else 0
        if known and held >= tile_width(level, n, size) * HASH:
            return known
        data = read_tile(self._reader, level, n, size)
        # A beginning that is no longer the same was damaged, or is: nothing of it is used again.
        layers = _build(data, known if known and data.startswith(known[0]) else None)
        return self._tiles.put((level, n), layers)

    def _border(self, size: int) -> Border:
        border = self._borders.get(size)
        return border or self._borders.put(size, self._make_border(size))

    def _make_border(self, size: int) -> Border:
        last = size - 1
        nodes = [self._node(0, last, size)]
        lefts = []
        for height in range(last.bit_length()):
            node, index = nodes[-1], last >> height
            if index & 1:
                lefts.append(self._node(height, index - 1, size))
                node = node_hash(lefts[-1], node)
            nodes.append(node)
        return Border(tuple(nodes), tuple(lefts))


def _build(data: bytes, known: Layers | None) -> Layers:
    """The layers over a tile's hashes; ``known`` are those over its beginning."""
    layers = [data]
    for height in range(1, TILE_BITS):
        below, old = layers[-1], known[height] if known else b""
        pairs = range(2 * len(old), len(below) - HASH, 2 * HASH)
        new = [sha256(b"\x01" + below[i : i + 2 * HASH]).digest() for i in pairs]
        layers.append(old + b"".join(new))
    return tuple(layers)


def _check(is_possible: bool, size: int) -> None:
    if not is_possible:
        raise RANGE.at(f"tree size {number(size)}")


K = TypeVar("K")
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """What was used last, up to ``capacity`` values."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> V:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._capacity:
                self._values.popitem(last=False)
            return value
