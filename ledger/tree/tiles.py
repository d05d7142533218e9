"""C2SP tlog-tiles: the paths of tiles and entry bundles, and the form of an entry bundle.

A tile holds up to 256 hashes: at level 0 leaf hashes, at level l + 1 the roots of full tiles of
level l. Its form is nothing but these hashes, one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from keys.errors import declare
from ledger.tree.merkle import LARGEST, number

TILE = 256
"""Hashes in a full tile, entries in a full bundle."""
TILE_BITS = 8
MAX_LEVEL = 63
MAX_ENTRY = 65_535
_LARGEST_N = LARGEST >> TILE_BITS
_LONGEST_PATH = 48
# Leading groups of zeros are refused: each tile has one path.
_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-9][0-9])/(?!x000)((?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/([1-9][0-9]{0,2}))?"
)

BAD_PATH = declare(
    "malformed.tile.path",
    "This is not the path of a tile or of an entry bundle.",
    "Write it as C2SP tlog-tiles says, such as `tile/0/x001/067.p/5` or `tile/entries/000`.",
)
BUNDLE = declare(
    "malformed.tile.bundle",
    "The bytes are not an entry bundle: 1 to 256 entries of at most 65,535 bytes.",
    "Get the entry bundle again.",
)


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes, 0 to 256, tile ``n`` of ``level`` has in the tree of ``size``."""
    return max(0, min(TILE, (size >> TILE_BITS * level) - n * TILE))


def tile_path(level: int | None, n: int, width: int = TILE) -> str:
    """The path of a tile, or with ``level`` None that of an entry bundle.

    ``width`` is 256, or 1 to 255 for a partial one. Raises ``malformed.tile.path``.
    """
    if not _is_tile(level, n, width):
        raise BAD_PATH.at("tile", f"n {number(n)}, width {number(width)}")
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03}")
    part = "" if width == TILE else f".p/{width}"
    return f"tile/{'entries' if level is None else level}/{'/'.join(reversed(groups))}{part}"


def parse_tile_path(path: str) -> tuple[int | None, int, int]:
    """(level, n, width) of a path that starts at ``tile/``; level None for an entry bundle.

    Only the one form that ``tile_path`` writes is read. Raises ``malformed.tile.path``. That there
    is such a tile is not checked.
    """
    if type(path) is not str or len(path) > _LONGEST_PATH:
        raise BAD_PATH.at("path")
    found = _PATH.fullmatch(path)
    if found is None:
        raise BAD_PATH.at("path", repr(path))
    name, groups, part = found.groups()
    level = None if name == "entries" else int(name)
    n = int(groups.replace("x", "").replace("/", ""))
    width = TILE if part is None else int(part)
    if not _is_tile(level, n, width) or (part is not None and width == TILE):
        raise BAD_PATH.at("path", repr(path))
    return level, n, width


def encode_entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Each entry after its length, 16 bits, big-endian. Raises ``malformed.tile.bundle``."""
    if not 0 < len(entries) <= TILE:
        raise BUNDLE.at("entry bundle", f"{len(entries)} entries")
    if max(map(len, entries)) > MAX_ENTRY:
        raise BUNDLE.at("entry bundle", f"an entry of {max(map(len, entries))} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_entry_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ``malformed.tile.bundle``.

    Whether they are as many as the bundle's path says, and are those of the log, is not checked:
    compare their leaf hashes with the tile.
    """
    entries: list[bytes] = []
    offset = 0
    while offset < len(data):
        start = offset + 2
        offset = start + int.from_bytes(data[offset:start], "big")
        if offset > len(data) or len(entries) == TILE:
            raise BUNDLE.at(f"entry {len(entries)}", "it is cut off, or one too many")
        entries.append(data[start:offset])
    if not entries:
        raise BUNDLE.at("entry bundle", "it is empty")
    return entries


def _is_tile(level: int | None, n: int, width: int) -> bool:
    is_level = level is None or 0 <= level <= MAX_LEVEL
    return is_level and 0 <= n <= _LARGEST_N and 1 <= width <= TILE
