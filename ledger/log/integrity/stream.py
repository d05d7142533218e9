"""The entries of a log in order, each with the log time at which it was decided."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import msgspec

from keys.errors import CellbookError
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head
from ledger.log.integrity.damage import ENTRY, LOG_HEAD, damage, differs
from ledger.store.records import LogHead, StoredEntry
from ledger.store.sql import SqlStore
from ledger.wire.statement import TYP_HEAD, Statement, parse_statement

_CHUNK = 1024
_AHEAD = 64
_TYP_HEAD = TYP_HEAD.encode()


class Timed(msgspec.Struct, frozen=True):
    """An entry whose row is in order: its ids are those of its leaf. ``time`` is the log time of
    its epoch (Unix seconds), as the head that ends it says."""

    index: int
    entry_id: bytes
    statement: Statement
    time: int


def timed_entries(store: SqlStore, head: LogHead, stop: int) -> Iterator[Timed]:
    """The entries below ``stop``, as far as there are rows without a gap.

    Raises ``damaged.entry`` for the first row that is missing or does not fit its leaf, and
    ``damaged.log-head`` where nothing says when an epoch was.
    """
    time: int | None = None
    for index, entry in enumerate(store.iterate_entries(0, stop, _CHUNK)):
        statement = _checked(store, entry, index)
        if time is None:
            time = _epoch_time(store, head, index, stop)
        yield Timed(index, entry.entry_id, statement, time)
        if statement.typ == TYP_HEAD:
            time = None


def _checked(store: SqlStore, entry: StoredEntry, index: int) -> Statement:
    row = f"index {index}"
    if entry.index != index:
        raise damage(ENTRY, row, "", "the row is missing")
    columns = {"leaf": entry.leaf, "entry_id": entry.entry_id, "content_id": entry.content_id}
    for column, value in columns.items():
        if not isinstance(value, bytes):
            raise damage(ENTRY, row, column, "it is not bytes")
    entry_id = sha256(entry.leaf).digest()
    if entry_id != entry.entry_id:
        raise _leaf_or_id(store, entry, entry_id)
    try:
        statement = parse_statement(entry.leaf)
    except CellbookError as error:
        raise damage(ENTRY, row, "leaf", error.describe()) from error
    if statement.leaf != entry.leaf:
        raise damage(ENTRY, row, "leaf", "it is not the deterministic encoding of the statement")
    if statement.content_id != entry.content_id:
        raise differs(ENTRY, row, "content_id", entry.content_id, statement.content_id)
    return statement


def _leaf_or_id(store: SqlStore, entry: StoredEntry, entry_id: bytes) -> CellbookError:
    """Which of the two was changed: the tree holds a third hash over the leaf."""
    row, place = f"index {entry.index}", entry.index % 256 * 32
    tile = store.stored_tile(0, entry.index // 256) or b""
    if tile[place : place + 32] == sha256(b"\x00" + entry.leaf).digest():
        return differs(ENTRY, row, "entry_id", entry.entry_id, entry_id)
    return damage(ENTRY, row, "leaf", f"its SHA-256 is not the entry id {entry.entry_id.hex()}")


def _epoch_time(store: SqlStore, head: LogHead, start: int, stop: int) -> int:
    """The log time of the epoch that begins with entry ``start``: found by reading ahead."""
    for entry in store.iterate_entries(start, stop, _AHEAD):
        if isinstance(entry.leaf, bytes) and _TYP_HEAD in entry.leaf:
            time = _time_of_head(entry.leaf)
            if time is not None:
                return time
    if head.last_head is not None and head.last_head >= start:
        return head.last_time  # that head's row is damaged: it will be found when we are there
    if head.epoch_time is None and start >= head.size:
        detail = f"log_head says that the log has {head.size} entries"
        raise damage(ENTRY, f"index {start}", "", detail)
    if head.epoch_time is None:
        expected = f"a time, since entry {start} is after the last head"
        raise differs(LOG_HEAD, "id 1", "epoch_time", None, expected)
    if head.epoch_time < head.last_time:
        earliest = f"not before {head.last_time}"
        raise differs(LOG_HEAD, "id 1", "epoch_time", head.epoch_time, earliest)
    return head.epoch_time


def _time_of_head(leaf: bytes) -> int | None:
    try:
        statement = parse_statement(leaf)
        content = read_content(statement) if statement.typ == TYP_HEAD else None
    except CellbookError:
        return None
    return content.time if isinstance(content, Head) else None
