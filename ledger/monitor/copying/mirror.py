"""A static copy of a published log: the same files under the same paths.

Order: tiles and bundles, rows of lists, the signed root of the checkpoint's size, and last the
checkpoint, so the copy is whole at any moment: that of the checkpoint which lies in it. All is
checked against the checkpoint before it is written, the signed root and the checkpoint itself by
the keys that the log's own policy names. Files are written once; what is there is not fetched
again. Other signatures are not checked here, nor is what the entries say: that is what an audit of
the copy is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from keys.durable import write_whole
from keys.errors import declare
from keys.purposes import CHECKPOINT as CHECKPOINT_KEY
from keys.purposes import RECEIPTS
from ledger.custody.names.naming import log_uri
from ledger.monitor.auditing.faults import FORK, ROLLBACK
from ledger.monitor.checked import CheckedTiles
from ledger.monitor.copying.rows import copy_rows
from ledger.monitor.notices import Notices
from ledger.monitor.source import (
    CHECKPOINT,
    SIGNED_ROOT,
    FolderSource,
    LogSource,
    fetch_checkpoint,
    fetch_signed_root,
    signed_root_path,
    stated_checkpoint,
)
from ledger.proof.checkpoint import ORIGIN, Checkpoint, open_checkpoint
from ledger.proof.signed_root import SignedRoot, parse_signed_root, verify_signed_root
from ledger.tree.proofs import Proofs
from ledger.tree.tiles import TILE, encode_entry_bundle, tile_path, tile_width
from ledger.wire.note import MAX_NOTE
from ledger.wire.verifier import Verifier

UNWRITABLE = declare(
    "unavailable.mirror",
    "The copy cannot be written.",
    "Check the folder, whose it is, and that its disk is not full.",
)

Progress = Callable[[int, int], None]
LOCAL = ".cellbook"
"""A folder in a copy for what is found out about it. It belongs to no published log."""
NOTICES = "notices.json"
_AT_ONCE = 4

Place = tuple[int | None, int]
"""(level, n) of a tile; level None for a bundle."""


class Mirrored(msgspec.Struct, frozen=True):
    """A copy of the tree of ``size`` entries. ``written`` counts the new tiles and bundles,
    ``without_rows`` the snapshots of lists of which the source has no rows."""

    origin: str
    size: int
    root: bytes
    before: int
    written: int
    without_rows: int


def mirror(source: LogSource, folder: Path, progress: Progress | None = None) -> Mirrored:
    """Copy what ``source`` publishes now into ``folder``, where an older copy may lie.

    Raises ``failed.audit.rollback`` and ``failed.audit.fork`` where the older copy is not the
    beginning of it, ``failed.published.*``, ``failed.signed-root``, ``failed.signature``,
    ``failed.note.*``, ``failed.list.root``, ``malformed.*``, ``missing.published``,
    ``unavailable.*``. The copy that was there stays usable then.
    """
    note = fetch_checkpoint(source)
    newest = stated_checkpoint(note)
    here = FolderSource(folder)
    before = here.fetch(CHECKPOINT, MAX_NOTE)
    older = None if before is None else stated_checkpoint(before)
    if older is not None:
        _check_growth(older, newest)
    tiles = CheckedTiles(_FirstHere(here, source), newest.size, newest.root)
    if older is not None and Proofs(tiles).root(older.size) != older.root:
        raise FORK.at(f"checkpoint of {newest.size}", f"of its first {older.size} entries")
    try:
        written = _copy(tiles, folder, progress or (lambda done, total: None))
        notices = Notices(tiles, folder / LOCAL / NOTICES)
        without_rows = copy_rows(source, folder, notices.snapshots())
        signed = checked_signed_root(_FirstHere(here, source), notices, newest)
        key = notices.log_key(CHECKPOINT_KEY)
        open_checkpoint(note, Verifier.from_key(newest.origin, key))
        _write(folder / signed_root_path(newest.size), signed.encode())
        write_whole(folder / CHECKPOINT, note)
    except OSError as error:
        raise UNWRITABLE.at(str(folder), error.strerror or "") from None
    _drop_partial(folder, older, newest)
    _drop_signed_roots(folder, older, newest)
    size = 0 if older is None else older.size
    return Mirrored(newest.origin, newest.size, newest.root, size, written, without_rows)


def checked_signed_root(source: LogSource, notices: Notices, checkpoint: Checkpoint) -> SignedRoot:
    """The signed root of ``checkpoint``, genuine by the key that the log's policy names.

    Raises ``failed.signed-root``, ``failed.signature``, ``failed.published.*``, ``malformed.*`` and
    what the source raises.
    """
    signed = parse_signed_root(fetch_signed_root(source, checkpoint.size))
    key, time = notices.log_key(RECEIPTS), notices.head().time
    uri = log_uri(checkpoint.origin)
    verify_signed_root(signed, key, uri, checkpoint.size, time, checkpoint.root)
    return signed


class _FirstHere:
    """The copy, and what it lacks from the source. Both are checked in the same way."""

    def __init__(self, here: LogSource, source: LogSource) -> None:
        self._here = here
        self._source = source

    def fetch(self, path: str, most: int) -> bytes | None:
        found = self._here.fetch(path, most)
        return self._source.fetch(path, most) if found is None else found


def _check_growth(older: Checkpoint, newest: Checkpoint) -> None:
    if older.origin != newest.origin:
        raise ORIGIN.at("checkpoint", f"{newest.origin!r:.80}, the copy is of {older.origin}")
    if newest.size < older.size:
        raise ROLLBACK.at("checkpoint", f"{newest.size} entries, {older.size} before")


def _copy(tiles: CheckedTiles, folder: Path, progress: Progress) -> int:
    """Write what is not there; gives how many files that were."""
    total = sum(1 for _ in _places(tiles.size))
    written = done = 0
    with ThreadPoolExecutor(_AT_ONCE, "cellbook-mirror") as threads:
        waiting: list[Place] = []
        for place in _places(tiles.size):
            done += 1
            if not _path(folder, place, tiles.size).exists():
                waiting.append(place)
            if len(waiting) == _AT_ONCE * 4 or done == total:
                found = threads.map(lambda place: (place, _read(tiles, place)), waiting)
                for each, data in found:
                    _write(_path(folder, each, tiles.size), data)
                    written += 1
                waiting = []
                progress(done, total)
    return written


def _places(size: int) -> Iterator[Place]:
    """All tiles and bundles of a tree, the upper levels first: what is below is checked by them."""
    levels = [level for level in range(8) if tile_width(level, 0, size)]
    for level in reversed(levels):
        for n in range(-(-(size >> 8 * level) // TILE)):
            yield level, n
    for n in range(-(-size // TILE)):
        yield None, n


def _path(folder: Path, place: Place, size: int) -> Path:
    level, n = place
    return folder / tile_path(level, n, tile_width(level or 0, n, size))


def _read(tiles: CheckedTiles, place: Place) -> bytes:
    level, n = place
    if level is None:
        return encode_entry_bundle(tiles.entries(n))
    return tiles.tile(level, n, tile_width(level, n, tiles.size))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def _drop_partial(folder: Path, older: Checkpoint | None, newest: Checkpoint) -> None:
    """Remove partial tiles of the older copy that have become full: nothing needs them now."""
    if older is None:
        return
    for place in _places(older.size):
        level, n = place
        width, now = (tile_width(level or 0, n, size) for size in (older.size, newest.size))
        if width < TILE == now:
            partial = folder / tile_path(level, n, width)
            with suppress(OSError):
                for file in partial.parent.iterdir():
                    file.unlink()
                partial.parent.rmdir()


def _drop_signed_roots(folder: Path, older: Checkpoint | None, newest: Checkpoint) -> None:
    """Keep those of this checkpoint and of the one before, which somebody may be reading."""
    kept = {str(newest.size), str(older.size) if older is not None else ""}
    with suppress(OSError):
        for file in (folder / SIGNED_ROOT).iterdir():
            if file.name not in kept:
                file.unlink()
