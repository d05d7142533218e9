"""Hash envelopes: that a document existed, and nothing more."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.decision import read_content
from ledger.custody.names.parties import device_uri, guest_uri
from ledger.wire import cose
from ledger.wire.cwt import claims_map
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import TYP_ENVELOPE, TYP_EVENT, parse_statement, sign_envelope
from tests.custody.history import START, Log, operator_uri, signer_of
from tests.custody.history import cose as cose_key

SHA256 = sha256(b"a report").digest()
ENVELOPE = HashEnvelope(SHA256, "application/pdf")


@pytest.fixture
def log() -> Log:
    return Log("owner", "buyer")


@pytest.fixture
def pack(log: Log) -> str:
    battery = log.battery()
    log.live(battery, "manufacture")
    return battery


def sign(log: Log, sub: str, envelope: HashEnvelope = ENVELOPE, **changes: Any) -> bytes:
    values = {"iss": operator_uri("buyer"), "aud": log.family, "iat": START, **changes}
    return sign_envelope(signer_of("buyer"), envelope, sub=sub, **values)


def test_a_document_changes_nothing(log: Log, pack: str) -> None:
    before = dict(log.states)
    taken = log.take(sign(log, pack))
    assert taken.decision.subjects == (pack,)
    assert not taken.decision.findings
    assert log.states == before


def test_a_document_says_what_it_is(log: Log, pack: str) -> None:
    envelope = HashEnvelope(SHA256, "text/csv", "https://files.example/1")
    statement = parse_statement(sign(log, pack, envelope))
    assert read_content(statement) == statement.envelope == envelope
    assert statement.content_type == ""
    assert statement.payload == SHA256


def test_a_document_is_no_assessment(log: Log, pack: str) -> None:
    log.live(pack, "install", "decommission")
    entry_id = log.take(sign(log, pack)).entry_id
    log.refs[pack, "assessment"] = entry_id
    assert log.refused(log.event("repurpose", pack)) == "rejected.ORD-4"
    correction = log.event("correction", pack, by="buyer", entry_ref=entry_id)
    assert log.refused(correction) == "rejected.entry.unknown"


def test_documents_are_about_batteries_of_the_log(log: Log, pack: str) -> None:
    for sub in (log.battery(), operator_uri("owner"), "urn:cellbook:model:X:1"):
        assert log.refused(sign(log, sub)) == "rejected.document.subject"


def test_who_signs_documents(log: Log, pack: str) -> None:
    unknown = sign(log, pack, iss="https://nobody.example")
    assert log.refused(unknown) == "rejected.issuer.unknown"
    assert log.refused(sign(log, pack, iss=operator_uri("owner"))) == "rejected.key.unknown"
    assert log.refused(sign(log, pack, aud="urn:cellbook:family:x")) == "rejected.aud"


def test_guests_and_devices_sign_no_documents(log: Log, pack: str) -> None:
    kid, key = signer_of("guest").key.kid, cose_key("guest")
    log.live(pack, "release", receiver=guest_uri(kid), guest_key=key)
    iss, values = guest_uri(kid), {"sub": pack, "aud": log.family, "iat": START}
    data = sign_envelope(signer_of("guest"), ENVELOPE, iss=iss, **values)  # type: ignore[arg-type]
    assert log.refused(data) == "rejected.guest.kind"
    iss = device_uri(kid)
    data = sign_envelope(signer_of("guest"), ENVELOPE, iss=iss, **values)  # type: ignore[arg-type]
    assert log.refused(data) == "rejected.issuer.unknown"


def test_a_document_is_not_from_the_future(log: Log, pack: str) -> None:
    now = START + 60 * log.minute
    assert log.refused(sign(log, pack, iat=now + 301)) == "rejected.document.time"
    log.take(sign(log, pack, iat=now + 300))


HEADERS: dict[Any, Any] = {
    cose.CWT_CLAIMS: claims_map("https://a.example", "urn:x:1", "urn:x:family", START),
    cose.TYP: TYP_ENVELOPE,
    258: -16,
    259: "application/pdf",
}


@pytest.mark.parametrize(
    ("changes", "payload", "code"),
    [
        ({258: None}, SHA256, "malformed.envelope.header"),
        ({258: "SHA-256"}, SHA256, "malformed.envelope.header"),
        ({258: -44}, SHA256, "unsupported.envelope.hash"),
        ({259: None}, SHA256, "malformed.envelope.header"),
        ({259: 60}, SHA256, "malformed.envelope.header"),
        ({259: ""}, SHA256, "malformed.envelope.header"),
        ({259: "text/\u202eplain"}, SHA256, "malformed.envelope.header"),
        ({260: 7}, SHA256, "malformed.envelope.header"),
        ({260: "x" * 1025}, SHA256, "malformed.envelope.header"),
        ({3: "application/pdf"}, SHA256, "unsupported.header"),
        ({3: ""}, SHA256, "unsupported.header"),
        ({261: 1}, SHA256, "unsupported.header"),
        ({16: TYP_EVENT}, SHA256, "unsupported.header"),
        ({}, SHA256[:31], "malformed.envelope.digest"),
        ({}, SHA256 + b"\0", "malformed.envelope.digest"),
        ({2: [258]}, SHA256, "ok"),
        ({2: [260]}, SHA256, "malformed.cose.crit"),
        ({260: "https://files.example/1"}, SHA256, "ok"),
        ({}, SHA256, "ok"),
    ],
)
def test_forms(changes: dict[Any, Any], payload: bytes, code: str) -> None:
    headers = {key: value for key, value in {**HEADERS, **changes}.items() if value is not None}
    data = cose.sign1(signer_of("buyer"), headers, payload)
    if code == "ok":
        assert parse_statement(data).envelope is not None
        return
    with pytest.raises(CellbookError) as refused:
        parse_statement(data)
    assert refused.value.code == code
