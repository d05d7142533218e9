"""The audit of a published log: everything that its service has decided, decided once more.

1. The checkpoint is of the trusted origin, signed by the key that the policy chain names for it.
2. The log that was seen before is the beginning of this one.
3. Every entry is the one in the checkpoint's tree.
4. Entry 0 is the trusted genesis; no statement stands in the log twice.
5. Every issuer's signature; every decision under the policy then in force, at the log time of the
   head that ends its epoch; heads stand where they say and their times never go back.
6. Every index root that a head states is that of all entries before the head.
7. The last entry is a head, whose time is not after any cosignature on the checkpoint; every
   cosignature by who is known is good: those whom the policy names, and who was handed in.
8. Checkpoints that others hold, as far as they are handed in, are of the beginning of this log.

Not checked: that others see the same log, unless their checkpoints are handed in; and values that
are withheld.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from keys.errors import CellbookError
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.governance.policy import log_key
from ledger.custody.governance.statements import Head
from ledger.custody.states import LogState
from ledger.monitor.auditing.audited import Audited as Audited
from ledger.monitor.auditing.evidence import Evidence, of_checkpoints, of_entry
from ledger.monitor.auditing.faults import (
    FORK,
    GENESIS,
    INDEX,
    NEWER,
    ROLLBACK,
    TIME,
    wrong_entry,
)
from ledger.monitor.auditing.replay import AuditReplay
from ledger.monitor.auditing.signatures import BadSignature, Signatures
from ledger.monitor.auditing.state import Mark, StateFolder
from ledger.monitor.auditing.views import Views
from ledger.monitor.checked import CheckedTiles
from ledger.monitor.entries import NO_HEAD, Entries, Timed
from ledger.monitor.source import LogSource, is_copy, stated_checkpoint
from ledger.proof.checkpoint import ORIGIN, Checkpoint, open_checkpoint
from ledger.proof.checks.genuine import OLD_POLICY
from ledger.proof.trust import Trust
from ledger.tree.proofs import Proofs
from ledger.wire.note import UNSIGNED, OpenNote
from ledger.wire.verifier import Verifier

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""

_STEP = 256


class Run:
    """One audit, up to the checkpoint in ``note``, from where ``replay`` is."""

    def __init__(
        self,
        trust: Trust,
        folder: StateFolder,
        replay: AuditReplay,
        signatures: Signatures,
        witnesses: tuple[Verifier, ...],
        note: bytes,
        others: Iterable[bytes] = (),
    ) -> None:
        self._trust = trust
        self._folder = folder
        self._replay = replay
        self._signatures = signatures
        self._witnesses = witnesses
        self._note = note
        self._others = tuple(others)
        self._checkpoint = Checkpoint(trust.origin, 0, b"")
        self._views: Views | None = None
        self._proofs: Proofs | None = None
        self._leaf: tuple[int, bytes] | None = None
        self._is_signed = False

    def audit(self, source: LogSource, progress: Progress, saved_every: int) -> Audited:
        """See the module. Writes progress every ``saved_every`` entries. Raises as
        ``Auditor.run``."""
        self._checkpoint = checkpoint = stated_checkpoint(self._note)
        if checkpoint.origin != self._trust.origin:
            raise ORIGIN.at("checkpoint", f"{checkpoint.origin!r:.120}")
        self._check_signature()
        self._views = Views(checkpoint, self._folder, is_copy=is_copy(source))
        self._views.check_growth(is_signed=self._is_signed)
        tiles = CheckedTiles(source, checkpoint.size, checkpoint.root)
        self._proofs = Proofs(tiles)
        self._views.check_beginning(self._proofs)
        before = self._replay.size
        with Entries(tiles) as entries:
            self._replay.entries = entries
            for timed in entries.timed(before):
                self._take(timed)
                if timed.index % _STEP == 0:
                    progress(timed.index, checkpoint.size)
                if (timed.index + 1 - before) % saved_every == 0:
                    self._keep_progress()
        self._settle()
        return self._end(before)

    def evidence(self, error: CellbookError) -> tuple[Evidence, dict[str, bytes]]:
        """What shows a fault, and the files that belong to it."""
        files = {"checkpoint": self._note}
        views = self._views
        if views is not None and views.older is not None and error.error in (ROLLBACK, FORK):
            files["checkpoint-before"] = views.older_note
            return of_checkpoints(error, self._checkpoint, views.older, self._proofs), files
        index = error.facts.get("entry")
        if self._leaf is not None and index == self._leaf[0]:
            files["entry"] = self._leaf[1]
        place = index if isinstance(index, int) else None
        return of_entry(error, self._checkpoint, self._proofs, place), files

    def _check_signature(self) -> None:
        """By the key of the policy in force as far as it was replayed.

        It may be that a later policy has another key: then nothing is written down before that
        policy has come. A known key's bad signature is refused at once.
        """
        if self._replay.log is None or self._is_signed:
            return
        try:
            self._open(self._replay.log)
        except CellbookError as error:
            if error.error != UNSIGNED:
                raise
        else:
            self._is_signed = True

    def _open(self, log: LogState) -> OpenNote:
        key = log_key(log, "checkpoint", self._checkpoint.size)
        verifier = Verifier.from_key(self._trust.origin, key)
        known = (*self._witnesses, *cosigners((*log.witnesses, *log.auditors)))
        return open_checkpoint(self._note, verifier, {each.vkey: each for each in known}.values())[
            1
        ]

    def _take(self, timed: Timed) -> None:
        self._leaf = (timed.index, timed.leaf)
        self._signatures.at = timed.index
        try:
            content = self._replay.take(timed)
        except CellbookError as error:
            if error is self._replay.trouble:
                raise
            # A signature before this entry may be the cause of it.
            self._settle()
            raise wrong_entry(timed.index, error) from error
        if timed.index == 0:
            self._check_genesis()
        if isinstance(content, Head):
            self._check_index(content)
        self._judge(self._signatures.advance())

    def _check_index(self, head: Head) -> None:
        root = self._replay.index_root()
        if root != head.index_root:
            # A head that the log did not sign is another fault.
            self._settle()
            detail = f"it states {head.index_root.hex()}, the entries give {root.hex()}"
            raise INDEX.at(
                f"entry {head.tree_size}", detail, entry=head.tree_size, index_root=root.hex()
            )

    def _check_genesis(self) -> None:
        trust, log = self._trust, self._replay.log
        assert log is not None  # noqa: S101 - entry 0 was decided, so it is a policy
        named = (log.policy, log.origin, log.family, log.root_key)
        if named != (trust.genesis, trust.origin, trust.family, trust.root_key.to_cbor()):
            raise GENESIS.at("entry 0", entry=0)
        self._check_signature()

    def _settle(self) -> None:
        self._judge(self._signatures.settle())

    def _judge(self, bad: BadSignature | None) -> None:
        if bad is None:
            return
        entries = self._replay.entries
        if entries is not None:
            with suppress(CellbookError):
                self._leaf = (bad.index, entries.leaf(bad.index))
        raise wrong_entry(bad.index, bad.error)

    def _keep_progress(self) -> None:
        self._settle()
        self._check_signature()
        if self._is_signed:
            self._folder.keep_progress(self._mark())

    def _end(self, before: int) -> Audited:
        replay, log = self._replay, self._replay.log
        if log is None:
            raise NO_HEAD.at("checkpoint", "the log is empty")
        opened = self._open(log)
        if log.head != replay.size - 1:
            raise NO_HEAD.at(f"entry {replay.size - 1}", entry=replay.size - 1)
        _check_times(opened, log.head_time)
        if log.number < self._trust.minimum_policy:
            detail = f"{self._trust.minimum_policy} is the least"
            raise OLD_POLICY.at(f"policy {log.number}", detail)
        assert self._views is not None and self._proofs is not None  # noqa: S101, PT018
        self._views.check_growth(is_signed=True)
        compared = self._views.compare(self._others, log, self._proofs)
        self._folder.keep_audited(self._mark())
        if (largest := max(compared, default=0)) > replay.size:
            raise NEWER.at("checkpoint", f"{largest} entries, {replay.size} were audited")
        cosigned = [line.name for line in opened.signatures if line.time is not None]
        auditors = {verifier.name for verifier in cosigners(log.auditors)}
        return Audited(
            origin=log.origin,
            size=replay.size,
            root=self._checkpoint.root,
            before=before,
            replayed=replay.size - before,
            withheld=0,
            heads=replay.heads,
            subjects=replay.subjects,
            policy=log.number,
            time=log.head_time,
            witnesses=tuple(name for name in cosigned if name not in auditors),
            auditors=tuple(name for name in cosigned if name in auditors),
            compared=tuple(sorted(compared)),
            resting=replay.resting,
        )

    def _mark(self) -> Mark:
        return self._replay.mark(self._note, self._trust.origin, self._trust.genesis)


def _check_times(opened: OpenNote, time: int) -> None:
    for line in opened.signatures:
        if line.time is not None and line.time < time:
            raise TIME.at("checkpoint", f"by {line.name} at {line.time}, the head is of {time}")
