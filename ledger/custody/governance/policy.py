"""The chain of policies: each numbered, naming its predecessor, signed by the root.

A policy signed by the root in force may change everything but origin, family and the root. A policy
that states another root key must be signed by that key itself, and its thumbprint must be the one
to which the policy before had committed (``next_root``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from keys import cose_key
from keys.algorithms import ED25519
from keys.cose_key import CoseKey
from keys.errors import declare
from ledger.custody.governance.cosigners import check_cosigners, cosigners
from ledger.custody.governance.statements import Head, LogKey, Policy
from ledger.custody.governance.succession import check_predecessor
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.names.naming import check_origin, family_uri
from ledger.custody.profiles import CORE, check_known
from ledger.custody.states import AuthorityState, LogKeyState, LogState

ORDER = declare(
    "rejected.policy.order",
    "The policy does not follow the policy in force: its number or its predecessor is another.",
    "Number it one higher and name the entry id of the policy in force.",
)
FIXED = declare(
    "rejected.policy.fixed",
    "A policy may not change this: origin, family and keys of past tree sizes are for ever.",
    "Keep the value of the policy in force.",
)
LOG_KEYS = declare(
    "rejected.policy.log-keys",
    "The log keys of the policy do not give one key a purpose for every tree size.",
    "State for each purpose ranges that begin at 0, follow each other, and end open.",
)
ROOT = declare(
    "rejected.policy.root",
    "The policy's root key is neither the present nor the committed next one, or it commits to "
    "another next one without using that.",
    "Sign with the root key in force, or with the key whose thumbprint it committed to.",
)
AUTHORITIES = declare(
    "rejected.policy.authorities",
    "The policy gives one key to two owners, or names an authority twice.",
    "Give every authority a key of its own, which is no key of the log and no root key.",
)
ALGORITHMS_ALLOWED = declare(
    "rejected.policy.algorithms",
    "The policy does not allow the algorithm of a key that must sign under it.",
    "Allow the algorithms of the root, of the log's statement key and of the authorities.",
)
PROFILES = declare(
    "rejected.policy.profiles",
    "The policy names a profile twice, or leaves out core.",
    "Name core with a version, and every other profile at most once.",
)
NO_POLICY = declare(
    "rejected.policy.missing",
    "There is no policy before this entry: the log's first entry must be its genesis policy.",
    "Initialise the log with `cellbook init`.",
)
HEAD = declare(
    "rejected.head",
    "The head contradicts its place, its time, or the head before it.",
    "Heads are made by the sequencer only; the log that holds this one is faulty.",
)

PURPOSES = ("checkpoint", "receipts", "statements")


@lru_cache(maxsize=4096)
def key_of(data: bytes) -> CoseKey:
    """The key in ``data`` (deterministic COSE_Key), from a bounded cache."""
    return cose_key.from_cbor(data)


def root_key_for(state: LogState | None, policy: Policy) -> CoseKey:
    """The key that must have signed ``policy``. Raises ``rejected.policy.root``.

    What the next root key is was said by who held the last one, and can be said anew only by
    using it: whoever steals a root key cannot lock out the one that is kept offline.
    """
    stated = key_of(policy.root_key)
    if state is None:
        return stated
    if policy.root_key == state.root_key:
        if policy.next_root != state.next_root:
            raise ROOT.at("payload.next_root", "it changes only when the next root key signs")
        return stated
    if stated.kid != state.next_root:
        raise ROOT.at("payload.root_key")
    return stated


def apply_policy(
    state: LogState | None, policy: Policy, entry_id: bytes, index: int, family: str
) -> LogState:
    """The log's state after ``policy``. ``family`` is the aud of the statement.

    Raises ``rejected.policy.*``, ``unsupported.profile``, ``malformed.note.*`` for a bad vkey. That
    the right key signed is ``root_key_for``'s matter.
    """
    _check_order(state, policy, index)
    _check_log_keys(state, policy, index)
    _check_authorities(policy)
    _check_algorithms(policy)
    _check_profiles(policy)
    _check_cosigners(policy)
    predecessor = None if state is None else state.predecessor
    if state is None:
        check_origin(policy.origin)
        if policy.predecessor is not None:
            predecessor = check_predecessor(policy, policy.predecessor, family)
        elif family_uri(key_of(policy.root_key), policy.family_name) != family:
            raise FIXED.at("aud", "the family is not the one of this root key and name")
    elif (policy.origin, policy.family_name, family) != (
        state.origin,
        state.family_name,
        state.family,
    ):
        raise FIXED.at("payload.origin")
    elif policy.predecessor is not None:
        raise FIXED.at("payload.predecessor", "it stands in policy 0 only")
    return LogState(
        origin=policy.origin,
        family=family,
        family_name=policy.family_name,
        number=policy.number,
        policy=entry_id,
        root_key=policy.root_key,
        next_root=policy.next_root,
        log_keys=tuple(
            LogKeyState(purpose=k.purpose, key=k.key, from_size=k.from_size, to_size=k.to_size)
            for k in policy.log_keys
        ),
        authorities=tuple(
            AuthorityState(uri=a.uri, role=a.role, key=a.key) for a in policy.authorities
        ),
        profiles=tuple((profile.name, profile.version) for profile in policy.profiles),
        algorithms=policy.algorithms,
        entry_bytes=policy.limits.entry_bytes,
        subjects=policy.limits.subjects,
        skew_s=policy.limits.skew_s,
        epoch_s=policy.epoch_s,
        head=state.head if state else None,
        head_time=state.head_time if state else 0,
        predecessor=predecessor,
        witnesses=policy.witnesses,
        auditors=policy.auditors,
    )


def _check_order(state: LogState | None, policy: Policy, index: int) -> None:
    number, previous = (0, None) if state is None else (state.number + 1, state.policy)
    if state is None and index != 0:
        raise NO_POLICY.at(f"entry {index}")
    if policy.number != number or policy.previous != previous:
        raise ORDER.at("payload.number", f"it is {policy.number}, {number} comes next")


def _check_log_keys(state: LogState | None, policy: Policy, index: int) -> None:
    for purpose in PURPOSES:
        ranges = [k for k in policy.log_keys if k.purpose == purpose]
        expected: int | None = 0
        for log_key in ranges:
            empty = log_key.to_size is not None and log_key.to_size <= log_key.from_size
            if expected is None or log_key.from_size != expected or empty:
                raise LOG_KEYS.at("payload.log_keys", purpose)
            expected = log_key.to_size
        if not ranges or expected is not None:
            raise LOG_KEYS.at("payload.log_keys", purpose)
    keys = [k.key for k in policy.log_keys]
    by_key = {(k.key, k.purpose) for k in policy.log_keys}
    if len({key for key, _ in by_key}) != len(by_key) or policy.root_key in keys:
        raise LOG_KEYS.at("payload.log_keys", "one key has two purposes")
    for log_key in policy.log_keys:
        if key_of(log_key.key).alg != ED25519 and log_key.purpose == "checkpoint":
            raise LOG_KEYS.at("payload.log_keys", "checkpoints are signed with Ed25519")
    if state is not None and _past(state.log_keys, index) != _past(policy.log_keys, index):
        raise FIXED.at("payload.log_keys", "keys for tree sizes that exist already")


def _check_profiles(policy: Policy) -> None:
    profiles = [(profile.name, profile.version) for profile in policy.profiles]
    check_known(profiles, "payload.profiles")
    names = [name for name, _ in profiles]
    if len(set(names)) != len(names) or CORE not in names:
        raise PROFILES.at("payload.profiles", ", ".join(names))


def _check_authorities(policy: Policy) -> None:
    """One key has one owner, and the next root key lies offline: it has no other use."""
    owners = {a.key: a.uri for a in policy.authorities}
    roles = {(a.uri, a.role, a.key) for a in policy.authorities}
    taken = {policy.root_key, *(k.key for k in policy.log_keys)}
    if len(roles) != len(policy.authorities) or not taken.isdisjoint(owners):
        raise AUTHORITIES.at("payload.authorities")
    for authority in policy.authorities:
        parse_operator_uri(authority.uri, "payload.authorities")
        if owners[authority.key] != authority.uri:
            raise AUTHORITIES.at("payload.authorities", authority.uri)
    if policy.next_root in {key_of(key).kid for key in (*taken, *owners)}:
        raise ROOT.at("payload.next_root", "it is the thumbprint of a key that is in use")


def _check_cosigners(policy: Policy) -> None:
    named = cosigners((*policy.witnesses, *policy.auditors))
    keys = (
        policy.root_key,
        *(k.key for k in policy.log_keys),
        *(a.key for a in policy.authorities),
    )
    taken = {policy.next_root, *(key_of(key).kid for key in keys)}
    check_cosigners(named, taken, "payload.witnesses, payload.auditors")


def _check_algorithms(policy: Policy) -> None:
    """A policy that forbids the root's own algorithm would be the last one."""
    statement_keys = (k.key for k in policy.log_keys if k.to_size is None)
    signing = (policy.root_key, *statement_keys, *(a.key for a in policy.authorities))
    for key in signing:
        if key_of(key).alg not in policy.algorithms:
            raise ALGORITHMS_ALLOWED.at("payload.algorithms", str(key_of(key).alg))


def _past(log_keys: Iterable[LogKey | LogKeyState], index: int) -> set[tuple[str, bytes, int, int]]:
    """Who signed for which of the tree sizes up to ``index``."""
    return {
        (k.purpose, k.key, k.from_size, index if k.to_size is None else min(k.to_size, index))
        for k in log_keys
        if k.from_size <= index
    }


def log_key(state: LogState, purpose: str, size: int) -> CoseKey:
    """The log's key for ``purpose`` at tree size ``size``. Raises ``rejected.policy.log-keys``."""
    for candidate in state.log_keys:
        ends = candidate.to_size
        if (
            candidate.purpose == purpose
            and candidate.from_size <= size
            and (ends is None or size < ends)
        ):
            return key_of(candidate.key)
    raise LOG_KEYS.at(f"tree size {size}", purpose)


def apply_head(state: LogState, head: Head, index: int) -> LogState:
    """The log's state after ``head`` at ``index``. Raises ``rejected.head``."""
    if head.tree_size != index:
        raise HEAD.at(f"entry {index}", f"it states tree size {head.tree_size}")
    if head.previous != state.head:
        raise HEAD.at(f"entry {index}", f"it names {head.previous} as the head before")
    if head.time < state.head_time:
        raise HEAD.at(f"entry {index}", "its time is before that of the head before")
    return msgspec.structs.replace(state, head=index, head_time=head.time)
