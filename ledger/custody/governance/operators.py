"""Operators and their keys, folded from the registrar's statements."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from keys.errors import declare
from keys.possession import verify_possession
from keys.purposes import OPERATOR_PURPOSES
from ledger.custody.governance.base import Facility
from ledger.custody.governance.policy import key_of
from ledger.custody.governance.signing_keys import ALGORITHM, PURPOSE
from ledger.custody.governance.signing_keys import signing_key as signing_key
from ledger.custody.governance.statements import (
    Governance,
    KeyAdded,
    KeyGrant,
    KeyRevoked,
    OperatorChanged,
    OperatorRegistered,
    OperatorRemoved,
)
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.names.issuing import claim_codes
from ledger.custody.states import (
    KeyClaim,
    LogState,
    OperatorKey,
    OperatorState,
    State,
)
from ledger.wire.statement import Statement

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
        facilities=before.facilities if content.facilities is None else content.facilities,
    )
    _check_facilities(after.facilities)
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
        facilities=content.facilities or (),
    )
    _check_facilities(after.facilities)
    claims = claim_codes(uri, None, after.maker_codes, after.gs1_prefixes, states)
    return {uri: after, **{key_uri(key.kid): KeyClaim(owner=uri) for key in new}, **claims}


def _check_roles(roles: tuple[str, ...]) -> None:
    unknown = [role for role in roles if role not in ROLES]
    if unknown or len(set(roles)) != len(roles):
        raise OPERATOR.at("payload.roles", ", ".join(unknown) or "a role stands twice")


def _check_facilities(places: tuple[Facility, ...]) -> None:
    if len({place.id for place in places}) != len(places):
        raise OPERATOR.at("payload.facilities", "one id twice")


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
