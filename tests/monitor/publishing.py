"""A log of a test as published files: in a folder, or in memory where a test can spoil them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from keys.errors import CellbookError, MissingError
from ledger.custody.decision import read_content
from ledger.log.ledger import Ledger
from ledger.monitor.source import TOO_LARGE
from ledger.proof.receipt import ReceiptIssuer
from ledger.proof.signed_root import SignedRoot
from ledger.tree.growth import Growth
from ledger.tree.merkle import leaf_hash
from ledger.tree.tiles import TILE, encode_entry_bundle, tile_path
from ledger.wire.base64text import decode_base64url
from ledger.wire.statement import parse_statement
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
        kind, _, name = path.partition("/")
        try:
            if kind == "lists":
                scheme, _, root = name.split("/")
                return self._ledger.lists.rows(scheme, decode_base64url(root))
            if kind == "signed-root":
                return self._ledger.signed_root(int(name))
            return self._ledger.checkpoint() if path == "checkpoint" else self._ledger.tile(path)
        except MissingError:
            return None


def published(log: LyingLog, size: int | None = None, note: bytes | None = None) -> Files:
    """All files of a log of ``size`` entries, by path."""
    leaves = log.leaves[:size]
    files = {"checkpoint": note or log.note(len(leaves)), **tiles_of(leaves)}
    with suppress(CellbookError):
        files[f"signed-root/{len(leaves)}"] = signed_root(log, len(leaves))
    return files


def signed_root(log: LyingLog, size: int, by: str = "receipts", **changes: Any) -> bytes:
    """The signed root at ``size``, whose last entry is a head, by the key that the log names."""
    head = read_content(parse_statement(log.leaves[size - 1]))
    values = {"time": getattr(head, "time", 0), "root": log.tree().root(0, size), **changes}
    issuer = ReceiptIssuer(log.keys[by], log.uri)
    return SignedRoot(size, *issuer.sign_root(size, values["time"], values["root"])).encode()


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
