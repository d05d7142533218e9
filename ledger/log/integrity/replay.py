"""All decisions of a stored log once more, and what the store keeps beside the entries.

Memory grows with the number of subjects (their encoded states, 40 bytes each about their entries,
250 about each in the index, 16 about each of their terms), not with the number of entries.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec

from keys.cose_key import Backend
from ledger.custody.citing import Registered
from ledger.custody.decision import Content, read_content
from ledger.custody.replay import DecisionReplay
from ledger.log.integrity.damage import SUBJECT_ENTRY, damage
from ledger.log.integrity.retold_index import RetoldIndex
from ledger.log.terms import terms_of
from ledger.store.records import StoredEntry
from ledger.wire.statement import Statement, parse_statement

Lookup = Callable[[bytes], StoredEntry | None]
Chain = Callable[[str, int, int], list[StoredEntry]]
"""(URI, size, limit) → the first entries below ``size`` that concern a subject."""


class Rows(msgspec.Struct, frozen=True):
    """How many entries concern a subject, and a hash over their indexes in order."""

    count: int = 0
    digest: bytes = b""

    def after(self, index: int) -> Rows:
        """With one more entry."""
        return Rows(self.count + 1, sha256(self.digest + index.to_bytes(8, "big")).digest())


class Terms(msgspec.Struct, frozen=True):
    """Hashes of a subject's terms, 16 bytes each, no two the same."""

    digests: bytes = b""

    def after(self, kind: str, value: str) -> Terms:
        """With one more term, if it is new."""
        return self if self.has(kind, value) else Terms(self.digests + _digest(kind, value))

    def has(self, kind: str, value: str) -> bool:
        """Whether the term is among them."""
        held, wanted = self.digests, _digest(kind, value)
        return any(held[n : n + 16] == wanted for n in range(0, len(held), 16))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.digests) // 16


def _digest(kind: str, value: str) -> bytes:
    return sha256(f"{kind}\0{value}".encode()).digest()[:16]


class Replay(DecisionReplay):
    """The state of a log after the entries that it was given.

    ``lookup`` finds stored entries by id: those that statements are about; ``chain`` those that
    concern a subject. ``watched`` is a subject whose indexes are kept in ``indexes``.
    """

    def __init__(
        self,
        lookup: Lookup,
        chain: Chain,
        backend: Backend | None = None,
        watched: str | None = None,
    ) -> None:
        super().__init__(self._look_up, self._rows_of, backend)
        self.rows: dict[str, Rows] = {}
        self.terms: dict[str, Terms] = {}
        self.indexes: list[int] = []
        self.index = RetoldIndex()
        self._lookup = lookup
        self._stored_chain = chain
        self._watched = watched

    def take(self, statement: Statement, entry_id: bytes, time: int) -> Content:
        """``decide`` the next entry, and note which subjects it concerns and by which terms."""
        index = self.size
        replayed = self.decide(statement, entry_id, time)
        if self._watched is None:
            self.index.add(replayed.decision.subjects, index, statement.leaf_hash)
        for uri in replayed.decision.subjects:
            self.rows[uri] = self.rows.get(uri, Rows()).after(index)
            if uri == self._watched:
                self.indexes.append(index)
        for kind, value, uri in terms_of(statement, replayed.content):
            self.terms[uri] = self.terms.get(uri, Terms()).after(kind, value)
        return replayed.content

    def _rows_of(self, uri: str, size: int, limit: int) -> list[Registered]:
        """From the rows that are being checked: they must be those that were expected so far."""
        stored, expected = self._stored_chain(uri, size, limit), self.rows.get(uri, Rows())
        rows = Rows()
        for entry in stored:
            rows = rows.after(entry.index)
        if expected.count < limit and rows != expected:
            raise damage(SUBJECT_ENTRY, f"subject {uri}", "", "other rows than its entries")
        return [_read(entry) for entry in stored]

    def _look_up(self, entry_id: bytes, size: int) -> Registered | None:
        stored = self._lookup(entry_id)
        return None if stored is None or stored.index >= size else _read(stored)


def _read(stored: StoredEntry) -> Registered:
    statement = parse_statement(stored.leaf)
    return Registered(stored.index, stored.entry_id, statement, read_content(statement))
