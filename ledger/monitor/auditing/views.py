"""One log, seen at several times and by several people: do all see one history?

Every checkpoint that is known, this auditor's own and those that others hold, must be of the
beginning of the log that is audited now. Two that are signed and contradict each other are evidence
against the log.
"""

from __future__ import annotations

from collections.abc import Iterable

from keys.errors import CellbookError
from ledger.custody.states import LogState
from ledger.monitor.auditing.cosigning import signed_by
from ledger.monitor.auditing.faults import BEHIND, FORK, OTHERS, ROLLBACK
from ledger.monitor.auditing.state import StateFolder
from ledger.monitor.source import stated_checkpoint
from ledger.proof.checkpoint import Checkpoint
from ledger.tree.proofs import Proofs
from ledger.wire.note import UNSIGNED


class Views:
    """Of the log with ``checkpoint``. ``older`` is the checkpoint that was looked at last, and
    ``older_note`` its note: the contradiction, once there is one."""

    def __init__(self, checkpoint: Checkpoint, folder: StateFolder, *, is_copy: bool) -> None:
        """``folder`` has the newest of this auditor's marks, and what it cosigned. The log that
        ``is_copy`` may be behind."""
        self.older: Checkpoint | None = None
        self.older_note = b""
        self._checkpoint = checkpoint
        self._is_copy = is_copy
        mark, cosigned = folder.mark(), folder.cosigned()
        self._has_mark = mark is not None
        audited = None if mark is None else mark.note
        self._own = [note for note in (audited, cosigned) if note is not None]

    def check_growth(self, *, is_signed: bool) -> None:
        """That this log is not smaller than it was. Raises ``failed.audit.rollback``, of a copy
        ``undecided.audit.behind``, and ``failed.note.unsigned`` where the log's key is known and is
        not that of the checkpoint.

        Who knows no key yet, without any mark, asks again in the end.
        """
        for note in self._own:
            older = self._look_at(note)
            if self._checkpoint.size >= older.size:
                continue
            if is_signed:
                detail = f"{self._checkpoint.size} entries, {older.size} before"
                raise (BEHIND if self._is_copy else ROLLBACK).at("checkpoint", detail)
            if self._has_mark:
                raise UNSIGNED.at("checkpoint")

    def check_beginning(self, proofs: Proofs) -> None:
        """That what this auditor has seen is the beginning of this log: ``failed.audit.fork``."""
        for note in self._own:
            if stated_checkpoint(note).size <= self._checkpoint.size:
                self._check_same(note, proofs)

    def compare(self, others: Iterable[bytes], log: LogState, proofs: Proofs) -> list[int]:
        """That others' checkpoints are of this log's beginning; the tree sizes of all, of larger
        trees too, which cannot be compared.

        Raises ``failed.audit.fork``, and ``usage.audit.compare`` where the log did not sign it.
        """
        sizes = []
        for note in others:
            try:
                signed_by(note, log)
                other = stated_checkpoint(note)
            except CellbookError as error:
                raise OTHERS.at("checkpoint", error.describe()) from error
            if other.origin != log.origin or other.size == 0:
                raise OTHERS.at("checkpoint", other.origin[:120])
            if other.size <= self._checkpoint.size:
                self._check_same(note, proofs)
            sizes.append(other.size)
        return sizes

    def _check_same(self, note: bytes, proofs: Proofs) -> None:
        older = self._look_at(note)
        if proofs.root(older.size) != older.root:
            detail = f"its first {older.size} entries have another root"
            raise FORK.at(f"checkpoint of {self._checkpoint.size}", detail)

    def _look_at(self, note: bytes) -> Checkpoint:
        self.older_note, self.older = note, (older := stated_checkpoint(note))
        return older
