"""``source_ref``: one event of an issuer for each of its records, however often it is signed."""

from __future__ import annotations

from hashlib import sha256

import pytest

from keys.errors import CellbookError
from ledger.custody.decision import needed, read_content
from ledger.custody.events import Event
from ledger.custody.sourcing import source_of, source_uri
from ledger.custody.states import SourceClaim
from ledger.custody.values.fields import EventView
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import parse_statement
from tests.custody.history import Log, operator_uri

REF = "MES-7/000123"
NAME = source_uri(operator_uri("owner"), REF)


@pytest.fixture
def log() -> Log:
    return Log("owner", "maker", "assessor")


def caught(log: Log, data: bytes) -> CellbookError:
    before = dict(log.states)
    with pytest.raises(CellbookError) as error:
        log.take(data)
    assert log.states == before
    return error.value


def test_the_name_is_a_digest_of_issuer_and_reference() -> None:
    digest = sha256(b"https://owner.example\x00MES-7/000123").hexdigest()
    assert f"urn:cellbook:source:{digest}" == NAME
    assert source_uri("https://owner.example/", REF) != NAME


def test_an_event_claims_its_record(log: Log) -> None:
    data = log.event("manufacture", log.battery(), source_ref=REF)
    statement = parse_statement(data)
    assert NAME in needed(statement, read_content(statement)).uris
    taken = log.take(data)
    said = sha256(statement.sub.encode() + b"\0" + statement.payload).digest()
    assert log.states[NAME] == SourceClaim(entry_id=taken.entry_id, said=said)
    assert NAME not in taken.decision.subjects


def test_the_same_event_signed_again_is_registered_already(log: Log) -> None:
    pack = log.battery()
    taken = log.take(log.event("manufacture", pack, at=1, iat=1, source_ref=REF))
    error = caught(log, log.event("manufacture", pack, at=1, iat=2, source_ref=REF))
    assert error.code == "conflict.source-ref"
    assert error.facts == {"location": encode_base64url(taken.entry_id)}


def test_another_event_of_the_record_is_named_as_such(log: Log) -> None:
    pack = log.battery()
    taken = log.take(log.event("manufacture", pack, source_ref=REF))
    for data in (
        log.event("manufacture", pack, batch_id="other", source_ref=REF),
        log.event("manufacture", log.battery(), source_ref=REF),
        log.event("install", pack, source_ref=REF),
    ):
        error = caught(log, data)
        assert error.code == "conflict.source-ref.changed"
        assert error.facts == {"location": encode_base64url(taken.entry_id)}


def test_a_buyer_accepts_no_log_that_let_two_pass(log: Log) -> None:
    """It is no rule that a profile could leave out: the decision itself refuses."""
    log.take(log.event("manufacture", log.battery(), source_ref=REF))
    with pytest.raises(CellbookError, match="another event under this source_ref"):
        log.take(log.event("manufacture", log.battery(), source_ref=REF), refuse=False)


def test_issuers_do_not_know_of_each_other(log: Log) -> None:
    log.take(log.event("manufacture", log.battery(), source_ref=REF))
    log.take(log.event("manufacture", log.battery(), by="maker", source_ref=REF))
    log.take(log.event("manufacture", log.battery(), source_ref=REF + "4"))


def test_statements_about_entries_have_records_too(log: Log) -> None:
    pack = log.battery()
    log.take(log.event("manufacture", pack, at=1, source_ref=REF))
    dispute = {"entry_ref": log.refs[pack, "manufacture"], "source_ref": "D-1"}
    log.take(log.event("dispute", pack, at=2, iat=2, **dispute))
    again = log.event("dispute", pack, at=2, iat=3, **dispute)
    assert caught(log, again).code == "conflict.source-ref"


def test_without_a_reference_nothing_is_claimed(log: Log) -> None:
    pack = log.battery()
    data = log.event("manufacture", pack)
    statement, content, _ = log.read(data)
    assert isinstance(content, Event)
    assert source_of(statement, content) is None
    log.take(data)
    assert not any(isinstance(state, SourceClaim) for state in log.states.values())
    # Without one, only the rules can tell a repetition.
    assert caught(log, log.event("manufacture", pack)).code == "rejected.ID-4"


def test_a_withheld_reference_claims_nothing(log: Log) -> None:
    statement, content, _ = log.read(log.event("manufacture", log.battery(), source_ref=REF))
    assert isinstance(content, Event)
    assert source_of(statement, content) == NAME
    withheld = EventView(content, frozenset({"source_ref"}))
    assert source_of(statement, withheld) is None


def test_a_refused_event_claims_nothing(log: Log) -> None:
    pack = log.battery()
    assert log.refused(log.event("install", pack, source_ref=REF)).startswith("rejected.")
    log.take(log.event("manufacture", pack, source_ref=REF))


def test_a_claim_is_no_battery(log: Log) -> None:
    log.take(log.event("manufacture", log.battery(), source_ref=REF))
    assert caught(log, log.event("install", NAME)).code == "rejected.subject.kind"
