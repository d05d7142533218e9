"""A log in memory whose owner signs whatever he likes, with keys made from fixed seeds.

    log = LyingLog()
    log.register("maker", "maker")
    log.event("manufacture", PACK, by="maker")
    log.head()
    log.dossier(PACK)

Nothing is decided here: what registration would refuse goes in as well. Everything is signed with
the right keys unless a test says otherwise, so a verifier who refuses must have judged the content.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.possession import prove
from keys.purposes import EVENTS as FOR_EVENTS
from keys.signer import Signer, SoftwareSigner
from ledger.custody.decision import read_content
from ledger.custody.events import EVENTS, Event, encode_event, kind_of
from ledger.custody.governance.statements import (
    Authority,
    Governance,
    Head,
    KeyGrant,
    KeyRevoked,
    Limits,
    LogKey,
    OperatorRegistered,
    Policy,
    Profile,
    encode_governance,
)
from ledger.custody.names.naming import family_uri, log_uri
from ledger.custody.values.times import format_moment
from ledger.log.genesis import ALGORITHMS
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.proof.checks.carried import carried_by
from ledger.proof.checks.completeness import Stated, names_of
from ledger.proof.dossier import Dossier, DossierEntry, encode_dossier
from ledger.proof.receipt import ReceiptIssuer
from ledger.proof.trust import Trust
from ledger.tree.merkle import leaf_hash
from ledger.wire.note import sign_note
from ledger.wire.statement import (
    TYP_EVENT,
    TYP_GOVERNANCE,
    TYP_HEAD,
    parse_statement,
    sign_statement,
)
from tests.log.lives import make_event, repurpose_input
from tests.proof.indexing import Indexed
from tests.tree.reference import Tree

T0 = 1_780_000_000
"""28 May 2026: log time of the first epoch; each head adds a minute."""
REGISTRAR = "urn:cellbook:authority:registrar"


def signer(name: str) -> Signer:
    """The Ed25519 key that is made from ``name``: the same in every run."""
    return SoftwareSigner(Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()))


def code(number: int, kind: str = "4A6PBPM27KLPCLE74") -> str:
    return f"urn:cellbook:gbt34014:{kind}{number:07d}"


def second_code(number: int) -> str:
    return f"urn:cellbook:gbt34014:4A6PBPMG63{number:07d}RP"


PACK, OTHER, SECOND = code(1), code(2), second_code(1)


class LyingLog:
    """See the module. ``keys`` holds the signers by name: root, next-root, registrar, checkpoint,
    receipts, statements, and the operators'; a test may exchange any of them at any time."""

    def __init__(self, origin: str = "log.example/lies", family: str = "lies", **keys: Signer):
        names = ("root", "next-root", "registrar", "checkpoint", "receipts", "statements")
        self.keys: dict[str, Signer] = {**{name: signer(name) for name in names}, **keys}
        self.origin = origin
        self.uri = log_uri(origin)
        self.family = family_uri(self.keys["root"].key, family)
        self.leaves: list[bytes] = []
        self.now, self.moment = T0, T0 - 86_400 * 20
        self.last_head: int | None = None
        self.refs: dict[tuple[str, str], bytes] = {}
        self.hidden: set[int] = set()
        """Entries that the index does not state."""
        self._indexed = Indexed()
        self._first = Policy(
            number=0,
            origin=origin,
            family_name=family,
            root_key=self.keys["root"].key.to_cbor(),
            next_root=self.keys["next-root"].key.kid,
            log_keys=tuple(
                LogKey(purpose=purpose, key=self.keys[purpose].key.to_cbor(), from_size=0)
                for purpose in ("checkpoint", "receipts", "statements")
            ),
            authorities=(
                Authority(
                    uri=REGISTRAR, role="registrar", key=self.keys["registrar"].key.to_cbor()
                ),
            ),
            profiles=(Profile(name="core", version=1),),
            algorithms=ALGORITHMS,
            limits=Limits(),
            leaf="cose-sign1-tag18-empty-unprotected/1",
        )
        self.policy_in_force = self._first
        self.policy_id = self.policy(self._first)

    @property
    def size(self) -> int:
        return len(self.leaves)

    def trust(self, **changes: Any) -> Trust:
        """The trust file of this log."""
        values = {
            "name": "Lies",
            "origin": self.origin,
            "genesis": sha256(self.leaves[0]).digest(),
            "family": self.family,
            "root_key": signer("root").key,
            "minimum_policy": 0,
            **changes,
        }
        return Trust(**values)

    def add(self, leaf: bytes) -> bytes:
        """Put a leaf into the log; its entry id."""
        self.leaves.append(leaf)
        return sha256(leaf).digest()

    # Governance

    def policy(self, policy: Policy, *, by: str = "root") -> bytes:
        return self.state(policy, self.uri, by=by, iss=self.family)

    def next_policy(self, *, by: str = "root", **changes: Any) -> bytes:
        """The policy that follows the one in force, with ``changes``."""
        old = self.policy_in_force
        values = {"number": old.number + 1, "previous": self.policy_id, **changes}
        self.policy_in_force = msgspec.structs.replace(old, **values)
        self.policy_id = self.policy(self.policy_in_force, by=by)
        return self.policy_id

    def state(
        self,
        content: Governance,
        sub: str,
        *,
        by: str = "registrar",
        iss: str = REGISTRAR,
        typ: str = TYP_GOVERNANCE,
        aud: str = "",
    ) -> bytes:
        """Sign a governance statement and put it in."""
        return self.add(
            sign_statement(
                self.keys[by],
                typ=typ,
                iss=iss,
                sub=sub,
                aud=aud or self.family,
                iat=self.now,
                payload=encode_governance(content),
            )
        )

    def register(self, name: str, *roles: str, shown: str = "", **options: Any) -> bytes:
        """Register the operator ``https://<name>.example`` with a key of its own."""
        key = self.keys.setdefault(name, signer(name))
        uri = operator_uri(name)
        proof = prove(key, uri, (FOR_EVENTS,), self.family)
        grant = KeyGrant(key=key.key.to_cbor(), purposes=(FOR_EVENTS,), possession=proof)
        content = OperatorRegistered(name=shown or name, country="CN", roles=roles, keys=(grant,))
        return self.state(content, uri, **options)

    def revoke(self, name: str, since: int | None = None) -> bytes:
        kid = self.keys[name].key.kid
        content = KeyRevoked(kid=kid, reason="lost", compromised_since=since)
        return self.state(content, operator_uri(name))

    def head(self, **changes: Any) -> bytes:
        """End the epoch: a head by the statement key."""
        self.now += 60
        values = {
            "tree_size": self.size,
            "time": self.now,
            "index_root": self.indexed().root(self.size, self.hidden),
            "previous": self.last_head,
            **changes,
        }
        self.last_head = self.size
        return self.state(Head(**values), self.uri, by="statements", iss=self.uri, typ=TYP_HEAD)

    # Events

    def event(self, kind: str, battery: str, by: str = "all", **fields: Any) -> bytes:
        """Sign an event by the operator ``by`` and put it in; references are filled in."""
        options = {name: fields.pop(name) for name in ("iss", "aud") if name in fields}
        self.moment += 60
        occurred = fields.pop("occurred_at", format_moment(self.moment, 480))
        event = _make(kind, battery, occurred, self._filled(kind, battery, fields))
        leaf = sign_statement(
            self.keys[by],
            typ=TYP_EVENT,
            iss=options.get("iss", operator_uri(by)),
            sub=battery,
            aud=options.get("aud", self.family),
            iat=self.now,
            payload=encode_event(event),
        )
        self.refs[battery, kind_of(event)] = self.add(leaf)
        return self.refs[battery, kind]

    def live(self, battery: str, *kinds: str) -> None:
        for kind in kinds:
            self.event(kind, battery)

    def _filled(self, kind: str, battery: str, fields: dict[str, Any]) -> dict[str, Any]:
        def ref(of: str) -> bytes:
            return self.refs.get((battery, of), bytes(32))

        defaults: dict[str, dict[str, Any]] = {
            "decommission": {"install_ref": ref("install")},
            "accept": {"release_ref": ref("release")},
            "refuse": {"release_ref": ref("release")},
            "repurpose": {
                "inputs": (repurpose_input(battery, ref("assessment")),),
                "outputs": (SECOND,),
                "responsible_operator": operator_uri("all"),
            },
            "release": {"giver": operator_uri("all"), "receiver": operator_uri("buyer")},
        }
        if kind == "install" and (battery, "assessment") in self.refs:
            defaults["install"] = {"assessment_ref": ref("assessment")}
        return {**defaults.get(kind, {}), **fields}

    # What is handed out

    def note(self, size: int | None = None, by: str = "checkpoint") -> bytes:
        """The checkpoint of ``size`` leaves."""
        size = self.size if size is None else size
        root = self.tree().root(0, size)
        body = format_body(Checkpoint(self.origin, size, root))
        return sign_note(body, self.origin, self.keys[by])

    def indexed(self) -> Indexed:
        self._indexed.follow(self.leaves)
        return self._indexed

    def stated(self, subject: str, indexes: Iterable[int]) -> tuple[Stated, ...]:
        """What the index states of the names on which these entries rest."""
        read = [parse_statement(self.leaves[index]) for index in indexes]
        contents = [read_content(statement) for statement in read]
        ids = (statement.entry_id for statement in read)
        carried = carried_by(subject, zip(ids, contents, strict=True))
        rows = [(s.iss, s.sub, c) for s, c in zip(read, contents, strict=True)]
        names = {self.uri, *carried, *names_of(rows, carried)}
        return self.indexed().stated(names, self.size - 1, self.hidden)

    def tree(self) -> Tree:
        return Tree([leaf_hash(leaf) for leaf in self.leaves])

    def receipts(
        self, indexes: list[int], size: int | None = None, by: str = "receipts"
    ) -> list[bytes]:
        size = self.size if size is None else size
        tree = self.tree()
        paths = [(index, tree.path(index, size)) for index in indexes]
        issuer = ReceiptIssuer(self.keys[by], self.uri)
        return issuer.issue(size, self.now, tree.root(0, size), paths)

    def dossier(
        self, subject: str = PACK, *, leave_out: tuple[int, ...] = (), everything: bool = False
    ) -> bytes:
        """A dossier of every entry, but for those in ``leave_out`` and, unless ``everything``,
        operators that sign nothing and heads that give no event its time."""
        indexes = [i for i in range(self.size) if i not in leave_out]
        if not everything:
            indexes = self._without_strangers(indexes)
            indexes = [i for i in indexes if self._is_wanted(i, indexes)]
        entries = tuple(
            DossierEntry(index, self.leaves[index], receipt)
            for index, receipt in zip(indexes, self.receipts(indexes), strict=True)
        )
        index = self.stated(subject, indexes)
        return encode_dossier(Dossier(subject, self.note(), entries, index))

    def _without_strangers(self, indexes: list[int]) -> list[int]:
        read = {i: parse_statement(self.leaves[i]) for i in indexes}
        issuers = {s.iss for s in read.values() if s.typ == TYP_EVENT} | {self.uri}
        return [i for i, s in read.items() if s.typ != TYP_GOVERNANCE or s.sub in issuers]

    def _is_wanted(self, index: int, indexes: list[int]) -> bool:
        if index == self.size - 1 or self._typ(index) != TYP_HEAD:
            return True
        before = [i for i in indexes if i < index]
        since = max((i for i in before if self._typ(i) == TYP_HEAD), default=-1)
        return any(self._typ(i) == TYP_EVENT for i in before if i > since)

    def _typ(self, index: int) -> str:
        return parse_statement(self.leaves[index]).typ


def _make(kind: str, battery: str, occurred: str, fields: dict[str, Any]) -> Event:
    if kind != "model":
        return make_event(kind, battery, occurred, **fields)
    values = {"occurred_at": occurred, "time_precision": "second", "country": "CN", **fields}
    return EVENTS["model", 1](**values)


def operator_uri(name: str) -> str:
    return f"https://{name}.example"


ROLES = ("maker", "installer", "dismantler", "assessor", "repurposer", "recycler", "repairer")


def begun(**options: Any) -> LyingLog:
    """A log with the operators ``all`` (every role) and ``buyer``, and its first head."""
    log = LyingLog(**options)
    log.head()
    log.register("all", *ROLES, "authority")
    log.register("buyer", "recycler")
    return log


def told(*kinds: str, **options: Any) -> LyingLog:
    """``begun``, and what happened to ``PACK``; the epoch has ended."""
    log = begun(**options)
    log.live(PACK, *kinds)
    log.head()
    return log
