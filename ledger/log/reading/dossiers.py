"""Dossiers out of a log: at the published checkpoint, or at the one that auditors have cosigned."""

from __future__ import annotations

import threading
import time

from ledger.log.predecessor import PastLogs
from ledger.log.publishing.checkpoints import AUDITED, NOT_AUDITED
from ledger.log.reading import published as reading
from ledger.log.reading.published import NO_CHECKPOINT, PublishedLog
from ledger.log.receipts import Receipts
from ledger.proof.assembly.dossier import assemble
from ledger.proof.checks.listings import Documents
from ledger.store.sql import SqlStore

WAIT = 3.0
"""Seconds for a checkpoint that covers what is asked for."""
_POLL = 0.02


class Dossiers:
    """Makes the dossiers of the log at ``log_uri``; ``past`` are the logs before it."""

    def __init__(
        self, store: SqlStore, receipts: Receipts, log_uri: str, past: PastLogs | None
    ) -> None:
        self._store = store
        self._receipts = receipts
        self._log_uri = log_uri
        self._past = past

    def published(self, size: int, wait: float = WAIT) -> PublishedLog:
        """The log at its published checkpoint; waits at most ``wait`` seconds for one of ``size``.
        Raises ``missing.checkpoint``."""
        deadline = time.monotonic() + wait
        pause = threading.Event()
        while self._store.head().published < size and time.monotonic() < deadline:
            pause.wait(_POLL)
        return PublishedLog(self._store, self._receipts, self._log_uri)

    def dossier(self, subject: str, documents: Documents, wait: float) -> bytes:
        """At the published checkpoint. Raises ``missing.battery``, ``missing.checkpoint``."""
        newest = self._newest_entry(subject)

        def make() -> bytes:
            published = self.published(newest + 1, wait)
            if not published.indexes(subject, published.checkpoint_size()):
                raise NO_CHECKPOINT.at(f"entry {newest}", "no checkpoint covers the battery yet")
            return self._assembled(published, subject, documents)

        return reading.at_one_head(make)

    def audited(self, subject: str, documents: Documents) -> bytes:
        """At the audited checkpoint. Raises ``missing.battery``, ``missing.audited``."""
        self._newest_entry(subject)

        def make() -> bytes:
            size = self._store.pins().get(AUDITED)
            if size is None:
                raise NOT_AUDITED.at("dossier")
            published = PublishedLog(self._store, self._receipts, self._log_uri, size)
            if not published.indexes(subject, size):
                raise NOT_AUDITED.at("battery", f"it is younger than the audited tree size {size}")
            return self._assembled(published, subject, documents)

        return reading.at_one_head(make)

    def _assembled(self, published: PublishedLog, subject: str, documents: Documents) -> bytes:
        pasts = [] if self._past is None else self._past.readers()
        return assemble(published, subject, documents, pasts)

    def _newest_entry(self, subject: str) -> int:
        indexes = self._store.subject_entries(subject, self._store.head().size)
        if not indexes:
            raise reading.NO_BATTERY.at("battery", repr(subject)[:80])
        return indexes[-1]
