"""What a verifier remembers of a log: growth, rollback, forks, and what cannot be told."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.monitor.kept import KeptCheckpoint
from ledger.monitor.source import FolderSource, LogSource
from ledger.proof.checkpoint import Checkpoint, format_body, open_checkpoint
from ledger.tree.merkle import leaf_hash, verify_consistency
from ledger.tree.tiles import tile_path
from ledger.wire.note import sign_note
from ledger.wire.verifier import Verifier
from tests.tree.reference import Tiles, Tree

ORIGIN, KEY = "log.example/kept", generate()
LOG = Verifier.from_key(ORIGIN, KEY.key)
HONEST = Tree([leaf_hash(b"%d" % n) for n in range(300)])
FORKED = Tree([leaf_hash(b"%d" % (n if n != 7 else -1)) for n in range(300)])


def note(size: int, tree: Tree = HONEST, origin: str = ORIGIN) -> bytes:
    body = format_body(Checkpoint(origin, size, tree.root(0, size)))
    return sign_note(body, origin, KEY)


class Service:
    """Answers as a service does that has the files of a folder."""

    def __init__(self, files: FolderSource) -> None:
        self.fetch = files.fetch


def published(folder: Path, size: int, tree: Tree = HONEST) -> FolderSource:
    """The log as static files, at ``size``."""
    for (level, n), data in Tiles(tree, size).all().items():
        file = folder / tile_path(level, n, len(data) // 32)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (folder / "checkpoint").write_bytes(note(size, tree))
    return FolderSource(folder)


class Verifying:
    """A verifier with a state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"

    def see(self, seen: bytes, source: LogSource | None = None) -> None:
        with closing(KeptCheckpoint(self.folder, ORIGIN)) as kept:
            kept.see(seen, LOG, source)

    def refused(self, seen: bytes, source: LogSource | None = None) -> CellbookError:
        before = self.kept()
        with pytest.raises(CellbookError) as found:
            self.see(seen, source)
        assert self.kept() == before
        return found.value

    def kept(self) -> int:
        with closing(KeptCheckpoint(self.folder, ORIGIN)) as kept:
            assert kept.note is not None
            return open_checkpoint(kept.note, LOG)[0].size


@pytest.fixture
def verifying(tmp_path: Path) -> Verifying:
    made = Verifying(tmp_path)
    made.see(note(100))
    return made


def test_the_newest_is_kept(verifying: Verifying, tmp_path: Path) -> None:
    log = published(tmp_path / "log", 300)
    verifying.see(note(100))
    verifying.see(note(299), log)
    assert verifying.kept() == 299
    # An older one of the same history is no contradiction, and takes nothing back.
    verifying.see(note(20), log)
    assert verifying.kept() == 299


def test_without_a_log_nothing_is_told(verifying: Verifying) -> None:
    for size in (99, 101):
        error = verifying.refused(note(size))
        assert (error.code, error.exit_code) == ("undecided.state.unproven", 3)


def test_two_heads_of_one_size(verifying: Verifying) -> None:
    error = verifying.refused(note(100, FORKED))
    assert (error.code, error.exit_code) == ("failed.audit.fork", 1)
    place = Path(str(error.facts["evidence"]))
    trees = [open_checkpoint((place / name).read_bytes(), LOG)[0]
             for name in ("checkpoint", "checkpoint-before")]  # fmt: skip
    assert trees[0].size == trees[1].size
    assert trees[0].root != trees[1].root


@pytest.mark.parametrize("shown", [299, 50])
@pytest.mark.parametrize("served", [HONEST, FORKED])
def test_a_fork(verifying: Verifying, tmp_path: Path, shown: int, served: Tree) -> None:
    """Whichever of its two histories the log serves, a stranger can see both."""
    log = published(tmp_path / "log", 300, served)
    error = verifying.refused(note(shown, FORKED), log)
    assert error.code == "failed.audit.fork"
    place = Path(str(error.facts["evidence"]))
    newer, older = (
        open_checkpoint((place / name).read_bytes(), LOG)[0]
        for name in ("checkpoint", "checkpoint-before")
    )
    fault = json.loads((place / "fault.json").read_bytes())
    path = [bytes.fromhex(item) for item in fault["consistency"]]
    root = bytes.fromhex(fault["root_in_newer_tree"])
    verify_consistency(older.size, newer.size, root, newer.root, path)
    assert root != older.root
    again = verifying.refused(note(shown, FORKED), log)
    assert again.facts["evidence"] == str(place)


def test_a_log_that_goes_back(verifying: Verifying, tmp_path: Path) -> None:
    error = verifying.refused(note(50), Service(published(tmp_path / "log", 60)))
    assert (error.code, error.exit_code) == ("failed.audit.rollback", 1)
    place = Path(str(error.facts["evidence"]))
    assert (place / "checkpoint").read_bytes() == note(60)
    assert (place / "checkpoint-before").read_bytes() == note(100)


@pytest.mark.parametrize("shown", [50, 80, 200])
def test_a_copy_that_is_behind(verifying: Verifying, tmp_path: Path, shown: int) -> None:
    """Old copies are honest; but what one shows to be forked is."""
    error = verifying.refused(note(shown), published(tmp_path / "log", 60))
    assert (error.code, error.exit_code) == ("undecided.audit.behind", 3)
    assert not list(verifying.folder.glob("*/evidence/*"))
    forked = published(tmp_path / "forked", 60, FORKED)
    code = "failed.audit.fork" if shown <= 60 else "undecided.audit.behind"
    assert verifying.refused(note(shown), forked).code == code


def test_a_log_that_does_not_show_it(verifying: Verifying, tmp_path: Path) -> None:
    behind = published(tmp_path / "behind", 150)
    assert verifying.refused(note(200), behind).code == "undecided.state.log"
    assert verifying.refused(note(200), FolderSource(tmp_path)).code == "undecided.state.log"
    swapped = published(tmp_path / "swapped", 300)
    first = tmp_path / "swapped" / tile_path(0, 0, 256)
    first.write_bytes(first.read_bytes()[::-1])
    assert verifying.refused(note(299), swapped).code == "undecided.state.log"


def test_each_log_has_its_own(verifying: Verifying) -> None:
    other = "log.example/other"
    with closing(KeptCheckpoint(verifying.folder, other)) as kept:
        assert kept.note is None
        kept.see(note(1, origin=other), Verifier.from_key(other, KEY.key), None)
        (kept.path / "checkpoint").write_bytes(note(1))
    with pytest.raises(CellbookError) as found:
        KeptCheckpoint(verifying.folder, other)
    assert found.value.code == "damaged.state"
    assert verifying.kept() == 100


@pytest.mark.parametrize("data", [b"", b"log.example/kept\n", b"\xff" * 99])
def test_a_damaged_state(verifying: Verifying, data: bytes) -> None:
    (file,) = verifying.folder.glob("*/checkpoint")
    file.write_bytes(data)
    with pytest.raises(CellbookError) as found:
        verifying.see(note(100))
    assert found.value.code == "damaged.state"


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CellbookError) as found:
        KeptCheckpoint(tmp_path / "file", ORIGIN)
    assert found.value.code == "unavailable.state"
