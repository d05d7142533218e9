"""Signed Statements: the leaf's bytes, the ids, and what is checked where."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.algorithms import ED25519, ESP256, ML_DSA_44
from keys.errors import CellbookError
from keys.signer import Signer, generate
from ledger.wire import cose
from ledger.wire import statement as wire
from ledger.wire.statement import (
    MAX_ENTRY,
    TYP_EVENT,
    TYP_GOVERNANCE,
    TYP_HEAD,
    TYP_RECEIPT,
    Statement,
    check_signature,
    locator_to_id,
    parse_statement,
    sign_statement,
)

SIGNER = generate(ED25519)
NAMES: dict[str, Any] = {"iss": "urn:a", "sub": "urn:b", "aud": "urn:c", "iat": 1_780_452_000}


def signed(signer: Signer = SIGNER, payload: bytes = b"payload", **changed: Any) -> bytes:
    return sign_statement(signer, **{"typ": TYP_EVENT, **NAMES, **changed}, payload=payload)


def refused(code: str, call: Any, *args: Any, **named: Any) -> CellbookError:
    with pytest.raises(CellbookError) as caught:
        call(*args, **named)
    assert caught.value.code == code
    return caught.value


def test_wire_names() -> None:
    assert TYP_EVENT == "application/vnd.cellbook.event+cose"
    assert TYP_GOVERNANCE == "application/vnd.cellbook.governance+cose"
    assert TYP_HEAD == "application/vnd.cellbook.head+cose"
    assert wire.TYP_MANDATE == "application/vnd.cellbook.mandate+cose"
    assert wire.TYP_GRANT == "application/vnd.cellbook.grant+cose"
    assert TYP_RECEIPT == "application/vnd.cellbook.receipt+cose"
    assert wire.CONTENT_EVENT == "application/vnd.cellbook.event+cbor"
    assert wire.CONTENT_GOVERNANCE == "application/vnd.cellbook.governance+cbor"
    assert MAX_ENTRY == 65_535


@pytest.mark.parametrize("alg", [ED25519, ESP256, ML_DSA_44])
@pytest.mark.parametrize(
    ("typ", "content_type"),
    [
        (TYP_EVENT, wire.CONTENT_EVENT),
        (TYP_GOVERNANCE, wire.CONTENT_GOVERNANCE),
        (TYP_HEAD, wire.CONTENT_GOVERNANCE),
    ],
)
def test_sign_parse_check(alg: int, typ: str, content_type: str) -> None:
    signer = generate(alg)
    leaf = signed(signer, typ=typ)
    statement = parse_statement(leaf)
    check_signature(statement, signer.key)
    assert statement.leaf == leaf
    assert (statement.typ, statement.content_type) == (typ, content_type)
    assert (statement.iss, statement.sub) == ("urn:a", "urn:b")
    assert (statement.aud, statement.iat) == ("urn:c", 1_780_452_000)
    assert (statement.alg, statement.kid) == (alg, signer.key.kid)
    assert statement.payload == b"payload"


def test_ids() -> None:
    statement = parse_statement(signed())
    assert statement.entry_id == sha256(statement.leaf).digest()
    assert statement.leaf_hash == sha256(b"\0" + statement.leaf).digest()
    assert statement.content_id == sha256(statement.sig_structure).digest()
    assert statement.sig_structure == cose.sig_structure(statement.protected, b"payload")
    assert locator_to_id(statement.locator) == statement.entry_id
    assert len(statement.locator) == 43


def test_the_leaf_has_no_unprotected_header() -> None:
    leaf = signed()
    parsed = cose.parse_sign1(leaf)
    submitted = cose.encode_sign1(
        parsed.protected, {394: [b"receipt"], "x": {}}, parsed.payload, parsed.signature
    )
    assert submitted != leaf
    assert parse_statement(submitted).leaf == leaf
    assert leaf[:2] == b"\xd2\x84"
    assert leaf[2:].startswith(b"\x58" + bytes((len(parsed.protected),)) + parsed.protected)
    assert leaf[4 + len(parsed.protected) :] == (b"\xa0\x47payload\x58\x40" + parsed.signature)


def test_content_id_is_the_same_for_another_signature() -> None:
    signer = generate(ESP256)
    first = parse_statement(signed(signer))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = int.from_bytes(first.signature[32:], "big")
    twin_signature = first.signature[:32] + (order - s).to_bytes(32, "big")
    twin = parse_statement(cose.encode_sign1(first.protected, {}, first.payload, twin_signature))
    check_signature(twin, signer.key)
    assert twin.content_id == first.content_id
    assert twin.entry_id != first.entry_id


def test_signature_is_checked_with_the_named_key_only() -> None:
    statement = parse_statement(signed())
    refused("failed.statement.kid", check_signature, statement, generate(ED25519).key)
    changed = cose.encode_sign1(statement.protected, {}, b"other", statement.signature)
    refused("failed.signature", check_signature, parse_statement(changed), SIGNER.key)


def test_the_back_end_is_used() -> None:
    calls: list[bytes] = []
    statement = parse_statement(signed())
    check_signature(statement, SIGNER.key, lambda raw, message, _: calls.append(message))
    assert calls == [statement.sig_structure]


def test_largest_entry() -> None:
    room = MAX_ENTRY - len(signed(payload=bytes(60_000))) + 60_000
    assert len(signed(payload=bytes(room))) == MAX_ENTRY
    refused("malformed.statement.size", signed, payload=bytes(room + 1))
    refused("malformed.cbor.size", parse_statement, b"\xd2" + bytes(2 * MAX_ENTRY))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": ""}, "malformed.statement.iss"),
        ({"sub": ""}, "malformed.statement.sub"),
        ({"aud": ""}, "malformed.statement.aud"),
        ({"iat": -1}, "malformed.claim.iat"),
        ({"typ": TYP_RECEIPT}, "malformed.statement.typ"),
        ({"typ": wire.TYP_GRANT}, "unsupported.typ"),
        ({"payload": b""}, "malformed.statement.payload"),
    ],
)
def test_no_statement_is_signed_that_would_be_refused(changed: dict[str, Any], code: str) -> None:
    refused(code, signed, **changed)


@pytest.mark.parametrize(
    "text", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 43 + "=", "é" * 43]
)
def test_refused_locators(text: str) -> None:
    assert refused("malformed.locator", locator_to_id, text).title == "Invalid locator"


@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_never_gives_the_same_facts(data: st.DataObject) -> None:
    leaf = bytearray(LEAF)
    leaf[data.draw(st.integers(0, len(leaf) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        statement = parse_statement(bytes(leaf))
        check_signature(statement, SIGNER.key)
    except CellbookError:
        return
    pytest.fail(f"accepted: {statement}")


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    for prefix in (b"", b"\xd2\x84"):
        with pytest.raises(CellbookError):
            parse_statement(prefix + data)


LEAF = signed()


def test_a_statement_cannot_be_changed() -> None:
    statement: Statement = parse_statement(LEAF)
    with pytest.raises(AttributeError):
        statement.iss = "urn:other"  # type: ignore[misc]
