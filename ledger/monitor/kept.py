"""The last checkpoint of a log that a verifier has seen, kept in a folder between its checks.

    <name>/checkpoint   the newest one, a signed note; the folder's name is made from the origin
    <name>/evidence/    pairs that contradict each other (``ledger.monitor.auditing.evidence``)

It tells apart what one dossier cannot: a log that shows one history today and another tomorrow. An
older checkpoint than the one that is kept is no contradiction by itself, so it is compared as well.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from keys.durable import write_whole
from keys.errors import CellbookError, ErrorCode, declare
from ledger.monitor.auditing.evidence import of_checkpoints, write_evidence
from ledger.monitor.auditing.faults import BEHIND, FORK, ROLLBACK
from ledger.monitor.checked import CheckedTiles
from ledger.monitor.source import LogSource, fetch_checkpoint, is_copy, stated_checkpoint
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.tree.proofs import Proofs
from ledger.wire.note import MAX_NOTE
from ledger.wire.verifier import Verifier

FOLDER = declare(
    "unavailable.state",
    "The folder with the checkpoints that were seen cannot be used.",
    "Check the folder, whose it is, and that its disk is not full.",
)
DAMAGED = declare(
    "damaged.state",
    "A checkpoint that was kept is not as it was written.",
    "Restore the folder. An empty one knows nothing of what was seen before.",
)
UNPROVEN = declare(
    "undecided.state.unproven",
    "Another checkpoint of this log was seen before, and no log was given that shows whether the "
    "one is the beginning of the other.",
    "Give the address of the service, or the folder of a mirror, with --log.",
)
NO_PROOF = declare(
    "undecided.state.log",
    "The log that was given does not show how this checkpoint follows from the one seen before.",
    "Read the log from somewhere else. If no place shows it, the log may tell two histories: keep "
    "both files, and ask whoever runs the ledger and its auditors.",
)

CHECKPOINT, EVIDENCE = "checkpoint", "evidence"


class _Signed(msgspec.Struct, frozen=True):
    """A checkpoint that the log has signed: what it says, and the note."""

    tree: Checkpoint
    note: bytes

    @classmethod
    def of(cls, note: bytes) -> _Signed:
        return cls(stated_checkpoint(note), note)


class KeptCheckpoint:
    """That of the log ``origin`` in ``folder``, for this process alone until it is closed."""

    def __init__(self, folder: Path, origin: str) -> None:
        """Makes the folder if there is none, and waits for who holds it. Raises
        ``unavailable.state``, ``damaged.state``."""
        self._origin = origin
        self.path = folder / sha256(origin.encode()).hexdigest()[:32]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path)
        except OSError as error:
            raise FOLDER.at(str(self.path), error.strerror or "") from None
        try:
            self.note = self._read()
        except CellbookError:
            self.close()
            raise

    def close(self) -> None:
        """Let others use it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def see(self, note: bytes, log: Verifier, source: LogSource | None) -> None:
        """Compare with the checkpoint in ``note``, which was verified by ``log``, and keep the
        newer one. It is on the disk on return.

        Without ``source`` only the same checkpoint, or the first one, can be compared. Raises
        ``failed.audit.fork`` and ``failed.audit.rollback``, whose evidence was written;
        ``undecided.state.*``, and ``undecided.audit.behind`` for a copy that is older than what is
        kept, where it cannot be told, and then nothing has changed.
        """
        if self.note is not None:
            self._compare(note, log, source)
        if self.note is None or stated_checkpoint(note).size > self._kept(self.note).size:
            try:
                write_whole(self.path / CHECKPOINT, note)
            except OSError as error:
                raise FOLDER.at(str(self.path), error.strerror or "") from None
            self.note = note

    def _compare(self, note: bytes, log: Verifier, source: LogSource | None) -> None:
        assert self.note is not None  # noqa: S101 - asked before
        found, kept = _Signed.of(note), _Signed(self._kept(self.note), self.note)
        if found.tree.size == kept.tree.size:
            if found.tree.root != kept.tree.root:
                raise self._fault(FORK, found, kept, None)
            return
        if source is None:
            sizes = f"{kept.tree.size} entries before, {found.tree.size} now"
            raise UNPROVEN.at(self._origin, sizes)
        served = _served(source, log)
        if served is not None and served.tree.size < kept.tree.size:
            if not is_copy(source):
                raise self._fault(ROLLBACK, served, kept, None)
            within = [found] if found.tree.size <= served.tree.size else []
            self._check_growth([*within, served], source)
            sizes = f"{kept.tree.size} entries before, {served.tree.size} in the copy"
            raise BEHIND.at(self._origin, sizes)
        self._check_growth([kept, found, *([] if served is None else [served])], source)

    def _check_growth(self, seen: list[_Signed], source: LogSource) -> None:
        """All that was seen is the beginning of the largest tree among it."""
        newest = max(seen, key=lambda signed: signed.tree.size)
        try:
            proofs = Proofs(CheckedTiles(source, newest.tree.size, newest.tree.root))
            roots = [proofs.root(signed.tree.size) for signed in seen]
        except CellbookError as error:
            raise NO_PROOF.at(self._origin, error.describe()) from error
        for signed, root in zip(seen, roots, strict=True):
            if signed.tree.root != root:
                raise self._fault(FORK, newest, signed, proofs)

    def _fault(
        self, code: ErrorCode, newer: _Signed, older: _Signed, proofs: Proofs | None
    ) -> CellbookError:
        """What is wrong, once its evidence is on the disk."""
        detail = f"trees of {older.tree.size} and of {newer.tree.size} entries"
        error = code.at(self._origin, detail)
        evidence = of_checkpoints(error, newer.tree, older.tree, proofs)
        files = {"checkpoint": newer.note, "checkpoint-before": older.note}
        place = write_evidence(self.path / EVIDENCE, evidence, files)
        return code.at(self._origin, detail, evidence=str(place))

    def _read(self) -> bytes | None:
        try:
            with (self.path / CHECKPOINT).open("rb") as file:
                note = file.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FOLDER.at(str(self.path), error.strerror or "") from None
        self._kept(note)
        return note

    def _kept(self, note: bytes) -> Checkpoint:
        try:
            kept = stated_checkpoint(note)
        except CellbookError as error:
            raise DAMAGED.at(str(self.path), error.describe()) from error
        if kept.origin != self._origin:
            raise DAMAGED.at(str(self.path), f"it is of {kept.origin!r:.120}")
        return kept


def _served(source: LogSource, log: Verifier) -> _Signed | None:
    """The newest checkpoint that the source has; None where there is none by this key."""
    try:
        note = fetch_checkpoint(source)
        return _Signed(open_checkpoint(note, log)[0], note)
    except CellbookError:
        return None  # the tiles decide


def _locked(folder: Path) -> int | None:
    try:
        import fcntl
    except ImportError:
        return None
    held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
    except OSError:
        with suppress(OSError):
            os.close(held)
        raise
    return held
