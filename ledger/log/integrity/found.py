"""Whether the stored terms are those that the entries tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ledger.log.integrity.damage import TERM, damage
from ledger.log.integrity.replay import Terms
from ledger.store.sql import SqlStore
from ledger.store.terms import StoredTerm


def check_terms(store: SqlStore, expected: Mapping[str, Terms]) -> None:
    """Raise ``damaged.term`` unless exactly the ``expected`` terms, by URI, are stored.

    Rows have a key, so no term is stored twice: if each is expected, it is enough to count them.
    """
    seen: Counter[str] = Counter()
    for kind, value, subject_id, uri in _stored(store):
        row = f"{kind} {value[:80]}, subject_id {subject_id}"
        if uri is None:
            raise damage(TERM, row, "subject_id", "there is no such subject")
        if not expected.get(uri, Terms()).has(kind, value):
            raise damage(TERM, row, "", f"no entry says so of {uri}")
        seen[uri] += 1
    for uri in sorted(expected, key=str.encode):
        if seen[uri] != expected[uri].count:
            detail = f"{seen[uri]} rows are stored, {expected[uri].count} were expected"
            raise damage(TERM, f"subject {uri}", "", detail)


def _stored(store: SqlStore) -> Iterator[StoredTerm]:
    page = store.iterate_terms()
    while page:
        yield from page
        page = store.iterate_terms(page[-1])
