"""Tiles and entry bundles of the published tree, by their C2SP paths.

What a checkpoint does not cover is not shown: readers verify what they get against the newest
checkpoint, and could not.
"""

from __future__ import annotations

from keys.errors import declare
from ledger.store.sql import SqlStore
from ledger.tree.tiles import TILE, encode_entry_bundle, parse_tile_path, tile_width

NO_TILE = declare(
    "missing.tile",
    "There is no such tile in the published tree.",
    "Take size and tile width from the newest checkpoint; where a partial tile is full by now, "
    "take the full one.",
)


def published_tile(store: SqlStore, path: str) -> bytes:
    """The bytes at ``path``, such as ``tile/0/x001/067.p/5`` or ``tile/entries/000``.

    Raises ``missing.tile`` and what ``parse_tile_path`` raises.
    """
    level, n, width = parse_tile_path(path)
    newest = store.checkpoint()
    size = 0 if newest is None else newest[0]
    hash_level = 0 if level is None else level
    present = tile_width(hash_level, n, size)
    # A partial tile is served until the tile is full, and then only the full one.
    if not (width == present or width < present < TILE):
        raise NO_TILE.at(path)
    if level is None:
        leaves = [entry.leaf for entry in store.entries(n * TILE, n * TILE + width)]
        return encode_entry_bundle(leaves)
    return store.tile(level, n, width)
