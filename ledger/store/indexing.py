"""What the store keeps of the index: chains of subjects, and blocks of the tree.

Chains are those of all entries, blocks those of the last head. What entries since then concern is
in ``subject_entry``, so that whoever ends an epoch finds it there, whichever process wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_

from ledger.store.bulk import bulk, plain_rows
from ledger.store.records import LogHead
from ledger.store.tables import INDEX_BLOCK, SUBJECT, SUBJECT_ENTRY
from ledger.tree.prefix_chain import START, Chain

Pair = tuple[int, int]
"""(index, subject id)."""
PAGE = 16_384


class IndexView:
    """The index and what has been registered, in one snapshot (``BlockReader``)."""

    def __init__(self, connection: Connection, head: LogHead) -> None:
        self.head = head
        self._connection = connection

    def concerned(self, after: Pair, stop: int) -> list[Pair]:
        """As ``Writing.concerned``."""
        return concerned(self._connection, after, stop)

    def chains(self, subject_ids: Iterable[int]) -> dict[int, tuple[str, Chain]]:
        """As ``Writing.chains``."""
        return chains(self._connection, list(subject_ids))

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """As ``BlockReader`` says."""
        return blocks(self._connection, places)


def concerned(connection: Connection, after: Pair, stop: int) -> list[Pair]:
    """Up to ``PAGE`` rows of ``subject_entry`` after ``after`` whose index is below ``stop``."""
    key = (SUBJECT_ENTRY.c.index, SUBJECT_ENTRY.c.subject_id)
    statement = (
        select(*key)
        .where(tuple_(*key) > after, SUBJECT_ENTRY.c.index < stop)
        .order_by(*key)
        .limit(PAGE)
    )
    return plain_rows(connection.execute(statement))


def chains(connection: Connection, subject_ids: Sequence[int]) -> dict[int, tuple[str, Chain]]:
    """subject id → (URI, chain)."""
    columns = (SUBJECT.c.id, SUBJECT.c.uri, SUBJECT.c.count, SUBJECT.c.chain)
    rows = bulk(connection).matching(connection, columns, subject_ids)
    return {
        number: (uri, Chain(count, bytes(digest or START))) for number, uri, count, digest in rows
    }


def stored_chains(connection: Connection, uris: Iterable[str]) -> dict[str, Chain]:
    """URI → chain, of those subjects that there are."""
    columns = (SUBJECT.c.uri, SUBJECT.c.count, SUBJECT.c.chain)
    rows = bulk(connection).matching(connection, columns, uris)
    return {uri: Chain(count, bytes(digest or START)) for uri, count, digest in rows}


def block_id(place: bytes) -> int:
    """The id of the block at ``place``, which has at most seven bytes."""
    return int.from_bytes(b"\x01" + place, "big")


def block_place(number: int) -> bytes:
    """The inverse of ``block_id``, for ids above 0."""
    return number.to_bytes(8, "big").lstrip(b"\0")[1:]


def blocks(connection: Connection, places: Sequence[bytes]) -> dict[bytes, bytes]:
    """place → block, of those that there are."""
    ids = {block_id(place): place for place in places}
    columns = (INDEX_BLOCK.c.id, INDEX_BLOCK.c.data)
    rows = bulk(connection).matching(connection, columns, ids)
    return {ids[number]: bytes(data) for number, data in rows}


def put_blocks(connection: Connection, changed: Mapping[bytes, bytes], size: int) -> None:
    """Insert or replace blocks, by place, as they are from tree size ``size`` on."""
    if changed:
        ids = [block_id(place) for place in changed]
        columns: list[list[Any]] = [ids, list(changed.values()), [size] * len(ids)]
        bulk(connection).replace(connection, INDEX_BLOCK, columns)


Row = tuple[int, bytes, int]
"""(id, data, size since which it is like this)."""


def block_page(connection: Connection, after: int, limit: int) -> list[Row]:
    """Up to ``limit`` rows whose ids come after ``after``, ascending."""
    statement = (
        select(INDEX_BLOCK.c.id, INDEX_BLOCK.c.data, INDEX_BLOCK.c.written)
        .where(INDEX_BLOCK.c.id > after)
        .order_by(INDEX_BLOCK.c.id)
        .limit(limit)
    )
    rows = connection.execute(statement)
    return [(number, bytes(data), written) for number, data, written in rows]
