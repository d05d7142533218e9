"""Statements over many rows at once, in the fastest form of each database.

SQLite takes a statement once and rows by ``executemany``; PostgreSQL takes whole columns as binary
arrays, one round trip for any number of rows. Both go through SQLAlchemy's connection but not
through its compiler, which costs as much as the insert itself. Values are always parameters; table
and column names come from ``ledger.store.tables``.
"""

# ruff: noqa: S608  (the text is made of our own table and column names only)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, Column, Connection, CursorResult, LargeBinary, Table

from ledger.store.tables import INDEX_BLOCK, INDEX_UNDO, SUBJECT, TILE

# Far below SQLite's limit on parameters; the last chunk's length varies, so keep chunks few.
_CHUNK = 512
_IF_NEW = " ON CONFLICT DO NOTHING"
_REPLACE_TILE = " ON CONFLICT (level, n) DO UPDATE SET data = excluded.data"
_KEEP = (
    f"INSERT INTO {INDEX_UNDO.name} (id, until, since, data) SELECT id, {{until}}, written, data"
    f" FROM {INDEX_BLOCK.name} WHERE written <= {{pinned}} AND id {{ids}}"
)


class Bulk(Protocol):
    """Rows go in as columns, in the order of the table's definition; none may be empty."""

    def insert(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        """Insert rows that are not there."""

    def add(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        """Insert those rows that are not there."""

    def replace_tiles(self, connection: Connection, columns: Sequence[list[Any]]) -> None:
        """Insert or replace rows of ``tile``."""

    def replace(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        """Insert or replace rows of a table whose first column is its key."""

    def set_subjects(self, connection: Connection, columns: Sequence[list[Any]]) -> None:
        """Replace state, count and chain of subjects that have a row: (ids, states, counts,
        chains)."""

    def keep(self, connection: Connection, ids: Sequence[int], until: int, pinned: int) -> None:
        """Copy those of the blocks that were there at ``pinned`` as they are to ``index_undo``."""

    def matching(
        self, connection: Connection, columns: Sequence[Column[Any]], values: Iterable[Any]
    ) -> Iterator[Sequence[Any]]:
        """``columns`` of the rows whose first one has one of ``values``, in no order."""


def bulk(connection: Connection) -> Bulk:
    """The statements for this connection's database."""
    return _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE


class _Sqlite:
    def __init__(self) -> None:
        self._inserts: dict[Table, str] = {}

    def insert(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        connection.exec_driver_sql(self._insert(table), list(zip(*columns, strict=True)))

    def add(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        sql = self._insert(table) + _IF_NEW
        connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))

    def _insert(self, table: Table) -> str:
        sql = self._inserts.get(table)
        if sql is None:
            marks = ",".join("?" * len(table.columns))
            sql = f"INSERT INTO {table.name} ({_names(table.columns)}) VALUES ({marks})"
            self._inserts[table] = sql
        return sql

    def replace_tiles(self, connection: Connection, columns: Sequence[list[Any]]) -> None:
        sql = f"INSERT INTO {TILE.name} (level, n, data) VALUES (?,?,?)" + _REPLACE_TILE
        connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))

    def replace(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        marks = ",".join("?" * len(table.columns))
        sql = f"INSERT INTO {table.name} ({_names(table.columns)}) VALUES ({marks})"
        rows = list(zip(*columns, strict=True))
        connection.exec_driver_sql(sql + _on_conflict(table), rows)

    def set_subjects(self, connection: Connection, columns: Sequence[list[Any]]) -> None:
        sql = f'UPDATE {SUBJECT.name} SET state = ?2, "count" = ?3, "chain" = ?4 WHERE id = ?1'
        connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))

    def keep(self, connection: Connection, ids: Sequence[int], until: int, pinned: int) -> None:
        for part in _parts(ids):
            sql = _KEEP.format(until="?", pinned="?", ids=f"IN ({','.join('?' * len(part))})")
            connection.exec_driver_sql(sql, (until, pinned, *part))

    def matching(
        self, connection: Connection, columns: Sequence[Column[Any]], values: Iterable[Any]
    ) -> Iterator[Sequence[Any]]:
        select = _select(columns)
        for part in _parts(list(dict.fromkeys(values))):
            marks = ",".join("?" * len(part))
            yield from plain_rows(connection.exec_driver_sql(f"{select} IN ({marks})", part))


class _Postgres:
    def __init__(self) -> None:
        self._inserts: dict[Table, str] = {}

    def insert(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        connection.exec_driver_sql(self._insert(table), tuple(columns))

    def add(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        connection.exec_driver_sql(self._insert(table) + _IF_NEW, tuple(columns))

    def replace_tiles(self, connection: Connection, columns: Sequence[list[Any]]) -> None:
        connection.exec_driver_sql(self._insert(TILE) + _REPLACE_TILE, tuple(columns))

    def replace(self, connection: Connection, table: Table, columns: Sequence[list[Any]]) -> None:
        connection.exec_driver_sql(self._insert(table) + _on_conflict(table), tuple(columns))

    def set_subjects(self, connection: Connection, columns: Sequence[list[Any]]) -> None:
        arrays = _arrays([SUBJECT.c.id, SUBJECT.c.state, SUBJECT.c.count, SUBJECT.c.chain])
        sql = (
            f"UPDATE {SUBJECT.name} SET state = new.state, count = new.count, chain = new.chain"
            f" FROM unnest({arrays}) AS new (id, state, count, chain)"
            f" WHERE {SUBJECT.name}.id = new.id"
        )
        connection.exec_driver_sql(sql, tuple(columns))

    def keep(self, connection: Connection, ids: Sequence[int], until: int, pinned: int) -> None:
        sql = _KEEP.format(until="%s", pinned="%s", ids="= ANY(%b::bigint[])")
        connection.exec_driver_sql(sql, (until, pinned, list(ids)))

    def matching(
        self, connection: Connection, columns: Sequence[Column[Any]], values: Iterable[Any]
    ) -> Iterator[Sequence[Any]]:
        wanted = list(dict.fromkeys(values))
        if wanted:
            sql = f"{_select(columns)} = ANY({_arrays(columns[:1])})"
            yield from plain_rows(connection.exec_driver_sql(sql, (wanted,)))

    def _insert(self, table: Table) -> str:
        sql = self._inserts.get(table)
        if sql is None:
            names, arrays = _names(table.columns), _arrays(table.columns)
            sql = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"
            self._inserts[table] = sql
        return sql


def plain_rows(result: CursorResult[Any]) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them: to wrap them costs as much as to read them."""
    cursor: Any = result.cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    result.close()
    return rows


def _parts(values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(values), _CHUNK):
        yield tuple(values[start : start + _CHUNK])


def _select(columns: Sequence[Column[Any]]) -> str:
    key = columns[0]
    return f'SELECT {_names(columns)} FROM {key.table.name} WHERE "{key.name}"'


def _on_conflict(table: Table) -> str:
    key, *others = (f'"{column.name}"' for column in table.columns)
    news = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f" ON CONFLICT ({key}) DO UPDATE SET {news}"


def _names(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)


def _arrays(columns: Iterable[Column[Any]]) -> str:
    # %b: binary. As text, every byte of a leaf would be two hexadecimal digits.
    return ", ".join(f"%b::{_postgres_type(column)}[]" for column in columns)


def _postgres_type(column: Column[Any]) -> str:
    if isinstance(column.type, BigInteger):
        return "bigint"
    return "bytea" if isinstance(column.type, LargeBinary) else "text"


_SQLITE = _Sqlite()
_POSTGRES = _Postgres()
