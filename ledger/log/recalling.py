"""Entries of the logs before this one, for statements here that are about them.

Looked for among the entries of the statement's battery: what a statement is about concerns it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

import msgspec

from keys.errors import declare
from ledger.custody.citing import MAX_DEPTH
from ledger.custody.content import read_content
from ledger.custody.events import Correction, Event, Resolution
from ledger.custody.governance.handover import (
    CarriedEntry,
    CarriedHistory,
    CarriedOver,
    PastEntry,
)
from ledger.custody.governance.past_entries import cited_before, past_entry_uri
from ledger.custody.governance.statements import Governance
from ledger.custody.recall import whole_chain
from ledger.custody.refold import MAX_ENTRIES, UPHELD
from ledger.custody.states import AliasState, LogState, OperatorState
from ledger.custody.subjects import (
    CitedEntry,
    Named,
    cite,
    cited_by,
    named_by,
)
from ledger.log.desk import read_stored
from ledger.log.registration import Prepared
from ledger.log.stored import read_states
from ledger.proof.assembly.reader import LogReader
from ledger.proof.assembly.taken_over import level_of
from ledger.proof.receipt import parse_receipt
from ledger.store.sql import SqlStore
from ledger.wire.statement import parse_statement

TOO_LARGE = declare(
    "rejected.predecessor.size",
    "What would have to be taken over from the log before is larger than a statement may be.",
    "Dispute another entry, or state a new event; a larger `entry_bytes` in the policy may help.",
)
PART_BYTES = 40_000
"""So much of a history stands in one statement, or one entry if that is larger."""


class Recalled(msgspec.Struct, frozen=True):
    """An event in one of the logs before: of how many logs before the predecessor, and where."""

    log: int
    index: int
    leaf: bytes
    content: Event
    cited: CitedEntry

    @property
    def named(self) -> tuple[Named, ...]:
        return named_by(self.content, parse_statement(self.leaf).sub)


class Recalling:
    """What the statements of one group need. ``readers`` are the logs before ``log``, the newest
    first; nothing is said twice."""

    def __init__(self, store: SqlStore, readers: Sequence[LogReader], log: LogState) -> None:
        self._store = store
        self._readers = readers
        self._log = log
        self._said: set[str] = set()

    def entries(self, item: Prepared) -> list[Recalled]:
        """The entries that ``item`` is about, and of which this log has not spoken; others before
        those that are about them. Raises what readers raise."""
        found: dict[str, Recalled] = {}
        for entry_id in item.needed.entries:
            if self._store.entry_by_id(entry_id) is None:
                for one in recall_entry(self._readers, item.statement.sub, entry_id):
                    found[past_entry_uri(one.cited.entry_id)] = one
        known = self._store.states(list(found)).keys() if found else ()
        return [one for uri, one in found.items() if uri not in known]

    def statements(self, item: Prepared, new: Sequence[Recalled]) -> Iterator[Governance]:
        """What this log must say before ``item``, for which ``new`` are new, once its batteries
        were taken over. Raises what readers raise."""
        for one in new:
            name = past_entry_uri(one.cited.entry_id)
            if name not in self._said:
                self._said.add(name)
                yield stated_entry(self._readers, one)
        for uri in self._folded_again(item, new):
            if uri not in self._said and not self._has_past(uri):
                self._said.add(uri)
                yield from stated_history(self._readers, uri)

    def _folded_again(self, item: Prepared, new: Sequence[Recalled]) -> list[str]:
        """The batteries that ``item`` may have folded again from their beginning."""
        content = item.content
        if isinstance(content, Resolution):
            if content.outcome != UPHELD:
                return []
        elif not isinstance(content, Correction):
            return []
        cited = next((one.cited for one in new if one.cited.entry_id == content.entry_ref), None)
        if cited is None:
            name = past_entry_uri(content.entry_ref)
            cited = cited_before(content.entry_ref, read_states(self._store.states([name])))
        if cited is None or not self._may_change(content.on_behalf_of or item.statement.iss, cited):
            return []
        aliases = {n.uri for one in new for n in one.named if n.part == "alias"}
        states = read_states(self._store.states(cited.subjects))
        return [
            uri
            for uri in cited.subjects
            if uri not in aliases and not isinstance(states.get(uri), AliasState)
        ]

    def _may_change(self, speaker: str, cited: CitedEntry) -> bool:
        """Whether COR-2 may let ``speaker``: nobody else makes this log state a whole past."""
        if speaker == cited.issuer:
            return True
        state = read_states(self._store.states([speaker])).get(speaker)
        return isinstance(state, OperatorState) and "authority" in state.roles

    def _has_past(self, uri: str) -> bool:
        stored = self._store.chain(uri, self._store.head().size, MAX_ENTRIES + 1)
        chain = [read_stored(entry) for entry in stored]
        return any(entry.index < 0 for entry in whole_chain(uri, chain, self._log.predecessor))


def recall_entry(readers: Sequence[LogReader], sub: str, entry_id: bytes) -> list[Recalled]:
    """The event ``entry_id`` about the battery ``sub``, after those that it is about; empty where
    the logs of ``readers``, the newest first, have no such event. Raises what readers raise."""
    found: list[Recalled] = []
    wanted: bytes | None = entry_id
    chain: list[tuple[int, int, bytes, Event]] = []
    while wanted is not None and len(chain) <= MAX_DEPTH:
        place = _find(readers, sub, wanted)
        if place is None:
            return []
        chain.append(place)
        wanted = cited_by(place[3])
    known: dict[bytes, CitedEntry] = {}
    for log, index, leaf, event in reversed(chain):
        statement = parse_statement(leaf)
        cited = cite(statement.entry_id, index, statement.iss, statement.sub, event, known)
        known[statement.entry_id] = cited
        found.append(Recalled(log, index, leaf, event, cited))
    return found


def stated_entry(readers: Sequence[LogReader], found: Recalled) -> CarriedEntry:
    """What the log says of ``found``. Raises what readers raise."""
    reader = readers[found.log]
    (receipt,) = reader.receipts([found.index], reader.checkpoint_size())
    _, proofs = parse_receipt(receipt)
    return CarriedEntry(
        entry=PastEntry(log=found.log, index=found.index, leaf=found.leaf),
        path=tuple(proofs[0].path),
        subjects=found.cited.subjects,
    )


def stated_history(readers: Sequence[LogReader], uri: str) -> Iterator[CarriedHistory]:
    """All that the logs before know of the battery ``uri``, in parts; nothing where it is too long
    to be folded again. Raises what readers raise."""
    entries = list(_history(readers, uri))
    if len(entries) > MAX_ENTRIES:
        return
    part: list[PastEntry] = []
    size = 0
    for entry in entries:
        if part and size + len(entry.leaf) > PART_BYTES:
            yield CarriedHistory(uri=uri, entries=tuple(part))
            part, size = [], 0
        part.append(entry)
        size += len(entry.leaf)
    if part:
        yield CarriedHistory(uri=uri, entries=tuple(part))


def _history(readers: Sequence[LogReader], uri: str) -> Iterator[PastEntry]:
    log = level_of(readers, uri)
    while log is not None:
        reader, older = readers[log], None
        for index in reader.indexes(uri, reader.checkpoint_size())[: MAX_ENTRIES + 1]:
            leaf = reader.leaf(index)
            older = _older(uri, leaf) or older
            yield PastEntry(log=log, index=index, leaf=leaf)
        log = None if older is None else log + older


def _older(uri: str, leaf: bytes) -> int | None:
    """How many logs before there is more about ``uri``, where the entry says that there is."""
    content = read_content(parse_statement(leaf))
    items = content.subjects if isinstance(content, CarriedOver) else ()
    return next((len(i.proofs) for i in items if i.uri == uri and i.state is not None), None)


def _find(
    readers: Sequence[LogReader], sub: str, entry_id: bytes
) -> tuple[int, int, bytes, Event] | None:
    for log, reader in enumerate(readers):
        for index in reader.indexes(sub, reader.checkpoint_size()):
            leaf = reader.leaf(index)
            if sha256(leaf).digest() == entry_id:
                content = read_content(parse_statement(leaf))
                return (log, index, leaf, content) if isinstance(content, Event) else None
    return None
