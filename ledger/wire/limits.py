"""What a decoder may be made to do by bytes that nobody has checked yet."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one decoded CBOR item. Callers narrow or widen them for their format.

    ``size`` is in bytes. ``depth`` counts the arrays, maps and tags around an item. ``items``
    bounds the elements of one array or the pairs of one map, ``total`` all data items together:
    an empty map is one byte on the wire and 64 in memory, so size alone would not bound memory.
    ``smallest`` and ``greatest`` bound integers; the default is what a signed or an unsigned
    64-bit integer of another language can hold.

    The default size leaves room for sixteen of the largest log entries.
    """

    size: int = 1 << 20
    depth: int = 16
    items: int = 65_536
    total: int = 65_536
    smallest: int = -(1 << 63)
    greatest: int = (1 << 64) - 1


DEFAULT = Limits()
