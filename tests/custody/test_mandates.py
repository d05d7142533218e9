"""Mandates: who signs for whom, what, for how long, until it is revoked."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from keys.possession import prove
from keys.purposes import EVENTS
from ledger.custody.governance.mandates import (
    DeviceKey,
    Mandate,
    MandateGiven,
    MandateRevoked,
    encode_mandate,
    mandate_uri,
    parse_mandate,
)
from ledger.custody.governance.operators import key_uri
from ledger.custody.names.parties import device_uri
from ledger.custody.states import KeyClaim, MandateState
from ledger.wire.statement import TYP_MANDATE, sign_statement
from tests.custody.history import START, Log, cose, operator_uri, signer_of

OWNER = operator_uri("owner")
TODAY, TOMORROW = "2026-05-28", "2026-05-29"
DAY_MINUTES = 24 * 60


@pytest.fixture
def log() -> Log:
    return Log("owner", "assessor", "installer", "buyer", "authority")


@pytest.fixture
def pack(log: Log) -> str:
    battery = log.battery()
    log.live(battery, "manufacture")
    return battery


def sign(log: Log, content: Mandate, by: str = "owner", **changes: Any) -> bytes:
    uri = operator_uri(by)
    values = {"iss": uri, "sub": uri, "aud": log.family, **changes}
    key = values.pop("key", by)
    return sign_statement(
        signer_of(key),
        typ=TYP_MANDATE,
        iat=START + 60 * log.minute,
        payload=encode_mandate(content),
        **values,
    )


def given(delegate: str = operator_uri("buyer"), **changes: Any) -> MandateGiven:
    values = {"kinds": ("reading",), "valid_from": TODAY, "valid_to": TOMORROW, **changes}
    return MandateGiven(delegate=delegate, **values)


def device(log: Log, name: str = "gateway", owner: str = OWNER, **changes: Any) -> MandateGiven:
    proof = prove(signer_of(name), owner, (EVENTS,), log.family)
    key = DeviceKey(key=cose(name), possession=proof)
    return given(device_uri(signer_of(name).key.kid), device=key, **changes)


def under(log: Log, mandate: bytes, kind: str, battery: str, /, **fields: Any) -> bytes:
    """An event under a mandate, by an operator or by the device with the key ``device``."""
    fields = {"by": "buyer", "on_behalf_of": OWNER, "mandate": mandate, **fields}
    name = fields.pop("device", None)
    if name is not None:
        fields |= {"signer": signer_of(name), "iss": device_uri(signer_of(name).key.kid)}
    return log.event(kind, battery, **fields)


def test_a_delegate_signs_for_its_principal(log: Log, pack: str) -> None:
    alone = log.event("reading", pack, by="buyer")
    assert log.refused(alone) == "rejected.ROL-1"
    mandate = log.take(sign(log, given()))
    assert mandate.decision.subjects == (OWNER,)
    taken = log.take(under(log, mandate.entry_id, "reading", pack))
    assert taken.decision.subjects == (pack,)
    assert not taken.decision.findings


def test_what_a_delegate_accepts_is_its_principals(log: Log, pack: str) -> None:
    kinds = ("accept", "install", "release")
    mandate = log.take(sign(log, given(kinds=kinds))).entry_id
    log.live(pack, "release", receiver=operator_uri("installer"))
    log.live(pack, "accept", by="installer")
    log.live(pack, "release", by="installer", receiver=OWNER)
    log.take(under(log, mandate, "accept", pack))
    assert log.state(pack).possessor == OWNER
    log.take(under(log, mandate, "install", pack))
    assert operator_uri("buyer") not in log.state(pack).parties


def test_the_principal_must_be_allowed_what_the_delegate_does(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given(OWNER, kinds=("install",)), "buyer")).entry_id
    data = under(log, mandate, "install", pack, by="owner", on_behalf_of=operator_uri("buyer"))
    assert log.refused(data) == "rejected.ROL-1"


def test_a_mandate_is_for_its_kinds(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given(kinds=("incident", "reading")))).entry_id
    assert log.refused(under(log, mandate, "install", pack)) == "rejected.mandate.kind"
    log.take(under(log, mandate, "incident", pack))


def test_a_mandate_is_for_its_batteries(log: Log, pack: str) -> None:
    other = log.battery()
    log.live(other, "manufacture")
    mandate = log.take(sign(log, given(kinds=("incident",), batteries=(pack,)))).entry_id
    assert log.refused(under(log, mandate, "incident", other)) == "rejected.mandate.battery"
    both = under(log, mandate, "incident", pack, units=(other,))
    assert log.refused(both) == "rejected.mandate.battery"
    log.take(under(log, mandate, "incident", pack))


def test_a_mandate_is_in_force_by_log_time(log: Log, pack: str) -> None:
    early = log.take(sign(log, given(valid_from=TOMORROW))).entry_id
    mandate = log.take(sign(log, given())).entry_id
    assert log.refused(under(log, early, "reading", pack)) == "rejected.mandate.day"
    log.minute = DAY_MINUTES
    log.take(under(log, early, "reading", pack))
    log.take(under(log, mandate, "reading", pack))
    log.minute = 2 * DAY_MINUTES
    for entry_id in (early, mandate):
        back_dated = under(log, entry_id, "reading", pack, at=30, iat=30)
        assert log.refused(back_dated) == "rejected.mandate.day"


def test_a_revoked_mandate_is_over(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given())).entry_id
    log.take(under(log, mandate, "reading", pack))
    revoked = MandateRevoked(mandate=mandate, reason="gateway replaced")
    assert log.refused(sign(log, revoked, "buyer")) == "rejected.mandate.unknown"
    log.take(sign(log, revoked))
    assert log.refused(under(log, mandate, "reading", pack, at=1)) == "rejected.mandate.revoked"
    assert log.refused(sign(log, revoked)) == "rejected.mandate.revoked"
    state = log.states[mandate_uri(mandate)]
    assert isinstance(state, MandateState)
    assert state.revoked == len(log.taken) - 1


def test_a_mandate_serves_nobody_else(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given())).entry_id
    wrong = [
        under(log, mandate, "reading", pack, by="installer"),
        under(log, mandate, "reading", pack, on_behalf_of=operator_uri("assessor")),
        under(log, bytes(32), "reading", pack),
        under(log, log.refs[pack, "manufacture"], "reading", pack),
    ]
    for data in wrong:
        assert log.refused(data) == "rejected.mandate.unknown"


def test_who_gives_a_mandate(log: Log) -> None:
    for data in (
        sign(log, given(), sub=operator_uri("buyer")),
        sign(log, given(OWNER)),
    ):
        assert log.refused(data) == "rejected.mandate.subject"
    assert log.refused(sign(log, given(), "nobody")) == "rejected.issuer.unknown"
    assert log.refused(sign(log, given(), key="buyer")) == "rejected.key.unknown"
    revoked = MandateRevoked(mandate=bytes(32), reason="never given")
    assert log.refused(sign(log, revoked)) == "rejected.mandate.unknown"


def test_a_removed_principal_has_no_delegates(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given())).entry_id
    log.take(log.remove("owner"))
    assert log.refused(under(log, mandate, "reading", pack)) == "rejected.issuer.removed"


def test_a_removed_delegate_signs_no_more(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given())).entry_id
    log.take(log.remove("buyer"))
    assert log.refused(under(log, mandate, "reading", pack)) == "rejected.issuer.removed"


def test_the_principal_corrects_what_its_delegate_signed(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given())).entry_id
    entry_id = log.take(under(log, mandate, "reading", pack)).entry_id
    by_delegate = log.event("correction", pack, by="buyer", entry_ref=entry_id)
    assert log.refused(by_delegate) == "rejected.COR-2"
    log.live(pack, "correction", entry_ref=entry_id)


# Devices


def test_a_device_signs_readings_and_nothing_else(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, device(log))).entry_id
    gateway = signer_of("gateway").key.kid
    assert log.states[key_uri(gateway)] == KeyClaim(owner=device_uri(gateway))
    log.take(under(log, mandate, "reading", pack, device="gateway"))
    data = under(log, mandate, "install", pack, device="gateway")
    assert log.refused(data) == "rejected.mandate.kind"
    alone = log.event("reading", pack, iss=device_uri(gateway), signer=signer_of("gateway"))
    assert log.refused(alone) == "rejected.mandate.unknown"
    own = sign(log, given(), iss=device_uri(gateway), sub=device_uri(gateway), key="gateway")
    assert log.refused(own) == "rejected.mandate.subject"


def test_a_device_of_two_mandates(log: Log, pack: str) -> None:
    first = log.take(sign(log, device(log, valid_to=TODAY))).entry_id
    second = log.take(sign(log, device(log, valid_from=TOMORROW))).entry_id
    log.take(under(log, first, "reading", pack, device="gateway"))
    log.minute = DAY_MINUTES
    log.take(under(log, second, "reading", pack, device="gateway"))
    stolen = device(log, owner=operator_uri("buyer"))
    assert log.refused(sign(log, stolen, "buyer")) == "rejected.key.owner"


def test_keys_of_others_are_no_devices(log: Log) -> None:
    for name in ("buyer", "owner", "registrar"):
        assert log.refused(sign(log, device(log, name))) == "rejected.key.owner", name


def test_a_device_proves_that_it_has_its_key(log: Log) -> None:
    content = device(log, owner=operator_uri("buyer"))
    assert log.refused(sign(log, content)) == "failed.possession"


def test_a_device_has_the_name_of_its_key(log: Log) -> None:
    good = device(log)
    content = given(device_uri(signer_of("other").key.kid), device=good.device)
    assert log.refused(sign(log, content)) == "malformed.payload.field"


# Forms


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": ()},
        {"kinds": ("reading", "reading")},
        {"kinds": ("reading", "incident")},
        {"kinds": ("sale",)},
        {"kinds": ("resolution",)},
        {"valid_from": "2026-05-30"},
        {"batteries": ("urn:cellbook:b:2", "urn:cellbook:b:1")},
        {"delegate": device_uri(bytes(32))},
        {"device": DeviceKey(key=b"k", possession=b"p")},
    ],
    ids=str,
)
def test_forms(changes: dict[str, Any]) -> None:
    with pytest.raises(CellbookError) as refused:
        parse_mandate(encode_mandate(given(**changes)))
    assert refused.value.code == "malformed.payload.field"


def test_an_event_names_mandate_and_principal(log: Log, pack: str) -> None:
    for fields in ({"mandate": bytes(32)}, {"on_behalf_of": OWNER}):
        with pytest.raises(CellbookError) as refused:
            log.event("reading", pack, **fields)
        assert refused.value.code == "malformed.payload.field"


def test_another_familys_mandate(log: Log) -> None:
    other = sign(log, given(), aud="urn:cellbook:family:" + "A" * 43)
    assert log.refused(other) == "rejected.aud"


def test_what_is_written_is_read(log: Log) -> None:
    for content in (
        given(reason="night shift", batteries=("urn:cellbook:gbt34014:X",)),
        device(log),
        MandateRevoked(mandate=bytes(32), reason="over"),
    ):
        assert parse_mandate(encode_mandate(content)) == content


def test_who_holds_a_unit_does_not_sign_for_its_laboratory(log: Log, pack: str) -> None:
    mandate = log.take(sign(log, given(OWNER, kinds=("assessment",)), "assessor")).entry_id
    held = {"by": "owner", "on_behalf_of": operator_uri("assessor")}
    data = under(log, mandate, "assessment", pack, **held)
    found = log.decided(data, refuse=False, profiles=(("core", 3),)).findings
    assert [finding.rule for finding in found] == ["ASM-5"]
    assert not log.decided(data, refuse=False, profiles=(("core", 2),)).findings
    other = log.take(sign(log, given(kinds=("assessment",)), "assessor")).entry_id
    data = under(log, other, "assessment", pack, **{**held, "by": "buyer"})
    assert not log.decided(data, refuse=False, profiles=(("core", 3),)).findings
