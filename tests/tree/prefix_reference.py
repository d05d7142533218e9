"""The index by its definition: one dictionary, hashed from scratch, nothing of ``ledger.tree``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256

EMPTY = sha256(b"\x21").digest()
Way = list[bytes]


@lru_cache(1 << 14)
def bits(key: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in key)


def root(values: Mapping[bytes, bytes], prefix: str = "") -> bytes:
    """The node over all keys whose bits begin with ``prefix``."""
    below = {key: value for key, value in values.items() if bits(key).startswith(prefix)}
    if not below:
        return EMPTY
    if len(below) == 1:
        ((key, value),) = below.items()
        return sha256(b"\x22" + key + value).digest()
    return sha256(b"\x23" + root(below, prefix + "0") + root(below, prefix + "1")).digest()


def siblings(values: Mapping[bytes, bytes], key: bytes) -> Way:
    """The siblings on the way of ``key``, from the root down, until at most one key is left."""
    way, prefix, below = [], "", dict(values)
    while len(below) > 1:
        bit = bits(key)[len(prefix)]
        way.append(root(below, prefix + ("1" if bit == "0" else "0")))
        prefix += bit
        below = {k: v for k, v in below.items() if bits(k).startswith(prefix)}
    return way


class Blocks:
    """Keeps blocks in memory and counts what is read and written."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}
        self.read = 0
        self.written = 0

    def blocks(self, places: list[bytes]) -> dict[bytes, bytes]:
        self.read += len(places)
        return {place: self.held[place] for place in places if place in self.held}

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        self.written += len(blocks)
        self.held |= blocks
