"""Where tiles come from: the store implements this, and so can whoever fetches them."""

from __future__ import annotations

from typing import Protocol

from keys.errors import declare
from ledger.tree.merkle import HASH
from ledger.tree.tiles import tile_width

SHORT = declare(
    "damaged.tree.tile",
    "A tile holds fewer hashes than the tree demands.",
    "Get the tile again; run `cellbook fsck` where the ledger is yours.",
)


class TileReader(Protocol):
    """Gives the tiles of one log."""

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first ``width`` hashes of a tile, 1 to 256, 32 bytes each; more may follow them.

        Raises ``damaged.*``, ``missing.*`` or ``unavailable.*`` where it cannot.
        """


def read_tile(reader: TileReader, level: int, n: int, size: int) -> bytes:
    """What the tree of ``size`` has of a tile: 0 to 256 hashes.

    Raises ``damaged.tree.tile`` where fewer come, and what the reader raises. Whether they are the
    right hashes is not checked: who must know compares roots.
    """
    width = tile_width(level, n, size)
    if width == 0:
        return b""
    data = reader.tile(level, n, width)
    if len(data) < width * HASH:
        raise SHORT.at(f"tile {level}/{n}", f"{len(data)} bytes, {width * HASH} are needed")
    return data[: width * HASH]
