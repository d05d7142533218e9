"""May this statement be the entry at this index? One function for commit, fsck and buyer."""

from __future__ import annotations

from collections.abc import Container, Mapping

import msgspec

from keys.cose_key import Backend, CoseKey
from keys.errors import declare
from ledger.custody.decision import NO_CHAINS, Content, Decision, decide
from ledger.custody.governance.operators import signing_key
from ledger.custody.governance.policy import NO_POLICY, root_key_for
from ledger.custody.governance.statements import Policy
from ledger.custody.governance.succession import check_open
from ledger.custody.placing import NO_WHOLES, Wholes
from ledger.custody.profiles import Profiles
from ledger.custody.refold import Chain
from ledger.custody.rules import Occasion
from ledger.custody.states import LogState, State
from ledger.custody.subjects import CitedEntry
from ledger.wire.statement import Statement, check_signature

TOO_LARGE = declare(
    "rejected.size",
    "The statement is larger than the policy of this log allows.",
    "Put large content into a file and state its digest.",
)


class Admission(msgspec.Struct, frozen=True):
    """The key that must have signed, and what the entry does."""

    key: CoseKey
    decision: Decision


def admit(
    statement: Statement,
    content: Content,
    occasion: Occasion,
    log: LogState | None,
    states: Mapping[str, State],
    cited: Mapping[bytes, CitedEntry],
    *,
    verified: CoseKey | None = None,
    backend: Backend | None = None,
    refuse: bool = True,
    carried: Container[str] | None = None,
    profiles: Profiles | None = None,
    chains: Mapping[str, Chain] = NO_CHAINS,
    wholes: Wholes = NO_WHOLES,
) -> Admission:
    """Decide ``statement`` as entry ``occasion.index`` after ``states``.

    ``states`` must hold what ``needed`` names and nothing that depends on who asks, so that
    everybody comes to the same decision. The signature is checked here unless ``verified`` is the
    very key that must have signed. The options are those of ``decide``. Raises ``rejected.*`` and
    ``failed.*``.
    """
    check_open(log, content, occasion.index)
    key = _key(statement, content, states, log, occasion.index)
    if verified is None or verified.kid != key.kid:
        check_signature(statement, key, backend)
    # A policy is exempt: one that allows less than a policy weighs would be the last one.
    limit = None if log is None or isinstance(content, Policy) else log.entry_bytes
    if limit is not None and len(statement.leaf) > limit:
        raise TOO_LARGE.at("statement", f"{len(statement.leaf)} bytes of {limit}")
    decision = decide(
        statement,
        content,
        occasion,
        log,
        states,
        cited,
        refuse=refuse,
        carried=carried,
        profiles=profiles,
        chains=chains,
        wholes=wholes,
    )
    return Admission(key, decision)


def _key(
    statement: Statement,
    content: Content,
    states: Mapping[str, State],
    log: LogState | None,
    index: int,
) -> CoseKey:
    if log is not None:
        return signing_key(statement, content, states, log, index)
    if index != 0 or not isinstance(content, Policy):
        raise NO_POLICY.at(f"entry {index}")
    return root_key_for(None, content)
