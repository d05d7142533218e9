"""The auditor of a log: what it remembers between its runs, and what it does with a fault."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from keys.errors import CellbookError
from ledger.monitor.auditing.audited import Audited
from ledger.monitor.auditing.cosigning import Cosigned, Cosigner, cosign_audited
from ledger.monitor.auditing.evidence import write_evidence
from ledger.monitor.auditing.past import PastLogs
from ledger.monitor.auditing.records import DAMAGED
from ledger.monitor.auditing.replay import AuditReplay
from ledger.monitor.auditing.run import Progress, Run
from ledger.monitor.auditing.signatures import Signatures
from ledger.monitor.auditing.state import StateFolder
from ledger.monitor.checked import LEAF, TREE
from ledger.monitor.source import (
    CHECKPOINT,
    TOO_LARGE,
    WRONG_SIZE,
    LogSource,
    fetch_checkpoint,
    stated_checkpoint,
)
from ledger.proof.trust import Trust
from ledger.tree.tiles import BUNDLE
from ledger.wire.note import MAX_NOTE
from ledger.wire.verifier import Verifier

OF_FILES = (TREE, LEAF, BUNDLE, TOO_LARGE, WRONG_SIZE)
"""Faults of files that nobody has signed: another source may have the right ones."""
CANDIDATE = f"{CHECKPOINT}?for=audit"
"""Whoever serves static files answers with the checkpoint, or with nothing."""
SAVED_EVERY = 4_096
"""Entries after which progress is written down."""


class Auditor:
    """Audits one log, again and again, with what it remembers in ``folder``.

    ``processes`` verify signatures, all cores by default. With ``past``, the logs before this one,
    what was taken over from them is compared. Raises ``usage.audit.state``,
    ``busy.audit.state``, ``unavailable.audit.state``, ``damaged.audit.state``.
    """

    def __init__(
        self,
        trust: Trust,
        folder: Path,
        *,
        witnesses: Iterable[Verifier] = (),
        processes: int | None = None,
        saved_every: int = SAVED_EVERY,
        past: PastLogs | None = None,
    ) -> None:
        self._trust = trust
        self._past = past
        self._witnesses = tuple(witnesses)
        self._saved_every = saved_every
        self._folder = StateFolder(folder, trust.origin, trust.genesis)
        self._signatures = Signatures(processes)
        self._replay: AuditReplay | None = None

    def __enter__(self) -> Auditor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the other processes and let go of the folder."""
        self._signatures.close()
        self._forget()
        self._folder.close()

    def run(
        self,
        source: LogSource,
        progress: Progress | None = None,
        *,
        others: Iterable[bytes] = (),
    ) -> Audited:
        """Audit what ``source`` publishes now, from where the last audit ended, and compare it with
        the checkpoints that ``others`` hold.

        Raises for a fault ``failed.*`` or ``malformed.*``, with facts ``evidence`` (a folder) and
        ``entry`` where it is one; the state stays as it was. Other errors say that the audit could
        not be made. After those, and where only a file is wrong, it goes on from its progress.
        """
        note = self._asked_for(source)
        replay = self._replay = self._replay or AuditReplay(
            self._folder, self._signatures.backend, self._past
        )
        run = Run(
            self._trust, self._folder, replay, self._signatures, self._witnesses, note, others
        )
        try:
            return run.audit(source, progress or (lambda done, total: None), self._saved_every)
        except BaseException as error:
            # What was replayed since the last mark is not known to be good.
            self._forget()
            if not isinstance(error, CellbookError) or error.exit_code != 1:
                raise
            if error.error == DAMAGED:
                raise
            if error.error not in OF_FILES:
                self._folder.forget_progress()
            place = str(write_evidence(self._folder.path / "evidence", *run.evidence(error)))
            raise error.error.at(
                error.where, error.detail, **error.facts, evidence=place
            ) from error

    def cosign(self, cosigner: Cosigner, time: int) -> Cosigned:
        """Cosign, at ``time`` (Unix seconds), the checkpoint that the last ``run`` has audited, and
        write it into the folder. Raises as ``cosign_audited``."""
        mark, replay = self._folder.mark(), self._replay
        if mark is None or replay is None or replay.log is None or mark.size != replay.size:
            raise RuntimeError("only what was audited whole is cosigned")
        return cosign_audited(self._folder, mark.note, replay.log, cosigner, time)

    def _asked_for(self, source: LogSource) -> bytes:
        """The checkpoint that a service wants to be audited next; where it names none, or one that
        is older than what is known here, the published one."""
        mark = self._folder.mark()
        with suppress(CellbookError):
            note = source.fetch(CANDIDATE, MAX_NOTE)
            if note is not None:
                known = 0 if mark is None else stated_checkpoint(mark.note).size
                if stated_checkpoint(note).size >= known:
                    return note
        return fetch_checkpoint(source)

    def _forget(self) -> None:
        self._signatures.clear()
        if self._replay is not None:
            self._replay.close()
            self._replay = None
