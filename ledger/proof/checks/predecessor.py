"""Verification of what the predecessor of a log knew, under the genesis of that log.

A dossier spans both logs. The genesis that the trust file names pins the predecessor's genesis and
its last checkpoint; the predecessor's own policies say whose keys they are. The steps are those of
``verify``, each in the predecessor's part, and beside them:

- that it is the log which the genesis names, at its end            (another log, an older state)
- that it named this log and this root when it ended                (a log that was not named)
- that the state which was taken over is that of its own entries    (a successor that forgets)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import msgspec

from keys.cose_key import Backend
from keys.errors import CellbookError, declare
from ledger.custody.governance.carrying import brought_over
from ledger.custody.governance.handover import CarriedOver, CarriedSubject
from ledger.custody.governance.policy import key_of
from ledger.custody.governance.statements import Policy
from ledger.custody.governance.succession import check_predecessor
from ledger.custody.placing import NO_WHOLES
from ledger.custody.profiles import Profiles
from ledger.custody.rules import Finding
from ledger.custody.states import AliasState, BatteryState, State
from ledger.proof.checks.completeness import verify_complete
from ledger.proof.checks.genuine import check_ledger, check_root, verify_cosigned, verify_receipts
from ledger.proof.checks.history import (
    Decided,
    History,
    ReadEntry,
    compromised_keys,
    flagged,
    read_entries,
    replay,
)
from ledger.proof.checks.parts import (
    FOREIGN,
    MISSING,
    Elsewhere,
    check_assessments,
    check_belongs,
    check_parts,
    held_chains,
    rests_on_names,
)
from ledger.proof.checks.vouching import vouch
from ledger.proof.dossier import Past
from ledger.proof.trust import Trust
from ledger.wire.note import NoteSignature

ANOTHER = declare(
    "failed.predecessor",
    "What the file has of the log before this one is not of the log that the genesis names.",
    "Ask the sender for a dossier made by `cellbook dossier`.",
)
STATE = declare(
    "failed.predecessor.state",
    "What the log took over of a battery is not what its predecessor knew of it.",
    "Trust nothing in the file, and tell whoever runs the ledger.",
)

Levels = tuple[tuple[ReadEntry, ...], ...]
"""The entries of all logs in a file, the newest log first."""
NONE: Mapping[str, int] = MappingProxyType({})
_ENTRY = re.compile(r"\bentry (\d{1,19})\b")


class Recalled(msgspec.Struct, frozen=True):
    """A verified past: the log ended with ``size`` entries at log time ``time`` (Unix seconds), and
    was ``cosigned``. ``elsewhere`` is what newer entries may rest on; ``older`` is the past of its
    own predecessor."""

    size: int
    time: int
    cosigned: tuple[NoteSignature, ...]
    history: History
    elsewhere: Elsewhere
    older: Recalled | None


def read_levels(entries: tuple[ReadEntry, ...], past: Past | None) -> Levels:
    """``entries``, and those of all that came before. Raises what ``read_entries`` raises."""
    levels = [entries]
    while past is not None:
        with _inside():
            levels.append(read_entries(past.entries))
        past = past.past
    return tuple(levels)


def recall(
    past: Past | None,
    levels: Levels,
    carried: frozenset[str],
    backend: Backend | None = None,
    profiles: Profiles | None = None,
    newer: Mapping[str, int] = NONE,
) -> Recalled | None:
    """What ``past`` establishes of the batteries ``carried``, under the genesis in ``levels[0]``.

    ``newer`` says of batteries that newer logs have taken over from before this log, how many logs
    before it. Raises ``failed.*``, ``rejected.*`` and ``malformed.*``: among them
    ``failed.dossier.missing`` where the log follows another one that is not there, and
    ``failed.dossier.foreign`` where it follows none.
    That the genesis is the one that is trusted is for the caller to check.
    """
    genesis = levels[0][0].content
    taken = _taken_over(levels[0])
    with_past = {uri: item for uri, item in taken.items() if item.state and uri in carried}
    stated = genesis.predecessor if isinstance(genesis, Policy) else None
    if past is None:
        if stated is not None:
            raise MISSING.at("predecessor", f"what {stated.origin}, the log before, knew")
        return None
    if stated is None or not isinstance(genesis, Policy):
        raise FOREIGN.at("predecessor", "the log follows none")
    fresh = {uri for uri, item in taken.items() if item.state is None}
    found = verify_past(
        past,
        levels[1:],
        genesis,
        levels[0][0].statement.aud,
        carried - fresh,
        backend,
        profiles,
        _beyond(with_past, newer),
    )
    states = spanning(found.older, found.history).states
    for uri, item in with_past.items():
        state = states.get(uri)
        moved = brought_over(state, found.size) if isinstance(state, _BATTERIES) else None
        if moved != item.state:
            raise STATE.at("predecessor", uri)
    return found


def verify_past(
    past: Past,
    levels: Levels,
    genesis: Policy,
    family: str,
    carried: frozenset[str],
    backend: Backend | None = None,
    profiles: Profiles | None = None,
    newer: Mapping[str, int] = NONE,
) -> Recalled:
    """What ``past`` establishes of ``carried``, by the word of the log that ``genesis`` follows.

    ``levels`` are its entries and those before, ``family`` is the aud of the genesis. Raises
    ``failed.*``, ``rejected.*`` and ``malformed.*``.
    """
    stated = genesis.predecessor
    if stated is None:
        raise FOREIGN.at("predecessor", "the log follows none")
    end = check_predecessor(genesis, stated, family)
    entries = levels[0]
    with _inside():
        older = recall(past.past, levels, carried, backend, profiles, newer)
        trust = _trust(entries[0], end.origin, end.genesis, family)
        check_ledger(past.checkpoint, past.entries, trust)
        elsewhere = Elsewhere() if older is None else older.elsewhere
        check_parts(entries, carried, elsewhere)
        before = NO_WHOLES if older is None else older.history.wholes
        history = replay(entries, carried, backend, profiles, before)
        check_root(history, entries[0], trust)
        check_assessments(history)
        check_belongs(history, entries, carried)
        checkpoint, head, cosigned = verify_cosigned(past.checkpoint, history.log, entries)
        verify_receipts(entries, history.log, checkpoint, head.time, backend)
        names = carried | rests_on_names(entries, carried)
        verify_complete(past.index, held_chains(history, entries, names), head.index_root, "")
    if (checkpoint.size, checkpoint.root) != (end.size, end.root):
        raise ANOTHER.at("predecessor", f"size {checkpoint.size}; it ended with {end.size}")
    if history.log.successor != (genesis.origin, key_of(genesis.root_key).kid):
        raise ANOTHER.at("predecessor", "it did not name this log when it ended")
    known = elsewhere.joined(entries)
    return Recalled(checkpoint.size, head.time, cosigned, history, known, older)


def vouch_before(past: Recalled | None, trust: Trust, at: int) -> tuple[tuple[str, int], ...]:
    """Origin and size of the logs before, the newest first, once as many witnesses and auditors
    have cosigned their ends as ``trust`` asks for. How old they are does not matter.

    A hidden entry in a log that ended is as good as one in the log that goes on. Raises
    ``failed.dossier.cosignature`` and ``undecided.completeness.*``.
    """
    ends = []
    timeless = msgspec.structs.replace(trust, max_age_days=None)
    while past is not None:
        log = past.history.log
        with _inside():
            vouch(past.cosigned, log, timeless, past.time, at)
        ends.append((log.origin, past.size))
        past = past.older
    return tuple(ends)


def spanning(past: Recalled | None, history: History) -> History:
    """One history over all logs: of what was before, every place in the log is below 0, counted
    from the end of that log."""
    if past is None:
        return history
    before = spanning(past.older, past.history)
    size = past.size
    events = tuple(_before(decided, size) for decided in before.events)
    documents = tuple(
        msgspec.structs.replace(item, entry=_entry_before(item.entry, size))
        for item in before.documents
    )
    states: dict[str, State] = {
        uri: brought_over(state, size) if isinstance(state, _BATTERIES) else state
        for uri, state in before.states.items()
    }
    compromised = compromised_keys(history.states)
    events = tuple(flagged(decided, compromised, before.mandates) for decided in events)
    return msgspec.structs.replace(
        history,
        events=(*events, *history.events),
        documents=(*documents, *history.documents),
        states={**states, **history.states},
        mandates={**before.mandates, **history.mandates},
    )


_BATTERIES = (BatteryState, AliasState)


def _beyond(taken: Mapping[str, CarriedSubject], newer: Mapping[str, int]) -> dict[str, int]:
    """Those whose past is not in the predecessor but in logs before it: how many logs before."""
    steps = {uri: len(item.proofs) for uri, item in taken.items()} | dict(newer)
    return {uri: count - 1 for uri, count in steps.items() if count > 1}


def _taken_over(entries: tuple[ReadEntry, ...]) -> dict[str, CarriedSubject]:
    contents = [entry.content for entry in entries if isinstance(entry.content, CarriedOver)]
    return {item.uri: item for content in contents for item in content.subjects}


def _trust(genesis: ReadEntry, origin: str, entry_id: bytes, family: str) -> Trust:
    """The predecessor as the successor's genesis pins it; its root key follows from its own."""
    if not isinstance(genesis.content, Policy):
        raise ANOTHER.at("entry 0", "it is no policy")
    key = key_of(genesis.content.root_key)
    return Trust(origin, origin, entry_id, family, key, 0)


def _before(decided: Decided, size: int) -> Decided:
    return msgspec.structs.replace(
        decided,
        entry=_entry_before(decided.entry, size),
        findings=tuple(_finding_before(finding, size) for finding in decided.findings),
    )


def _entry_before(entry: ReadEntry, size: int) -> ReadEntry:
    return msgspec.structs.replace(entry, index=entry.index - size)


def _finding_before(finding: Finding, size: int) -> Finding:
    detail = _ENTRY.sub(lambda found: f"entry {int(found[1]) - size}", finding.detail)
    return msgspec.structs.replace(finding, index=finding.index - size, detail=detail)


@contextmanager
def _inside() -> Iterator[None]:
    """Errors from inside say that they are about the predecessor."""
    try:
        yield
    except CellbookError as error:
        where = f"predecessor, {error.where}" if error.where else "predecessor"
        raise error.error.at(where, error.detail, **error.facts) from error
