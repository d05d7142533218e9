"""Events: every kind there and back, and every way to say something that no Struct means."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.events import EVENTS, Event, encode_event, kind_of, parse_event
from ledger.custody.events.base import unfolded
from ledger.custody.events.scalars import Shown
from ledger.wire import cbor
from tests.custody.samples import (
    CORRECTION,
    EVENTS_BY_NAME,
    INSTALL,
    MANUFACTURE,
    MODEL,
    ONBOARDED,
    PACK,
    RECYCLE,
    RELEASE,
)


def payload_of(event: Event) -> dict[str, Any]:
    value = cbor.decode(encode_event(event))
    assert isinstance(value, dict)
    return value  # type: ignore[return-value]


def refused(event: Event, without: tuple[str, ...] = (), **changes: object) -> CellbookError:
    """How the event is refused once fields of its payload are changed or left out."""
    value = payload_of(event) | changes
    for name in without:
        del value[name]
    with pytest.raises(CellbookError) as caught:
        parse_event(cbor.encode(value))
    return caught.value


@pytest.mark.parametrize("name", EVENTS_BY_NAME)
def test_every_event_comes_back(name: str) -> None:
    event = EVENTS_BY_NAME[name]
    data = encode_event(event)
    assert parse_event(data) == event
    assert encode_event(parse_event(data)) == data


def test_there_is_a_sample_of_every_kind() -> None:
    assert {(kind_of(event), 1) for event in EVENTS_BY_NAME.values()} == set(EVENTS)


PINS = {
    "manufacture": "2f1d3c0c9b61db81",
    "onboarded": "3e0e06b0574b51ea",
    "install": "62c0f33bf3752076",
    "decommission": "fdff2848d53927a0",
    "assessment": "0fee6094c426d385",
    "repurpose": "eb765aff2316b8bc",
    "recycle": "611f99900f81ccac",
    "release": "513aa96496b98ef2",
    "accept": "4086781fb49c0581",
    "refuse": "c730550b8365c6c5",
    "intake": "84ae11ea175d054b",
    "waste": "473ee077141aa579",
    "reading": "f62c69e81b95cf13",
    "repair": "91e9ffc5018b1cac",
    "relabel": "539d75f5f887ee3e",
    "incident": "19445c32aee7318e",
    "recovery": "a51235da5efa6aab",
    "correction": "a18e2266cc666ceb",
    "dispute": "241836ef35939c3f",
    "resolution": "0f62c245bbabcf6b",
    "model": "aecafc6dc7b90cab",
}


@pytest.mark.parametrize("name", PINS)
def test_the_bytes_of_an_event_never_change(name: str) -> None:
    assert sha256(encode_event(EVENTS_BY_NAME[name])).hexdigest()[:16] == PINS[name]


def test_the_wire_form_of_one_event() -> None:
    assert payload_of(CORRECTION) == {
        "type": "correction",
        "version": 1,
        "occurred_at": "2026-06-03T10:00:00+08:00",
        "time_precision": "second",
        "country": "CN",
        "entry_ref": bytes(range(32)),
        "kind": "replace",
        "reason": "wrong date",
        "replacement": b"\xd1" * 32,
    }


def test_a_release_says_from_and_to() -> None:
    value = payload_of(RELEASE)
    assert (value["from"], value["to"]) == (RELEASE.giver, RELEASE.receiver)
    assert "giver" not in value


def test_the_first_identifier_is_the_subject() -> None:
    assert MANUFACTURE.ids[0].uri == PACK


def test_every_kind_has_a_docstring_of_its_own_and_every_field_a_class() -> None:
    from typing import get_type_hints

    for struct in EVENTS.values():
        assert struct.__doc__
        assert struct.__doc__ != Event.__doc__
        hints = get_type_hints(struct, include_extras=True)
        for field in struct.__struct_fields__:
            marks = [mark for mark in unfolded(hints[field])[1] if isinstance(mark, Shown)]
            assert len(marks) == 1, (struct, field)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"colour": "red"}, "malformed.payload.field"),
        ({"installed_on": 20260605}, "malformed.payload.field"),
        ({"installed_on": b"2026-06-05"}, "malformed.payload.field"),
        ({"installed_on": "2026-02-29"}, "malformed.date"),
        ({"occurred_at": "2026-06-03T10:00:00+15:00"}, "malformed.time"),
        ({"occurred_at": "2026-06-03T24:00:00+08:00"}, "malformed.time"),
        ({"occurred_at": "2026-06-03T10:00:00Z"}, "malformed.payload.field"),
        ({"time_precision": "week"}, "malformed.payload.field"),
        ({"country": "cn"}, "malformed.payload.country"),
        ({"country": "C\n"}, "malformed.payload.country"),
        ({"country": "CHN"}, "malformed.payload.field"),
        ({"first_installation": 1}, "malformed.payload.field"),
        ({"host_odometer_km": True}, "malformed.payload.field"),
        ({"host_odometer_km": -1}, "malformed.payload.field"),
        ({"host_odometer_km": 10**9}, "malformed.payload.field"),
        ({"host_odometer_km": None}, "malformed.payload.form"),
        ({"assessment_ref": b"short"}, "malformed.payload.field"),
        ({"assessment_ref": "A" * 43}, "malformed.payload.field"),
        ({"assessment_ref": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}, None),
        ({"application": ""}, "malformed.payload.field"),
        ({"application": "bus\ntram"}, "malformed.payload.text"),
        ({"application": "bus\u202etram"}, "malformed.payload.text"),
        ({"application": "bus\u0085"}, "malformed.payload.text"),
        ({"application": "x" * 257}, "malformed.payload.field"),
        ({"full_cycles_source": "guess"}, "malformed.payload.field"),
        ({"evidence": []}, "malformed.payload.field"),
        ({"on_behalf_of": "urn:uscc:91350100M000100Y44"}, "rejected.operator.uri"),
        ({"on_behalf_of": "acme-ltd"}, "rejected.operator.uri"),
        ({"version": 2}, "unsupported.version"),
        ({"version": 0}, "unsupported.version"),
        ({"version": True}, None),
        ({"version": "1"}, "malformed.payload.shape"),
        ({"type": "instal"}, "unsupported.type"),
        ({"type": 7}, "malformed.payload.shape"),
    ],
)
def test_a_changed_field_is_refused(changes: dict[str, object], code: str | None) -> None:
    error = refused(INSTALL, **changes)
    if code is None:
        assert error.code.startswith("malformed.payload.")
    else:
        assert error.code == code


def test_the_error_names_the_place() -> None:
    inputs = [{"id": PACK, "assessment_ref": b"x" * 31}]
    error = refused(EVENTS_BY_NAME["repurpose"], inputs=inputs)
    assert "$.inputs[0].assessment_ref" in error.describe()
    assert refused(INSTALL, installed_on="2026-02-30").where == "payload.installed_on"


@pytest.mark.parametrize(
    "field", ["occurred_at", "country", "time_precision", "installed_on", "host_kind", "version"]
)
def test_a_required_field_must_be_there(field: str) -> None:
    assert refused(INSTALL, without=(field,)).code.startswith("malformed.payload.")


@pytest.mark.parametrize(
    ("name", "without", "changes"),
    [
        ("manufacture", ("batch_id",), {}),
        ("manufacture", ("model_ref",), {}),
        ("manufacture", (), {"children_count": 300, "children_root": b"r" * 32}),
        ("manufacture", ("children",), {"children_count": 300}),
        ("manufacture", ("children",), {"children_count": 256, "children_root": b"r" * 32}),
        ("manufacture", (), {"ids": []}),
        ("manufacture", (), {"children": [PACK] * 257}),
        ("reading", ("soh_basis",), {}),
        ("decommission", ("full_cycles_source",), {}),
        ("assessment", (), {"scope": "unit"}),
        ("assessment", ("units",), {}),
        ("assessment", ("negative_events",), {}),
        ("assessment", (), {"tested_to": "2026-05-27"}),
        ("assessment", (), {"verdict": "good"}),
        ("release", (), {"moves": ["possession", "possession"]}),
        ("release", (), {"moves": []}),
        ("recycle", ("destruction_certificate_no",), {}),
        ("recycle", ("inputs_root",), {}),
        ("incident", ("recall",), {}),
        ("recovery", ("recovered",), {}),
        ("correction", (), {"kind": "did-not-happen"}),
        ("waste", (), {"action": "declared"}),
        ("model", (), {"nominal_voltage_mv": 60_000}),
        ("model", (), {"carbon_footprint": {"status": "declared"}}),
    ],
)
def test_fields_that_belong_together(
    name: str, without: tuple[str, ...], changes: dict[str, object]
) -> None:
    error = refused(EVENTS_BY_NAME[name], without=without, **changes)
    assert error.code == "malformed.payload.field"


def test_a_model_whose_name_no_uri_can_carry() -> None:
    assert refused(MODEL, model_id="LF 280").code == "malformed.model"
    assert refused(MODEL, model_version="3:4").code == "malformed.model"


def test_references_are_uris_and_their_codes_are_left_to_id_1() -> None:
    assert refused(MANUFACTURE, children=["4A6PCPM27KLPC"]).code == "malformed.payload.uri"
    assert refused(MANUFACTURE, children=["urn:cellbook: x"]).code == "malformed.payload.uri"
    wrong_date = "urn:cellbook:gbt34014:001CB240000003BZC0221953"
    value = payload_of(MANUFACTURE) | {"children": [wrong_date]}
    event = parse_event(cbor.encode(value))
    assert event.children == (wrong_date,)  # type: ignore[attr-defined]


def test_a_struct_made_by_hand_is_checked_like_a_parsed_one() -> None:
    with pytest.raises(CellbookError, match="calendar"):
        msgspec.structs.replace(INSTALL, installed_on="2026-13-01")
    with pytest.raises(CellbookError, match="onboarding"):
        msgspec.structs.replace(ONBOARDED, onboarding=None)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\x80", b"\x01", b"\xf6", b"\xa0", b"\xa1\x01\x02"]
)
def test_what_is_no_event(data: bytes) -> None:
    with pytest.raises(CellbookError):
        parse_event(data)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=40)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(EVENTS_BY_NAME)), data=st.data())
def test_any_value_in_any_field_is_refused_or_means_what_it_says(
    name: str, data: st.DataObject
) -> None:
    value = payload_of(EVENTS_BY_NAME[name])
    field = data.draw(st.sampled_from(sorted(value)))
    payload = cbor.encode(value | {field: data.draw(_VALUES)})
    try:
        event = parse_event(payload)
    except CellbookError:
        return
    assert encode_event(event) == payload


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_means_something_else(position: int, flip: int) -> None:
    original = encode_event(RECYCLE)
    changed = bytearray(original)
    changed[position % len(changed)] ^= flip
    try:
        assert parse_event(bytes(changed)) != RECYCLE
    except CellbookError:
        return
