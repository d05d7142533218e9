"""What the log shows of itself: entries, batteries, tiles, and what a dossier is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.decision import read_content
from ledger.custody.events import Event, kind_of
from ledger.custody.finding import NO_BATTERY as NO_BATTERY
from ledger.custody.finding import find_battery as find
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.governance.statements import Policy
from ledger.custody.states import BatteryState, LogState
from ledger.log.heads import read_head
from ledger.log.publishing.lines import Cosigners, only
from ledger.log.receipts import Receipts
from ledger.log.stored import log_state, read_states
from ledger.proof.checkpoint import parse_body
from ledger.store.records import StoredEntry
from ledger.store.sql import SqlStore
from ledger.tree.prefix import PrefixProof, key_of
from ledger.wire.statement import parse_statement

NO_ENTRY = declare(
    "missing.entry",
    "There is no entry with this id in this log.",
    "Check the locator. What was submitted a moment ago may still be on its way.",
)
NOT_OLDER = declare(
    "usage.consistency",
    "A receipt of consistency leads from one checkpoint to a later one.",
    "Ask for two different tree sizes, the smaller one first; it is at least 1.",
)
NO_CHECKPOINT = declare(
    "missing.checkpoint",
    "No checkpoint is published yet.",
    "Ask again in a few seconds.",
)


MOVED = declare(
    "unavailable.index.moved",
    "The log's index went on while proofs were made from it.",
    "Ask again.",
)

_PAUSES = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds."""


class EntryView(msgspec.Struct, frozen=True):
    """One entry of a battery. ``log_time`` (Unix seconds) is None until its epoch has ended;
    ``occurred_at`` is the issuer's claim."""

    index: int
    entry_id: bytes
    kind: str
    iss: str
    occurred_at: str | None
    log_time: int | None


class BatteryView(msgspec.Struct, frozen=True):
    """A battery as the log knows it now: for convenience, proven by nothing but its dossier."""

    subject: str
    state: BatteryState
    entries: tuple[EntryView, ...]


def find_battery(store: SqlStore, identifier: str) -> str:
    """The subject of the battery that ``identifier`` names: a code, a URI, or a further name.

    Raises ``missing.battery``, as ``custody.finding`` says.
    """
    return find(lambda uris: read_states(store.states(uris)), identifier)


def view_battery(store: SqlStore, subject: str) -> BatteryView:
    """State and entries of the battery ``subject``. Raises ``missing.battery``."""
    state = read_states(store.states([subject])).get(subject)
    if not isinstance(state, BatteryState):
        raise NO_BATTERY.at("battery", repr(subject)[:80])
    size = store.head().size
    times = LogTimes(store)
    entries = tuple(
        _view(read_entry(store, index), times) for index in store.subject_entries(subject, size)
    )
    return BatteryView(subject, state, entries)


def _view(entry: StoredEntry, times: LogTimes) -> EntryView:
    statement = parse_statement(entry.leaf)
    content = read_content(statement)
    if isinstance(content, Event):
        kind, occurred_at = kind_of(content), content.occurred_at
    else:
        # A hash envelope has no tag: it says nothing but that there is a document.
        kind, occurred_at = str(type(content).__struct_config__.tag or "document"), None
    time = times.of(entry.index)
    return EntryView(entry.index, entry.entry_id, kind, statement.iss, occurred_at, time)


def read_entry(store: SqlStore, index: int) -> StoredEntry:
    """The entry at ``index``. Raises ``missing.entry``."""
    entry = store.entry(index)
    if entry is None:
        raise NO_ENTRY.at(f"entry {index}")
    return entry


def find_entry(store: SqlStore, entry_id: bytes) -> StoredEntry:
    """The entry with this id. Raises ``missing.entry``."""
    entry = store.entry_by_id(entry_id)
    if entry is None:
        raise NO_ENTRY.at("entry")
    return entry


class LogTimes:
    """Log time of entries: the time of the first head at or after each."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._times: dict[int, int] = {}

    def of(self, index: int) -> int | None:
        """Unix seconds; None while no published checkpoint covers the entry."""
        # Every head is the last entry of a stored checkpoint, and only heads are.
        covering = self._store.checkpoint_at_or_after(index + 1)
        if covering is None:
            return None
        head = covering[0] - 1
        if head not in self._times:
            self._times[head] = read_head(self._store, head).time
        return self._times[head]


def at_one_head(make: Callable[[], bytes]) -> bytes:
    """What ``make`` gives; once more, a few times, where a head came while it was at work.

    Between a head and its checkpoint there is a moment in which no file can be made.
    """
    for pause in _PAUSES:
        try:
            return make()
        except CellbookError as error:
            if error.code != MOVED.code:
                raise
        time.sleep(pause)
    return make()


class PublishedLog:
    """The log up to one checkpoint, fixed when it is made: what dossiers are made from.

    ``size`` is that of a checkpoint whose index is kept (a pin), None for the published one.
    """

    def __init__(
        self, store: SqlStore, receipts: Receipts, log_uri: str, size: int | None = None
    ) -> None:
        """Raises ``missing.checkpoint``."""
        self._store = store
        self._receipts = receipts
        self._log_uri = log_uri
        found = store.published() if size is None else store.checkpoint(size)
        if found is None:
            raise NO_CHECKPOINT.at("checkpoint" if size is None else f"tree size {size}")
        self._size, self._note = found
        self._leaves: dict[int, bytes] = {}

    def checkpoint(self) -> bytes:
        """The signed note, with the lines of those cosigners alone whom the newest policy under
        it names: a verifier refuses others."""
        if self._note.count(b"\n\xe2\x80\x94 ") > 1:
            self._note = self._named_lines()
        return self._note

    def _named_lines(self) -> bytes:
        own = Cosigners(log_state(self._store, self._log_uri)).own(self._size)
        for index in reversed(self.indexes(self._log_uri, self._size)):
            content = read_content(parse_statement(self.leaf(index)))
            if isinstance(content, Policy):
                return only(self._note, own, cosigners((*content.witnesses, *content.auditors)))
        raise NO_ENTRY.at("policy")

    def checkpoint_size(self) -> int:
        """The tree size of the note."""
        return self._size

    def leaf(self, index: int) -> bytes:
        """The leaf bytes of entry ``index``. Raises ``missing.entry``."""
        if index not in self._leaves:
            self._leaves[index] = read_entry(self._store, index).leaf
        return self._leaves[index]

    def indexes(self, uri: str, size: int) -> list[int]:
        """The entries below ``size`` that concern ``uri``, ascending."""
        return self._store.subject_entries(uri, size)

    def head_after(self, index: int, size: int) -> int:
        """The index of the first head at or after ``index``. Raises ``missing.checkpoint`` where
        there is none below ``size``."""
        covering = self._store.checkpoint_at_or_after(index + 1)
        if covering is None or covering[0] > size:
            raise NO_CHECKPOINT.at(f"entry {index}")
        return covering[0] - 1

    def prove(self, uris: Sequence[str]) -> dict[str, PrefixProof]:
        """Proofs from the index under the checkpoint.

        Raises ``unavailable.index.moved`` where a newer head has changed the index meanwhile, and
        this size is not pinned.
        """
        keys = {key_of(uri): uri for uri in uris}
        root = read_head(self._store, self._size - 1).index_root
        found = self._store.prove(keys, self._size)
        for lookup in found.values():
            if lookup.root != root:
                raise MOVED.at(f"tree size {self._size}")
        return {keys[key]: lookup.proof for key, lookup in found.items()}

    def receipts(self, indexes: Sequence[int], size: int) -> list[bytes]:
        """Receipts at ``size``, a published tree size."""
        log, time, root = self._published(size)
        return self._receipts.issue(log, size, time, root, indexes)

    def signed_root(self) -> bytes:
        """What the receipts at the checkpoint's size have in common."""
        log, time, root = self._published(self._size)
        return self._receipts.signed_root(log, self._size, time, root)

    def consistency(self, older: int) -> bytes:
        """The receipt that the tree of the checkpoint of size ``older`` is the beginning of this
        one. Raises ``missing.checkpoint``, ``usage.consistency``."""
        if not 0 < older < self._size:
            raise NOT_OLDER.at(f"tree size {older}", f"{self._size} is the other")
        self._published(older)
        log, time, root = self._published(self._size)
        return self._receipts.consistency(log, older, self._size, time, root)

    def _published(self, size: int) -> tuple[LogState, int, bytes]:
        stored = self._store.checkpoint(size)
        if stored is None:
            raise NO_CHECKPOINT.at(f"tree size {size}")
        root = parse_body(stored[1].rpartition(b"\n\n")[0] + b"\n").root
        log = log_state(self._store, self._log_uri)
        return log, read_head(self._store, size - 1).time, root
