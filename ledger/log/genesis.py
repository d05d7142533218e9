"""The first two entries of a log: its genesis policy, and the head that ends the first epoch."""

from __future__ import annotations

from keys.algorithms import ED25519, ESP256, ML_DSA_44, ML_DSA_65
from keys.cose_key import CoseKey
from keys.errors import declare
from keys.signer import Signer
from ledger.custody.governance.handover import Predecessor
from ledger.custody.governance.statements import (
    Authority,
    Limits,
    LogKey,
    Policy,
    Profile,
    encode_governance,
)
from ledger.custody.names.naming import family_uri, log_uri
from ledger.custody.profiles import CORE, Profiles
from ledger.custody.profiles import PROFILES as PROFILES_KNOWN
from ledger.log.commit import GroupCommit
from ledger.log.heads import publish
from ledger.log.registration import unchecked
from ledger.log.signers import LogSigners
from ledger.store.sql import SqlStore
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement, sign_statement

NOT_EMPTY = declare(
    "usage.log.not-empty",
    "There is a log in this database already.",
    "Choose another database; a log is never begun twice.",
)

ALGORITHMS = (ED25519, ESP256, ML_DSA_44, ML_DSA_65)
PROFILES: Profiles = ((CORE, PROFILES_KNOWN[CORE].newest),)
"""What a new log decides by, if nothing else is asked for."""


def genesis_policy(
    origin: str,
    family_name: str,
    root: CoseKey,
    next_root: CoseKey,
    signers: LogSigners,
    registrar: Authority,
    *,
    epoch_s: int = 1,
    limits: Limits | None = None,
    profiles: Profiles = PROFILES,
    predecessor: Predecessor | None = None,
) -> Policy:
    """Policy 0: the log's three keys for every tree size, one registrar, the rules, and the log
    that it follows."""
    return Policy(
        number=0,
        origin=origin,
        family_name=family_name,
        root_key=root.to_cbor(),
        next_root=next_root.kid,
        log_keys=(
            LogKey(purpose="checkpoint", key=signers.checkpoint.key.to_cbor(), from_size=0),
            LogKey(purpose="receipts", key=signers.receipts.key.to_cbor(), from_size=0),
            LogKey(purpose="statements", key=signers.statements.key.to_cbor(), from_size=0),
        ),
        authorities=(registrar,),
        profiles=tuple(Profile(name=name, version=version) for name, version in profiles),
        algorithms=ALGORITHMS,
        limits=limits or Limits(),
        leaf="cose-sign1-tag18-empty-unprotected/1",
        epoch_s=epoch_s,
        predecessor=predecessor,
    )


def sign_policy(root: Signer, policy: Policy, now: int, family: str | None = None) -> bytes:
    """The statement of ``policy``: from the family, about the log. Raises ``malformed.*``.

    ``family`` must be given where ``root`` is no longer the first root key.
    """
    family = family or family_uri(root.key, policy.family_name)
    return sign_statement(
        root,
        typ=TYP_GOVERNANCE,
        iss=family,
        sub=log_uri(policy.origin),
        aud=family,
        iat=now,
        payload=encode_governance(policy),
    )


def refuse_begun(store: SqlStore) -> None:
    """Raise ``usage.log.not-empty`` if there is a log in ``store``."""
    if store.head().size:
        raise NOT_EMPTY.at("database")


def write_genesis(store: SqlStore, leaf: bytes, signers: LogSigners, now: int) -> None:
    """Begin the log in the empty ``store``: entries 0 and 1, and the checkpoint of size 2.

    ``now`` (Unix seconds) is the time of the first epoch. Raises
    ``usage.log.not-empty``, ``rejected.policy.*`` and ``failed.*`` for a policy that is none.
    """
    refuse_begun(store)
    statement = parse_statement(leaf)
    commits = GroupCommit(store, statement.sub, lambda: now)
    done = commits.run([unchecked(statement)])
    refusal = done.placed[0]
    if isinstance(refusal, Exception):
        raise refusal
    closed = commits.close_epoch(signers, lambda head, log: True)
    assert closed is not None  # noqa: S101 - the policy has just opened the epoch
    publish(store, signers, closed.log, closed.head.size, closed.head.root)
