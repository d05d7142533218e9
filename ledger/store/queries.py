"""The statements that read. One connection each; what runs around them is the caller's matter."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping, func, select

from keys.errors import declare
from ledger.store.bulk import bulk
from ledger.store.failures import SCHEMA
from ledger.store.records import Counts, LogHead, StoredEntry, StoredSubject
from ledger.store.tables import (
    CHECKPOINT,
    ENTRY,
    INDEX_BLOCK,
    INDEX_UNDO,
    LIST_DOCUMENT,
    LOG_HEAD,
    SUBJECT,
    SUBJECT_ENTRY,
    TERM,
    TILE,
)

TILE_SHORT = declare(
    "damaged.store.tile",
    "A stored tile is missing or shorter than the tree demands.",
    "Run `cellbook fsck`; restore the database from a copy.",
)

HASH = 32


def head(connection: Connection, *, lock: bool = False) -> LogHead:
    """The head row; with ``lock``, locked until the transaction ends (on SQLite it is already)."""
    statement = select(LOG_HEAD).where(LOG_HEAD.c.id == 1)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    if row is None:
        raise SCHEMA.at("table log_head", "it is empty")
    return _head(row)


def _head(row: RowMapping) -> LogHead:
    return LogHead(
        size=row["size"],
        root=bytes(row["root"]),
        edge=bytes(row["edge"]),
        epoch_time=row["epoch_time"],
        last_time=row["last_time"],
        last_head=row["last_head"],
        governance=row["governance"],
        checkpoint=row["checkpoint"],
        published=row["published"],
    )


def contents(
    connection: Connection, content_ids: Iterable[bytes]
) -> dict[bytes, tuple[int, bytes]]:
    """content id → (index, entry id), of those that are registered."""
    columns = (ENTRY.c.content_id, ENTRY.c.index, ENTRY.c.entry_id)
    rows = bulk(connection).matching(connection, columns, content_ids)
    return {content_id: (index, entry_id) for content_id, index, entry_id in rows}


def subjects(connection: Connection, uris: Iterable[str]) -> list[tuple[str, int, bytes | None]]:
    """(uri, id, state) of those subjects that have a row."""
    columns = (SUBJECT.c.uri, SUBJECT.c.id, SUBJECT.c.state)
    rows = bulk(connection).matching(connection, columns, uris)
    return [(uri, subject_id, state) for uri, subject_id, state in rows]


def subject_rows(
    connection: Connection, uris: Iterable[str]
) -> list[tuple[str, int, bytes | None, int, bytes | None]]:
    """(uri, id, state, count, chain) of those subjects that have a row."""
    names = (SUBJECT.c.uri, SUBJECT.c.id, SUBJECT.c.state, SUBJECT.c.count, SUBJECT.c.chain)
    return [(*row,) for row in bulk(connection).matching(connection, names, uris)]


def entries_by_id(connection: Connection, entry_ids: Iterable[bytes]) -> dict[bytes, StoredEntry]:
    """entry id → entry, of those that are registered."""
    columns = (ENTRY.c.entry_id, ENTRY.c.index, ENTRY.c.content_id, ENTRY.c.leaf)
    rows = bulk(connection).matching(connection, columns, entry_ids)
    return {row[0]: StoredEntry(row[1], row[0], row[2], row[3]) for row in rows}


def entries(connection: Connection, start: int, stop: int) -> list[StoredEntry]:
    """The entries start ≤ index < stop, ascending."""
    columns = select(ENTRY.c.index, ENTRY.c.entry_id, ENTRY.c.content_id, ENTRY.c.leaf)
    statement = columns.where(ENTRY.c.index >= start, ENTRY.c.index < stop)
    return [StoredEntry(*row) for row in connection.execute(statement.order_by(ENTRY.c.index))]


def subject_entries(connection: Connection, uri: str, size: int) -> list[int]:
    """The indexes below ``size`` of the entries that concern a subject, ascending."""
    statement = (
        select(SUBJECT_ENTRY.c.index)
        .join(SUBJECT, SUBJECT.c.id == SUBJECT_ENTRY.c.subject_id)
        .where(SUBJECT.c.uri == uri, SUBJECT_ENTRY.c.index < size)
        .order_by(SUBJECT_ENTRY.c.index)
    )
    return list(connection.execute(statement).scalars())


def chain(connection: Connection, uri: str, size: int, limit: int) -> list[StoredEntry]:
    """The first ``limit`` entries below ``size`` that concern a subject, ascending."""
    columns = select(ENTRY.c.index, ENTRY.c.entry_id, ENTRY.c.content_id, ENTRY.c.leaf)
    statement = (
        columns.join(SUBJECT_ENTRY, SUBJECT_ENTRY.c.index == ENTRY.c.index)
        .join(SUBJECT, SUBJECT.c.id == SUBJECT_ENTRY.c.subject_id)
        .where(SUBJECT.c.uri == uri, SUBJECT_ENTRY.c.index < size)
        .order_by(SUBJECT_ENTRY.c.index)
        .limit(limit)
    )
    return [StoredEntry(*row) for row in connection.execute(statement)]


def subject_page(connection: Connection, after_uri: str, limit: int) -> list[StoredSubject]:
    """Up to ``limit`` subjects whose URI comes after ``after_uri``, in the order of their bytes."""
    page = select(SUBJECT).where(SUBJECT.c.uri > after_uri).order_by(SUBJECT.c.uri).limit(limit)
    rows = connection.execute(page).all()
    indexes: dict[int, list[int]] = {row.id: [] for row in rows}
    pairs = (SUBJECT_ENTRY.c.subject_id, SUBJECT_ENTRY.c.index)
    for subject_id, index in bulk(connection).matching(connection, pairs, indexes):
        indexes[subject_id].append(index)
    return [StoredSubject(row.uri, row.state, tuple(sorted(indexes[row.id]))) for row in rows]


def tile(connection: Connection, level: int, n: int, width: int) -> bytes:
    """The first ``width`` hashes of a tile, 32 bytes each. Raises ``damaged.store.tile``."""
    where = (TILE.c.level == level, TILE.c.n == n)
    data = connection.execute(select(TILE.c.data).where(*where)).scalar()
    held = len(data) // HASH if data is not None else 0
    if data is None or held < width:
        raise TILE_SHORT.at(f"tile {level}/{n}", f"{held} hashes of {width}")
    return bytes(data[: width * HASH])


def stored_tile(connection: Connection, level: int, n: int) -> bytes | None:
    """All bytes of a tile's row, whatever they are."""
    where = (TILE.c.level == level, TILE.c.n == n)
    data = connection.execute(select(TILE.c.data).where(*where)).scalar()
    return None if data is None else bytes(data)


def checkpoint(connection: Connection, size: int | None) -> tuple[int, bytes] | None:
    """(size, note) of the checkpoint of that size, or of the largest size."""
    statement = select(CHECKPOINT.c.size, CHECKPOINT.c.note)
    if size is None:
        statement = statement.order_by(CHECKPOINT.c.size.desc()).limit(1)
    else:
        statement = statement.where(CHECKPOINT.c.size == size)
    row = connection.execute(statement).first()
    return None if row is None else (row[0], bytes(row[1]))


def published(connection: Connection) -> tuple[int, bytes] | None:
    """(size, note) of the largest checkpoint that may be shown."""
    may_be_shown = select(LOG_HEAD.c.published).where(LOG_HEAD.c.id == 1).scalar_subquery()
    columns = select(CHECKPOINT.c.size, CHECKPOINT.c.note)
    shown = columns.where(CHECKPOINT.c.size <= may_be_shown)
    row = connection.execute(shown.order_by(CHECKPOINT.c.size.desc()).limit(1)).first()
    return None if row is None else (row[0], bytes(row[1]))


def checkpoint_at_or_after(connection: Connection, size: int) -> tuple[int, bytes] | None:
    """(size, note) of the smallest checkpoint whose size is at least ``size``."""
    columns = select(CHECKPOINT.c.size, CHECKPOINT.c.note)
    statement = columns.where(CHECKPOINT.c.size >= size).order_by(CHECKPOINT.c.size).limit(1)
    row = connection.execute(statement).first()
    return None if row is None else (row[0], bytes(row[1]))


def list_document(connection: Connection, root: bytes) -> bytes | None:
    """The rows of the list with this root."""
    statement = select(LIST_DOCUMENT.c.data).where(LIST_DOCUMENT.c.root == root)
    data = connection.execute(statement).scalar()
    return None if data is None else bytes(data)


def list_roots(connection: Connection) -> list[bytes]:
    """The roots of the lists whose rows are stored, ascending."""
    statement = select(LIST_DOCUMENT.c.root).order_by(LIST_DOCUMENT.c.root)
    return [bytes(root) for root in connection.execute(statement).scalars()]


def counts(connection: Connection) -> Counts:
    """The number of rows of each table; reads all of an index."""
    tables = (
        ENTRY,
        SUBJECT,
        SUBJECT_ENTRY,
        TILE,
        CHECKPOINT,
        LIST_DOCUMENT,
        TERM,
        INDEX_BLOCK,
        INDEX_UNDO,
    )
    queries = [select(func.count()).select_from(table) for table in tables]
    queries.append(select(func.count()).select_from(SUBJECT).where(SUBJECT.c.count > 0))
    return Counts(*(connection.execute(query).scalar() or 0 for query in queries))
