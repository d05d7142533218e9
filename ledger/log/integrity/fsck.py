"""Recompute everything from the stored leaves, and name the first row that differs.

Checked: ids and form of every entry, every issuer's signature, every decision at the log time of
its epoch, heads and their times, every tile, every checkpoint, every state, every row that says
which entries concern a subject, the index with the root in every head and what is kept of it for
pins, the head row, terms, and the rows of every list that were handed in. The log is read as a
stream; memory grows with the number of subjects only. Not checked: that this is the log that others
know (compare a checkpoint), and lines on checkpoints by keys that nobody names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from keys.cose_key import Backend
from keys.errors import CellbookError
from ledger.custody.governance.carrying import resting_on
from ledger.custody.governance.statements import Head
from ledger.log.integrity.damage import (
    ENTRY,
    LOG_HEAD,
    MOVING,
    SUBJECT,
    SUBJECT_ENTRY,
    damage,
    differs,
)
from ledger.log.integrity.found import check_terms
from ledger.log.integrity.replay import Replay, Rows
from ledger.log.integrity.retold import Retold, check_published
from ledger.log.integrity.stream import Timed, timed_entries
from ledger.log.publishing.lines import Cosigners
from ledger.log.reading.lists import check_list_documents
from ledger.log.stored import NO_LOG, find_log_uri, log_state
from ledger.store.records import Counts, LogHead, StoredSubject
from ledger.store.sql import SqlStore
from ledger.wire.tlog_policy import TlogPolicy
from ledger.wire.verifier import Verifier

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""

_STEP = 256


class Report(msgspec.Struct, frozen=True):
    """A log in which no damage was found. ``unpublished`` heads still wait for their checkpoint.
    The states of ``resting`` batteries rest on the log before this one, which was not read."""

    size: int
    root: bytes
    heads: int
    checkpoints: int
    unpublished: int
    subjects: int
    subject_entries: int
    tiles: int
    list_documents: int
    terms: int
    resting: int = 0


def fsck(
    store: SqlStore,
    *,
    progress: Progress | None = None,
    backend: Backend | None = None,
    genesis: bytes | None = None,
    witnesses: TlogPolicy | None = None,
) -> Report:
    """Check the log in ``store``; nothing may write to it meanwhile.

    ``genesis`` is the entry id of the log that is meant (from a trust file), ``witnesses`` are
    those whose lines on checkpoints are verified beside those of the policy's cosigners. Raises
    ``damaged.*``, which names the first damaged row in ``where`` and as facts ``table``, ``row``,
    ``column``;
    ``unavailable.fsck.moving`` where the log was written to, ``unavailable.log.empty``.
    """
    before, pins = store.head(), store.pins()
    if before.size == 0 and store.entry(0) is None:
        raise NO_LOG.at("database")
    try:
        report = _Check(store, before, pins, store.counts(), backend, witnesses).run(
            progress, genesis
        )
    except CellbookError:
        _check_unmoved(store, before, pins)
        raise
    _check_unmoved(store, before, pins)
    return report


def _check_unmoved(store: SqlStore, before: LogHead, pins: Mapping[str, int]) -> None:
    if store.head() != before:
        raise MOVING.at("log_head")
    if store.pins() != pins:
        raise MOVING.at("index_pin")


class _Check:
    """One run: entries with tree and checkpoints, then subjects, then the head row."""

    def __init__(
        self,
        store: SqlStore,
        head: LogHead,
        pins: Mapping[str, int],
        counts: Counts,
        backend: Backend | None,
        witnesses: TlogPolicy | None,
    ) -> None:
        self._store = store
        self._head = head
        self._counts = counts
        self._backend = backend
        # Rows beyond the size that the head row states are looked at too: which of the two is
        # wrong is known only then.
        self._stop = max(head.size, counts.entries)
        self._replay = Replay(store.entry_by_id, store.chain, backend)
        self._replay.index.pin(pins)
        self._pins = pins
        self._retold = Retold(store, head, _cosigners(store, witnesses))
        self._heads = 0
        self._resting = 0
        self._list_documents = 0
        self._last: Timed | None = None

    def run(self, progress: Progress | None, genesis: bytes | None) -> Report:
        for entry in timed_entries(self._store, self._head, self._stop):
            if genesis is not None and entry.index == 0 and entry.entry_id != genesis:
                raise differs(ENTRY, "index 0", "entry_id", entry.entry_id, genesis)
            self._take(entry)
            if progress is not None and entry.index % _STEP == 0:
                progress(entry.index, self._stop)
        self._check_size()
        self._retold.finish(self._counts.tiles)
        self._check_subjects()
        self._replay.index.finish(self._store, self._counts)
        self._check_head_row()
        check_terms(self._store, self._replay.terms)
        self._list_documents = check_list_documents(self._store, self._replay.states)
        return self._report()

    def _take(self, entry: Timed) -> None:
        try:
            content = self._replay.take(entry.statement, entry.entry_id, entry.time)
        except CellbookError as error:
            row = f"index {entry.index}"
            detail = f"it should have been refused: {error.code}, {error.describe()}"
            raise damage(ENTRY, row, "leaf", detail) from error
        self._last = entry
        self._resting += resting_on(content)
        self._retold.add(entry.statement.leaf_hash)
        if isinstance(content, Head):
            self._heads += 1
            self._replay.index.check_head(content, self._store)
            assert self._replay.log is not None  # noqa: S101 - a head has passed its decision
            self._retold.check_checkpoint(self._replay.log, entry.index + 1)

    def _check_size(self) -> None:
        size, stated = self._replay.size, self._head.size
        if size == stated:
            return
        if size < stated and self._retold.root != self._head.root:
            raise damage(ENTRY, f"index {size}", "", "the row is missing")
        raise differs(LOG_HEAD, "id 1", "size", stated, size)

    def _check_subjects(self) -> None:
        """Stored subjects and expected ones side by side, in the order of their bytes."""
        replay = self._replay
        expected = iter(sorted(replay.states.keys() | replay.rows.keys(), key=str.encode))
        for stored in self._subjects():
            uri = next(expected, None)
            if uri is None or stored.uri.encode() < uri.encode():
                detail = "no entry concerns it, or its URI was changed"
                raise damage(SUBJECT, f"uri {stored.uri}", "uri", detail)
            if stored.uri != uri:
                raise damage(SUBJECT, f"uri {uri}", "", "the row is missing")
            self._check_subject(stored)
        for uri in expected:
            raise damage(SUBJECT, f"uri {uri}", "", "the row is missing")
        rows = sum(row.count for row in replay.rows.values())
        if rows != self._counts.subject_entries:
            detail = f"{self._counts.subject_entries} rows are stored, {rows} were expected"
            raise damage(SUBJECT_ENTRY, "of a subject that is not there", "subject_id", detail)

    def _subjects(self) -> Iterator[StoredSubject]:
        page = self._store.iterate_subjects()
        while page:
            yield from page
            page = self._store.iterate_subjects(page[-1].uri)

    def _check_subject(self, stored: StoredSubject) -> None:
        uri = stored.uri
        expected = self._replay.states.get(uri)
        if stored.state != expected:
            raise differs(SUBJECT, f"uri {uri}", "state", stored.state, expected)
        rows = Rows()
        for index in stored.indexes:
            rows = rows.after(index)
        if rows != self._replay.rows.get(uri, Rows()):
            raise self._wrong_row(stored)

    def _wrong_row(self, stored: StoredSubject) -> CellbookError:
        """The first wrong row of a subject. For this the log is replayed once more."""
        again = Replay(
            self._store.entry_by_id, self._store.chain, self._backend, watched=stored.uri
        )
        for entry in timed_entries(self._store, self._head, self._stop):
            again.take(entry.statement, entry.entry_id, entry.time)
        wrong = min(set(again.indexes) ^ set(stored.indexes))
        detail = "the row is missing" if wrong in again.indexes else "the entry does not concern it"
        return damage(SUBJECT_ENTRY, f"subject {stored.uri}, index {wrong}", "", detail)

    def _check_head_row(self) -> None:
        head, log = self._head, self._replay.log
        assert log is not None  # noqa: S101 - the genesis has passed its decision
        assert self._last is not None  # noqa: S101
        is_open = log.head != self._last.index
        expected = {
            "root": self._retold.root,
            "edge": self._retold.growth.to_bytes(),
            "last_time": log.head_time,
            "last_head": log.head,
            "epoch_time": self._last.time if is_open else None,
            "governance": self._replay.governance,
            "checkpoint": self._retold.newest_checkpoint,
        }
        check_published(head, self._pins, self._store)
        for column, value in expected.items():
            if getattr(head, column) != value:
                raise differs(LOG_HEAD, "id 1", column, getattr(head, column), value)

    def _report(self) -> Report:
        replay, retold = self._replay, self._retold
        return Report(
            size=replay.size,
            root=retold.root,
            heads=self._heads,
            checkpoints=retold.checkpoints,
            unpublished=self._heads - retold.checkpoints,
            subjects=len(replay.states.keys() | replay.rows.keys()),
            subject_entries=self._counts.subject_entries,
            tiles=retold.tiles,
            list_documents=self._list_documents,
            terms=self._counts.terms,
            resting=self._resting,
        )


def _cosigners(store: SqlStore, witnesses: TlogPolicy | None) -> tuple[Verifier, ...]:
    """Who is named now, also for checkpoints from before that. Of a damaged state nothing is
    believed: that it is damaged is found later."""
    try:
        return Cosigners(log_state(store, find_log_uri(store)), witnesses).others()
    except CellbookError:
        return ()
