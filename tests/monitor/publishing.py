"""A log of a test as published files: in a folder, or in memory where a test can spoil them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keys.errors import MissingError
from ledger.log.ledger import Ledger
from ledger.monitor.source import TOO_LARGE
from ledger.tree.growth import Growth
from ledger.tree.merkle import leaf_hash
from ledger.tree.tiles import TILE, encode_entry_bundle, tile_path
from tests.proof.lying import LyingLog

Files = dict[str, bytes]


class FilesSource:
    """A ``LogSource`` over ``files``. ``asked`` are the paths that were fetched."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.asked: list[str] = []

    def fetch(self, path: str, most: int) -> bytes | None:
        self.asked.append(path)
        data = self.files.get(path)
        if data is not None and len(data) > most:
            raise TOO_LARGE.at(path)
        return data


class LedgerSource:
    """What a service publishes, without HTTP."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def fetch(self, path: str, most: int) -> bytes | None:
        try:
            return self._ledger.checkpoint() if path == "checkpoint" else self._ledger.tile(path)
        except MissingError:
            return None


def published(log: LyingLog, size: int | None = None, note: bytes | None = None) -> Files:
    """All files of a log of ``size`` entries, by path."""
    leaves = log.leaves[:size]
    return {"checkpoint": note or log.note(len(leaves)), **tiles_of(leaves)}


def tiles_of(leaves: Sequence[bytes]) -> Files:
    """Tiles and entry bundles over ``leaves``, by path."""
    files: Files = {}
    for start in range(0, len(leaves), TILE):
        part = leaves[start : start + TILE]
        files[tile_path(None, start // TILE, len(part))] = encode_entry_bundle(part)
    grown = Growth.empty().append([leaf_hash(leaf) for leaf in leaves])
    for (level, n), data in grown.tiles.items():
        files[tile_path(level, n, len(data) // 32)] = data
    return files


def write_files(folder: Path, files: Files) -> Path:
    """The files in a folder, as a web server would have them."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder
