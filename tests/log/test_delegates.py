"""Guests, delegates and documents in a real log: their keys, restarts, fsck and dossiers."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from keys.possession import prove
from keys.purposes import EVENTS
from keys.signer import Signer, generate
from ledger.custody.governance.mandates import (
    DeviceKey,
    Mandate,
    MandateGiven,
    MandateRevoked,
    encode_mandate,
)
from ledger.custody.governance.statements import KeyRevoked
from ledger.custody.names.parties import device_uri, guest_uri
from ledger.custody.values.times import format_moment
from ledger.log.reading.published import view_battery
from ledger.proof.dossier import decode_dossier
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import TYP_MANDATE, parse_statement, sign_envelope, sign_statement
from tests.log.building import NOW, World, operator_uri
from tests.proof.building import dossier_of, verdict_on, without

OWNER = operator_uri("owner")
DOCUMENT = HashEnvelope(sha256(b"weighing slip").digest(), "application/pdf")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner", "recycler", "assessor", "installer")) as made:
        yield made


@pytest.fixture
def pack(world: World) -> str:
    battery = world.battery()
    world.live(battery, "manufacture")
    return battery


def release(world: World, pack: str, guest: Signer, **fields: Any) -> bytes:
    kid, key = guest.key.kid, guest.key.to_cbor()
    return world.event("release", pack, receiver=guest_uri(kid), guest_key=key, **fields)


def by_guest(world: World, kind: str, pack: str, guest: Signer, **fields: Any) -> bytes:
    return world.event(kind, pack, signer=guest, iss=guest_uri(guest.key.kid), **fields)


def mandate(world: World, content: Mandate, by: str = "owner") -> bytes:
    return sign_statement(
        world.operators[by].signer,
        typ=TYP_MANDATE,
        iss=operator_uri(by),
        sub=operator_uri(by),
        aud=world.family,
        iat=world.clock(),
        payload=encode_mandate(content),
    )


def given(world: World, signer: Signer | None = None, **changes: Any) -> MandateGiven:
    values: dict[str, Any] = {
        "delegate": operator_uri("installer"),
        "kinds": ("incident", "reading"),
        "valid_from": "2026-01-01",
        "valid_to": "2027-01-01",
    }
    if signer is not None:
        proof = prove(signer, OWNER, (EVENTS,), world.family)
        values["device"] = DeviceKey(key=signer.key.to_cbor(), possession=proof)
        values["delegate"] = device_uri(signer.key.kid)
    return MandateGiven(**{**values, **changes})


def document(world: World, sub: str) -> bytes:
    signer = world.operators["recycler"].signer
    names: dict[str, Any] = {
        "iss": operator_uri("recycler"),
        "aud": world.family,
        "iat": world.clock(),
    }
    return sign_envelope(signer, DOCUMENT, sub=sub, **names)


def test_a_guest_of_an_earlier_submission(world: World, pack: str) -> None:
    guest = generate()
    world.accepted(release(world, pack, guest))
    world.accepted(by_guest(world, "accept", pack, guest))
    # What a guest may sign changes with every answer, and no governance statement says so.
    world.accepted(by_guest(world, "release", pack, guest, giver=guest_uri(guest.key.kid)))
    world.accepted(world.event("accept", pack, by="recycler"))
    assert view_battery(world.store, pack).state.possessor == operator_uri("recycler")
    world.fsck()


def test_a_guest_of_the_same_submission(world: World, pack: str) -> None:
    guest = generate()
    released = release(world, pack, guest)
    world.refs[pack, "release"] = parse_statement(released).entry_id
    accepted = by_guest(world, "accept", pack, guest)
    world.accepted(released, accepted)
    assert view_battery(world.store, pack).state.possessor == guest_uri(guest.key.kid)


def test_a_release_that_is_refused_names_no_guest(world: World, pack: str) -> None:
    guest = generate()
    released = release(world, pack, guest, giver=operator_uri("recycler"))
    world.refs[pack, "release"] = parse_statement(released).entry_id
    first, second = world.register(released, by_guest(world, "accept", pack, guest))
    assert first.error is not None
    assert first.error.code == "rejected.CUS-1"
    assert second.error is not None
    assert second.error.code == "rejected.issuer.unknown"
    world.accepted(release(world, pack, guest))
    assert world.refused(by_guest(world, "accept", pack, generate())) == "rejected.issuer.unknown"


def test_another_process_knows_the_guest(world: World, pack: str) -> None:
    _, other = world.open()
    guest = generate()
    world.accepted(release(world, pack, guest))
    (outcome,) = other.register_now([by_guest(world, "accept", pack, guest)])
    assert outcome.error is None
    assert world.refused(by_guest(world, "refuse", pack, guest)) == "rejected.guest.answered"


def test_a_device_from_its_mandate_to_its_revocation(world: World, pack: str) -> None:
    gateway = generate()
    content = mandate(world, given(world, gateway))
    entry_id = parse_statement(content).entry_id
    names = {"by": "owner", "iss": device_uri(gateway.key.kid), "signer": gateway}
    fields: dict[str, Any] = {**names, "mandate": entry_id, "on_behalf_of": OWNER}
    world.accepted(content, world.event("reading", pack, **fields))
    assert world.refused(world.event("reading", pack, **fields)) == "rejected.ASM-7"
    world.accepted(world.event("reading", pack, **fields, occurred_at=format_moment(NOW, 480)))
    assert world.refused(world.event("install", pack, **fields)) == "rejected.mandate.kind"
    world.accepted(mandate(world, MandateRevoked(mandate=entry_id, reason="replaced")))
    assert world.refused(world.event("reading", pack, **fields)) == "rejected.mandate.revoked"
    world.fsck()


def test_a_document_beside_the_events(world: World, pack: str) -> None:
    data = document(world, pack)
    world.accepted(data)
    assert world.register(data)[0].duplicate
    kinds = [entry.kind for entry in view_battery(world.store, pack).entries]
    assert kinds == ["manufacture", "document"]
    world.fsck()


def told(world: World, pack: str) -> None:
    """A life with a delegate, a guest and a document in it."""
    (entry,) = world.accepted(mandate(world, given(world)))
    delegated: dict[str, Any] = {
        "by": "installer",
        "mandate": entry.entry_id,
        "on_behalf_of": OWNER,
    }
    world.accepted(world.event("incident", pack, kind="other", **delegated))
    world.accepted(document(world, pack))
    guest = generate()
    world.accepted(release(world, pack, guest))
    world.accepted(by_guest(world, "accept", pack, guest))
    world.accepted(mandate(world, MandateRevoked(mandate=entry.entry_id or b"", reason="over")))


def test_a_dossier_with_all_of_them(world: World, pack: str) -> None:
    told(world, pack)
    data = dossier_of(world, pack)
    verdict = verdict_on(world, data)
    assert not verdict.breaches
    assert verdict.battery.possessor.startswith("urn:cellbook:guest:")
    assert [event.kind for event in verdict.life] == [
        "manufacture",
        "incident",
        "release",
        "accept",
    ]


def test_events_under_a_mandate_of_a_compromised_key_are_flagged(world: World, pack: str) -> None:
    """The delegate's own key is in order; the key that let it sign was in other hands."""
    since = world.clock()
    (entry,) = world.accepted(mandate(world, given(world)))
    world.accepted(world.event("incident", pack, kind="other", by="installer",
                               mandate=entry.entry_id, on_behalf_of=OWNER))  # fmt: skip
    world.end_epoch()
    assert "KEY-1" not in {f.rule for f in verdict_on(world, dossier_of(world, pack)).remarks}
    kid = world.operators["owner"].signer.key.kid
    revoked = KeyRevoked(kid=kid, reason="stolen", compromised_since=since)
    world.accepted(world.governance(revoked, OWNER))
    verdict = verdict_on(world, dossier_of(world, pack))
    flagged = [f for f in verdict.remarks if f.rule == "KEY-1"]
    assert len(flagged) == 2, "the manufacture of that moment, and the incident"
    assert "the key that gave its mandate" in flagged[-1].detail


def test_nothing_of_it_may_be_missing(world: World, pack: str) -> None:
    told(world, pack)
    data = dossier_of(world, pack)
    mandates = [
        entry.index
        for entry in decode_dossier(data).entries
        if parse_statement(entry.leaf).typ == TYP_MANDATE
    ]
    assert len(mandates) == 2, "the revocation is in it as well"
    with pytest.raises(CellbookError) as refused:
        verdict_on(world, without(data, mandates[0]))
    assert refused.value.code == "failed.dossier.missing"


def test_documents_of_other_batteries_do_not_belong(world: World, pack: str) -> None:
    other = world.battery()
    world.live(other, "manufacture")
    about_other = document(world, other)
    world.accepted(about_other)
    told(world, pack)
    mine, theirs = dossier_of(world, pack), dossier_of(world, other)
    assert about_other in {entry.leaf for entry in decode_dossier(theirs).entries}
    assert about_other not in {entry.leaf for entry in decode_dossier(mine).entries}
