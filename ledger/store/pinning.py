"""Pins: tree sizes at which the index stays readable while it goes on.

A size here is that of a checkpoint: the head that states the index is its last entry. While a size
is pinned, a head keeps what it overwrites of the blocks of then, once, as rows of ``index_undo``;
a row is there as long as a pin is between its two sizes. Nothing is kept where nothing is pinned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, select

from keys.errors import declare
from ledger.store.bulk import bulk
from ledger.store.indexing import block_id, block_place, blocks
from ledger.store.tables import INDEX_PIN, INDEX_UNDO, LOG_HEAD

UNKEPT = declare(
    "unavailable.index.unkept",
    "The index of this tree size is not kept: it is neither the newest nor pinned.",
    "Take the size of the newest head, or one that is pinned.",
)


def pins(connection: Connection) -> dict[str, int]:
    """purpose → size."""
    statement = select(INDEX_PIN.c.purpose, INDEX_PIN.c.size)
    return {row.purpose: row.size for row in connection.execute(statement)}


def newest_pin(connection: Connection) -> int | None:
    """The greatest size that is pinned."""
    found: int | None = connection.execute(select(func.max(INDEX_PIN.c.size))).scalar()
    return found


def move_pins(connection: Connection, moves: Mapping[str, int | None]) -> None:
    """Pin sizes for purposes, or nothing any more (None); drop what no pin needs now.

    The head row must be locked. Raises ``unavailable.index.unkept``; then nothing was changed.
    """
    before = pins(connection)
    after = {purpose: size for purpose, size in {**before, **moves}.items() if size is not None}
    kept = {*before.values(), _newest(connection)}
    for size in set(after.values()) - kept:
        raise UNKEPT.at(f"tree size {size}")
    changed = [purpose for purpose in moves if before.get(purpose) != after.get(purpose)]
    if changed:
        connection.execute(delete(INDEX_PIN).where(INDEX_PIN.c.purpose.in_(changed)))
    if rows := [{"purpose": name, "size": after[name]} for name in changed if name in after]:
        connection.execute(insert(INDEX_PIN), rows)
    for size in sorted(set(before.values()) - set(after.values())):
        _drop(connection, size, after.values())


def _newest(connection: Connection) -> int | None:
    """The size whose index the blocks are: the last head's."""
    last_head: int | None = connection.execute(select(LOG_HEAD.c.last_head)).scalar()
    return None if last_head is None else last_head + 1


def _drop(connection: Connection, size: int, others: Collection[int]) -> None:
    """The rows between whose sizes ``size`` was, and none of ``others`` is.

    They lie together by ``until``: nothing else is read, however long another pin stays.
    """
    where = [INDEX_UNDO.c.until > size]
    if below := [other for other in others if other < size]:
        where.append(INDEX_UNDO.c.since > max(below))
    if above := [other for other in others if other > size]:
        where.append(INDEX_UNDO.c.until <= min(above))
    connection.execute(delete(INDEX_UNDO).where(*where))


def keep(connection: Connection, places: Sequence[bytes], until: int, pinned: int) -> None:
    """Before the blocks at ``places`` are overwritten at tree size ``until``: keep those that were
    there at ``pinned``, the newest pin, as they are."""
    bulk(connection).keep(connection, [block_id(place) for place in places], until, pinned)


class BlocksAt:
    """The blocks of the index at tree size ``size`` (``BlockReader``), within one snapshot.

    Those of another moment, where ``size`` is neither the last head's nor pinned.
    """

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._size = size
        newest = _newest(connection)
        self._is_newest = newest is None or newest <= size

    def blocks(self, places: Sequence[bytes]) -> dict[bytes, bytes]:
        """As ``BlockReader`` says."""
        if self._is_newest:
            return blocks(self._connection, places)
        kept = self._kept(places)
        rest = [place for place in places if place not in kept]
        return {**blocks(self._connection, rest), **kept}

    def _kept(self, places: Sequence[bytes]) -> dict[bytes, bytes]:
        columns = (INDEX_UNDO.c.id, INDEX_UNDO.c.until, INDEX_UNDO.c.data)
        rows = bulk(self._connection).matching(self._connection, columns, map(block_id, places))
        found: dict[int, tuple[int, bytes]] = {}
        for number, until, data in rows:
            if self._size < until and (number not in found or until < found[number][0]):
                found[number] = until, bytes(data)
        return {block_place(number): data for number, (_, data) in found.items()}


Undo = tuple[int, int, int, bytes]
"""(id, until, since, data)."""


def undo_rows(connection: Connection, until: int, after: int, limit: int) -> list[Undo]:
    """Up to ``limit`` rows with this ``until`` whose ids come after ``after``, ascending."""
    columns = (INDEX_UNDO.c.id, INDEX_UNDO.c.until, INDEX_UNDO.c.since, INDEX_UNDO.c.data)
    where = (INDEX_UNDO.c.until == until, INDEX_UNDO.c.id > after)
    statement = select(*columns).where(*where).order_by(INDEX_UNDO.c.id).limit(limit)
    return [(*numbers, bytes(data)) for *numbers, data in connection.execute(statement)]
