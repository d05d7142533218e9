"""Entries of the logs before this one, about which statements here are: disputes, corrections.

The log shows such an entry itself, once: its leaf with the inclusion path in the tree with which
that log ended. So everybody who replays this log knows who signed it and whom it concerns, and
needs nothing of the other log. Its place is counted as in a state that was taken over: below 0.

To fold a battery again its whole past is needed. Parts of it stand in statements of their own; the
chain hash that was taken over, with a proof from the index, shows that they are all (``recall``).
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from keys.errors import declare
from ledger.custody.against import Against
from ledger.custody.events import Event, Model, parse_event
from ledger.custody.governance.carrying import CARRIED, TWICE, UNPROVEN
from ledger.custody.governance.handover import CarriedEntry, CarriedHistory, PastEntry
from ledger.custody.states import (
    AliasState,
    BatteryState,
    LogState,
    PastEntryState,
    PredecessorState,
    State,
)
from ledger.custody.subjects import CitedEntry, cite, cited_by
from ledger.tree.merkle import verify_inclusion
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import TYP_EVENT, Statement, parse_statement

HISTORY = declare(
    "rejected.predecessor.history",
    "To correct an entry of the log before, the battery's whole past must be in this log.",
    "Run the service with the predecessor's folder, so that it can take it over; where the past "
    "is too long for that, dispute the entry: both claims stay in the record.",
)


def past_entry_uri(entry_id: bytes) -> str:
    """The name under which the log knows an entry of a log before it."""
    return f"urn:cellbook:entry:{encode_base64url(entry_id)}"


def logs_before(newest: PredecessorState | None, log: int) -> tuple[PredecessorState | None, int]:
    """The log that is ``log`` logs before the predecessor ``newest``, None where there is none; and
    how many entries it and those after it have together."""
    size = 0
    while newest is not None:
        size += newest.size
        if log == 0:
            return newest, size
        newest, log = newest.older, log - 1
    return None, size


def read_past(entry: PastEntry) -> tuple[Statement, Event]:
    """The event in ``entry``. Raises ``malformed.*``, ``unsupported.*`` and
    ``rejected.predecessor.state`` for another statement, or bytes that are no leaf."""
    statement = parse_statement(entry.leaf)
    if statement.leaf != entry.leaf or statement.typ != TYP_EVENT:
        raise CARRIED.at("payload.entry", f"index {entry.index} is no event")
    return statement, parse_event(statement.payload)


def past_entry_names(content: CarriedEntry) -> tuple[str, ...]:
    """The names whose states decide about ``content``. Raises as ``read_past``."""
    statement, event = read_past(content.entry)
    ids = (statement.entry_id, cited_by(event))
    return (*(past_entry_uri(one) for one in ids if one is not None), *content.subjects)


def apply_past_entry(
    log: LogState,
    content: CarriedEntry,
    states: Mapping[str, State],
    carried: Container[str] | None,
) -> dict[str, State]:
    """The state after ``content``: what is known of the entry, under its name.

    All its subjects must have been taken over; ``carried`` are the batteries whose histories are at
    hand, None: all. Raises ``rejected.predecessor.*``, ``malformed.*``, ``failed.*``.
    """
    entry = content.entry
    before, size = logs_before(log.predecessor, entry.log)
    if before is None or entry.index >= before.size:
        raise CARRIED.at("payload.entry", f"index {entry.index} of no log before")
    statement, event = read_past(entry)
    verify_inclusion(statement.leaf_hash, entry.index, before.size, content.path, before.root)
    name = past_entry_uri(statement.entry_id)
    if name in states:
        raise TWICE.at("payload.entry", name, subject=name)
    found = _cited(statement, event, entry.index - size, states)
    if isinstance(event, Model) or found.subjects != content.subjects:
        raise CARRIED.at("payload.subjects", f"entry {found.index} is about others")
    for uri in found.subjects:
        if not _is_known(uri, states) and (carried is None or uri in carried):
            raise UNPROVEN.at("payload.subjects", uri, subject=uri)
    against = found.against
    return {
        name: PastEntryState(
            index=found.index,
            issuer=found.issuer,
            kind=found.kind,
            subjects=found.subjects,
            effect=None if against is None else against.effect,
            since=0 if against is None else against.occurred,
        )
    }


def check_history(
    content: CarriedHistory, states: Mapping[str, State], carried: Container[str] | None
) -> None:
    """That ``content`` is about a battery that was taken over. Raises
    ``rejected.predecessor.state``. That it is its past is seen by who needs it: ``recall``."""
    is_at_hand = carried is None or content.uri in carried
    if is_at_hand and not isinstance(states.get(content.uri), BatteryState):
        raise CARRIED.at("payload.uri", content.uri)


def cited_before(entry_id: bytes, states: Mapping[str, State]) -> CitedEntry | None:
    """What ``states`` know of an entry of a log before this one."""
    state = states.get(past_entry_uri(entry_id))
    if not isinstance(state, PastEntryState):
        return None
    against = None if state.effect is None else Against(state.effect, state.since)
    return CitedEntry(entry_id, state.index, state.issuer, state.kind, state.subjects, against)


def _cited(
    statement: Statement, event: Event, index: int, states: Mapping[str, State]
) -> CitedEntry:
    about = {}
    cited = cited_by(event)
    if cited is not None:
        known = cited_before(cited, states)
        if known is None:
            raise CARRIED.at("payload.entry", f"entry {index} is about one that is not known here")
        about[cited] = known
    return cite(statement.entry_id, index, statement.iss, statement.sub, event, about)


def _is_known(uri: str, states: Mapping[str, State]) -> bool:
    return isinstance(states.get(uri), BatteryState | AliasState)
