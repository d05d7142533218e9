"""The store: one write transaction at a time over all processes, and readers beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

import msgspec
from sqlalchemy import URL, Connection, Engine, insert, select, text

from keys.errors import declare
from ledger.store import indexing, migrations, pinning, publishing, queries
from ledger.store.engine import LOCK_TIMEOUT, make_file, open_engine
from ledger.store.failures import SCHEMA
from ledger.store.records import BEGINNING, Counts, LogHead, StoredEntry, StoredSubject
from ledger.store.tables import LOG_HEAD
from ledger.store.terms import StoredTerm, Term
from ledger.store.terms import page as term_page
from ledger.store.terms import search as search_terms
from ledger.store.transactions import commit, roll_back, translated, watch
from ledger.store.writing import Writing
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_proofs import Lookup, prove

RANGE = declare(
    "usage.store.range",
    "This is not a range of entries that can be read at once.",
    "Ask for 0 ≤ start ≤ stop and at most 65,536 entries.",
)

MAX_RANGE = 65_536
_LARGEST = 2**63 - 1


class SqlStore:
    """The log's tables on SQLite or PostgreSQL.

    May be used from several threads; several processes may use one database. Each read method is
    one short transaction over one snapshot. Errors of the database are CellbookErrors of
    ``ledger.store.failures``.
    """

    def __init__(self, writer: Engine, readers: Engine) -> None:
        self._writer = writer
        self._readers = readers
        watch(writer, readers)

    @classmethod
    def open(cls, url: str | URL, *, lock_timeout: float = LOCK_TIMEOUT) -> Self:
        """A store at ``url``. Connects at first use: call ``create`` or ``check_schema`` next."""
        readers = open_engine(url, read_only=True, lock_timeout=lock_timeout)
        return cls(open_engine(url, lock_timeout=lock_timeout), readers)

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._readers.dispose()
        self._writer.dispose()

    def create(self) -> None:
        """Make the tables, and the head row of an empty log. Does nothing where they are there."""
        make_file(self._writer.url)
        with translated():
            migrations.migrate(self._writer)
            with self._writer.begin() as connection:
                if connection.execute(select(LOG_HEAD.c.id)).first() is None:
                    row = {"id": 1, **msgspec.structs.asdict(BEGINNING)}
                    connection.execute(insert(LOG_HEAD), [row])

    def check_schema(self) -> None:
        """Raise ``unavailable.store.schema`` unless the tables are those of this version."""
        with self._reading() as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if found != migrations.NEWEST:
                raise SCHEMA.at("database", f"it has version {found}, not {migrations.NEWEST}")
            queries.head(connection)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One write transaction, the head row locked first. Leaving the block commits.

        An exception inside rolls back. Raises ``StoreUncertain`` when a commit was sent and its
        outcome is not known, or PostgreSQL sent any notice with it: the connection is then gone.
        """
        with translated():
            connection = self._writer.connect()
        writing: Writing | None = None
        try:
            with translated():
                writing = Writing(connection, queries.head(connection, lock=True))
            yield writing
            writing.finish()
        except BaseException:
            roll_back(connection)
            raise
        else:
            commit(connection)
        finally:
            if writing is not None:
                writing.close()

    def put_checkpoint(self, size: int, note: bytes, *, publish: bool = True) -> None:
        """As ``Writing.put_checkpoint``."""
        with self.writing() as writing:
            writing.put_checkpoint(size, note, publish=publish)

    def head(self) -> LogHead:
        """Where the log stands."""
        with self._reading() as connection:
            return queries.head(connection)

    def entry(self, index: int) -> StoredEntry | None:
        """The entry at ``index``."""
        if not 0 <= index < _LARGEST:
            return None
        with self._reading() as connection:
            found = queries.entries(connection, index, index + 1)
        return found[0] if found else None

    def entries(self, start: int, stop: int) -> list[StoredEntry]:
        """The entries start ≤ index < stop that there are. Raises ``usage.store.range``."""
        if not 0 <= start <= stop <= _LARGEST or stop - start > MAX_RANGE:
            raise RANGE.at("range", f"{start} to {stop}")
        with self._reading() as connection:
            return queries.entries(connection, start, stop)

    def iterate_entries(self, start: int, stop: int, chunk: int = 1024) -> Iterator[StoredEntry]:
        """The entries start ≤ index < stop, ``chunk`` a transaction; stops at the last there is."""
        for first in range(start, stop, chunk):
            last = min(first + chunk, stop)
            found = self.entries(first, last)
            yield from found
            if len(found) < last - first:
                return

    def entry_by_id(self, entry_id: bytes) -> StoredEntry | None:
        """The entry with this SHA-256 of its leaf."""
        with self._reading() as connection:
            return queries.entries_by_id(connection, [entry_id]).get(entry_id)

    def by_content(self, content_ids: Iterable[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """content id → (index, entry id), of those that are registered."""
        with self._reading() as connection:
            return queries.contents(connection, content_ids)

    def state(self, uri: str) -> bytes | None:
        """The encoded state of a subject."""
        return self.states([uri]).get(uri)

    def states(self, uris: Iterable[str]) -> dict[str, bytes]:
        """The encoded states of those subjects that have one."""
        with self._reading() as connection:
            found = queries.subjects(connection, filter(_is_text, uris))
        return {uri: state for uri, _, state in found if state is not None}

    def subject_entries(self, uri: str, size: int) -> list[int]:
        """The indexes below ``size`` of the entries that concern a subject, ascending."""
        if not _is_text(uri):
            return []
        with self._reading() as connection:
            return queries.subject_entries(connection, uri, min(size, _LARGEST))

    def chain(self, uri: str, size: int, limit: int) -> list[StoredEntry]:
        """The first ``limit`` entries below ``size`` that concern a subject, ascending."""
        with self._reading() as connection:
            return queries.chain(connection, uri, min(size, _LARGEST), limit)

    def iterate_subjects(self, after_uri: str = "", limit: int = 1000) -> list[StoredSubject]:
        """Up to ``limit`` subjects after ``after_uri``, in the order of their bytes."""
        with self._reading() as connection:
            return queries.subject_page(connection, after_uri, limit)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first ``width`` hashes of a tile, 32 bytes each. Raises ``damaged.store.tile``."""
        if max(level, n) > _LARGEST:
            raise queries.TILE_SHORT.at(f"tile {level}/{n}", "no tree is that large")
        with self._reading() as connection:
            return queries.tile(connection, level, n, width)

    def stored_tile(self, level: int, n: int) -> bytes | None:
        """All bytes of a tile's row, whatever they are: for who checks them."""
        with self._reading() as connection:
            return queries.stored_tile(connection, level, n)

    def checkpoint(self, size: int | None = None) -> tuple[int, bytes] | None:
        """(size, note) of the checkpoint of that size, or of the newest."""
        if size is not None and size > _LARGEST:
            return None
        with self._reading() as connection:
            return queries.checkpoint(connection, size)

    def published(self) -> tuple[int, bytes] | None:
        """(size, note) of the checkpoint that is shown."""
        with self._reading() as connection:
            return queries.published(connection)

    def checkpoint_at_or_after(self, size: int) -> tuple[int, bytes] | None:
        """(size, note) of the smallest checkpoint that covers the first ``size`` entries."""
        if size > _LARGEST:
            return None
        with self._reading() as connection:
            return queries.checkpoint_at_or_after(connection, size)

    def put_list_document(self, root: bytes, data: bytes) -> None:
        """Store the rows of the list with this root; what was stored under it is replaced."""
        with self.writing() as writing:
            writing.put_list_document(root, data)

    def list_document(self, root: bytes) -> bytes | None:
        """The rows of the list with this root, as they were stored."""
        with self._reading() as connection:
            return queries.list_document(connection, root)

    def list_roots(self) -> list[bytes]:
        """The roots of the lists whose rows are stored, ascending."""
        with self._reading() as connection:
            return queries.list_roots(connection)

    def search(
        self, terms: Iterable[Term], names: Iterable[str], after: str | None, limit: int
    ) -> list[tuple[str, str]] | None:
        """(URI, kind) of subjects that have one of ``terms``, or a name among ``names``: of at most
        ``limit`` subjects that came into the log after the subject ``after``. None where that is
        no subject."""
        asked = [(kind, value) for kind, value in terms if _is_text(value)]
        with self._reading() as connection:
            start = 0
            if after is not None:
                known = queries.subjects(connection, filter(_is_text, (after,)))
                if not known:
                    return None
                start = known[0][1]
            return search_terms(connection, asked, filter(_is_text, names), start, limit)

    def iterate_terms(self, after: StoredTerm | None = None, limit: int = 4096) -> list[StoredTerm]:
        """Up to ``limit`` terms after ``after``, in the order of their bytes."""
        with self._reading() as connection:
            return term_page(connection, after, limit)

    def prove(self, keys: Iterable[bytes], size: int = _LARGEST) -> dict[bytes, Lookup]:
        """Proofs for keys of the index, all at one head: the last one below tree size ``size``,
        where that is the newest or pinned, else any. Raises ``damaged.tree.block``."""
        with self._reading() as connection:
            return prove(pinning.BlocksAt(connection, size), keys)

    @contextmanager
    def looking(self) -> Iterator[indexing.IndexView]:
        """The index in one snapshot, for whoever is going to change it and has no lock yet."""
        with self._reading() as connection:
            yield indexing.IndexView(connection, queries.head(connection))

    def witnesses(self) -> bytes | None:
        """The digest of the policy of witnesses by which the log is published, None for none."""
        with self._reading() as connection:
            return publishing.witnesses(connection)

    def pins(self) -> dict[str, int]:
        """purpose → tree size at which the index stays readable (``ledger.store.pinning``)."""
        with self._reading() as connection:
            return pinning.pins(connection)

    def move_pins(self, moves: Mapping[str, int | None]) -> None:
        """Pin other tree sizes for these purposes, or none any more (None).

        A size must be that of the newest head's checkpoint, or pinned already, for whatever
        purpose: otherwise ``unavailable.index.unkept`` is raised, and nothing is changed.
        """
        with self.writing() as writing:
            writing.move_pins(moves)

    def iterate_undo(self, until: int, after: int = 0, limit: int = 256) -> list[pinning.Undo]:
        """Up to ``limit`` blocks that were overwritten at tree size ``until`` and are kept."""
        with self._reading() as connection:
            return pinning.undo_rows(connection, until, after, limit)

    def iterate_blocks(self, after: int = 0, limit: int = 256) -> list[indexing.Row]:
        """Up to ``limit`` blocks of the index whose ids come after ``after``, by their ids."""
        with self._reading() as connection:
            return indexing.block_page(connection, after, limit)

    def stored_chains(self, uris: Iterable[str]) -> dict[str, Chain]:
        """The chains of subjects over all entries, as they are stored, by URI."""
        with self._reading() as connection:
            return indexing.stored_chains(connection, uris)

    def counts(self) -> Counts:
        """The number of rows of each table; takes long on a large log."""
        with self._reading() as connection:
            return queries.counts(connection)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(), self._readers.connect() as connection:
            yield connection


def _is_text(uri: str) -> bool:
    # What a database cannot hold as text is no subject; asked for it, drivers raise their own way.
    return "\0" not in uri and uri.encode(errors="replace").decode() == uri
