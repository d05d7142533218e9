"""Terms: the words under which subjects are found. The statements that read them.

A term is (kind, value) of a subject. Each question is one range of the table's key, in the order of
subjects, so that a page costs the same wherever it begins and however many subjects a term has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select, tuple_

from ledger.store import queries
from ledger.store.tables import SUBJECT, TERM

Term = tuple[str, str]
"""(kind, value)."""
StoredTerm = tuple[str, str, int, str | None]
"""(kind, value, subject id, URI); no URI where there is no such subject."""
_FIRST: tuple[str, str, int] = ("", "", 0)


def search(
    connection: Connection, terms: Iterable[Term], names: Iterable[str], after: int, limit: int
) -> list[tuple[str, str]]:
    """(URI, kind) of the subjects that have one of ``terms``, or a name among ``names`` (of the
    kind ``identifier``); at most ``limit`` subjects whose id is above ``after``, ascending."""
    found = [
        (subject_id, uri, "identifier")
        for uri, subject_id, _ in queries.subjects(connection, names)
        if subject_id > after
    ]
    for kind, value in terms:
        found += [(*row, kind) for row in _having(connection, kind, value, after, limit)]
    kept = set(sorted({subject_id for subject_id, _, _ in found})[:limit])
    return [(uri, kind) for subject_id, uri, kind in sorted(found) if subject_id in kept]


def _having(
    connection: Connection, kind: str, value: str, after: int, limit: int
) -> Sequence[tuple[int, str]]:
    statement = (
        select(TERM.c.subject_id, SUBJECT.c.uri)
        .join(SUBJECT, SUBJECT.c.id == TERM.c.subject_id)
        .where(TERM.c.kind == kind, TERM.c.value == value, TERM.c.subject_id > after)
        .order_by(TERM.c.subject_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def page(connection: Connection, after: StoredTerm | None, limit: int) -> list[StoredTerm]:
    """Up to ``limit`` rows after ``after``, in the order of the key."""
    key = (TERM.c.kind, TERM.c.value, TERM.c.subject_id)
    statement = (
        select(*key, SUBJECT.c.uri)
        .join(SUBJECT, SUBJECT.c.id == TERM.c.subject_id, isouter=True)
        .where(tuple_(*key) > (_FIRST if after is None else after[:3]))
        .order_by(*key)
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(statement)]
