"""Whatever must not enter the log: its code, and that it changes nothing and harms no neighbour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from keys.algorithms import ESP256
from keys.signer import generate
from ledger.custody.events import encode_event
from ledger.custody.governance.statements import Head, KeyAdded, OperatorRegistered
from ledger.log.home import REGISTRAR_URI
from ledger.wire import cbor
from ledger.wire.cose import encode_sign1, sig_structure
from ledger.wire.statement import (
    CONTENT_EVENT,
    TYP_EVENT,
    TYP_GOVERNANCE,
    TYP_GRANT,
    TYP_HEAD,
    sign_statement,
)
from tests.log.building import NOW, World, operator_uri

Make = Callable[[World], bytes]
BAD: dict[str, tuple[str, Make]] = {}


def bad(code: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        BAD[make.__name__] = (code, make)
        return make

    return add


def good(world: World) -> bytes:
    return world.event("manufacture", world.battery())


def headers(world: World, **changes: Any) -> dict[Any, Any]:
    """The protected header of a good event, with claims or labels changed; None leaves one out."""
    operator = world.operators["owner"]
    claims = {1: operator.uri, 2: changes.pop("sub"), 3: world.family, 6: NOW}
    for label, name in ((1, "iss"), (2, "new_sub"), (3, "aud"), (6, "iat")):
        if name in changes:
            claims[label] = changes.pop(name)
    protected = {
        1: -19,
        3: CONTENT_EVENT,
        4: operator.signer.key.kid,
        15: {label: value for label, value in claims.items() if value is not None},
        16: TYP_EVENT,
    }
    protected.update(changes.pop("labels", {}))
    return {label: value for label, value in protected.items() if value is not None}


def handmade(
    world: World, *, payload: bytes | None = None, unprotected: Any = None, **changes: Any
) -> bytes:
    """A statement that is signed as it is, however wrong; encoded deterministically."""
    battery = world.battery()
    if payload is None:
        payload = encode_event(world.make("manufacture", battery))
    protected = cbor.encode(headers(world, sub=battery, **changes))
    signature = world.operators["owner"].signer.sign(sig_structure(protected, payload))
    return encode_sign1(protected, unprotected or {}, payload, signature)


# The form of the bytes


@bad("malformed.cbor.truncated")
def truncated(world: World) -> bytes:
    return good(world)[:-1]


@bad("malformed.cbor.trailing")
def trailing_garbage(world: World) -> bytes:
    return good(world) + b"\0"


@bad("malformed.cbor.size")
def oversized(world: World) -> bytes:
    return b"\xd2" + bytes(1 << 18)


@bad("malformed.statement.size")
def oversized_leaf(world: World) -> bytes:
    return handmade(world, payload=bytes(66_000))


@bad("malformed.cbor.depth")
def deeply_nested_payload(world: World) -> bytes:
    return handmade(world, payload=b"\x81" * 40 + b"\0")


@bad("malformed.cbor.duplicate-key")
def duplicate_key_in_payload(world: World) -> bytes:
    return handmade(world, payload=b"\xa2\x64type\x01\x64type\x01")


@bad("malformed.cbor.indefinite")
def indefinite_payload(world: World) -> bytes:
    return handmade(world, payload=b"\xbf\x64type\x01\xff")


@bad("malformed.cbor.not-shortest")
def non_deterministic_payload(world: World) -> bytes:
    return handmade(world, payload=b"\xa1\x64type\x18\x01")


@bad("malformed.cose.tag")
def wrong_tag(world: World) -> bytes:
    return b"\xd1" + good(world)[1:]


@bad("malformed.payload.shape")
def payload_is_no_map(world: World) -> bytes:
    return handmade(world, payload=b"\x01")


# Headers and claims


@bad("malformed.statement.iss")
def missing_iss(world: World) -> bytes:
    return handmade(world, iss=None)


@bad("malformed.statement.iss")
def empty_iss(world: World) -> bytes:
    return handmade(world, iss="")


@bad("malformed.statement.sub")
def missing_sub(world: World) -> bytes:
    return handmade(world, new_sub=None)


@bad("malformed.statement.sub")
def empty_sub(world: World) -> bytes:
    return handmade(world, new_sub="")


@bad("malformed.statement.aud")
def missing_aud(world: World) -> bytes:
    return handmade(world, aud=None)


@bad("malformed.statement.iat")
def missing_iat(world: World) -> bytes:
    return handmade(world, iat=None)


@bad("malformed.statement.kid")
def missing_kid(world: World) -> bytes:
    return handmade(world, labels={4: None})


@bad("malformed.statement.kid")
def empty_kid(world: World) -> bytes:
    return handmade(world, labels={4: b""})


@bad("malformed.statement.typ")
def missing_typ(world: World) -> bytes:
    return handmade(world, labels={16: None})


@bad("malformed.statement.typ")
def empty_typ(world: World) -> bytes:
    return handmade(world, labels={16: ""})


@bad("malformed.statement.content-type")
def content_type_of_another_typ(world: World) -> bytes:
    return handmade(world, labels={16: TYP_GOVERNANCE})


@bad("unsupported.typ")
def typ_of_a_later_version(world: World) -> bytes:
    return handmade(world, labels={16: TYP_GRANT})


@bad("malformed.cose.alg-unprotected")
def alg_only_unprotected(world: World) -> bytes:
    return handmade(world, labels={1: None}, unprotected={1: -19})


@bad("unsupported.crit")
def unknown_crit(world: World) -> bytes:
    return handmade(world, labels={2: [-70_000], -70_000: 1})


@bad("unsupported.header")
def unknown_header(world: World) -> bytes:
    return handmade(world, labels={-70_000: 1})


# Keys and signatures


@bad("rejected.aud")
def audience_of_another_family(world: World) -> bytes:
    return world.event("manufacture", world.battery(), aud="urn:cellbook:family:another")


@bad("failed.signature")
def bad_signature(world: World) -> bytes:
    data = good(world)
    return data[:-1] + bytes((data[-1] ^ 1,))


@bad("unsupported.algorithm")
def alg_that_nobody_knows(world: World) -> bytes:
    return handmade(world, labels={1: -50})


@bad("rejected.issuer.unknown")
def unknown_issuer(world: World) -> bytes:
    return world.event("manufacture", world.battery(), iss="https://nobody.example")


@bad("rejected.key.unknown")
def unknown_key(world: World) -> bytes:
    return world.event("manufacture", world.battery(), signer=generate())


@bad("rejected.key.unknown")
def key_of_another_operator(world: World) -> bytes:
    other = world.operators["maker"].signer
    return world.event("manufacture", world.battery(), signer=other)


@bad("rejected.KEY-1")
def revoked_key(world: World) -> bytes:
    world.accepted(world.registration("short-lived", ("maker",)))
    world.accepted(world.revoke_key("short-lived"))
    return world.event("manufacture", world.battery(), by="short-lived")


@bad("rejected.issuer.removed")
def removed_issuer(world: World) -> bytes:
    world.accepted(world.registration("gone", ("maker",)))
    world.accepted(world.remove("gone"))
    return world.event("manufacture", world.battery(), by="gone")


@bad("rejected.key.purpose")
def key_for_another_purpose(world: World) -> bytes:
    signer, uri = generate(), operator_uri("maker")
    return world.governance(KeyAdded(grant=world.grant(uri, signer, ("receipts",))), uri)


@bad("rejected.ROL-1")
def issuer_without_the_role(world: World) -> bytes:
    return world.event("manufacture", world.battery(), by="recycler")


@bad("failed.possession")
def key_without_proof_of_possession(world: World) -> bytes:
    uri, signer = "https://thief.example", generate()
    grant = world.grant("https://other.example", signer)
    content = OperatorRegistered(name="T", country="CN", roles=("maker",), keys=(grant,))
    return world.governance(content, uri)


@bad("rejected.key.owner")
def key_that_another_operator_has(world: World) -> bytes:
    uri, signer = "https://thief.example", world.operators["maker"].signer
    content = OperatorRegistered(
        name="T", country="CN", roles=("maker",), keys=(world.grant(uri, signer),)
    )
    return world.governance(content, uri)


# Governance from the wrong hand


@bad("rejected.head.outside")
def head_from_outside(world: World) -> bytes:
    content = Head(tree_size=world.store.head().size, time=NOW, index_root=bytes(32))
    return world.governance(
        content, world.ledger.uri, typ=TYP_HEAD, iss=world.ledger.uri,
        signer=world.home.signers().statements,
    )  # fmt: skip


@bad("rejected.typ")
def head_under_the_typ_of_governance(world: World) -> bytes:
    content = Head(tree_size=world.store.head().size, time=NOW, index_root=bytes(32))
    return world.governance(content, world.ledger.uri, iss=world.ledger.uri)


@bad("rejected.issuer.authority")
def operator_statement_by_an_operator(world: World) -> bytes:
    owner = world.operators["owner"]
    grant = world.grant("https://friend.example", generate())
    content = OperatorRegistered(name="F", country="CN", roles=("maker",), keys=(grant,))
    return world.governance(content, "https://friend.example", iss=owner.uri, signer=owner.signer)


@bad("rejected.issuer.authority")
def registrar_with_a_stolen_name(world: World) -> bytes:
    grant = world.grant("https://friend.example", generate())
    content = OperatorRegistered(name="F", country="CN", roles=("maker",), keys=(grant,))
    return world.governance(content, "https://friend.example", iss=REGISTRAR_URI, signer=generate())


@bad("rejected.policy.root")
def policy_of_another_root(world: World) -> bytes:
    return world.next_policy(root=generate())


@bad("rejected.policy.order")
def policy_out_of_order(world: World) -> bytes:
    return world.next_policy(number=7)


# Names


@bad("rejected.subject.not-canonical")
def sub_that_is_not_canonical(world: World) -> bytes:
    battery = world.battery()
    return world.event("install", battery.replace("4A6P", "4a6p"))


@bad("rejected.subject.alias")
def sub_that_is_an_alias(world: World) -> bytes:
    first, other = world.battery(), world.battery()
    world.accepted(world.event("manufacture", first, uris=(first, other)))
    return world.event("install", other)


@bad("rejected.ID-1")
def bad_battery_code(world: World) -> bytes:
    return world.event("install", world.battery().replace("E74", "U74"))


@bad("malformed.claim.sub")
def sub_with_a_nul(world: World) -> bytes:
    return handmade(world, new_sub="urn:cellbook:gbt34014:\0")


@bad("rejected.subject.part")
def sub_that_is_not_the_first_of_ids(world: World) -> bytes:
    other = world.battery()
    return world.event("manufacture", world.battery(), uris=(other,))


# The order of a life


@bad("rejected.ORD-1")
def event_before_manufacture(world: World) -> bytes:
    return world.event("install", world.battery())


@bad("rejected.ORD-2")
def second_installation(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture", "install")
    return world.event("install", battery)


@bad("rejected.ORD-3")
def removal_of_what_is_not_installed(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture")
    return world.event("decommission", battery)


@bad("rejected.ORD-4")
def repurposing_without_assessment(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture", "install", "decommission")
    return world.event("repurpose", battery)


@bad("rejected.ORD-6")
def life_after_recycling(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture", "recycle")
    return world.event("repair", battery)


@bad("rejected.ID-4")
def second_manufacture(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture")
    return world.event("manufacture", battery)


@bad("rejected.CUS-2")
def event_by_who_does_not_possess_it(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture")
    return world.event("install", battery, by="installer")


@bad("rejected.CUS-1")
def acceptance_by_who_was_not_named(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture", "release")
    return world.event("accept", battery, by="installer")


@bad("rejected.ORD-9")
def time_in_the_future(world: World) -> bytes:
    return world.event("manufacture", world.battery(), iat=NOW + 3600)


@bad("rejected.entry.unknown")
def dispute_of_an_entry_that_is_not_there(world: World) -> bytes:
    battery = world.battery()
    world.live(battery, "manufacture")
    return world.event("dispute", battery, entry_ref=bytes(32))


@bad("conflict.same-content")
def same_content_under_another_signature(world: World) -> bytes:
    world.accepted(world.registration("curve", ("maker",), alg=ESP256))
    operator, battery = world.operators["curve"], world.battery()
    payload = encode_event(world.make("manufacture", battery))
    signed = [
        sign_statement(
            operator.signer, typ=TYP_EVENT, iss=operator.uri, sub=battery, aud=world.family,
            iat=NOW, payload=payload,
        )
        for _ in range(20)
    ]  # fmt: skip
    first, second = list(dict.fromkeys(signed))[:2] if len(set(signed)) > 1 else twisted(signed[0])
    world.accepted(first)
    return second


def twisted(data: bytes) -> tuple[bytes, bytes]:
    """An ECDSA statement, and the same under the second valid signature (r, −s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = int.from_bytes(data[-32:], "big")
    return data, data[:-32] + (order - s).to_bytes(32, "big")


@pytest.mark.parametrize("name", BAD)
def test_is_refused_and_leaves_everything_else_alone(shared_world: World, name: str) -> None:
    world = shared_world
    code, make = BAD[name]
    data = make(world)
    left, right = good(world), good(world)
    before = fingerprint(world)
    (alone,) = world.register(data)
    assert alone.error is not None
    assert (alone.error.code, alone.entry_id, alone.receipt) == (code, None, None)
    assert fingerprint(world) == before
    outcomes = world.register(left, data, right)
    assert [o.error and o.error.code for o in outcomes] == [None, code, None]
    assert outcomes[2].index == (outcomes[0].index or 0) + 1


def fingerprint(world: World) -> object:
    """All that the store holds, but for what epochs add."""
    world.end_epoch() if world.store.head().epoch_time is not None else None
    entries = [entry.entry_id for entry in world.store.iterate_entries(0, 10**6)]
    subjects = world.store.iterate_subjects()
    return hashlib.sha256(repr((entries, subjects, world.store.head().root)).encode()).digest()
