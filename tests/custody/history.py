"""A log in memory for tests of decisions: real keys and signatures, no store.

    log = Log()
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    taken = log.take(log.event("decommission", pack))

``take`` admits a statement as the next entry, as commit, ``fsck`` and a buyer do, and keeps the
states in a dict. References (install, assessment, release) are filled in from what was taken.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import pytest

from keys.algorithms import ED25519, ESP256
from keys.cose_key import CoseKey
from keys.errors import CellbookError
from keys.possession import prove
from keys.purposes import EVENTS
from keys.signer import Signer, generate
from ledger.custody.admission import admit
from ledger.custody.citing import Registered, cited_entries
from ledger.custody.decision import Content, Decision, decide, needed, read_content
from ledger.custody.events import Event, Identifier, encode_event, kind_of
from ledger.custody.governance.handover import Freeze, Successor
from ledger.custody.governance.statements import (
    Authority,
    Governance,
    Head,
    KeyAdded,
    KeyGrant,
    KeyRevoked,
    Limits,
    LogKey,
    OperatorChanged,
    OperatorRegistered,
    OperatorRemoved,
    Policy,
    Profile,
    encode_governance,
)
from ledger.custody.names.naming import family_uri, log_uri
from ledger.custody.refold import change_of, fetch_chains
from ledger.custody.rules import Occasion
from ledger.custody.states import BatteryState, LogState, OperatorState, State
from ledger.custody.subjects import CitedEntry
from ledger.custody.values.times import format_moment
from ledger.wire.statement import (
    TYP_EVENT,
    TYP_GOVERNANCE,
    TYP_HEAD,
    Statement,
    parse_statement,
    sign_statement,
)
from tests.log.lives import make_event, repurpose_input

START = 1_780_000_000
"""28 May 2026: log time 0 of a test's log, in Unix seconds. Minutes count from here."""
ORIGIN, FAMILY_NAME = "log.example/test", "Test"
REGISTRAR = "urn:cellbook:authority:registrar"

ROLES: dict[str, tuple[str, ...]] = {
    "owner": ("maker", "installer", "dismantler", "repurposer", "recycler", "repairer"),
    "maker": ("maker",),
    "installer": ("installer",),
    "dismantler": ("dismantler",),
    "assessor": ("assessor",),
    "repurposer": ("repurposer",),
    "recycler": ("recycler",),
    "authority": ("authority",),
    "buyer": ("holder",),
}
"""The operators of a log. ``owner`` can do all that needs possession."""

MAKER_CODES = {"owner": ("4A6",)}
"""That of ``Log.battery``: the owner makes the batteries of most tests."""
SIGNED_BY = {"assessment": "assessor", "resolution": "authority"}


class Taken(msgspec.Struct, frozen=True):
    """An entry, and what was decided about it."""

    index: int
    entry_id: bytes
    decision: Decision


@cache
def signer_of(name: str) -> Signer:
    """The key of this name: made once in a test run."""
    return generate(ESP256 if name.endswith("-p256") else ED25519)


def operator_uri(name: str) -> str:
    return f"https://{name}.example"


def genesis(**changes: Any) -> Policy:
    """Policy 0 of a test's log, with ``changes``."""
    purposes = ("checkpoint", "receipts", "statements")
    values: dict[str, Any] = {
        "number": 0,
        "origin": ORIGIN,
        "family_name": FAMILY_NAME,
        "root_key": cose("root"),
        "next_root": signer_of("next-root").key.kid,
        "log_keys": tuple(LogKey(purpose=p, key=cose(p), from_size=0) for p in purposes),
        "authorities": (Authority(uri=REGISTRAR, role="registrar", key=cose("registrar")),),
        "profiles": (Profile(name="core", version=1),),
        "algorithms": (ED25519, ESP256),
        "limits": Limits(),
        "leaf": "cose-sign1-tag18-empty-unprotected/1",
    }
    return Policy(**{**values, **changes})


def cose(name: str) -> bytes:
    """The COSE_Key of the key of this name."""
    return signer_of(name).key.to_cbor()


class Log:
    """A log with a policy and the operators of ``ROLES``; ``minute`` is its clock."""

    def __init__(self, *operators: str, policy: Policy | None = None, root: str = "root") -> None:
        self.states: dict[str, State] = {}
        self.entries: dict[bytes, Registered] = {}
        self.taken: list[Taken] = []
        self.refs: dict[tuple[str, str], bytes] = {}
        self.minute = 0
        self.policy = policy or genesis()
        self.family = family_uri(signer_of("root").key, FAMILY_NAME)
        self._batteries = 0
        self.take(self.policy_statement(self.policy, root))
        for name in operators or ROLES:
            self.take(self.registration(name))

    # What is there

    @property
    def log(self) -> LogState | None:
        """The policy in force."""
        state = self.states.get(log_uri(self.policy.origin))
        return state if isinstance(state, LogState) else None

    def state(self, battery: str) -> BatteryState:
        """The state of a battery that is in the log."""
        state = self.states[battery]
        assert isinstance(state, BatteryState)
        return state

    def operator(self, name: str) -> OperatorState:
        """The state of a registered operator."""
        state = self.states[operator_uri(name)]
        assert isinstance(state, OperatorState)
        return state

    # Taking and deciding

    def take(self, data: bytes, **options: Any) -> Taken:
        """Admit ``data`` as the next entry. ``options`` are those of ``admit``."""
        statement, content, occasion = self.read(data)
        states, cited = self.gathered(statement, content)
        chains = fetch_chains(change_of(content, cited, self.log), self.chain)
        decision = admit(
            statement, content, occasion, self.log, states, cited, chains=chains, **options
        ).decision
        self.states.update(decision.after)
        entry_id = occasion.entry_id
        self.entries[entry_id] = Registered(occasion.index, entry_id, statement, content)
        self.taken.append(Taken(occasion.index, entry_id, decision))
        if isinstance(content, Event):
            self.refs[statement.sub, kind_of(content)] = entry_id
        return self.taken[-1]

    def decided(self, data: bytes, **options: Any) -> Decision:
        """What ``decide`` says of ``data`` as the next entry; nothing is kept."""
        statement, content, occasion = self.read(data)
        states, cited = self.gathered(statement, content)
        chains = fetch_chains(change_of(content, cited, self.log), self.chain)
        return decide(
            statement, content, occasion, self.log, states, cited, chains=chains, **options
        )

    def chain(self, uri: str, limit: int = 2**31) -> list[Registered]:
        """The entries that concern ``uri``, ascending."""
        of_it = (taken for taken in self.taken if uri in taken.decision.subjects)
        return [self.entries[taken.entry_id] for taken in of_it][:limit]

    def refused(self, data: bytes) -> str:
        """The code with which ``data`` is refused; nothing of it stays."""
        before = dict(self.states)
        with pytest.raises(CellbookError) as caught:
            self.take(data)
        assert self.states == before
        return caught.value.code

    def gathered(
        self, statement: Statement, content: Content
    ) -> tuple[dict[str, State], dict[bytes, CitedEntry]]:
        """The states and entries that the decision needs, and no others."""
        wanted = needed(statement, content)
        cited = cited_entries(wanted, self.entries.get)
        uris = [*wanted.uris, *(uri for about in cited.values() for uri in about.subjects)]
        return {uri: self.states[uri] for uri in uris if uri in self.states}, cited

    def read(self, data: bytes) -> tuple[Statement, Content, Occasion]:
        statement = parse_statement(data)
        occasion = Occasion(len(self.taken), START + 60 * self.minute, statement.entry_id)
        return statement, read_content(statement), occasion

    # Events

    def battery(self, level: str = "P") -> str:
        """The subject of a battery that nobody has named yet."""
        self._batteries += 1
        return f"urn:cellbook:gbt34014:4A6{level}BPM27KLPCLE74{self._batteries:07d}"

    def second_life(self) -> str:
        """A subject with a second-life code."""
        self._batteries += 1
        return f"urn:cellbook:gbt34014:4A6PBPMG63{self._batteries:07d}RP"

    def make(self, kind: str, battery: str, /, **fields: Any) -> Event:
        """An event of ``kind``; references to what was taken before are filled in."""
        refs = self.refs
        if kind == "decommission":
            fields.setdefault("install_ref", refs.get((battery, "install"), bytes(32)))
        elif kind in ("accept", "refuse", "withdrawal"):
            fields.setdefault("release_ref", refs.get((battery, "release"), bytes(32)))
        elif kind == "install" and (battery, "assessment") in refs:
            fields.setdefault("assessment_ref", refs[battery, "assessment"])
        elif kind == "repurpose":
            assessed = refs.get((battery, "assessment"), bytes(32))
            fields.setdefault("inputs", (repurpose_input(battery, assessed),))
            fields.setdefault("outputs", (self.second_life(),))
            fields.setdefault("responsible_operator", operator_uri("owner"))
        elif kind == "resolution":
            fields.setdefault("arbiter", operator_uri("authority"))
        return make_event(kind, battery, fields.pop("occurred_at"), **fields)

    def event(
        self,
        kind: str,
        battery: str,
        /,
        *,
        by: str | None = None,
        at: int | None = None,
        iat: int | None = None,
        signer: Signer | None = None,
        aud: str | None = None,
        iss: str | None = None,
        **fields: Any,
    ) -> bytes:
        """A signed event by an operator, that happened at minute ``at``.

        Without ``at`` the clock goes on by a minute, and it happens then.
        """
        if at is None:
            self.minute += 1
            at = self.minute
        by = by or SIGNED_BY.get(kind, "owner")
        if kind == "release":
            fields.setdefault("giver", operator_uri(by))
            fields.setdefault("receiver", operator_uri("buyer"))
        fields["occurred_at"] = format_moment(START + 60 * at, 480)
        return sign_statement(
            signer or signer_of(by),
            typ=TYP_EVENT,
            iss=iss or operator_uri(by),
            sub=battery,
            aud=aud or self.family,
            iat=START + 60 * (self.minute if iat is None else iat),
            payload=encode_event(self.make(kind, battery, **fields)),
        )

    def live(self, battery: str, *kinds: str, **fields: Any) -> Taken:
        """Take events of ``kinds``, one after the other; gives the last."""
        return [self.take(self.event(kind, battery, **fields)) for kind in kinds][-1]

    def hand_over(self, battery: str, giver: str, receiver: str, *moves: str) -> Taken:
        """A release and its acceptance."""
        what = {"moves": moves or ("possession", "ownership"), "receiver": operator_uri(receiver)}
        self.take(self.event("release", battery, by=giver, **what))
        return self.take(self.event("accept", battery, by=receiver))

    # Governance

    def registration(
        self,
        name: str,
        roles: tuple[str, ...] | None = None,
        *,
        key_name: str | None = None,
        **by: Any,
    ) -> bytes:
        """The registrar's statement that registers an operator; its key has the same name."""
        uri = operator_uri(name)
        content = OperatorRegistered(
            name=name,
            country="CN",
            roles=roles or ROLES.get(name, ("maker",)),
            keys=(self.grant(uri, key_name or name),),
            maker_codes=MAKER_CODES.get(name),
        )
        return self.governance(content, uri, **by)

    def grant(self, owner: str, key: str, purposes: tuple[str, ...] = (EVENTS,)) -> KeyGrant:
        """The key of this name with its proof of possession."""
        proof = prove(signer_of(key), owner, purposes, self.family)
        return KeyGrant(key=cose(key), purposes=purposes, possession=proof)

    def add_key(self, name: str, key: str) -> bytes:
        """The registrar's statement that adds a key to an operator."""
        uri = operator_uri(name)
        return self.governance(KeyAdded(grant=self.grant(uri, key)), uri)

    def revoke_key(self, name: str, key: str | None = None, since: int | None = None) -> bytes:
        """The registrar's statement that revokes a key, compromised since a Unix second."""
        kid = signer_of(key or name).key.kid
        content = KeyRevoked(kid=kid, reason="lost", compromised_since=since)
        return self.governance(content, operator_uri(name))

    def change(self, name: str, *roles: str) -> bytes:
        """The registrar's statement that changes an operator's roles."""
        content = OperatorChanged(name=name, country="CN", roles=roles)
        return self.governance(content, operator_uri(name))

    def give_codes(self, name: str, makers: tuple[str, ...], prefixes: tuple[str, ...]) -> bytes:
        """The registrar's statement that an operator has these codes and no others."""
        now = self.operator(name)
        content = OperatorChanged(
            name=now.name,
            country=now.country,
            roles=now.roles,
            maker_codes=makers,
            gs1_prefixes=prefixes,
        )
        return self.governance(content, now.uri)

    def remove(self, name: str) -> bytes:
        """The registrar's statement that removes an operator."""
        return self.governance(OperatorRemoved(reason="closed"), operator_uri(name))

    def next_policy(self, *, root: str = "root", **changes: Any) -> bytes:
        """The policy that may follow the one in force, with ``changes``, signed by ``root``."""
        log = self.log
        assert log is not None
        values = {"number": log.number + 1, "previous": log.policy, "root_key": cose(root)}
        policy: Policy = msgspec.structs.replace(self.policy, **{**values, **changes})
        return self.policy_statement(policy, root)

    def policy_statement(self, policy: Policy, root: str = "root", **changes: Any) -> bytes:
        """A policy as the statement of the root."""
        values = {"iss": self.family, "sub": log_uri(policy.origin), "key": root, **changes}
        return self.governance(policy, values.pop("sub"), **values)

    def head(self, **changes: Any) -> bytes:
        """The head that ends the epoch now, with ``changes``."""
        log = self.log
        assert log is not None
        values = {
            "tree_size": len(self.taken),
            "time": START + 60 * self.minute,
            "index_root": bytes(32),
        }
        content = Head(**{**values, "previous": log.head, **changes})
        uri = log_uri(self.policy.origin)
        return self.governance(content, uri, iss=uri, key="statements", typ=TYP_HEAD)

    def freeze(self, origin: str = "", root: str = "next-root", **by: Any) -> bytes:
        """The statement that ends the log; the log at ``origin`` may follow."""
        named = Successor(origin=origin, root=signer_of(root).key.kid) if origin else None
        values = {"iss": self.family, "key": "root", **by}
        return self.governance(Freeze(successor=named), log_uri(self.policy.origin), **values)

    def governance(
        self,
        content: Governance,
        sub: str,
        *,
        key: str = "registrar",
        iss: str = REGISTRAR,
        aud: str | None = None,
        typ: str = TYP_GOVERNANCE,
    ) -> bytes:
        """A signed governance statement, by the registrar unless said otherwise."""
        return sign_statement(
            signer_of(key),
            typ=typ,
            iss=iss,
            sub=sub,
            aud=aud or self.family,
            iat=START + 60 * self.minute,
            payload=encode_governance(content),
        )


def verified(key: str) -> CoseKey:
    """The public key of this name."""
    return signer_of(key).key


def identifier(uri: str) -> Identifier:
    """The identifier, as a label shows it, whose subject is ``uri``."""
    if uri.startswith("https:"):
        return Identifier(scheme="gs1", value=uri)
    scheme, _, code = uri.removeprefix("urn:cellbook:").partition(":")
    return Identifier(scheme=scheme, value=code)
