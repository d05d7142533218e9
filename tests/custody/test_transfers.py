"""Hand-over: releases that are withdrawn, and buyers who have but one key."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.events import Release, parse_event
from ledger.custody.governance.operators import key_uri
from ledger.custody.governance.statements import Authority
from ledger.custody.names.parties import guest_uri, is_guest, parse_issuer_uri, parse_party_uri
from ledger.custody.states import GuestState, KeyClaim
from tests.custody.history import REGISTRAR, Log, cose, genesis, operator_uri, signer_of

POSSESSION = ("possession", "ownership")


@pytest.fixture
def log() -> Log:
    return Log("owner", "assessor", "recycler", "authority", "buyer")


@pytest.fixture
def pack(log: Log) -> str:
    battery = log.battery()
    log.live(battery, "manufacture")
    return battery


def guest(name: str = "guest") -> str:
    return guest_uri(signer_of(name).key.kid)


def for_guest(name: str = "guest", **fields: Any) -> dict[str, Any]:
    """The fields of a release to the guest with the key of this name."""
    return {"receiver": guest(name), "guest_key": cose(name), "moves": POSSESSION, **fields}


def by_guest(log: Log, kind: str, battery: str, name: str = "guest", **fields: Any) -> bytes:
    if kind == "release":
        fields.setdefault("giver", guest(name))
        fields.setdefault("moves", POSSESSION)
    return log.event(kind, battery, iss=guest(name), signer=signer_of(name), **fields)


# Withdrawal


def test_a_release_is_withdrawn_and_cannot_be_accepted(log: Log, pack: str) -> None:
    log.live(pack, "release")
    assert log.state(pack).physical == "in-transit"
    taken = log.live(pack, "withdrawal")
    state = log.state(pack)
    assert (state.physical, state.released, state.possessor) == ("made", (), operator_uri("owner"))
    assert taken.decision.subjects == (pack,)
    assert log.refused(log.event("accept", pack, by="buyer")) == "rejected.CUS-1"
    assert log.refused(log.event("withdrawal", pack)) == "rejected.CUS-1"


def test_only_the_giver_withdraws(log: Log, pack: str) -> None:
    log.live(pack, "release")
    for stranger in ("buyer", "recycler", "authority"):
        data = log.event("withdrawal", pack, by=stranger)
        assert log.refused(data) == "rejected.CUS-1", stranger
    log.live(pack, "withdrawal")


def test_what_was_accepted_is_withdrawn_no_more(log: Log, pack: str) -> None:
    log.hand_over(pack, "owner", "buyer")
    assert log.refused(log.event("withdrawal", pack)) == "rejected.CUS-1"


def test_a_withdrawal_names_a_release(log: Log, pack: str) -> None:
    made = log.refs[pack, "manufacture"]
    log.live(pack, "release")
    assert log.refused(log.event("withdrawal", pack, release_ref=made)) == "rejected.CUS-1"
    unknown = log.event("withdrawal", pack, release_ref=bytes(32))
    assert log.refused(unknown) == "rejected.entry.unknown"


def test_a_withdrawal_concerns_every_unit_of_the_release(log: Log, pack: str) -> None:
    second, third = log.battery(), log.battery()
    log.live(second, "manufacture")
    log.live(third, "manufacture")
    log.live(pack, "release", units=(second, third))
    accepted = log.event("accept", second, by="buyer", release_ref=log.refs[pack, "release"])
    log.take(accepted)
    taken = log.live(pack, "withdrawal")
    assert taken.decision.subjects == (pack, second, third)
    assert log.state(third).physical == "made"
    assert log.state(third).released == ()
    assert log.state(second).possessor == operator_uri("buyer")


def test_a_withdrawn_release_can_be_made_again(log: Log, pack: str) -> None:
    log.live(pack, "release")
    log.live(pack, "withdrawal")
    log.hand_over(pack, "owner", "buyer")
    assert log.state(pack).possessor == operator_uri("buyer")


# Guests


def test_a_guest_accepts(log: Log, pack: str) -> None:
    log.live(pack, "release", **for_guest())
    kid = signer_of("guest").key.kid
    assert isinstance(log.states[guest()], GuestState)
    assert key_uri(kid) not in log.states
    log.take(by_guest(log, "accept", pack))
    state = log.state(pack)
    assert (state.possessor, state.owner, state.physical) == (guest(), guest(), "made")
    assert state.responsible == operator_uri("owner")
    assert log.states[key_uri(kid)] == KeyClaim(owner=guest())
    assert guest() in state.parties


def test_a_guest_refuses(log: Log, pack: str) -> None:
    log.live(pack, "release", **for_guest())
    log.take(by_guest(log, "refuse", pack))
    assert log.state(pack).possessor == operator_uri("owner")
    for kind in ("accept", "refuse"):
        assert log.refused(by_guest(log, kind, pack)) == "rejected.guest.answered"
    for kind in ("release", "dispute"):
        data = by_guest(log, kind, pack, **about(log, pack, kind))
        assert log.refused(data) == "rejected.guest.kind"


def about(log: Log, pack: str, kind: str) -> dict[str, Any]:
    return {"entry_ref": log.refs[pack, "manufacture"]} if kind == "dispute" else {}


def test_a_guest_whose_release_is_withdrawn_has_nothing_to_accept(log: Log, pack: str) -> None:
    log.live(pack, "release", **for_guest())
    log.live(pack, "withdrawal")
    assert log.refused(by_guest(log, "accept", pack)) == "rejected.CUS-1"


def test_the_key_of_a_guest_serves_for_one_release(log: Log, pack: str) -> None:
    second = log.battery()
    log.live(second, "manufacture")
    log.live(pack, "release", **for_guest())
    log.live(second, "release", receiver=operator_uri("buyer"))
    other = log.refs[second, "release"]
    data = by_guest(log, "accept", second, release_ref=other)
    assert log.refused(data) == "rejected.guest.release"
    log.live(second, "withdrawal")
    again = log.event("release", second, **for_guest())
    assert log.refused(again) == "rejected.key.owner"
    log.take(by_guest(log, "accept", pack))
    assert log.refused(by_guest(log, "accept", pack)) == "rejected.guest.answered"
    assert log.refused(log.event("release", second, **for_guest())) == "rejected.key.owner"


def test_somebody_else_does_not_answer_for_a_guest(log: Log, pack: str) -> None:
    log.live(pack, "release", **for_guest())
    assert log.refused(log.event("accept", pack, by="buyer")) == "rejected.CUS-1"
    stranger = by_guest(log, "accept", pack, "other-guest")
    assert log.refused(stranger) == "rejected.issuer.unknown"
    forged = log.event("accept", pack, iss=guest(), signer=signer_of("other-guest"))
    assert log.refused(forged) == "rejected.key.unknown"


def test_a_guest_hands_on_and_disputes_and_does_nothing_else(log: Log, pack: str) -> None:
    log.live(pack, "release", **for_guest())
    early = by_guest(log, "release", pack, receiver=operator_uri("buyer"))
    assert log.refused(early) == "rejected.guest.kind"
    log.take(by_guest(log, "accept", pack))
    for kind in ("install", "waste", "recycle", "reading", "assessment"):
        assert log.refused(by_guest(log, kind, pack)) == "rejected.guest.kind"
    log.take(by_guest(log, "dispute", pack, entry_ref=log.refs[pack, "manufacture"]))
    assert log.state(pack).record == "disputed"
    log.take(by_guest(log, "release", pack, receiver=operator_uri("buyer")))
    log.take(by_guest(log, "withdrawal", pack))
    log.take(by_guest(log, "release", pack, **for_guest("second-guest")))
    log.take(by_guest(log, "accept", pack, "second-guest"))
    assert log.state(pack).possessor == guest("second-guest")
    moves = ("possession",)
    former = by_guest(log, "release", pack, receiver=operator_uri("buyer"), moves=moves)
    assert log.refused(former) == "rejected.CUS-2"


def test_a_guest_does_not_hand_on_what_it_never_had(log: Log, pack: str) -> None:
    second = log.battery()
    log.live(second, "manufacture")
    log.live(pack, "release", **for_guest())
    log.take(by_guest(log, "accept", pack))
    moves = ("possession",)
    data = by_guest(log, "release", second, receiver=operator_uri("buyer"), moves=moves)
    assert log.refused(data) == "rejected.CUS-2"
    foreign = by_guest(log, "dispute", second, entry_ref=log.refs[second, "manufacture"])
    assert log.refused(foreign) == "rejected.ROL-1"


def test_keys_of_others_are_no_guests(log: Log, pack: str) -> None:
    for name in ("buyer", "registrar", "root", "statements"):
        data = log.event("release", pack, **for_guest(name))
        assert log.refused(data) == "rejected.key.owner", name
    log.live(pack, "release", **for_guest())
    log.take(by_guest(log, "accept", pack))
    assert log.refused(log.add_key("buyer", "guest")) == "rejected.key.owner"


def test_a_key_that_was_registered_meanwhile_is_its_owners(log: Log, pack: str) -> None:
    log.live(pack, "release", **for_guest())
    log.take(log.add_key("buyer", "guest"))
    assert log.refused(by_guest(log, "accept", pack)) == "rejected.key.owner"


def test_the_algorithm_of_a_guest_is_an_allowed_one(pack: str, log: Log) -> None:
    strict = Log("owner", policy=genesis(algorithms=(-19,)))
    battery = strict.battery()
    strict.live(battery, "manufacture")
    data = strict.event("release", battery, **for_guest("guest-p256"))
    assert strict.refused(data) == "rejected.algorithm"


def test_an_authoritys_key_is_reserved(log: Log, pack: str) -> None:
    publisher = Authority(uri="urn:cellbook:authority:lists", role="publisher", key=cose("lists"))
    registrar = Authority(uri=REGISTRAR, role="registrar", key=cose("registrar"))
    log.take(log.next_policy(authorities=(registrar, publisher)))
    assert log.refused(log.event("release", pack, **for_guest("lists"))) == "rejected.key.owner"


@pytest.mark.parametrize(
    "fields",
    [
        for_guest(guest_key=None),
        for_guest(guest_key=cose("other-guest")),
        for_guest(receiver=operator_uri("buyer")),
        for_guest(moves=("possession", "responsibility")),
    ],
    ids=["no key", "another key", "an operator", "responsibility"],
)
def test_the_form_of_a_release_to_a_guest(log: Log, pack: str, fields: dict[str, Any]) -> None:
    with pytest.raises(CellbookError) as refused:
        log.event("release", pack, **fields)
    assert refused.value.code == "malformed.payload.field"


def test_a_release_to_a_guest_reads_as_it_was_written(log: Log, pack: str) -> None:
    statement, _, _ = log.read(log.event("release", pack, **for_guest()))
    event = parse_event(statement.payload)
    assert isinstance(event, Release)
    assert (event.receiver, event.guest_key) == (guest(), cose("guest"))


@pytest.mark.parametrize(
    "uri", ["urn:cellbook:guest:", guest().upper(), guest()[:-1], guest() + "0"]
)
def test_names_of_guests_have_one_form(uri: str) -> None:
    for parse in (parse_party_uri, parse_issuer_uri):
        with pytest.raises(CellbookError) as refused:
            parse(uri)
        assert refused.value.code == "rejected.operator.uri"


def test_names_of_guests() -> None:
    assert is_guest(guest())
    assert parse_party_uri(guest()) == parse_issuer_uri(guest()) == guest()
    assert parse_party_uri(operator_uri("buyer")) == operator_uri("buyer")
