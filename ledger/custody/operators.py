"""Operators and their keys, folded from the registrar's statements; and KEY-1.

A key is valid by **log order**: for entries after the one that added it and before the one that
revoked it. A compromise date flags what the key signed from then on; it removes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from keys.cose_key import CoseKey
from keys.errors import declare
from keys.possession import verify_possession
from keys.purposes import EVENTS, OPERATOR_PURPOSES
from ledger.custody.governance import (
    Governance,
    Head,
    KeyAdded,
    KeyGrant,
    KeyRevoked,
    ListSnapshot,
    OperatorChanged,
    OperatorRegistered,
    OperatorRemoved,
    Policy,
)
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.issuing import claim_codes
from ledger.custody.policy import key_of, log_key, root_key_for
from ledger.custody.states import (
    DeviceState,
    GuestState,
    KeyClaim,
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
OPERATOR = declare(
    "rejected.operator",
    "The statement does not fit what is registered of this operator.",
    "Look at `cellbook operator show`.",
)
KEY_OWNER = declare(
    "rejected.key.owner",
    "The key belongs to another operator, or is known already.",
    "Make a new key: a key has one owner, for ever.",
)

ROLES = (
    "maker",
    "installer",
    "dismantler",
    "assessor",
    "repurposer",
    "recycler",
    "repairer",
    "holder",
    "authority",
)


def key_uri(kid: bytes) -> str:
    """The name under which the ownership of a key is claimed."""
    return f"urn:cellbook:key:{kid.hex()}"


def is_reserved(key: bytes, log: LogState) -> bool:
    """Whether the COSE_Key ``key`` is the root's, the log's or an authority's."""
    taken = {k.key for k in log.log_keys} | {a.key for a in log.authorities} | {log.root_key}
    return key in taken


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
    if isinstance(content, Head):
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


def apply_operator(
    statement: Statement,
    content: Governance,
    states: Mapping[str, State],
    log: LogState,
    index: int,
) -> dict[str, State]:
    """The states after a registrar's statement: the operator's, and claims of new keys.

    Raises ``rejected.operator``, ``rejected.key.owner``, ``failed.possession``.
    """
    uri = parse_operator_uri(statement.sub)
    before = states.get(uri)
    if before is not None and not isinstance(before, OperatorState):
        raise OPERATOR.at("sub", "the name is taken")
    if isinstance(content, OperatorRegistered):
        return _registered(uri, content, before, states, log, index)
    if before is not None and isinstance(content, KeyRevoked):
        return {uri: _revoked(before, content, index)}
    if before is None or before.removed is not None:
        raise OPERATOR.at("sub", f"{uri} is not registered")
    if isinstance(content, OperatorChanged):
        _check_roles(content.roles)
        return _changed(uri, content, before, states)
    if isinstance(content, OperatorRemoved):
        return {uri: _removed(before, index), **claim_codes(uri, before, (), (), states)}
    assert isinstance(content, KeyAdded)  # noqa: S101 - the union is closed
    key = _granted(content.grant, uri, states, log, index)
    after = msgspec.structs.replace(before, keys=(*before.keys, key))
    return {uri: after, key_uri(key.kid): KeyClaim(owner=uri)}


def _changed(
    uri: str, content: OperatorChanged, before: OperatorState, states: Mapping[str, State]
) -> dict[str, State]:
    makers, prefixes = content.maker_codes, content.gs1_prefixes
    after = msgspec.structs.replace(
        before,
        name=content.name,
        country=content.country,
        roles=content.roles,
        maker_codes=before.maker_codes if makers is None else makers,
        gs1_prefixes=before.gs1_prefixes if prefixes is None else prefixes,
    )
    claims = claim_codes(uri, before, after.maker_codes, after.gs1_prefixes, states)
    return {uri: after, **claims}


def _removed(before: OperatorState, index: int) -> OperatorState:
    """Its keys and its codes end with it: whoever comes back brings them again."""
    keys = tuple(
        key if key.revoked is not None else msgspec.structs.replace(key, revoked=index)
        for key in before.keys
    )
    return msgspec.structs.replace(
        before, keys=keys, removed=index, maker_codes=(), gs1_prefixes=()
    )


def _registered(
    uri: str,
    content: OperatorRegistered,
    before: OperatorState | None,
    states: Mapping[str, State],
    log: LogState,
    index: int,
) -> dict[str, State]:
    if before is not None and before.removed is None:
        raise OPERATOR.at("sub", f"{uri} is registered already")
    _check_roles(content.roles)
    new = [_granted(grant, uri, states, log, index) for grant in content.keys]
    if len({key.kid for key in new}) != len(new):
        raise KEY_OWNER.at("payload.keys", "one key twice")
    after = OperatorState(
        uri=uri,
        name=content.name,
        country=content.country,
        roles=content.roles,
        keys=(*(before.keys if before else ()), *new),
        registered=index,
        maker_codes=content.maker_codes or (),
        gs1_prefixes=content.gs1_prefixes or (),
    )
    claims = claim_codes(uri, None, after.maker_codes, after.gs1_prefixes, states)
    return {uri: after, **{key_uri(key.kid): KeyClaim(owner=uri) for key in new}, **claims}


def _check_roles(roles: tuple[str, ...]) -> None:
    unknown = [role for role in roles if role not in ROLES]
    if unknown or len(set(roles)) != len(roles):
        raise OPERATOR.at("payload.roles", ", ".join(unknown) or "a role stands twice")


def _granted(
    grant: KeyGrant, uri: str, states: Mapping[str, State], log: LogState, index: int
) -> OperatorKey:
    key = key_of(grant.key)
    if any(purpose not in OPERATOR_PURPOSES for purpose in grant.purposes):
        raise PURPOSE.at("payload.keys", ", ".join(grant.purposes))
    if key.alg not in log.algorithms:
        raise ALGORITHM.at("payload.keys", str(key.alg))
    if key_uri(key.kid) in states or is_reserved(grant.key, log):
        raise KEY_OWNER.at("payload.keys", key_uri(key.kid))
    verify_possession(key, grant.possession, uri, grant.purposes, log.family)
    return OperatorKey(kid=key.kid, key=grant.key, purposes=grant.purposes, added=index)


def _revoked(before: OperatorState, content: KeyRevoked, index: int) -> OperatorState:
    """The operator without the key. A key that has ended may be found compromised later on, and
    earlier than was thought; never later, and its end does not move."""
    key = next((key for key in before.keys if key.kid == content.kid), None)
    if key is None:
        raise OPERATOR.at("payload.kid", "no key of this operator")
    since, known = content.compromised_since, key.compromised_since
    if key.revoked is not None and (since is None or (known is not None and known <= since)):
        raise OPERATOR.at("payload.kid", f"revoked already by entry {key.revoked}")
    revoked = msgspec.structs.replace(
        key, revoked=index if key.revoked is None else key.revoked, compromised_since=since
    )
    keys = tuple(revoked if other is key else other for other in before.keys)
    return msgspec.structs.replace(before, keys=keys)
