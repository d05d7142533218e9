"""KEY-1: which key must have signed a statement, at its place in the log.

A key is valid by **log order**: for entries after the one that added it and before the one that
revoked it. A compromise date flags what the key signed from then on; it removes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from keys.cose_key import CoseKey
from keys.errors import declare
from keys.purposes import EVENTS
from ledger.custody.governance.handover import Freeze, FromPast
from ledger.custody.governance.policy import key_of, log_key, root_key_for
from ledger.custody.governance.statements import Governance, Head, ListSnapshot, Policy
from ledger.custody.states import (
    DeviceState,
    GuestState,
    LogState,
    OperatorKey,
    OperatorState,
    State,
)
from ledger.wire.statement import Statement

UNKNOWN_ISSUER = declare(
    "rejected.issuer.unknown",
    "The issuer is not registered in this log.",
    "Ask the registrar: `cellbook operator request`, then `cellbook operator add`.",
)
REMOVED_ISSUER = declare(
    "rejected.issuer.removed",
    "The issuer was removed from this log before this entry.",
    "Ask the registrar to register the operator again.",
)
NOT_AUTHORISED = declare(
    "rejected.issuer.authority",
    "The policy does not let this issuer make this statement.",
    "Statements about operators are the registrar's, lists a publisher's, policies the root's, and "
    "heads the log's own.",
)
UNKNOWN_KEY = declare(
    "rejected.key.unknown",
    "The key that signed is not a key of the issuer.",
    "Sign with a registered key of the issuer, or have the registrar add this one.",
)
PURPOSE = declare(
    "rejected.key.purpose",
    "The key that signed may not sign statements of this kind.",
    "Use a key that was registered for this purpose.",
)
KEY_1 = declare(
    "rejected.KEY-1",
    "The signing key is not valid at this place in the log.",
    "Sign with a key that was added before and is not revoked.",
)
ALGORITHM = declare(
    "rejected.algorithm",
    "The policy of this log does not allow this signature algorithm.",
    "Use a key of an algorithm that the policy lists, such as Ed25519 (-19).",
    title="Bad Signature Algorithm",
)


def signing_key(
    statement: Statement, content: object, states: Mapping[str, State], log: LogState, index: int
) -> CoseKey:
    """The key that must have signed ``statement`` as entry ``index`` (KEY-1).

    ``states`` holds the issuer's state. Raises ``rejected.issuer.*``, ``rejected.key.*``,
    ``rejected.KEY-1``, ``rejected.algorithm``. The signature itself is not checked here.
    """
    if statement.alg not in log.algorithms:
        raise ALGORITHM.at("protected header alg", str(statement.alg))
    if isinstance(content, Governance):
        key = _governance_key(statement, content, log, index)
        if key.kid != statement.kid:
            raise UNKNOWN_KEY.at("protected header kid")
        return key
    issuer = states.get(statement.iss)
    if isinstance(issuer, GuestState | DeviceState):
        return _only_key(statement, issuer.key)
    return key_of(_operator_key(statement, states, index).key)


def _only_key(statement: Statement, data: bytes) -> CoseKey:
    """The key of whoever has but one. What it may still sign is decided with the event, under the
    lock: it changes with other events, which callers outside of it may not have seen."""
    key = key_of(data)
    if key.kid != statement.kid:
        raise UNKNOWN_KEY.at("protected header kid", f"not the key of {statement.iss}")
    return key


def _governance_key(
    statement: Statement, content: Governance, log: LogState, index: int
) -> CoseKey:
    if isinstance(content, Policy):
        _issued_by(statement, log.family)
        return root_key_for(log, content)
    if isinstance(content, Freeze):
        _issued_by(statement, log.family)
        return key_of(log.root_key)
    if isinstance(content, Head | FromPast):
        _issued_by(statement, statement.sub)
        return log_key(log, "statements", index)
    role = "publisher" if isinstance(content, ListSnapshot) else "registrar"
    for authority in log.authorities:
        if authority.role == role and authority.uri == statement.iss:
            key = key_of(authority.key)
            if key.kid == statement.kid:
                return key
    raise NOT_AUTHORISED.at("iss", statement.iss)


def _issued_by(statement: Statement, issuer: str) -> None:
    if statement.iss != issuer:
        raise NOT_AUTHORISED.at("iss", statement.iss)


def _operator_key(statement: Statement, states: Mapping[str, State], index: int) -> OperatorKey:
    operator = states.get(statement.iss)
    if not isinstance(operator, OperatorState):
        raise UNKNOWN_ISSUER.at("iss", statement.iss)
    if operator.removed is not None:
        raise REMOVED_ISSUER.at("iss", f"{statement.iss} at entry {operator.removed}")
    for key in operator.keys:
        if key.kid == statement.kid:
            if EVENTS not in key.purposes:
                raise PURPOSE.at("protected header kid", ", ".join(key.purposes))
            if key.added >= index or (key.revoked is not None and key.revoked <= index):
                raise KEY_1.at("protected header kid", _when_valid(key))
            return key
    raise UNKNOWN_KEY.at("protected header kid", f"not a key of {statement.iss}")


def _when_valid(key: OperatorKey) -> str:
    ended = "" if key.revoked is None else f", revoked by entry {key.revoked}"
    return f"added by entry {key.added}{ended}"
