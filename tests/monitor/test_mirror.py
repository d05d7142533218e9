"""Static copies: whole at any moment, checked before they are written, and enough for an audit."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from keys.durable import write_whole
from keys.errors import CellbookError
from keys.signer import generate
from ledger.monitor import notices
from ledger.monitor.auditing.audit import Auditor
from ledger.monitor.copying import mirror as mirroring
from ledger.monitor.copying import rows
from ledger.monitor.copying.mirror import LOCAL, Mirrored, mirror
from ledger.monitor.copying.offline import OfflineLog
from ledger.monitor.source import FolderSource
from ledger.wire.note import sign_note
from tests.monitor.publishing import Files, FilesSource, published
from tests.proof.lying import OTHER, PACK, LyingLog, begun, code


@pytest.fixture(scope="module")
def log() -> LyingLog:
    """520 entries and a head at 260: the copies of both differ in whole tiles."""
    made = begun()
    for number in range(1, 253):
        made.event("manufacture", code(number))
    made.head()
    for number in range(253, 513):
        made.event("manufacture", code(number))
    made.head()
    return made


FIRST = 2
"""Genesis and the first head."""


def files_in(folder: Path) -> Files:
    found = (path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    return {path: data for path, data in files.items() if not path.startswith(LOCAL)}


def small(log: LyingLog) -> int:
    sizes = [n for n in range(250, 262) if b"head" in log.leaves[n - 1]]
    return sizes[0]


def test_a_copy_is_the_same_files(log: LyingLog, tmp_path: Path) -> None:
    files = published(log)
    done = mirror(FilesSource(files), tmp_path / "copy")
    assert files_in(tmp_path / "copy") == files
    root = log.tree().root(0, log.size)
    assert done == Mirrored(log.origin, log.size, root, 0, len(files) - 2, 0)


def test_a_copy_grows(log: LyingLog, tmp_path: Path) -> None:
    """What is there is not fetched again, and partial tiles go when the full ones are there."""
    copy, first = tmp_path / "copy", published(log, small(log))
    mirror(FilesSource(first), copy)
    assert files_in(copy) == first
    source = FilesSource(published(log))
    done = mirror(source, copy)
    assert done.before == small(log)
    found = files_in(copy)
    assert {path: found[path] for path in source.files} == source.files
    full = {path for path in first if path.startswith("tile/") and ".p/" not in path}
    assert full.isdisjoint(source.asked)
    # What the older checkpoint needs may stay: its signed root, partial tiles that are not full.
    stays = ("tile/1/", "signed-root/")
    assert found.keys() - source.files.keys() <= {path for path in first if path.startswith(stays)}


def test_a_copy_can_be_audited(log: LyingLog, tmp_path: Path) -> None:
    mirror(FilesSource(published(log)), tmp_path / "copy")
    with Auditor(log.trust(), tmp_path / "state", processes=1) as auditor:
        assert auditor.run(FolderSource(tmp_path / "copy")).size == log.size


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/001", "tile/entries/000"])
def test_wrong_files_are_not_written(log: LyingLog, tmp_path: Path, path: str) -> None:
    copy = tmp_path / "copy"
    mirror(FilesSource(published(log, small(log))), copy)
    before = files_in(copy)
    files = published(log)
    files[path] = files[path][:-1] + bytes([files[path][-1] ^ 1])
    if path in before:
        # It is not even asked for.
        assert mirror(FilesSource(files), copy).size == log.size
        assert files_in(copy)[path] == before[path]
        return
    with pytest.raises(CellbookError) as caught:
        mirror(FilesSource(files), copy)
    assert caught.value.code.startswith(("failed.published.", "malformed."))
    found = files_in(copy)
    assert path not in found
    assert found["checkpoint"] == before["checkpoint"]
    mirror(FilesSource(published(log)), copy)
    assert files_in(copy)[path] == published(log)[path]


def test_a_copy_does_not_go_back_or_fork(tmp_path: Path) -> None:
    log, fork = begun(), begun()
    for each, pack in ((log, PACK), (fork, OTHER)):
        each.live(pack, "manufacture", "install")
        each.head()
    copy = tmp_path / "copy"
    first = published(log)
    log.event("incident", PACK)
    log.head()
    mirror(FilesSource(published(log)), copy)
    fork.event("incident", OTHER)
    fork.head()
    fork.head()
    other = begun(origin="log.example/other")
    other.head()
    expected = {
        "failed.audit.rollback": first,
        "failed.audit.fork": published(fork),
        "failed.checkpoint.origin": published(other),
    }
    for code_, files in expected.items():
        with pytest.raises(CellbookError) as caught:
            mirror(FilesSource(files), copy)
        assert caught.value.code == code_
    assert files_in(copy)["checkpoint"] == log.note()


def test_a_file_that_was_damaged_in_the_copy_is_noticed(log: LyingLog, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    mirror(FilesSource(published(log)), copy)
    tile = copy / "tile/1/000.p/2"
    tile.write_bytes(bytes(64))
    with pytest.raises(CellbookError) as caught:
        mirror(FilesSource(published(log)), copy)
    assert caught.value.code == "failed.published.tree"


def exchanged(files: Files, one: str, other: str) -> Files:
    return {**files, one: files[other], other: files[one]}


SPOILT: dict[str, Callable[[Files], Files]] = {
    "a tile cut off": lambda files: {**files, "tile/0/000": files["tile/0/000"][:-32]},
    "a tile cut in a hash": lambda files: {**files, "tile/0/001": files["tile/0/001"][:-1]},
    "a bundle cut off": lambda files: {
        **files,
        "tile/entries/000": files["tile/entries/000"][:-1],
    },
    "no tile at all": lambda files: {**files, "tile/1/000.p/2": b""},
    "tiles exchanged": lambda files: exchanged(files, "tile/0/000", "tile/0/001"),
    "bundles exchanged": lambda files: exchanged(files, "tile/entries/000", "tile/entries/001"),
    "an endless tile": lambda files: {**files, "tile/0/001": bytes(1 << 24)},
    "an endless bundle": lambda files: {**files, "tile/entries/001": bytes(1 << 26)},
    "an endless checkpoint": lambda files: {**files, "checkpoint": bytes(1 << 24)},
    "a checkpoint cut off": lambda files: {**files, "checkpoint": files["checkpoint"][:-7]},
    "a checkpoint without its signature": lambda files: {
        **files,
        "checkpoint": sign_note(files["checkpoint"].partition(b"\n\n")[0] + b"\n", "x", generate()),
    },
    "a tile that is gone": lambda files: {k: v for k, v in files.items() if k != "tile/0/000"},
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_sources(log: LyingLog, tmp_path: Path, name: str) -> None:
    """Nothing of it stays but what is right; the copy before and its dossiers are whole."""
    copy, right = tmp_path / "copy", published(log)
    mirror(FilesSource(published(log, FIRST)), copy)
    before = files_in(copy)
    with pytest.raises(CellbookError) as caught:
        mirror(FilesSource(SPOILT[name](right)), copy)
    expected = ("failed.published", "failed.note.unsigned", "malformed.", "missing.published")
    assert caught.value.code.startswith(expected)
    found = files_in(copy)
    assert {path: found[path] for path in before} == before
    assert all(right[path] == data for path, data in found.items() if path not in before)
    assert mirror(FilesSource(right), copy).size == log.size


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/1/000.p/2", "tile/entries/001"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to itself"])
def test_a_folder_with_what_is_no_file(log: LyingLog, tmp_path: Path, path: str, kind: str) -> None:
    """Nobody waits for a writer of a pipe, and a device gives no more than a file could have."""
    copy, spoilt = tmp_path / "copy", tmp_path / "copy" / path
    mirror(FilesSource(published(log)), copy)
    spoilt.unlink()
    match kind:
        case "pipe":
            os.mkfifo(spoilt)
        case "device":
            spoilt.symlink_to("/dev/zero")
        case "folder":
            spoilt.mkdir()
        case _:
            spoilt.symlink_to(spoilt.name)
    with pytest.raises(CellbookError) as caught:
        mirror(FolderSource(copy), tmp_path / "second")
    assert caught.value.code == "unavailable.published"
    assert not (tmp_path / "second" / "checkpoint").exists()


def test_a_source_that_moves_on(log: LyingLog, tmp_path: Path) -> None:
    """The checkpoint is read once: what is copied is of its size, whatever comes meanwhile."""

    class Moving(FilesSource):
        def fetch(self, path: str, most: int) -> bytes | None:
            data = super().fetch(path, most)
            if path == "checkpoint":
                # What the older size needs beside the newer: its signed root, by its size.
                self.files = {**self.files, **published(log)}
            return data

    copy, size = tmp_path / "copy", small(log)
    assert mirror(Moving(published(log, size)), copy).size == size
    assert (copy / f"signed-root/{size}").exists()
    assert not (copy / f"signed-root/{log.size}").exists()
    with OfflineLog(copy) as read:
        assert read.checkpoint_size() == size
    assert mirror(Moving(published(log)), copy).size == log.size


class Killed:
    """Lets some files be written, and is killed then."""

    def __init__(self, files: int) -> None:
        self._left = files

    def __call__(self, path: Path, data: bytes) -> None:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        write_whole(path, data)


def test_killed_at_any_file(log: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is that of its checkpoint, the old one or the new one."""
    copy, size = tmp_path / "copy", small(log)
    mirror(FilesSource(published(log, size)), copy)
    for files in range(12):
        killed = Killed(files)
        with monkeypatch.context() as patch:
            for module in (mirroring, rows, notices):
                patch.setattr(module, "write_whole", killed)
            with suppress(KeyboardInterrupt):
                mirror(FilesSource(published(log)), copy)
        with OfflineLog(copy) as read:
            assert read.checkpoint_size() in (size, log.size)
            read.receipts([0, 1], read.checkpoint_size())
    assert read.checkpoint_size() == log.size
