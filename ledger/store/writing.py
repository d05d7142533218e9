"""What one write transaction may do. ``SqlStore.writing()`` makes and commits it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from keys.errors import CellbookError
from ledger.store import indexing, pinning, publishing, queries
from ledger.store.bulk import bulk
from ledger.store.failures import translate
from ledger.store.records import LogHead, NewEntry, StoredEntry
from ledger.store.subject_rows import Subject, changed_subjects, columns
from ledger.store.tables import (
    ENTRY,
    LIST_DOCUMENT,
    LOG_HEAD,
    SUBJECT,
    SUBJECT_ENTRY,
    TERM,
)
from ledger.tree.prefix_chain import START, Chain


class Writing:
    """One write transaction, with the head row locked. Everything is read after the lock.

    ``head`` is the head as it was when the lock was taken; it does not change with the writes.
    After any error of the database, even one that the caller caught, the block cannot commit:
    SQLite may have rolled back by itself, and what follows would then commit alone. Used by one
    thread, and only inside its block.
    """

    def __init__(self, connection: Connection, head: LogHead) -> None:
        self.head = head
        self._connection = connection
        self._failure: CellbookError | None = None
        self._open = True
        self._stored = self._claimed = head.size
        # Subjects that were looked up; None where there is no row yet.
        self._rows: dict[str, Subject | None] = {}
        self._next_id = 0
        # The newest pin, 0 for none; None while nobody has asked.
        self._pinned: int | None = None

    def contents(self, content_ids: Iterable[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """(index, entry id) of those content ids that are registered."""
        with self._using() as connection:
            return queries.contents(connection, content_ids)

    def states(self, uris: Iterable[str]) -> dict[str, bytes]:
        """The encoded states of those subjects that have one."""
        known = self._known(uris)
        return {uri: row.state for uri, row in known.items() if row.state is not None}

    def entries_by_id(self, entry_ids: Iterable[bytes]) -> dict[bytes, StoredEntry]:
        """Those entries that are registered, by entry id."""
        with self._using() as connection:
            return queries.entries_by_id(connection, entry_ids)

    def chain(self, uri: str, limit: int) -> list[StoredEntry]:
        """The first ``limit`` entries that concern a subject, ascending."""
        with self._using() as connection:
            return queries.chain(connection, uri, self.head.size, limit)

    def entry(self, index: int) -> StoredEntry | None:
        """The entry at ``index``, as it is stored."""
        with self._using() as connection:
            found = queries.entries(connection, index, index + 1)
        return found[0] if found else None

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first ``width`` hashes of a tile. Raises ``damaged.store.tile``."""
        with self._using() as connection:
            return queries.tile(connection, level, n, width)

    def append(self, entries: Sequence[NewEntry]) -> None:
        """Insert entries; their indexes must go on unbroken from the head's size (ValueError).

        Raises ``conflict.store.duplicate`` for a content id or entry id that is registered.
        """
        first = self._stored
        if [entry.index for entry in entries] != list(range(first, first + len(entries))):
            raise ValueError(f"entries must go on from index {first}")
        self._insert(
            ENTRY,
            [entry.index for entry in entries],
            [entry.entry_id for entry in entries],
            [entry.content_id for entry in entries],
            [entry.leaf for entry in entries],
        )
        self._stored += len(entries)

    def put_subjects(
        self,
        states: Mapping[str, bytes],
        pairs: Sequence[tuple[str, int]] = (),
        leaf_hashes: Mapping[int, bytes] | None = None,
    ) -> None:
        """Insert or replace the states of subjects, and say which entries concern which subjects.

        ``pairs`` are (URI, index), each once, ascending; ``leaf_hashes`` has those of the indexes,
        by which the subjects' chains grow. A subject without a row gets one, without a state where
        ``states`` has none.
        """
        known = self._known([*states, *(uri for uri, _ in pairs)])
        changed = changed_subjects(known, states, pairs, leaf_hashes or {})
        new = [uri for uri in changed if self._rows[uri] is None]
        old = [uri for uri in changed if self._rows[uri] is not None]
        self._give_ids(changed, new)
        self._insert(SUBJECT, *columns(changed, new, with_uri=True))
        if old:
            with self._using() as connection:
                bulk(connection).set_subjects(connection, columns(changed, old))
        self._rows.update(changed)
        ids = [changed[uri].id for uri, _ in pairs]
        self._insert(SUBJECT_ENTRY, ids, [index for _, index in pairs])

    def put_terms(self, terms: Sequence[tuple[str, str, str]]) -> None:
        """Say under which words subjects are found: (kind, value, URI). Those that are known stay.

        The subjects must have their rows (KeyError).
        """
        if terms:
            kinds, values, uris = map(list, zip(*terms, strict=True))
            known = self._known(uris)
            ids = [known[uri].id for uri in uris]
            with self._using() as connection:
                bulk(connection).add(connection, TERM, (kinds, values, ids))

    def put_tiles(self, tiles: Mapping[tuple[int, int], bytes]) -> None:
        """Insert or replace tiles, by (level, n)."""
        if tiles:
            levels, numbers = [level for level, _ in tiles], [n for _, n in tiles]
            with self._using() as connection:
                columns = (levels, numbers, list(tiles.values()))
                bulk(connection).replace_tiles(connection, columns)

    def concerned(self, after: indexing.Pair, stop: int) -> list[indexing.Pair]:
        """A page of (index, subject id) after ``after``, with indexes below ``stop``, ascending."""
        with self._using() as connection:
            return indexing.concerned(connection, after, stop)

    def chains(self, subject_ids: Iterable[int]) -> dict[int, tuple[str, Chain]]:
        """URIs and chains, over all entries, of subjects by their ids."""
        with self._using() as connection:
            return indexing.chains(connection, list(subject_ids))

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """As ``BlockReader`` says."""
        with self._using() as connection:
            return indexing.blocks(connection, places)

    def put_blocks(self, blocks: Mapping[bytes, bytes], size: int) -> None:
        """Insert or replace blocks of the index, by place: so they are from tree size ``size`` on.

        What was there at a pinned size is kept.
        """
        with self._using() as connection:
            if self._pinned is None:
                self._pinned = pinning.newest_pin(connection) or 0
            if self._pinned:
                pinning.keep(connection, list(blocks), size, self._pinned)
            indexing.put_blocks(connection, blocks, size)

    def pins(self) -> dict[str, int]:
        """As ``SqlStore.pins`` says."""
        with self._using() as connection:
            return pinning.pins(connection)

    def move_pins(self, moves: Mapping[str, int | None]) -> None:
        """As ``SqlStore.move_pins`` says; the newest head is the one that was put last."""
        self._pinned = None
        with self._using() as connection:
            pinning.move_pins(connection, moves)

    def put_head(self, head: LogHead) -> None:
        """Replace the head row, all but ``checkpoint`` and ``published``."""
        values = {
            "size": head.size,
            "root": head.root,
            "edge": head.edge,
            "epoch_time": head.epoch_time,
            "last_time": head.last_time,
            "last_head": head.last_head,
            "governance": head.governance,
        }
        with self._using() as connection:
            connection.execute(update(LOG_HEAD).where(LOG_HEAD.c.id == 1), values)
        self._claimed = head.size

    def put_checkpoint(self, size: int, note: bytes, *, publish: bool = True) -> None:
        """Store a signed note and move the head's ``checkpoint`` up to it, and with ``publish``
        ``published`` too.

        A stored note with the same text stays, whoever signed it. Raises ``conflict.checkpoint``
        if its text differs, or the log is smaller. The signatures are not checked here.
        """
        with self._using() as connection:
            publishing.put_checkpoint(connection, self._stored, size, note)
            if publish:
                publishing.publish(connection, size)

    def checkpoint(self, size: int) -> bytes | None:
        """The stored note of this size."""
        with self._using() as connection:
            found = queries.checkpoint(connection, size)
        return None if found is None else found[1]

    def replace_note(self, size: int, note: bytes) -> None:
        """Store ``note`` instead of the one of the same text. Raises ``conflict.checkpoint``."""
        with self._using() as connection:
            publishing.replace_note(connection, size, note)

    def publish(self, size: int) -> None:
        """Let the stored checkpoint of ``size`` be the one that is shown, or a greater one."""
        with self._using() as connection:
            publishing.publish(connection, size)

    def witnesses(self) -> bytes | None:
        """As ``ledger.store.publishing`` says."""
        with self._using() as connection:
            return publishing.witnesses(connection)

    def put_witnesses(self, digest: bytes | None) -> None:
        """As ``ledger.store.publishing`` says."""
        with self._using() as connection:
            publishing.put_witnesses(connection, digest)

    def put_list_document(self, root: bytes, data: bytes) -> None:
        """Store the rows of the list with this root; what was stored under it is replaced.

        That they are the rows of the root, and that a snapshot states it, is not checked here.
        """
        with self._using() as connection:
            connection.execute(delete(LIST_DOCUMENT).where(LIST_DOCUMENT.c.root == root))
            connection.execute(insert(LIST_DOCUMENT), [{"root": root, "data": data}])

    def finish(self) -> None:
        """Before the commit: raise what failed, or ValueError if head and entries disagree."""
        if self._failure is not None:
            raise self._failure
        if self._stored != self._claimed:
            raise ValueError(f"the head says {self._claimed} entries, there are {self._stored}")

    def close(self) -> None:
        """The block is over: every further call is refused."""
        self._open = False

    def _known(self, uris: Iterable[str]) -> dict[str, Subject]:
        """Those of ``uris`` that have a row."""
        wanted = list(dict.fromkeys(uris))
        if unknown := [uri for uri in wanted if uri not in self._rows]:
            with self._using() as connection:
                found = queries.subject_rows(connection, unknown)
            self._rows.update(dict.fromkeys(unknown))
            for uri, number, state, count, chain in found:
                self._rows[uri] = Subject(number, state, Chain(count, bytes(chain or START)))
        rows = ((uri, self._rows[uri]) for uri in wanted)
        return {uri: row for uri, row in rows if row is not None}

    def _give_ids(self, changed: dict[str, Subject], new: Sequence[str]) -> None:
        # Ids are given out here and not by the database: nobody else writes under the lock, and
        # the rows of one subject's entries can then be written without asking for its id.
        if new and not self._next_id:
            newest = select(func.max(SUBJECT.c.id))
            with self._using() as connection:
                self._next_id = (connection.execute(newest).scalar() or 0) + 1
        for uri in new:
            changed[uri] = msgspec.structs.replace(changed[uri], id=self._next_id)
            self._next_id += 1

    def _insert(self, table: Table, *columns: list[Any]) -> None:
        if columns[0]:
            with self._using() as connection:
                bulk(connection).insert(connection, table, columns)

    @contextmanager
    def _using(self) -> Iterator[Connection]:
        if self._failure is not None:
            raise self._failure
        if not self._open:
            raise RuntimeError("the write transaction is over")
        try:
            yield self._connection
        except SQLAlchemyError as error:
            self._failure = translate(error)
            raise self._failure from error
