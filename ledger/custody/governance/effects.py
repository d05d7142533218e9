"""What governance statements do: the states of log, operators and lists after them."""

from __future__ import annotations

from collections.abc import Container, Mapping

from keys.errors import declare
from ledger.custody.governance.carrying import apply_carried
from ledger.custody.governance.handover import (
    CarriedEntry,
    CarriedHistory,
    CarriedOver,
    Freeze,
    FromPast,
    subjects_of,
)
from ledger.custody.governance.operators import apply_operator
from ledger.custody.governance.past_entries import apply_past_entry, check_history
from ledger.custody.governance.policy import NO_POLICY, apply_head, apply_policy
from ledger.custody.governance.statements import Governance, Head, ListSnapshot, Policy
from ledger.custody.governance.succession import apply_freeze
from ledger.custody.lists.schemes import list_uri
from ledger.custody.lists.snapshots import apply_snapshot
from ledger.custody.names.naming import log_uri
from ledger.custody.rules import Occasion
from ledger.custody.states import LogState, State
from ledger.wire.statement import Statement

AUDIENCE = declare(
    "rejected.aud",
    "The statement was made for another log family.",
    "Sign it again with this log's family as aud; `cellbook trust show` prints it.",
)
WRONG_SUBJECT = declare(
    "rejected.subject.kind",
    "The sub is not of the kind that this statement is about.",
    "Policies, heads and a freeze are about the log, model statements about a model, snapshots "
    "about a list, events about a battery.",
)


def govern(
    statement: Statement,
    content: Governance,
    occasion: Occasion,
    log: LogState | None,
    states: Mapping[str, State],
    carried: Container[str] | None = None,
) -> tuple[tuple[str, ...], dict[str, State]]:
    """Subjects and states after ``content`` as entry ``occasion.index``. ``carried`` are the
    batteries whose histories are at hand, None: all. Raises ``rejected.*``."""
    index = occasion.index
    if isinstance(content, Policy):
        _is_about(statement, log_uri(content.origin))
        state = apply_policy(log, content, occasion.entry_id, index, statement.aud)
        return (statement.sub,), {statement.sub: state}
    if log is None:
        raise NO_POLICY.at(f"entry {index}")
    if statement.aud != log.family:
        raise AUDIENCE.at("aud", statement.aud)
    if isinstance(content, Head):
        _is_about(statement, log_uri(log.origin))
        after: dict[str, State] = {statement.sub: apply_head(log, content, index)}
        return (), after
    if isinstance(content, Freeze):
        _is_about(statement, log_uri(log.origin))
        return (statement.sub,), {statement.sub: apply_freeze(log, content, index)}
    if isinstance(content, FromPast):
        _is_about(statement, log_uri(log.origin))
        return subjects_of(content), _from_past(log, content, states, carried)
    if isinstance(content, ListSnapshot):
        _is_about(statement, list_uri(content.scheme))
        after = apply_snapshot(statement.iss, content, states, index)
        return (statement.sub,), after
    return (statement.sub,), apply_operator(statement, content, states, log, index)


def _from_past(
    log: LogState,
    content: CarriedOver | CarriedEntry | CarriedHistory,
    states: Mapping[str, State],
    carried: Container[str] | None,
) -> dict[str, State]:
    if isinstance(content, CarriedOver):
        return apply_carried(log, content, states, carried)
    if isinstance(content, CarriedEntry):
        return apply_past_entry(log, content, states, carried)
    check_history(content, states, carried)
    return {}


def _is_about(statement: Statement, uri: str) -> None:
    if statement.sub != uri:
        raise WRONG_SUBJECT.at("sub", f"{statement.sub}, not {uri}")
