"""Everything derived from the entries, written once more, in one transaction or not at all.

What stays: entries, checkpoints, the rows of lists, pins, and the ids that subjects have. All else
is taken away first and written again by the same statements as the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete, exists, update

from ledger.store import queries
from ledger.store.records import BEGINNING, LogHead, NewEntry, StoredEntry
from ledger.store.tables import (
    INDEX_BLOCK,
    INDEX_UNDO,
    LOG_HEAD,
    SUBJECT,
    SUBJECT_ENTRY,
    TERM,
    TILE,
)
from ledger.store.writing import Writing

_CLEARED = (TERM, SUBJECT_ENTRY, TILE, INDEX_BLOCK, INDEX_UNDO)


class Rewriting:
    """The transaction of ``writing``, from whose database all that is derived is gone now.

    Readers see the old rows until the block of ``writing`` commits.
    """

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self.pins: Mapping[str, int] = writing.pins()
        with writing._using() as connection:
            for table in _CLEARED:
                connection.execute(delete(table))
            connection.execute(update(SUBJECT), {"state": None, "count": 0, "chain": None})
        writing.put_head(BEGINNING)

    def at(self, head: LogHead) -> Writing:
        """To write what follows ``head``, which was put last, and nothing that comes later."""
        with self._writing._using() as connection:
            before = [size for size in self.pins.values() if size <= head.size]
            return _Again(connection, head, max(before, default=0))

    def finish(self, head: LogHead) -> None:
        """After the last entry: take away subjects that no entry names; ``head`` is the head row,
        ``checkpoint`` too."""
        with self._writing._using() as connection:
            named = exists().where(SUBJECT_ENTRY.c.subject_id == SUBJECT.c.id)
            connection.execute(delete(SUBJECT).where(SUBJECT.c.state.is_(None), ~named))
            shown = queries.head(connection).published or head.checkpoint
            values = {"checkpoint": head.checkpoint, "published": min(shown, head.checkpoint)}
            connection.execute(update(LOG_HEAD).where(LOG_HEAD.c.id == 1), values)
        self._writing._stored = head.size
        self._writing.put_head(head)


class _Again(Writing):
    """A ``Writing`` over entries that are stored, of which it sees only those before ``head``."""

    def __init__(self, connection: Connection, head: LogHead, pinned: int) -> None:
        super().__init__(connection, head)
        self._pinned = pinned

    def contents(self, content_ids: Iterable[bytes]) -> dict[bytes, tuple[int, bytes]]:
        found = super().contents(content_ids)
        return {key: value for key, value in found.items() if value[0] < self.head.size}

    def entries_by_id(self, entry_ids: Iterable[bytes]) -> dict[bytes, StoredEntry]:
        found = super().entries_by_id(entry_ids)
        return {key: entry for key, entry in found.items() if entry.index < self.head.size}

    def append(self, entries: Sequence[NewEntry]) -> None:
        """They are there. Those that are not are inserted: of a log that is copied into here."""
        stored = super().entries_by_id([entry.entry_id for entry in entries])
        first = self._stored
        for n, entry in enumerate(entries, first):
            known = stored.get(entry.entry_id)
            if known is None or known.index != n or entry.index != n:
                return super().append(entries)
        self._stored += len(entries)
        return None
