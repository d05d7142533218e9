"""An honest index over the leaves of a log in which nothing was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keys.errors import CellbookError
from ledger.custody.citing import Registered, cited_entries
from ledger.custody.decision import decide, needed, read_content
from ledger.custody.events import Event
from ledger.custody.governance.statements import Head
from ledger.custody.rules import Occasion
from ledger.custody.states import LogState, State
from ledger.custody.subjects import named_by
from ledger.proof.checks.completeness import Stated
from ledger.tree.merkle import leaf_hash
from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change
from ledger.tree.prefix_proofs import prove
from ledger.wire.statement import Statement, parse_statement
from tests.tree.prefix_reference import Blocks

TIME = 1_780_000_000


class Indexed:
    """Follows a list of leaves and says whom each concerns."""

    def __init__(self) -> None:
        self.subjects: list[tuple[str, ...]] = []
        self._leaves: list[bytes] = []
        self._log: LogState | None = None
        self._states: dict[str, State] = {}
        self._known: dict[bytes, Registered] = {}

    def follow(self, leaves: Sequence[bytes]) -> None:
        """Take in ``leaves``; those that are known stay, unless others replaced them."""
        if list(leaves[: len(self._leaves)]) != self._leaves:
            self.__init__()  # type: ignore[misc]
        for leaf in leaves[len(self._leaves) :]:
            self.subjects.append(self._concerned(len(self._leaves), leaf))
            self._leaves.append(leaf)

    def chains(self, size: int, hidden: Iterable[int] = ()) -> dict[str, Chain]:
        """The chains over the first ``size`` leaves, without those that are ``hidden``."""
        chains: dict[str, Chain] = {}
        for index in sorted(set(range(size)) - set(hidden)):
            for uri in self.subjects[index]:
                hashed = leaf_hash(self._leaves[index])
                chains[uri] = chains.get(uri, Chain()).after(index, hashed)
        return chains

    def root(self, size: int, hidden: Iterable[int] = ()) -> bytes:
        """The index root over the first ``size`` leaves."""
        chains = self.chains(size, hidden)
        return change(Blocks(), {key_of(uri): chain.value for uri, chain in chains.items()})

    def stated(
        self, names: Iterable[str], size: int, hidden: Iterable[int] = ()
    ) -> tuple[Stated, ...]:
        """What the index over the first ``size`` leaves states of ``names``, with proofs."""
        blocks, chains = Blocks(), self.chains(size, hidden)
        change(blocks, {key_of(uri): chain.value for uri, chain in chains.items()})
        ordered = sorted(names, key=str.encode)
        found = prove(blocks, map(key_of, ordered))
        return tuple(
            Stated(uri, chains.get(uri, Chain()), found[key_of(uri)].proof) for uri in ordered
        )

    def _concerned(self, index: int, leaf: bytes) -> tuple[str, ...]:
        try:
            statement = parse_statement(leaf)
            content = read_content(statement)
        except CellbookError:
            return ()
        entry_id = statement.entry_id
        self._known.setdefault(entry_id, Registered(index, entry_id, statement, content))
        try:
            wanted = needed(statement, content)
            cited = cited_entries(wanted, self._known.get)
            uris = [*wanted.uris, *(uri for about in cited.values() for uri in about.subjects)]
            states = {uri: self._states[uri] for uri in uris if uri in self._states}
            occasion = Occasion(index, TIME, entry_id)
            decision = decide(statement, content, occasion, self._log, states, cited, refuse=False)
        except (CellbookError, KeyError, AssertionError):
            return _named(statement, content)
        self._states.update(decision.after)
        for state in decision.after.values():
            if isinstance(state, LogState):
                self._log = state
        return decision.subjects


def _named(statement: Statement, content: object) -> tuple[str, ...]:
    """Of what cannot be decided, as much as it says itself."""
    if isinstance(content, Head):
        return ()
    if isinstance(content, Event):
        try:
            return tuple(name.uri for name in named_by(content, statement.sub))
        except CellbookError:
            pass
    return (statement.sub,)
