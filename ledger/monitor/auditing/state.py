"""What an auditor keeps of a log between its runs: a folder of files.

    audited.json    the newest checkpoint whose whole tree was audited
    progress.json   how far the audit of the next one has come
    states-<n>      subjects: states and chains, appended whenever they change
    blocks-<n>      blocks of the recomputed index, as of some moment before the mark
    ids, links      ids of entries; which entries concern a subject
    cosigned        the newest checkpoint that this auditor has cosigned, as a note
    evidence/       what was found to be wrong

Each of the two marks says how many bytes of the other files belong to it. It is written, whole,
after them, so an auditor may be killed at any moment and goes on from its last mark.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from keys.durable import write_whole
from keys.errors import CellbookError, declare
from ledger.monitor.auditing.records import DAMAGED, Records

OTHER_LOG = declare(
    "usage.audit.state",
    "The state folder belongs to the audit of another log.",
    "Name the folder of this log's audit, or an empty one.",
)
FOLDER = declare(
    "unavailable.audit.state",
    "The state folder cannot be used.",
    "Check the folder, whose it is, and that its disk is not full.",
)
BUSY = declare(
    "busy.audit.state",
    "Another audit uses this state folder.",
    "Wait until it has ended, or use another folder.",
)

AUDITED, PROGRESS, COSIGNED = "audited.json", "progress.json", "cosigned"
_VERSION = 2
_MAX_FILE = 4 << 20


class Mark(msgspec.Struct, frozen=True):
    """``size`` entries of a log are audited, on the way to the checkpoint in ``note``.

    ``states`` and ``blocks`` are names of files; ``states_bytes``, ``blocks_bytes`` and
    ``links_bytes`` are what counts of the files. Blocks hold what stands in the first ``put_in``
    bytes of states. ``heads`` and ``governance`` count entries, ``resting`` batteries with a past
    in the log before.
    """

    origin: str
    genesis: bytes
    note: bytes
    size: int
    heads: int
    governance: int
    states: str
    states_bytes: int
    links_bytes: int
    blocks: str
    blocks_bytes: int
    put_in: int
    version: int = _VERSION
    resting: int = 0


class StateFolder:
    """The folder of one audit, held by this process until it is closed."""

    def __init__(self, path: Path, origin: str, genesis: bytes) -> None:
        """Makes the folder if there is none. Raises ``usage.audit.state``, ``busy.audit.state``,
        ``unavailable.audit.state``, ``damaged.audit.state``."""
        self.path = path
        self._names = (origin, genesis)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path)
        except OSError as error:
            raise FOLDER.at(str(path), error.strerror or "") from None
        try:
            self.mark()
        except CellbookError:
            self.close()
            raise

    def close(self) -> None:
        """Let others use the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def mark(self) -> Mark | None:
        """The newest mark; None before the first."""
        # An auditor that was killed between the two leaves progress behind that has ended.
        marks = [mark for name in (PROGRESS, AUDITED) if (mark := self._read(name)) is not None]
        return max(marks, key=lambda mark: mark.size, default=None)

    def open_records(self, name: str, size: int) -> Records:
        """One of the growing files. Raises ``damaged.audit.state``, ``unavailable.audit.state``."""
        try:
            return Records(self.path / name, size)
        except OSError as error:
            raise FOLDER.at(name, error.strerror or "") from None

    def keep_progress(self, mark: Mark) -> None:
        """Go on from ``mark`` next time. Raises ``unavailable.audit.state``."""
        self._write(PROGRESS, mark)
        self._drop_others(mark, self._read(AUDITED))

    def keep_audited(self, mark: Mark) -> None:
        """A checkpoint was audited whole. Raises ``unavailable.audit.state``."""
        self._write(AUDITED, mark)
        self.forget_progress()
        self._drop_others(mark)

    def cosigned(self) -> bytes | None:
        """The newest note that was cosigned. Raises ``unavailable.audit.state``."""
        try:
            return _note(self.path / COSIGNED)
        except OSError as error:
            raise FOLDER.at(COSIGNED, error.strerror or "") from None

    def keep_cosigned(self, note: bytes) -> None:
        """Remember what was cosigned, on the disk. Raises ``unavailable.audit.state``."""
        try:
            write_whole(self.path / COSIGNED, note)
        except OSError as error:
            raise FOLDER.at(COSIGNED, error.strerror or "") from None

    def forget_progress(self) -> None:
        """Go on from the last checkpoint that was audited whole."""
        with contextlib.suppress(OSError):
            (self.path / PROGRESS).unlink()

    def _drop_others(self, *marks: Mark | None) -> None:
        """Remove generations of files that no mark names."""
        named = {name for mark in marks if mark is not None for name in (mark.states, mark.blocks)}
        for pattern in ("states-*", "blocks-*"):
            for old in self.path.glob(pattern):
                if old.name not in named:
                    old.unlink(missing_ok=True)

    def _read(self, name: str) -> Mark | None:
        try:
            mark = msgspec.json.decode((self.path / name).read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DAMAGED.at(name, str(error)[:200]) from None
        if mark.version != _VERSION or "/" in mark.states + mark.blocks:
            raise DAMAGED.at(name, f"version {mark.version}")
        if (mark.origin, mark.genesis) != self._names:
            raise OTHER_LOG.at(str(self.path), mark.origin)
        return mark

    def _write(self, name: str, mark: Mark) -> None:
        data = msgspec.json.format(msgspec.json.encode(mark))
        try:
            write_whole(self.path / name, data + b"\n")
        except OSError as error:
            raise FOLDER.at(name, error.strerror or "") from None


def known_checkpoints(folder: Path) -> list[bytes]:
    """The checkpoints in somebody's state folder, which is only read: audited and cosigned.

    Raises ``damaged.audit.state``, ``unavailable.audit.state``.
    """
    try:
        audited = _note(folder / AUDITED)
        notes = [_note(folder / COSIGNED)]
        if audited is not None:
            notes.insert(0, msgspec.json.decode(audited, type=_Noted).note)
    except OSError as error:
        raise FOLDER.at(str(folder), error.strerror or "") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DAMAGED.at(str(folder), str(error)[:200]) from None
    return list(dict.fromkeys(note for note in notes if note is not None))


class _Noted(msgspec.Struct, frozen=True):
    """What a mark of any version has."""

    note: bytes


def _note(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE)
    except FileNotFoundError:
        return None


def _locked(folder: Path) -> int | None:
    try:
        import fcntl
    except ImportError:
        return None
    held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise BUSY.at(str(folder)) from None
    return held
