"""All decisions of a log once more, from its leaves alone, one entry after the other.

For whoever reads a log from its beginning: who checks a store, and who audits what was published.
Memory grows with the number of subjects (their encoded states), not with the number of entries; a
subclass may keep states elsewhere (``_state``, ``_keep``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from keys.cose_key import Backend
from ledger.custody.admission import admit
from ledger.custody.citing import Registered, cited_entries
from ledger.custody.decision import Content, Decision, needed, read_content
from ledger.custody.governance.statements import Governance, Head
from ledger.custody.refold import change_of, fetch_chains
from ledger.custody.rules import Occasion
from ledger.custody.states import LogState, State, decode_state, encode_state
from ledger.wire.statement import Statement

Find = Callable[[bytes, int], Registered | None]
"""(entry id, size) → the entry, if it is among the first ``size``."""
Chain = Callable[[str, int, int], Sequence[Registered]]
"""(URI, size, limit) → at most ``limit`` of the entries below ``size`` that concern a subject, all
of them where they are fewer, ascending."""


class Replayed(msgspec.Struct, frozen=True):
    """An entry that was decided again: what it says, and what it did."""

    content: Content
    decision: Decision


class DecisionReplay:
    """The state of a log after its first ``size`` entries.

    ``states`` are encoded, by URI. ``governance`` counts the entries that are governance, heads
    not among them. ``find`` and ``chain`` give what statements are about.
    """

    def __init__(self, find: Find, chain: Chain, backend: Backend | None = None) -> None:
        self.size = 0
        self.governance = 0
        self.log: LogState | None = None
        self.states: dict[str, bytes] = {}
        self._find = find
        self._chain = chain
        self._backend = backend

    def decide(self, statement: Statement, entry_id: bytes, time: int) -> Replayed:
        """Decide the next entry at log time ``time`` (Unix seconds), its signature included.

        Raises what registration would have refused it with; then nothing has changed.
        """
        content = read_content(statement)
        wanted = needed(statement, content)
        cited = cited_entries(wanted, self._find_before, self._view)
        change = change_of(content, cited, self.log)
        decision = admit(
            statement,
            content,
            Occasion(self.size, time, entry_id),
            self.log,
            self._view(wanted.uris, *(entry.subjects for entry in cited.values())),
            cited,
            backend=self._backend,
            chains=fetch_chains(change, self._chain_before, self.log),
        ).decision
        self._apply(decision.after)
        self.governance += isinstance(content, Governance) and not isinstance(content, Head)
        self.size += 1
        return Replayed(content, decision)

    def _find_before(self, entry_id: bytes) -> Registered | None:
        return self._find(entry_id, self.size)

    def _chain_before(self, uri: str, limit: int) -> Sequence[Registered]:
        return self._chain(uri, self.size, limit)

    def _apply(self, after: dict[str, State]) -> None:
        for uri, state in after.items():
            self._keep(uri, encode_state(state))
            if isinstance(state, LogState):
                self.log = state

    def _view(self, *uris: Iterable[str]) -> dict[str, State]:
        wanted = dict.fromkeys(uri for some in uris for uri in some)
        found = ((uri, self._state(uri)) for uri in wanted)
        return {uri: decode_state(data) for uri, data in found if data is not None}

    def _state(self, uri: str) -> bytes | None:
        return self.states.get(uri)

    def _keep(self, uri: str, state: bytes) -> None:
        self.states[uri] = state
