"""A ledger of a test: a folder, operators with keys, and events that are signed on demand.

    world = World(tmp_path)
    pack = world.battery()
    world.live(pack, "manufacture", "install")
    outcome = world.register(world.event("decommission", pack))[0]

References (install, assessment, release) are filled in from what was registered before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from keys import keyfile
from keys.algorithms import ED25519
from keys.cose_key import Backend
from keys.errors import UnavailableError
from keys.possession import prove
from keys.purposes import EVENTS
from keys.signer import Signer, generate
from ledger.custody.events import Event, encode_event, kind_of, parse_event
from ledger.custody.governance.handover import Freeze, Successor
from ledger.custody.governance.statements import (
    Governance,
    KeyAdded,
    KeyGrant,
    KeyRevoked,
    LogKey,
    OperatorChanged,
    OperatorRegistered,
    OperatorRemoved,
    Policy,
    encode_governance,
    parse_governance,
)
from ledger.custody.names.naming import log_uri
from ledger.custody.profiles import Profiles
from ledger.custody.values.times import format_moment
from ledger.log.genesis import sign_policy
from ledger.log.home import REGISTRAR_URI, Home
from ledger.log.integrity.fsck import Report, fsck
from ledger.log.ledger import Ledger
from ledger.log.outcome import Outcome
from ledger.log.predecessor import PastLogs
from ledger.proof.trust import dump_trust, load_trust
from ledger.store.sql import SqlStore
from ledger.wire.statement import TYP_EVENT, TYP_GOVERNANCE, parse_statement, sign_statement
from tests.log.lives import make_event, repurpose_input

NOW = 1_790_000_000
"""21 September 2026: when test ledgers are made, by their fake clocks."""
ORIGIN = "log.example/test"

ROLES: dict[str, tuple[str, ...]] = {
    "maker": ("maker",),
    "installer": ("installer",),
    "dismantler": ("dismantler",),
    "assessor": ("assessor",),
    "repurposer": ("repurposer",),
    "recycler": ("recycler",),
    "authority": ("authority",),
    "owner": ("maker", "installer", "dismantler", "repurposer", "recycler", "repairer"),
}
"""The operators of a world, and their roles. ``owner`` can do all that needs possession."""

SIGNED_BY = {"assessment": "assessor", "reading": "authority", "resolution": "authority"}


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += seconds


class Operator(msgspec.Struct, frozen=True):
    """An operator and the key with which it signs."""

    uri: str
    signer: Signer
    roles: tuple[str, ...]


def operator_uri(name: str) -> str:
    return f"https://{name}.example"


class World:
    """A ledger with operators, registered and running.

    ``follows`` is the frozen ledger that this one follows; its operators keep their keys, and
    references are to what was registered there; it is read from its folder, or from ``copy``.
    ``database`` is a URL, otherwise a SQLite file in
    the folder. ``clock`` may be ``time.time`` in
    whole seconds; the default stands still. ``operators`` names those of ``ROLES`` to register.
    """

    def __init__(
        self,
        path: Path,
        *,
        database: str | None = None,
        clock: Any = None,
        operators: tuple[str, ...] = tuple(ROLES),
        backend: Backend | None = None,
        epoch_s: int = 1,
        origin: str = ORIGIN,
        follows: World | None = None,
        copy: Path | None = None,
        profiles: Profiles | None = None,
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.home = Home.create(
            path / "ledger",
            origin=origin,
            name="Test ledger",
            database=database,
            root_dir=path / "root",
            registrar_dir=path / "registrar",
            epoch_s=epoch_s,
            now=self.clock(),
            profiles=profiles,
            successor_of=None if follows is None else copy or follows.home.path,
            root=None if follows is None else follows.key("root", "next-root"),
        )
        self._take_any_age()
        self.path = path
        self.operators: dict[str, Operator] = {}
        self.refs: dict[tuple[str, str], bytes] = {}
        self._batteries = 0
        self._events = 0
        self._closing: list[Any] = []
        self.store: SqlStore
        self.ledger: Ledger
        self.store, self.ledger = self.open(backend=backend)
        self.family = self.ledger.log().family
        self.registrar = self.key("registrar", "registrar")
        if follows is not None:
            self.refs = dict(follows.refs)
            self._batteries, self._events = follows._batteries, follows._events
        if operators:
            self.accepted(*(self.registration(name) for name in operators))

    def __enter__(self) -> World:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def open(self, **options: Any) -> tuple[SqlStore, Ledger]:
        """One more ledger on the same log, started, as another process would have it."""
        store = self.home.open_store()
        if self.home.predecessor is not None:
            options.setdefault("past", PastLogs(self.home.predecessor))
        ledger = Ledger(store, self.home.signers(), clock=self.clock, **options)
        ledger.start()
        self._closing += [ledger, store]
        if options.get("past") is not None:
            self._closing.append(options["past"])
        return store, ledger

    def _take_any_age(self) -> None:
        """Tests look at files years later, if they are not about the age of files."""
        trust = load_trust(self.home.trust_bytes())
        any_age = msgspec.structs.replace(trust, max_age_days=None)
        self.home.trust_path.write_bytes(dump_trust(any_age))

    def close(self) -> None:
        """Stop all ledgers that were opened."""
        while self._closing:
            self._closing.pop(0).close()

    def key(self, folder: str, name: str) -> Signer:
        """A key that ``Home.create`` has made, such as ``key("root", "next-root")``."""
        passphrase = (self.path / folder / "passphrase").read_text().strip()
        return keyfile.load(self.path / folder / f"{name}.pem", passphrase)

    # Batteries and events

    def battery(self, level: str = "P") -> str:
        """The subject of a battery that no test has named yet."""
        self._batteries += 1
        return f"urn:cellbook:gbt34014:4A6{level}BPM27KLPCLE74{self._batteries:07d}"

    def second_life(self) -> str:
        """A subject with a second-life code."""
        self._batteries += 1
        return f"urn:cellbook:gbt34014:4A6PBPMG63{self._batteries:07d}RP"

    def moment(self) -> str:
        """A moment after all those before it, and before now."""
        self._events += 1
        return format_moment(NOW - 30 * 86_400 + 60 * self._events, 480)

    def make(self, kind: str, battery: str, /, **fields: Any) -> Event:
        """An event of ``kind``; references to what was registered before are filled in."""
        refs = self.refs
        if kind == "decommission":
            fields.setdefault("install_ref", refs.get((battery, "install"), bytes(32)))
        elif kind in ("accept", "refuse"):
            fields.setdefault("release_ref", refs.get((battery, "release"), bytes(32)))
        elif kind == "install" and (battery, "assessment") in refs:
            fields.setdefault("assessment_ref", refs[battery, "assessment"])
        elif kind == "repurpose":
            assessed = refs.get((battery, "assessment"), bytes(32))
            fields.setdefault("inputs", (repurpose_input(battery, assessed),))
            fields.setdefault("outputs", (self.second_life(),))
            fields.setdefault("responsible_operator", operator_uri("owner"))
        elif kind == "release":
            fields.setdefault("giver", operator_uri("owner"))
            fields.setdefault("receiver", operator_uri("recycler"))
        elif kind == "resolution":
            fields.setdefault("arbiter", operator_uri("authority"))
        return make_event(kind, battery, fields.pop("occurred_at", self.moment()), **fields)

    def event(
        self,
        kind: str,
        battery: str,
        /,
        *,
        by: str | None = None,
        signer: Signer | None = None,
        aud: str | None = None,
        iat: int | None = None,
        iss: str | None = None,
        **fields: Any,
    ) -> bytes:
        """A signed event, as bytes to submit."""
        operator = self.operators[by or SIGNED_BY.get(kind, "owner")]
        return sign_statement(
            signer or operator.signer,
            typ=TYP_EVENT,
            iss=iss or operator.uri,
            sub=battery,
            aud=aud or self.family,
            iat=self.clock() if iat is None else iat,
            payload=encode_event(self.make(kind, battery, **fields)),
        )

    def live(self, battery: str, *kinds: str) -> list[Outcome]:
        """Register events of ``kinds``, one after the other, each accepted."""
        return [self.accepted(self.event(kind, battery))[0] for kind in kinds]

    # Governance

    def registration(
        self,
        name: str,
        roles: tuple[str, ...] | None = None,
        *,
        alg: int = ED25519,
        signer: Signer | None = None,
        **changes: Any,
    ) -> bytes:
        """The registrar's statement that registers an operator; its key is kept by ``name``."""
        operator = Operator(
            operator_uri(name), signer or generate(alg), roles or ROLES.get(name, ("maker",))
        )
        self.operators[name] = operator
        content = OperatorRegistered(
            name=name,
            country="CN",
            roles=operator.roles,
            keys=(self.grant(operator.uri, operator.signer),),
        )
        return self.governance(content, operator.uri, **changes)

    def grant(self, owner: str, signer: Signer, purposes: tuple[str, ...] = (EVENTS,)) -> KeyGrant:
        """A key with its proof of possession."""
        proof = prove(signer, owner, purposes, self.family)
        return KeyGrant(key=signer.key.to_cbor(), purposes=purposes, possession=proof)

    def add_key(self, name: str, signer: Signer, **changes: Any) -> bytes:
        """The registrar's statement that adds a key to an operator."""
        uri = operator_uri(name)
        return self.governance(KeyAdded(grant=self.grant(uri, signer)), uri, **changes)

    def revoke_key(self, name: str, signer: Signer | None = None) -> bytes:
        """The registrar's statement that revokes an operator's key."""
        kid = (signer or self.operators[name].signer).key.kid
        return self.governance(KeyRevoked(kid=kid, reason="lost"), operator_uri(name))

    def change(self, name: str, roles: tuple[str, ...], **changes: Any) -> bytes:
        """The registrar's statement that changes an operator's roles, with ``changes``."""
        content = OperatorChanged(name=name, country="CN", roles=roles, **changes)
        return self.governance(content, operator_uri(name))

    def remove(self, name: str) -> bytes:
        """The registrar's statement that removes an operator."""
        return self.governance(OperatorRemoved(reason="closed"), operator_uri(name))

    def next_policy(self, *, root: Signer | None = None, **changes: Any) -> bytes:
        """The policy that may follow the one in force, signed by the root; with ``changes``."""
        log, genesis = self.ledger.log(), self.store.entry(0)
        assert genesis is not None
        first = parse_governance(parse_statement(genesis.leaf).payload)
        assert isinstance(first, Policy)
        signer = root or self.key("root", "root")
        values = {
            "number": log.number + 1,
            "previous": log.policy,
            "root_key": signer.key.to_cbor(),
            "predecessor": None,
            **changes,
        }
        policy: Policy = msgspec.structs.replace(first, **values)
        return sign_policy(signer, policy, self.clock(), family=self.family)

    def policy_with_log_keys(self, log_keys: list[dict[str, Any]]) -> bytes:
        """The next policy, with other log keys."""
        return self.next_policy(log_keys=msgspec.convert(log_keys, tuple[LogKey, ...]))

    def freeze(
        self, successor: str | None = None, *, root: Signer | None = None, kid: bytes | None = None
    ) -> bytes:
        """The statement that ends the log; ``successor`` is the origin of the log that follows."""
        log = self.ledger.log()
        named = None
        if successor is not None:
            named = Successor(origin=successor, root=kid or log.next_root)
        content = Freeze(successor=named)
        signer = root or self.key("root", "root")
        return self.governance(content, log_uri(log.origin), signer=signer, iss=log.family)

    def governance(
        self,
        content: Governance,
        sub: str,
        *,
        signer: Signer | None = None,
        iss: str = REGISTRAR_URI,
        aud: str | None = None,
        typ: str = TYP_GOVERNANCE,
    ) -> bytes:
        """A signed governance statement, by the registrar unless said otherwise."""
        return sign_statement(
            signer or self.registrar,
            typ=typ,
            iss=iss,
            sub=sub,
            aud=aud or self.family,
            iat=self.clock(),
            payload=encode_governance(content),
        )

    # Registration

    def register(self, *data: bytes) -> list[Outcome]:
        """Outcomes of one submission; what was registered can be referred to afterwards."""
        outcomes = self.ledger.register_now(data)
        for item, outcome in zip(data, outcomes, strict=True):
            if outcome.error is None and outcome.entry_id is not None:
                self._remember(item, outcome.entry_id)
        return outcomes

    def accepted(self, *data: bytes) -> list[Outcome]:
        """``register``, with every statement accepted; otherwise the first error is raised."""
        outcomes = self.register(*data)
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return outcomes

    def refused(self, data: bytes) -> str:
        """The code with which ``data`` is refused."""
        (outcome,) = self.register(data)
        assert outcome.error is not None, "it was accepted"
        return outcome.error.code

    def fsck(self, **options: Any) -> Report:
        """The report of a check between two heads: the epoch may end while one is under way."""
        for _ in range(10):
            try:
                return fsck(self.store, **options)
            except UnavailableError as error:
                if error.code != "unavailable.fsck.moving":
                    raise
        raise AssertionError("the log does not come to rest")

    def end_epoch(self, timeout: float = 60.0) -> bytes:
        """Move the clock on until the open epoch has ended; gives the newest checkpoint."""
        size = self.store.head().size
        self.clock.advance(self.ledger.log().epoch_s)
        self.ledger.wake()
        deadline = time.monotonic() + timeout
        while self.store.head().checkpoint < size:
            assert time.monotonic() < deadline, "no checkpoint was made"
            time.sleep(0.002)
        return self.ledger.checkpoint()

    def _remember(self, data: bytes, entry_id: bytes) -> None:
        statement = parse_statement(data)
        if statement.typ == TYP_EVENT:
            self.refs[statement.sub, kind_of(parse_event(statement.payload))] = entry_id


@contextmanager
def running(path: Path, **options: Any) -> Iterator[World]:
    """A world that is closed at the end."""
    world = World(path, **options)
    try:
        yield world
    finally:
        world.close()
