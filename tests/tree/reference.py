"""The definitions of RFC 9162 section 2.1 word for word, and tiles by brute force.

Nothing of ``ledger.tree`` is used here, and nothing is fast, but that roots are remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def hashes(count: int) -> list[bytes]:
    """The leaf hashes of the leaves "0", "1", …"""
    return [sha256(b"\x00" + str(i).encode()).digest() for i in range(count)]


class Tree:
    """MTH, PATH and PROOF over ``leaves``, which are leaf hashes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, stop: int) -> bytes:
        """MTH(D[start:stop])."""
        if stop == start:
            return sha256().digest()
        if stop == start + 1:
            return self.leaves[start]
        if (start, stop) not in self._known:
            k = start + _split(stop - start)
            pair = self.root(start, k) + self.root(k, stop)
            self._known[start, stop] = sha256(b"\x01" + pair).digest()
        return self._known[start, stop]

    def path(self, m: int, size: int, start: int = 0) -> list[bytes]:
        """PATH(m, D[start:start + size])."""
        if size == 1:
            return []
        k = _split(size)
        if m < k:
            return [*self.path(m, k, start), self.root(start + k, start + size)]
        return [*self.path(m - k, size - k, start + k), self.root(start, start + k)]

    def proof(self, m: int, size: int) -> list[bytes]:
        """PROOF(m, D[:size])."""
        return self._subproof(m, 0, size, True)

    def _subproof(self, m: int, start: int, size: int, is_whole: bool) -> list[bytes]:
        if m == size:
            return [] if is_whole else [self.root(start, start + size)]
        k = _split(size)
        if m <= k:
            right = self.root(start + k, start + size)
            return [*self._subproof(m, start, k, is_whole), right]
        left = self.root(start, start + k)
        return [*self._subproof(m - k, start + k, size - k, False), left]


class Tiles:
    """A TileReader over all tiles of a tree, made from their definition; counts what is read."""

    def __init__(self, tree: Tree, size: int) -> None:
        self.rows: list[list[bytes]] = []
        self.read: list[tuple[int, int, int]] = []
        span = 1
        while size // span:
            starts = range(0, size // span * span, span)
            self.rows.append([tree.root(start, start + span) for start in starts])
            span *= 256

    def tile(self, level: int, n: int, width: int) -> bytes:
        self.read.append((level, n, width))
        row = self.rows[level][n * 256 : n * 256 + width]
        assert len(row) == width, "a tile was asked for that the tree does not have"
        return b"".join(row)

    def all(self) -> dict[tuple[int, int], bytes]:
        """Every tile, full or not, by (level, n)."""
        return {
            (level, n): b"".join(row[n * 256 : n * 256 + 256])
            for level, row in enumerate(self.rows)
            for n in range(-(-len(row) // 256))
        }


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k
