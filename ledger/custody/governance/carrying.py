"""What a log with a predecessor takes over: subjects, each once, with the proof of its past.

A successor could forget a crash report, so it takes no statement about a battery before
an entry of its own says what the predecessor's last index says of it: nothing, or so many entries,
which lead to this state. Proofs are checked against the index root in genesis by everybody who
replays the log. That a state follows from the predecessor's entries is seen by who has them.

Operators, keys, mandates, models and lists are not among the subjects: who answers for them states
them anew. What they said in the predecessor is judged there.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import msgspec

from keys.errors import declare
from ledger.custody.events import Event, Model
from ledger.custody.governance.handover import CarriedOver, CarriedSubject, IndexProof
from ledger.custody.governance.mandates import Mandate
from ledger.custody.governance.statements import Governance
from ledger.custody.identifiers import BATTERY_NAMES
from ledger.custody.states import (
    AliasState,
    BatteryState,
    FreshState,
    LogState,
    Mark,
    PredecessorState,
    State,
)
from ledger.custody.subjects import CitedEntry, named_by
from ledger.tree.prefix import PrefixProof, key_of, verify_absence, verify_presence
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import Statement

UNPROVEN = declare(
    "rejected.predecessor.unproven",
    "The log follows another one, and says nothing yet of what is known there of this name.",
    "Run the service with the predecessor's folder, so that it can look there.",
)
TWICE = declare(
    "rejected.predecessor.twice",
    "The log has said already what its predecessor knows of this name.",
    "Nothing needs to be done.",
)
CARRIED = declare(
    "rejected.predecessor.state",
    "What the statement takes over from the predecessor does not fit together.",
    "Such statements are made by the log itself; the log that holds this one is faulty.",
)
NONE = declare(
    "rejected.predecessor.none",
    "The log has no predecessor from which anything could be taken over.",
    "Such statements are made by the log itself; the log that holds this one is faulty.",
)

Carried = BatteryState | AliasState
PARTY_BYTES = 16_384
"""So much of the names of former holders goes along, so that a state fits into a statement."""


def carried_names(content: CarriedOver) -> tuple[str, ...]:
    """The names whose states decide about ``content``: its subjects, and what they rest on."""
    rests = (_rests_on(item.state) for item in content.subjects)
    names = [item.uri for item in content.subjects]
    return tuple(dict.fromkeys((*names, *(uri for uri in rests if uri is not None))))


def apply_carried(
    log: LogState,
    content: CarriedOver,
    states: Mapping[str, State],
    carried: Container[str] | None = None,
) -> dict[str, State]:
    """The states after ``content``, of its subjects in their order.

    What a subject rests on must be known already; ``carried`` are the batteries of which it is
    known at hand, None: all. Raises ``rejected.predecessor.*``, ``malformed.prefix.*`` and
    ``failed.prefix.*``. That the states follow from the predecessor's entries is not checked.
    """
    if log.predecessor is None:
        raise NONE.at("payload")
    after: dict[str, State] = {}
    for item in content.subjects:
        if item.uri in after or item.uri in states:
            raise TWICE.at("payload.subjects", item.uri, subject=item.uri)
        _check_proofs(item, log.predecessor)
        after[item.uri] = item.state or FreshState()
    for item in content.subjects:
        rests_on = _rests_on(item.state)
        if rests_on is None or (carried is not None and rests_on not in carried):
            continue
        if not isinstance(after.get(rests_on, states.get(rests_on)), BatteryState):
            raise CARRIED.at("payload.subjects", f"{item.uri} without {rests_on}"[:300])
    return after


def check_carried(
    statement: Statement,
    content: object,
    states: Mapping[str, State],
    carried: Container[str] | None,
) -> None:
    """That the log has said of every battery in ``content`` what came before it.

    ``carried`` are the batteries of whom everything is at hand, None: of all. Raises
    ``rejected.predecessor.unproven`` with the name as fact ``subject``.
    """
    for owner, uri in names_in(statement, content):
        if uri not in states and (carried is None or owner in carried):
            raise UNPROVEN.at("subject", uri, subject=uri)


def check_cited(
    cited: Iterable[CitedEntry], states: Mapping[str, State], carried: Container[str] | None
) -> None:
    """The same of the batteries of entries in a log before, which a statement is about."""
    for entry in cited:
        for uri in entry.subjects if entry.index < 0 else ():
            if uri not in states and (carried is None or uri in carried):
                raise UNPROVEN.at("payload.entry_ref", uri, subject=uri)


def names_in(statement: Statement, content: object) -> list[tuple[str, str]]:
    """The batteries and further identifiers in ``content``, each after the battery in whose
    history it stands."""
    if isinstance(content, Governance | Mandate | Model):
        return []
    if not isinstance(content, Event):
        return [(statement.sub, statement.sub)]
    sub = statement.sub
    named = named_by(content, sub)
    return [(sub if name.part == "alias" else name.uri, name.uri) for name in named]


def without_fresh(states: Mapping[str, State]) -> dict[str, State]:
    """``states`` as rules know them: a name of which nothing is said yet has none."""
    return {uri: state for uri, state in states.items() if not isinstance(state, FreshState)}


def resting_on(content: object) -> int:
    """How many batteries ``content`` takes over with a past: what is stated of them rests on the
    log before, and cannot be made again from this log alone."""
    subjects = content.subjects if isinstance(content, CarriedOver) else ()
    return sum(isinstance(item.state, BatteryState) for item in subjects)


def brought_over(state: Carried, size: int) -> Carried:
    """``state`` of a log with ``size`` entries as its successor states it: every place in the log
    is counted from the end, so that it is before all places there. Of those who ever held a battery
    the last ones are carried whose names have ``PARTY_BYTES`` together."""
    moved = _moved(state, size)
    assert isinstance(moved, BatteryState | AliasState)  # noqa: S101 - as it was
    if isinstance(moved, BatteryState):
        inherited = tuple((index - size, owner) for index, owner in moved.inherited)
        wasted_with = tuple((index - size, waste) for index, waste in moved.wasted_with)
        parties = _newest(moved.parties)
        return msgspec.structs.replace(
            moved, inherited=inherited, wasted_with=wasted_with, parties=parties
        )
    return moved


def _newest(parties: tuple[str, ...]) -> tuple[str, ...]:
    size, kept = 0, 0
    for party in reversed(parties):
        size += len(party.encode())
        if size > PARTY_BYTES:
            break
        kept += 1
    return parties[len(parties) - kept :]


def _check_proofs(item: CarriedSubject, newest: PredecessorState) -> None:
    """That the indexes of the predecessors, the newest first, say what ``item`` says."""
    if not item.uri.startswith(BATTERY_NAMES):  # rules judge the rest when an event comes
        raise CARRIED.at("payload.subjects", item.uri)
    chain = _chain(item)
    key, log = key_of(item.uri), newest
    *others, last = [_proof(proof) for proof in item.proofs]
    for proof in others:
        verify_absence(key, proof, log.index_root)
        if log.older is None:
            raise CARRIED.at("payload.subjects", f"{item.uri}: more proofs than logs"[:300])
        log = log.older
    if chain is not None:
        verify_presence(key, chain.value, last, log.index_root)
        return
    verify_absence(key, last, log.index_root)
    if log.older is not None:
        raise CARRIED.at("payload.subjects", f"{item.uri}: no proof from {log.older.origin}"[:300])


def _chain(item: CarriedSubject) -> Chain | None:
    """What is stated of the entries; None where there are none."""
    if item.count is None or item.chain is None or item.state is None:
        if (item.count, item.chain, item.state) != (None, None, None):
            raise CARRIED.at("payload.subjects", item.uri)
        return None
    if not _is_past(item.state):
        raise CARRIED.at("payload.subjects", item.uri)
    return Chain(item.count, item.chain)


def _proof(proof: IndexProof) -> PrefixProof:
    """The proof as the tree has it; its form is not checked."""
    other = (proof.other_key or b"", proof.other_value or b"")
    is_other = proof.other_key is not None or proof.other_value is not None
    return PrefixProof(proof.depth, proof.present, proof.siblings, other if is_other else None)


def written(proof: PrefixProof) -> IndexProof:
    """``proof`` as a statement carries it."""
    key, value = proof.other or (None, None)
    return IndexProof(
        depth=proof.depth,
        present=proof.present,
        siblings=proof.siblings,
        other_key=key,
        other_value=value,
    )


def _rests_on(state: Carried | None) -> str | None:
    if isinstance(state, AliasState):
        return state.of
    return state.parent if isinstance(state, BatteryState) else None


def _moved(value: object, size: int) -> object:
    if isinstance(value, Mark):
        return msgspec.structs.replace(value, index=value.index - size)
    if isinstance(value, msgspec.Struct):
        fields = {name: _moved(getattr(value, name), size) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(_moved(item, size) for item in value)
    return value


def _is_past(state: Carried) -> bool:
    """Whether every place in the log that ``state`` names is before this log."""
    indexes = [mark.index for mark in _marks(state)]
    if isinstance(state, BatteryState):
        indexes += [index for index, _ in (*state.inherited, *state.wasted_with)]
    return all(index < 0 for index in indexes)


def _marks(value: object) -> list[Mark]:
    if isinstance(value, Mark):
        return [value]
    if isinstance(value, msgspec.Struct):
        value = tuple(getattr(value, name) for name in value.__struct_fields__)
    parts = value if isinstance(value, tuple) else ()
    return [mark for part in parts for mark in _marks(part)]
