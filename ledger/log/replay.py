"""All decisions of a log once more, from its leaves alone.

Memory grows with the number of subjects (their encoded states, and 40 bytes each about their
entries), not with the number of entries.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec

from keys.cose_key import Backend
from ledger.custody.admission import admit
from ledger.custody.citing import Registered, cited_entries
from ledger.custody.decision import Content, needed, read_content
from ledger.custody.governance import Governance, Head
from ledger.custody.rules import Occasion
from ledger.custody.states import LogState, State, decode_state, encode_state
from ledger.store.records import StoredEntry
from ledger.wire.statement import Statement, parse_statement

Lookup = Callable[[bytes], StoredEntry | None]


class Rows(msgspec.Struct, frozen=True):
    """How many entries concern a subject, and a hash over their indexes in order."""

    count: int = 0
    digest: bytes = b""

    def after(self, index: int) -> Rows:
        """With one more entry."""
        return Rows(self.count + 1, sha256(self.digest + index.to_bytes(8, "big")).digest())


class Replay:
    """The state of a log after the entries that it was given.

    ``lookup`` finds stored entries by id: those that statements are about. ``watched`` is a
    subject whose indexes are kept in ``indexes``.
    """

    def __init__(
        self, lookup: Lookup, backend: Backend | None = None, watched: str | None = None
    ) -> None:
        self.size = 0
        self.governance = 0
        self.log: LogState | None = None
        self.states: dict[str, bytes] = {}
        self.rows: dict[str, Rows] = {}
        self.indexes: list[int] = []
        self._lookup = lookup
        self._backend = backend
        self._watched = watched

    def take(self, statement: Statement, entry_id: bytes, time: int) -> Content:
        """Decide the next entry at log time ``time`` (Unix seconds), its signature included.

        Raises what registration would have refused it with.
        """
        index = self.size
        content = read_content(statement)
        wanted = needed(statement, content)
        cited = cited_entries(wanted, self._find)
        uris = [*wanted.uris, *(uri for entry in cited.values() for uri in entry.subjects)]
        decision = admit(
            statement,
            content,
            Occasion(index, time, entry_id),
            self.log,
            self._view(uris),
            cited,
            backend=self._backend,
        ).decision
        self._apply(decision.after)
        for uri in decision.subjects:
            self.rows[uri] = self.rows.get(uri, Rows()).after(index)
            if uri == self._watched:
                self.indexes.append(index)
        self.governance += isinstance(content, Governance) and not isinstance(content, Head)
        self.size += 1
        return content

    def _apply(self, after: dict[str, State]) -> None:
        for uri, state in after.items():
            self.states[uri] = encode_state(state)
            if isinstance(state, LogState):
                self.log = state

    def _view(self, uris: list[str]) -> dict[str, State]:
        return {uri: decode_state(self.states[uri]) for uri in uris if uri in self.states}

    def _find(self, entry_id: bytes) -> Registered | None:
        stored = self._lookup(entry_id)
        if stored is None or stored.index >= self.size:
            return None
        statement = parse_statement(stored.leaf)
        return Registered(stored.index, entry_id, statement, read_content(statement))
