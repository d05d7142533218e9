"""Governance statements: their shapes, and every way not to write them."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.governance.handover import (
    CarriedEntry,
    CarriedHistory,
    CarriedOver,
    CarriedSubject,
    Freeze,
    IndexProof,
    PastEntry,
    Successor,
)
from ledger.custody.governance.statements import (
    GOVERNANCE,
    Authority,
    Governance,
    Head,
    KeyAdded,
    KeyGrant,
    KeyRevoked,
    Limits,
    ListSnapshot,
    LogKey,
    OperatorChanged,
    OperatorRegistered,
    OperatorRemoved,
    Policy,
    Profile,
    encode_governance,
    parse_governance,
)
from ledger.custody.states import AliasState, BatteryState, Mark
from ledger.wire import cbor

KEY, HASH = b"\xa1" * 40, b"\x11" * 32
HASH_AS_TEXT = b64encode(HASH).decode()
GRANT = KeyGrant(key=KEY, purposes=("events",), possession=b"\x51" * 64)
POLICY = Policy(
    number=1,
    previous=HASH,
    origin="log.example/a",
    family_name="Family",
    root_key=KEY,
    next_root=HASH,
    log_keys=tuple(
        LogKey(purpose=p, key=KEY, from_size=0)  # type: ignore[arg-type]
        for p in ("checkpoint", "receipts", "statements")
    ),
    authorities=(Authority(uri="https://r.example", role="registrar", key=KEY),),
    profiles=(Profile(name="core", version=1),),
    algorithms=(-19, -9),
    limits=Limits(skew_s=60),
    leaf="cose-sign1-tag18-empty-unprotected/1",
    epoch_s=2,
)
MADE = Mark(entry_id=HASH, index=-9, occurred=1_780_000_000)
BATTERY = BatteryState(
    made=MADE,
    maker="https://m.example",
    level="P",
    physical="installed",
    base_status="original",
    possessor="https://m.example",
    owner="https://m.example",
    responsible="https://m.example",
    last=MADE,
    parties=("https://m.example",),
    install=MADE,
)
PROOF = IndexProof(depth=1, present=b"\x80", siblings=HASH)
PACK = "urn:cellbook:gbt34014:4A6PBPM27KLPCLE740000001"
SAMPLES: dict[str, Governance] = {
    "policy": POLICY,
    "operator-registered": OperatorRegistered(
        name="甲电池", country="CN", roles=("maker",), keys=(GRANT,)
    ),
    "operator-changed": OperatorChanged(name="B", country="DE", roles=("recycler", "maker")),
    "operator-removed": OperatorRemoved(reason="closed"),
    "key-added": KeyAdded(grant=GRANT),
    "key-revoked": KeyRevoked(kid=HASH, reason="stolen", compromised_since=1_780_000_000),
    "head": Head(tree_size=7, time=1_780_000_000, index_root=bytes(32), previous=3),
    "list-snapshot": ListSnapshot(
        scheme="cn-miit-whitelist",
        announcement="20/2026",
        effective="2026-07-30",
        utc_offset_min=480,
        leaves=2,
        rows=3,
        root=HASH,
        source_sha256=HASH,
    ),
    "freeze": Freeze(successor=Successor(origin="log.example/b", root=HASH)),
    "carried-over": CarriedOver(
        subjects=(
            CarriedSubject(uri=PACK, proofs=(PROOF,), count=2, chain=HASH, state=BATTERY),
            CarriedSubject(
                uri=PACK[:-1] + "2", proofs=(PROOF,), count=1, chain=HASH, state=AliasState(of=PACK)
            ),
            CarriedSubject(
                uri=PACK[:-1] + "3",
                proofs=(
                    PROOF,
                    IndexProof(
                        depth=0, present=b"", siblings=b"", other_key=HASH, other_value=HASH
                    ),
                ),
            ),
        )
    ),
    "carried-entry": CarriedEntry(
        entry=PastEntry(index=7, leaf=b"leaf"), path=(HASH,), subjects=(PACK,)
    ),
    "carried-history": CarriedHistory(uri=PACK, entries=(PastEntry(log=1, index=7, leaf=b"leaf"),)),
}
PINS = {
    "policy": "4b53b24eb7ea9978",
    "operator-registered": "a8fc60da0409c5ca",
    "operator-changed": "f686583e7b0f4b0f",
    "operator-removed": "961f21def5cae867",
    "key-added": "210dd5292e2b597a",
    "key-revoked": "47df999781c95309",
    "head": "2b99ed2d218cbcf6",
    "list-snapshot": "7f56a164b0a61403",
    "freeze": "79bb716dbe49922f",
    "carried-over": "423170d86866a0d9",
    "carried-entry": "3269e2c4ed900b0a",
    "carried-history": "2b837503d70c6838",
}


def payload_of(name: str) -> dict[str, Any]:
    value = cbor.decode(encode_governance(SAMPLES[name]))
    assert isinstance(value, dict)
    return value  # type: ignore[return-value]


def refused(payload: bytes) -> str:
    with pytest.raises(CellbookError) as caught:
        parse_governance(payload)
    return caught.value.code


@pytest.mark.parametrize("name", SAMPLES)
def test_every_statement_comes_back(name: str) -> None:
    data = encode_governance(SAMPLES[name])
    assert parse_governance(data) == SAMPLES[name]


def test_there_is_a_sample_of_every_type() -> None:
    assert {(name, 1) for name in SAMPLES} == set(GOVERNANCE)


@pytest.mark.parametrize("name", PINS)
def test_the_bytes_never_change(name: str) -> None:
    assert sha256(encode_governance(SAMPLES[name])).hexdigest()[:16] == PINS[name]


def test_the_wire_form_of_a_head() -> None:
    assert payload_of("head") == {
        "type": "head",
        "version": 1,
        "tree_size": 7,
        "time": 1_780_000_000,
        "index_root": bytes(32),
        "previous": 3,
    }


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("head", {"type": "tail"}, "unsupported.type"),
        ("head", {"version": 2}, "unsupported.version"),
        ("head", {"version": "1"}, "malformed.payload.shape"),
        ("head", {"root": HASH}, "malformed.payload.field"),
        ("head", {"tree_size": -1}, "malformed.payload.field"),
        ("head", {"tree_size": True}, "malformed.payload.field"),
        ("head", {"time": "1780000000"}, "malformed.payload.field"),
        ("head", {"previous": None}, "malformed.payload.form"),
        ("key-revoked", {"kid": b"\x11" * 31}, "malformed.payload.field"),
        ("key-revoked", {"kid": HASH_AS_TEXT}, "malformed.payload.form"),
        ("key-revoked", {"reason": ""}, "malformed.payload.field"),
        ("key-revoked", {"reason": "a\x1b[2J"}, "malformed.payload.text"),
        ("operator-changed", {"name": "evil\u202etxt"}, "malformed.payload.text"),
        ("operator-changed", {"country": "DEU"}, "malformed.payload.field"),
        ("operator-changed", {"country": "DE\n"}, "malformed.payload.text"),
        ("operator-changed", {"roles": []}, "malformed.payload.field"),
        ("operator-registered", {"keys": []}, "malformed.payload.field"),
        ("operator-registered", {"keys": [{"key": KEY}]}, "malformed.payload.field"),
        ("policy", {"leaf": "another"}, "malformed.payload.field"),
        ("policy", {"epoch_s": 0}, "malformed.payload.field"),
        ("policy", {"epoch_s": 1}, "malformed.payload.form"),
        ("policy", {"log_keys": []}, "malformed.payload.field"),
        ("policy", {"limits": {"subjects": 1001}}, "malformed.payload.field"),
        ("policy", {"number": 2**31}, "malformed.payload.field"),
    ],
)  # fmt: skip
def test_a_changed_field_is_refused(name: str, changes: dict[str, object], code: str) -> None:
    assert refused(cbor.encode(payload_of(name) | changes)) == code


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xa0", b"\xf6", b"\xa1\x01\x02", b"\xbf\xff"])
def test_what_is_no_statement(data: bytes) -> None:
    assert refused(data).startswith("malformed.")


def test_an_event_is_no_governance() -> None:
    assert refused(cbor.encode({"type": "install", "version": 1})) == "unsupported.type"


def test_a_statement_made_by_hand_is_checked_too() -> None:
    with pytest.raises(CellbookError) as caught:
        msgspec.structs.replace(SAMPLES["operator-removed"], reason="a\nb")
    assert caught.value.code == "malformed.payload.text"
