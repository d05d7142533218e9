"""Epochs end in heads, heads in checkpoints.

An epoch is open from its first entry until its head. The head is a commit of its own; the
checkpoint is signed after that commit, and stored. A process that stops in between leaves a head
without checkpoint, which any process finds by the head row and repairs: the signature is the same
whoever makes it.

Where nothing comes for a day, an empty epoch is closed: its head says that nothing came. Else the
files of a log at rest would grow old, and nobody could tell them from those of a service that holds
the newest entries back.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from keys.errors import declare
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head
from ledger.custody.states import LogState
from ledger.log.commit import Clock, Commit, GroupCommit
from ledger.log.publishing.agreed import may_publish
from ledger.log.signers import LogSigners
from ledger.log.stored import log_state
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.store.records import LogHead
from ledger.store.sql import SqlStore
from ledger.tree.proofs import Proofs
from ledger.wire.note import sign_note
from ledger.wire.statement import parse_statement

HEAD_ENTRY = declare(
    "damaged.log.head",
    "An entry that must be a head is none, or the chain of heads is broken.",
    "Run `cellbook fsck`; restore the database from a copy.",
)

IDLE_POLL = 2.0
"""Seconds after which a process that writes nothing looks whether another left an epoch open."""

GRACE_S = 1
"""So many seconds more a process leaves an epoch to the one that has opened it, which ends it
unless it has died: else both would compute the same index, one of them in vain."""

IDLE_HEAD_S = 86_400
"""Seconds after which a log in which nothing happens says so, in a head."""
QUIET_S = 60.0
"""So long a process must have seen nothing happen before it says so. A clock that is wrong when a
machine starts is set by then: a head from the future would bind the log to that time."""


def publish(store: SqlStore, signers: LogSigners, log: LogState, size: int, root: bytes) -> None:
    """Sign and store the checkpoint of ``size``, whose last entry is a head that is committed;
    where no witnesses must see it first, publish it too.

    Raises ``unavailable.*``, and ``damaged.log.rolled-back`` and ``conflict.checkpoint`` where the
    log would contradict itself: then nothing is signed, or stored.
    """
    signer = signers.in_force(log, "checkpoint", size)
    checkpoint = Checkpoint(log.origin, size, root)
    if signers.memory is not None:
        signers.memory.remember(checkpoint, store)
    body = format_body(checkpoint)
    note = sign_note(body, log.origin, signer)
    is_shown = signers.witnesses is None or signers.witnesses.quorum.is_met(frozenset())
    with store.writing() as writing:
        is_shown = is_shown and may_publish(writing, signers.witnesses)
        writing.put_checkpoint(size, note, publish=is_shown)


def read_head(store: SqlStore, index: int) -> Head:
    """The head that is entry ``index``. Raises ``damaged.log.head``."""
    entry = store.entry(index)
    if entry is None:
        raise HEAD_ENTRY.at(f"entry {index}", "there is none")
    content = read_content(parse_statement(entry.leaf))
    if not isinstance(content, Head) or content.tree_size != index:
        raise HEAD_ENTRY.at(f"entry {index}", "it is no head of this tree size")
    return content


class _Open(msgspec.Struct, frozen=True):
    """An open epoch: ``time`` and the head before it say which, ``seen`` (monotonic) since when
    this process knows of it; ``is_ours`` if this process has opened it."""

    time: int
    previous: int | None
    seen: float
    is_ours: bool


class Epochs:
    """Ends epochs that are due and sees to it that every head has its checkpoint.

    For the sequencer's thread. ``monotonic`` is a clock in seconds that is never set; ``after`` is
    called after checkpoints were stored.
    """

    def __init__(
        self,
        store: SqlStore,
        commits: GroupCommit,
        signers: LogSigners,
        proofs: Proofs,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._after = after
        self._store = store
        self._commits = commits
        self._signers = signers
        self._proofs = proofs
        self._clock = clock
        self._monotonic = monotonic
        self._open: _Open | None = None
        self._epoch_s = 1
        self._looked = float("-inf")
        self._is_behind = True
        self._size = -1
        self._quiet_since = float("inf")
        self._said = 0
        self._is_frozen = False

    def note(self, done: Commit) -> None:
        """Take notice of the head row after a commit."""
        self._learn(done.log)
        self._note(done.head, has_opened=done.has_opened)

    def tick(self) -> float:
        """End the epoch if it is due, publish what is missing; in how many seconds to come back.

        Raises ``unavailable.*`` and ``damaged.*``; coming back later repairs what can be.
        """
        if self._monotonic() - self._looked >= IDLE_POLL:
            self._note(self._store.head())
        if self._open is not None and not self._open.is_ours and self._is_due(self._open):
            self._note(self._store.head())
        if self._open is not None and self._is_due(self._open):
            self._close(self._is_still_due)
        elif self._is_idle():
            self._close(self._is_still_idle)
        if self._is_behind:
            self._publish_missing()
        return self._pause()

    def end(self) -> None:
        """End the open epoch now, whether it is due or not."""
        self._close(self._noted)
        if self._is_behind:
            self._publish_missing()

    def _note(self, head: LogHead, *, has_opened: bool = False) -> None:
        self._looked = self._monotonic()
        self._is_behind = head.last_head is not None and head.last_head + 1 > head.checkpoint
        if head.size != self._size:
            self._size, self._quiet_since = head.size, self._looked
        self._said = head.last_time
        if head.epoch_time is None:
            self._open = None
        elif self._open is None or (head.epoch_time, head.last_head) != (
            self._open.time,
            self._open.previous,
        ):
            self._open = _Open(head.epoch_time, head.last_head, self._looked, has_opened)

    def _is_due(self, epoch: _Open) -> bool:
        if self._monotonic() >= self._due(epoch):
            return True
        # The clock has whole seconds, so the grace by it is one more.
        grace = 0 if epoch.is_ours else GRACE_S + 1
        return self._clock() >= epoch.time + self._epoch_s + grace

    def _due(self, epoch: _Open) -> float:
        """When it ends, by the monotonic clock of this process."""
        return epoch.seen + self._epoch_s + (0 if epoch.is_ours else GRACE_S)

    def _is_idle(self) -> bool:
        """Whether nothing has come for so long that the log should say so. A log that has ended
        says nothing more."""
        if self._open is not None or self._is_frozen or self._clock() < self._said + IDLE_HEAD_S:
            return False
        return self._monotonic() - self._quiet_since >= QUIET_S

    def _learn(self, log: LogState) -> None:
        self._epoch_s, self._is_frozen = log.epoch_s, log.frozen is not None

    def _noted(self, head: LogHead, log: LogState) -> bool:
        """Whether an epoch is open."""
        self._learn(log)
        self._note(head)
        return self._open is not None

    def _is_still_idle(self, head: LogHead, log: LogState) -> bool:
        """Asked under the lock: another process may have said so, or have frozen the log."""
        self._noted(head, log)
        return self._is_idle()

    def _is_still_due(self, head: LogHead, log: LogState) -> bool:
        """Asked under the lock: another process may have ended the epoch and begun the next."""
        self._noted(head, log)
        return self._open is not None and self._is_due(self._open)

    def _close(self, is_due: Callable[[LogHead, LogState], bool]) -> None:
        done = self._commits.close_epoch(self._signers, is_due)
        if done is None:
            self._note(self._store.head())
            return
        was_behind = self._is_behind
        self.note(done)
        if not was_behind:
            publish(self._store, self._signers, done.log, done.head.size, done.head.root)
            self._is_behind = False
            self._after()

    def _publish_missing(self) -> None:
        """Checkpoints for all heads that have none, the oldest first: there is never a gap."""
        head = self._store.head()
        log = log_state(self._store, self._commits.log_uri)
        missing = []
        index = head.last_head
        while index is not None and index + 1 > head.checkpoint:
            missing.append(index + 1)
            previous = read_head(self._store, index).previous
            if previous is not None and previous >= index:
                raise HEAD_ENTRY.at(f"entry {index}", f"it names {previous} as the head before")
            index = previous
        for size in reversed(missing):
            publish(self._store, self._signers, log, size, self._proofs.root(size))
        self._is_behind = False
        self._after()

    def _pause(self) -> float:
        if self._open is None:
            return IDLE_POLL
        return max(0.0, self._due(self._open) - self._monotonic())
