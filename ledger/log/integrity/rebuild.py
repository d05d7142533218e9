"""Everything that a log keeps beside its entries, made anew from them, with the same result.

Entries are decided once more by the code that registered them, signatures included, so what is
written is what would be there had nothing happened to it. Heads state the index over which they
were signed, checkpoints the tree: what comes out must be those, or nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from keys.errors import CellbookError
from ledger.custody.decision import Content
from ledger.custody.governance.statements import Head
from ledger.custody.states import LogState
from ledger.log.desk import Desk
from ledger.log.index import extend_index
from ledger.log.integrity.damage import CHECKPOINT, ENTRY, damage, differs
from ledger.log.integrity.retold import check_note
from ledger.log.integrity.stream import Timed, timed_entries
from ledger.log.registration import unchecked
from ledger.log.stored import find_log_uri
from ledger.store.records import BEGINNING
from ledger.store.rewriting import Rewriting
from ledger.store.sql import SqlStore
from ledger.tree.growth import Growth
from ledger.wire.statement import TYP_HEAD

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""
NoteOf = Callable[[LogState, int, bytes], bytes | None]
"""(policy, size, root) → the checkpoint of that size, if there is one. It is not believed."""

_GROUP = 1024


class Rebuilt(msgspec.Struct, frozen=True):
    """A log whose derived rows are new. ``unpublished`` heads have no checkpoint; the service signs
    them when it starts."""

    size: int
    root: bytes
    heads: int
    checkpoints: int
    unpublished: int


def rebuild(
    store: SqlStore, *, genesis: bytes | None = None, progress: Progress | None = None
) -> Rebuilt:
    """Make anew all that is derived in ``store``: in one transaction, or nothing is changed.

    ``genesis`` is the entry id of the log that is meant. Nothing can be registered meanwhile.
    Raises ``damaged.*`` where entries, heads and checkpoints do not agree, and ``unavailable.*``.
    """
    uri = find_log_uri(store)

    def stored_note(log: LogState, size: int, root: bytes) -> bytes | None:
        found = store.checkpoint(size)
        return None if found is None else found[1]

    with store.writing() as writing:
        counts = store.counts()
        entries = timed_entries(store, writing.head, counts.entries)
        run = Rebuild(Rewriting(writing), uri, counts.entries, stored_note)
        done = run.run(entries, genesis, progress or (lambda done, total: None))
        if done.size < writing.head.size and done.root != writing.head.root:
            raise damage(ENTRY, f"index {done.size}", "", "the row is missing")
        if done.checkpoints != counts.checkpoints:
            detail = f"{counts.checkpoints} are stored, {done.checkpoints} belong to heads"
            raise damage(CHECKPOINT, "of no head", "", detail)
    return done


class Rebuild:
    """One run, over entries that are stored or come from elsewhere. A group of them is in memory.

    ``total`` is how many there are.
    """

    def __init__(self, rewriting: Rewriting, log_uri: str, total: int, note_of: NoteOf) -> None:
        self._rewriting = rewriting
        self._uri = log_uri
        self._total = total
        self._note_of = note_of
        self._head = BEGINNING
        self._growth = Growth.empty()
        self._heads = self._checkpoints = 0

    def run(self, entries: Iterable[Timed], genesis: bytes | None, progress: Progress) -> Rebuilt:
        """Take in ``entries``, from the first to the last. Raises as ``rebuild``."""
        group: list[Timed] = []
        for entry in entries:
            if genesis is not None and entry.index == 0 and entry.entry_id != genesis:
                raise differs(ENTRY, "index 0", "entry_id", entry.entry_id, genesis)
            is_head = entry.statement.typ == TYP_HEAD
            if group and (is_head or len(group) == _GROUP):
                self._append(group, epoch_time=group[0].time)
                group = []
                progress(entry.index, self._total)
            if is_head:
                self._take_head(entry)
            else:
                group.append(entry)
        if group:
            self._append(group, epoch_time=group[0].time)
        return self._end()

    def _end(self) -> Rebuilt:
        head = self._head
        if head.size != self._total:
            raise damage(ENTRY, f"index {head.size}", "", "the row is missing")
        self._rewriting.finish(head)
        waiting = self._heads - self._checkpoints
        return Rebuilt(head.size, head.root, self._heads, self._checkpoints, waiting)

    def _take_head(self, entry: Timed) -> None:
        before = self._head
        writing = self._rewriting.at(before)
        root = extend_index(writing, before.last_head, before.size)
        ended = {"epoch_time": None, "last_time": entry.time, "last_head": entry.index}
        contents, log = self._append([entry], **ended)
        if not isinstance(contents[0], Head) or contents[0].index_root != root:
            detail = f"the head states another index root than {root.hex()}"
            raise damage(ENTRY, f"index {entry.index}", "leaf", detail)
        self._heads += 1
        self._check_checkpoint(log)

    def _append(self, group: Sequence[Timed], **changes: Any) -> tuple[list[Content], LogState]:
        """Decide and write ``group``, entries of one epoch; ``changes`` are those of the head row
        beside what every entry changes. What they say, and the policy after them."""
        writing = self._rewriting.at(self._head)
        desk = Desk(writing, self._uri, group[0].time)
        items = [unchecked(entry.statement) for entry in group]
        desk.expect(items)
        for entry, item in zip(group, items, strict=True):
            try:
                placed = desk.take(item)
            except CellbookError as error:
                row = f"index {entry.index}"
                detail = f"it should have been refused: {error.code}, {error.describe()}"
                raise damage(ENTRY, row, "leaf", detail) from error
            if placed.index != entry.index:
                detail = f"entry {placed.index} is the same"
                raise damage(ENTRY, f"index {entry.index}", "content_id", detail)
        grown = self._growth.append(desk.leaf_hashes)
        desk.write()
        writing.put_tiles(grown.tiles)
        self._growth = grown.growth
        self._head = msgspec.structs.replace(
            self._head,
            size=grown.size,
            root=grown.root,
            edge=grown.growth.to_bytes(),
            governance=self._head.governance + desk.governance,
            **changes,
        )
        writing.put_head(self._head)
        writing.finish()
        assert desk.log is not None  # noqa: S101 - the genesis has passed its decision
        return [item.content for item in items], desk.log

    def _check_checkpoint(self, log: LogState) -> None:
        size, root = self._head.size, self._head.root
        note = self._note_of(log, size, root)
        if note is None:
            return
        check_note(log, size, root, note)
        self._checkpoints += 1
        if self._checkpoints == self._heads:
            # Up to here none is missing. The service signs those that come after it.
            self._head = msgspec.structs.replace(self._head, checkpoint=size)
