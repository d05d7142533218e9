"""The ledger as a service offers it, without HTTP: register, look up, prove."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from keys.cose_key import Backend, CoseKey
from keys.errors import DamagedError, UnavailableError, declare
from keys.purposes import RECEIPTS
from ledger.custody.governance.policy import key_of
from ledger.custody.states import LogState
from ledger.log.carrying import Carrier
from ledger.log.commit import Clock, GroupCommit, end_time
from ledger.log.heads import Epochs, read_head
from ledger.log.outcome import Outcome
from ledger.log.predecessor import PastLogs
from ledger.log.publishing.checkpoints import CANDIDATE, Publishing
from ledger.log.publishing.delay import Delayed
from ledger.log.publishing.memory import begin
from ledger.log.publishing.rounds import LOCK, Publisher
from ledger.log.publishing.witness import Ask
from ledger.log.reading import published, tiles
from ledger.log.reading.dossiers import WAIT, Dossiers
from ledger.log.reading.lists import Lists
from ledger.log.reading.published import NO_CHECKPOINT, BatteryView, PublishedLog
from ledger.log.reading.searching import Page, search
from ledger.log.reading.suppliers import Suppliers
from ledger.log.receipts import Receipts
from ledger.log.registration import Prepared, Submitted, prepare
from ledger.log.sequencer import QUEUE_LIMIT, STOPPED, Sequencer
from ledger.log.signers import LogSigners
from ledger.log.snapshot import Snapshots
from ledger.log.stored import find_log_uri, log_state
from ledger.store.failures import StoreUncertain
from ledger.store.sql import SqlStore
from ledger.tree.proofs import Proofs
from ledger.wire.cbor import Value
from ledger.wire.cose import encode_sign1
from ledger.wire.statement import parse_statement

NO_KEY = declare(
    "missing.key",
    "This log has no receipt key of this id.",
    "Take the kid from the receipt's protected header.",
)

RECEIPTS_LABEL = 394
"""The unprotected header of a Transparent Statement that holds its receipts (RFC 9942)."""
SUBMIT_TIMEOUT = 30.0


class Ledger:
    """One log, read and written by this process; others may write it at the same time.

    ``clock`` gives Unix seconds, ``backend`` verifies Ed25519 in our stead. ``start`` before
    registering. Every method may be called from any thread and may wait for the database.
    """

    def __init__(
        self,
        store: SqlStore,
        signers: LogSigners,
        *,
        clock: Clock,
        backend: Backend | None = None,
        queue_limit: int = QUEUE_LIMIT,
        past: PastLogs | None = None,
        ask: Ask | None = None,
    ) -> None:
        """``past`` are the logs before this one, ``ask`` reaches witnesses: without it, checkpoints
        that need them wait for another process. Raises ``unavailable.log.empty`` for a store
        without a log, ``usage.successor.other`` for another past, ``damaged.log.rolled-back`` for a
        store that lacks what was signed."""
        self.uri = find_log_uri(store)
        if past is not None:
            past.check(log_state(store, self.uri))
        self._store = store
        self._backend = backend
        self._snapshots = Snapshots(store, self.uri)
        self._proofs = Proofs(store)
        self._receipts = Receipts(signers, self.uri, self._proofs)
        self._continuity = begin(store, signers.memory)
        self._commits = GroupCommit(store, self.uri, clock, self._continuity)
        self.publishing = Publishing(
            store, self.uri, signers.witnesses, lambda size: read_head(store, size - 1).time, clock
        )
        self._publisher: Publisher | None = None
        if signers.witnesses is not None and ask is not None:
            lock = None if signers.memory is None else signers.memory.folder / LOCK
            self._publisher = Publisher(
                store, self.publishing, self._proofs, signers.witnesses, ask, lock, clock
            )
        self._epochs = Epochs(
            store, self._commits, signers, self._proofs, clock, after=self._after_checkpoint
        )
        self._dossiers = Dossiers(store, self._receipts, self.uri, past)
        self.lists = Lists(store, self._dossiers.published)
        self.suppliers = Suppliers(store, self._dossiers.published, self.lists.document)
        self._sequencer = Sequencer(self._commit, self._epochs.tick, queue_limit=queue_limit)
        self._clock = clock
        self._is_unwitnessed = signers.witnesses is None
        self._past = past
        self._carrier = None if past is None else Carrier(store, signers, past.readers)

    def start(self) -> None:
        """Start the threads that write. Heads without checkpoints get them now."""
        self._sequencer.start()
        if self._publisher is not None:
            self._publisher.start()

    def compare(self) -> None:
        """That the database holds what it has published, by these witnesses, and that none that can
        be reached knows more. Raises ``damaged.log.rolled-back``, ``usage.witnesses.other``."""
        self.publishing.check()
        if self._publisher is not None:
            self._publisher.compare()

    def close(self) -> None:
        """Register what was taken, end the open epoch, stop."""
        was_running = self._sequencer.is_running
        self._sequencer.close()
        if was_running:
            # If the store is away, whoever opens the log next ends the epoch; of damage the
            # sequencer has told.
            with suppress(UnavailableError, DamagedError):
                self._epochs.end()
        if self._publisher is not None:
            self._publisher.close()

    def wake(self) -> None:
        """Let the writing thread look now whether an epoch is due, not when it would."""
        self._sequencer.wake()

    def prepare(self, data: Sequence[bytes]) -> list[Submitted]:
        """Each of ``data`` ready for ``register``, or the error that refuses it; same order.

        Takes a signature verification for each. What a log with a predecessor must say of their
        batteries first is registered here. Raises ``unavailable.*`` for all.
        """
        prepared = prepare(data, self._snapshots, self._backend)
        if self._carrier is None:
            return prepared
        return self._carrier.carry(prepared, self.log(), self._clock(), self.register)

    def register(self, prepared: Sequence[Submitted]) -> Future[list[Outcome]]:
        """Outcomes of ``prepared``, same length and order, when all are durable or refused.

        Raises ``busy.queue`` and ``unavailable.log.stopped``; then nothing was taken.
        """
        return self._sequencer.submit(prepared)

    def register_now(self, data: Sequence[bytes], timeout: float = SUBMIT_TIMEOUT) -> list[Outcome]:
        """``prepare`` and ``register``, and wait. Raises ``TimeoutError`` after ``timeout``
        seconds: what was taken may be registered all the same."""
        return self.register(self.prepare(data)).result(timeout)

    def receipt(self, entry_id: bytes) -> bytes:
        """A receipt at the present tree size. Raises ``missing.entry``."""
        return self.receipts([entry_id])[0]

    def receipts(self, entry_ids: Sequence[bytes]) -> list[bytes]:
        """Receipts for several entries at one tree size. Raises ``missing.entry``."""
        indexes = [published.find_entry(self._store, entry_id).index for entry_id in entry_ids]
        known = self._continuity.known
        log, head = self.log(), self._store.head()
        self._continuity.check(known, head, self._store)
        return self._receipts.issue(log, head.size, end_time(head), head.root, indexes)

    def statement(self, entry_id: bytes) -> bytes:
        """The leaf bytes of an entry. Raises ``missing.entry``."""
        return published.find_entry(self._store, entry_id).leaf

    def transparent_statement(self, entry_id: bytes) -> bytes:
        """The Transparent Statement (RFC 9943): the entry with a receipt in its unprotected
        header. Raises ``missing.entry``."""
        statement = parse_statement(self.statement(entry_id))
        receipts: list[Value] = [self.receipt(entry_id)]
        return encode_sign1(
            statement.protected,
            {RECEIPTS_LABEL: receipts},
            statement.payload,
            statement.signature,
        )

    def find(self, identifier: str) -> str:
        """The subject of the battery with this code, URI or further name. Raises
        ``missing.battery``."""
        return published.find_battery(self._store, identifier)

    def search(
        self, query: str, kind: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page:
        """What ``query`` finds, a page of it. Raises ``usage.search.*``."""
        return search(self._store, query, kind, after, limit)

    def battery(self, subject: str) -> BatteryView:
        """The battery as the log knows it. Raises ``missing.battery``."""
        return published.view_battery(self._store, subject)

    def audited_dossier(self, subject: str) -> bytes:
        """The battery's dossier at the newest checkpoint that auditors have cosigned.

        It lacks what was registered since. Raises ``missing.audited``, ``missing.battery``.
        """
        return self._dossiers.audited(subject, self.lists.document)

    def dossier(self, subject: str, *, wait: float = WAIT) -> bytes:
        """The battery's dossier at the published checkpoint.

        Waits at most ``wait`` seconds for a checkpoint that covers its newest entry, and then
        takes what there is. Raises ``missing.battery``, ``missing.checkpoint``.
        """
        return self._dossiers.dossier(subject, self.lists.document, wait)

    def checkpoint(self) -> bytes:
        """The published checkpoint, a signed note. Raises ``missing.checkpoint``."""
        newest = self._store.published()
        if newest is None:
            raise NO_CHECKPOINT.at("checkpoint")
        return newest[1]

    def candidate(self) -> bytes:
        """The checkpoint that auditors are asked to audit next: the published one where none is
        waiting for them. Raises ``missing.checkpoint``."""
        size = self._store.pins().get(CANDIDATE)
        found = None if size is None else self._store.checkpoint(size)
        return self.checkpoint() if found is None else found[1]

    @property
    def delayed(self) -> Delayed | None:
        """Whether a checkpoint waits for witnesses, as this process knows."""
        return None if self._publisher is None else self._publisher.delayed

    @property
    def missing_witnesses(self) -> dict[str, str]:
        """Who gave no line when this process asked last, and why."""
        return {} if self._publisher is None else self._publisher.missing

    def signed_root(self, size: int | None = None) -> bytes:
        """What all receipts at ``size``, a checkpoint's, have in common; without it, at the newest
        checkpoint's. Raises ``missing.checkpoint``."""
        if size is None:
            size = int(self.checkpoint().split(b"\n", 2)[1])
        return PublishedLog(self._store, self._receipts, self.uri, size).signed_root()

    def consistency(self, size1: int, size2: int) -> bytes:
        """A receipt of consistency between the checkpoints of two sizes. Raises
        ``missing.checkpoint``, ``usage.consistency``."""
        published = PublishedLog(self._store, self._receipts, self.uri, size2)
        return published.consistency(size1)

    def tile(self, path: str) -> bytes:
        """A tile or an entry bundle of the published tree, by its C2SP path. Raises
        ``missing.tile``."""
        return tiles.published_tile(self._store, path)

    def keys(self) -> list[CoseKey]:
        """The keys for receipts, those of past tree sizes too."""
        keys = [key_of(k.key) for k in self.log().log_keys if k.purpose == RECEIPTS]
        return list({key.kid: key for key in keys}.values())

    def key(self, kid: bytes) -> CoseKey:
        """The receipt key with this kid. Raises ``missing.key``."""
        for key in self.keys():
            if key.kid == kid:
                return key
        raise NO_KEY.at("kid")

    def log(self) -> LogState:
        """The policy in force."""
        return log_state(self._store, self.uri)

    def ready(self) -> None:
        """Raise unless statements can be registered now: ``unavailable.*``, or what has stopped
        the sequencer from ending epochs. Takes the write lock for a moment."""
        if not self._sequencer.is_running:
            raise STOPPED.at("sequencer")
        if self._sequencer.trouble is not None:
            raise self._sequencer.trouble
        with self._store.writing():
            pass

    def _after_checkpoint(self) -> None:
        if self._publisher is not None:
            self._publisher.wake()
        elif self._is_unwitnessed:
            self.publishing.tend()

    def _commit(self, group: Sequence[Prepared]) -> list[Outcome]:
        """What the sequencer does with a group: commit, then sign, then answer."""
        try:
            done = self._commits.run(group)
        except StoreUncertain:
            done = self._commits.look_up(group)
        self._epochs.note(done)
        if done.governance_changed:
            self._snapshots.void()
        return self._receipts.answer(done)
