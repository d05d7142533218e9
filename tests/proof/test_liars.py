"""A log that lies: signed with the right keys, and yet not what registration would have taken."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.events.model import Declared
from ledger.custody.governance.statements import Head, OperatorChanged
from ledger.custody.lists.membership import ListProof
from ledger.custody.lists.schemes import WHITE_LIST, list_uri
from ledger.proof.checks.heads import LATEST
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from ledger.wire.statement import TYP_HEAD
from tests.proof.following import freeze
from tests.proof.lying import OTHER, PACK, SECOND, T0, LyingLog, begun, operator_uri, signer, told


def verify(log: LyingLog, subject: str = PACK) -> Verdict:
    return verify_dossier(log.dossier(subject), log.trust(), log.now)


def refusal(log: LyingLog, subject: str = PACK, at: int = 0) -> str:
    with pytest.raises(CellbookError) as refused:
        verify_dossier(log.dossier(subject), log.trust(), at or log.now)
    assert refused.value.exit_code in (1, 3)
    return refused.value.code


@pytest.mark.parametrize(
    ("kinds", "rule"),
    [
        (("manufacture", "install", "decommission", "decommission"), "ORD-3"),
        (("manufacture", "manufacture"), "ID-4"),
        (("manufacture", "install", "recycle"), "ORD-5"),
        (("manufacture", "recycle", "repair"), "ORD-6"),
        (("manufacture", "install", "decommission", "install"), "ORD-4"),
        (("manufacture", "assessment", "release", "release"), "CUS-1"),
    ],
)
def test_what_registration_refuses_is_a_breach(kinds: tuple[str, ...], rule: str) -> None:
    log = told(*kinds)
    verdict = verify(log)
    assert [finding.rule for finding in verdict.breaches] == [rule]
    assert verdict.breaches[0].index == log.size - 2
    assert verdict.fails()


def test_an_event_before_the_manufacture() -> None:
    log = begun()
    log.live(PACK, "install", "manufacture")
    log.head()
    assert {finding.rule for finding in verify(log).breaches} == {"ORD-1"}


def test_an_assessment_before_the_crash() -> None:
    log = told("manufacture", "install", "decommission", "assessment", "incident", "repurpose")
    found = {finding.rule for finding in verify(log, SECOND).breaches}
    assert found == {"ORD-4", "INC-1"}


def test_signers_without_the_role() -> None:
    log = told("manufacture", "install")
    log.event("repair", PACK, by="buyer")
    log.head()
    assert {finding.rule for finding in verify(log).breaches} == {"ROL-1", "CUS-2"}


def test_who_signs_as_another() -> None:
    log = begun()
    log.event("manufacture", PACK, by="buyer", iss=operator_uri("all"))
    log.head()
    assert refusal(log) == "rejected.key.unknown"


def test_who_is_not_registered_at_all() -> None:
    log = begun()
    log.keys["stranger"] = signer("stranger")
    log.event("manufacture", PACK, by="stranger")
    log.head()
    assert refusal(log) == "failed.dossier.missing"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"by": "stranger"}, "rejected.issuer.authority"),
        ({"by": "root"}, "rejected.issuer.authority"),
        ({"by": "statements"}, "rejected.issuer.authority"),
        ({"iss": "https://stranger.example"}, "rejected.issuer.authority"),
        ({"aud": "urn:cellbook:family:other"}, "rejected.aud"),
    ],
)
def test_an_operator_that_a_stranger_registered(options: dict[str, Any], code: str) -> None:
    log = LyingLog()
    log.keys["stranger"] = signer("stranger")
    log.register("all", "maker", **options)
    log.event("manufacture", PACK)
    log.head()
    assert refusal(log) == code


def test_an_operator_that_is_registered_after_it_signed() -> None:
    log = LyingLog()
    log.keys["all"] = signer("all")
    log.event("manufacture", PACK)
    log.register("all", "maker")
    log.head()
    assert refusal(log) == "failed.dossier.missing"


def test_an_event_by_a_revoked_key() -> None:
    log = told("manufacture")
    log.revoke("all")
    log.event("install", PACK)
    log.head()
    assert refusal(log) == "rejected.KEY-1"


def test_a_role_counts_from_the_change_on() -> None:
    log = told("manufacture")
    uri = operator_uri("all")
    log.state(OperatorChanged(name="all", country="CN", roles=("maker",)), uri)
    log.event("install", PACK)
    log.state(OperatorChanged(name="all", country="CN", roles=("recycler",)), uri)
    log.event("recycle", PACK)
    log.head()
    assert "ROL-1" not in {finding.rule for finding in verify(log).breaches}


def test_an_event_for_another_family() -> None:
    log = begun()
    log.event("manufacture", PACK, aud="urn:cellbook:family:other")
    log.head()
    assert refusal(log) == "rejected.aud"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tree_size": 6}, "failed.dossier.head"),
        ({"tree_size": 8}, "failed.dossier.head"),
        ({"time": T0 - 1}, "failed.dossier.head"),
        ({"time": 0}, "failed.dossier.head"),
        ({"time": LATEST + 1}, "failed.dossier.head"),
        ({"time": 2**40 - 1}, "failed.dossier.head"),
        ({"previous": 4}, "failed.dossier.head"),
        ({"previous": 6}, "failed.dossier.head"),
        ({"previous": 1 << 40}, "failed.dossier.head"),
        ({"previous": None}, "failed.dossier.head"),
    ],
)
def test_heads_that_contradict(changes: dict[str, Any], code: str) -> None:
    """Entry 5 is a head, 6 an event; the head after it is changed."""
    log = begun()
    log.event("manufacture", PACK)
    log.head()
    log.event("assessment", PACK, valid_until="2030-01-01")
    assert log.size == 7
    log.head(**changes)
    assert refusal(log, at=2**41) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"previous": 1 << 40},
        {"previous": 8},
        {"previous": 7},
        {"previous": None},
        {"time": T0},
        {"time": LATEST + 1},
        {"tree_size": 10},
    ],
)
def test_an_empty_epoch_that_contradicts(changes: dict[str, Any]) -> None:
    """Entry 6 is a head and 7 a change of the operator; the head after it gives no event its
    time."""
    log = told("manufacture", "install")
    assert log.last_head == 6
    log.state(OperatorChanged(name="all", country="CN", roles=("maker",)), operator_uri("all"))
    log.head(**changes)
    assert refusal(log, at=2**41) == "failed.dossier.head"


def test_a_head_of_another_family() -> None:
    log = told("manufacture")
    head = Head(tree_size=log.size, time=log.now, index_root=bytes(32), previous=log.size - 1)
    family = "urn:cellbook:family:other"
    log.state(head, log.uri, by="statements", iss=log.uri, typ=TYP_HEAD, aud=family)
    assert refusal(log) == "failed.dossier.head"


def test_lists_of_which_the_log_has_none() -> None:
    log = told("manufacture")
    dossier = decode_dossier(log.dossier())
    names = [row.uri for row in dossier.index]
    index = log.indexed().stated({*names, list_uri(WHITE_LIST)}, log.size - 1)
    lists = {WHITE_LIST: {operator_uri("all"): dict[int, ListProof]()}}
    changed = msgspec.structs.replace(dossier, index=index, lists=lists)
    with pytest.raises(CellbookError) as refused:
        verify_dossier(encode_dossier(changed), log.trust(), log.now)
    assert refused.value.code == "failed.list.missing"


def test_a_log_that_goes_on_after_its_end() -> None:
    log = told("manufacture")
    freeze(log)
    assert verify(log).record.size == log.size
    log.head()
    assert refusal(log) == "failed.dossier.head"
    log = told("manufacture")
    freeze(log)
    log.event("install", PACK)
    log.head()
    assert refusal(log) == "rejected.log.frozen"
    log = told("manufacture")
    freeze(log)
    log.next_policy()
    log.head()
    assert refusal(log) == "rejected.log.frozen"


def test_a_head_by_another_key_or_under_another_name() -> None:
    for by in ("checkpoint", "receipts", "root", "registrar"):
        log = told("manufacture")
        log.event("install", PACK)
        log.keys["statements"] = signer(by)
        log.head()
        assert refusal(log) == "rejected.key.unknown"
    log = told("manufacture")
    other = "urn:cellbook:log:log.example/other"
    head = Head(tree_size=log.size, time=log.now, index_root=bytes(32), previous=log.size - 1)
    log.state(head, other, by="statements", iss=other, typ=TYP_HEAD)
    assert refusal(log) == "failed.dossier.head"


def test_time_that_is_set_ahead_cannot_be_judged() -> None:
    log = begun()
    log.event("manufacture", PACK)
    log.head(time=log.now + 10_000)
    log.now += 10_000 - 60
    assert refusal(log, at=log.now - 5_000) == "undecided.time"


def test_a_compromised_key_is_flagged_and_removes_nothing() -> None:
    log = told("manufacture", "install")
    since = log.now
    log.event("decommission", PACK)
    log.head()
    log.revoke("all", since=since + 1)
    log.head()
    verdict = verify(log)
    flagged = [finding for finding in verdict.remarks if finding.rule == "KEY-1"]
    assert [finding.index for finding in flagged] == [log.size - 4]
    assert not verdict.fails()
    assert verdict.fails(strict=True)
    assert [event.kind for event in verdict.life] == ["manufacture", "install", "decommission"]


def test_an_alias_that_is_another_battery() -> None:
    log = begun()
    log.event("manufacture", OTHER)
    log.event("manufacture", PACK, uris=(PACK, OTHER))
    log.head()
    with pytest.raises(CellbookError) as refused:
        verify_dossier(log.dossier(everything=True), log.trust(), log.now)
    assert refused.value.code == "failed.dossier.foreign"
    with pytest.raises(CellbookError) as refused:
        verify_dossier(log.dossier(leave_out=(4,)), log.trust(), log.now)
    assert refused.value.code == "failed.dossier.incomplete"
    assert refused.value.facts["subject"] == OTHER


def test_another_battery_that_claims_the_name_of_this_one() -> None:
    """Its entry is in the file of this one, whose history alone is at hand."""
    log = begun()
    log.event("manufacture", OTHER)
    log.event("manufacture", PACK, uris=(PACK, OTHER))
    log.head()
    verdict = verify(log, OTHER)
    assert [(finding.rule, finding.index) for finding in verdict.breaches] == [("ID-4", 5)]
    assert verdict.identifiers == (OTHER,)
    log = begun()
    log.event("manufacture", PACK, uris=(PACK, OTHER))
    log.event("manufacture", OTHER)
    log.head()
    assert refusal(log, OTHER) == "rejected.subject.alias"


@pytest.mark.parametrize("is_first", [True, False])
def test_the_outcome_of_a_repurposing_that_is_another_name_of_a_battery(is_first: bool) -> None:
    log = begun()
    log.live(PACK, "manufacture", "install", "decommission", "assessment")
    if is_first:
        log.event("manufacture", OTHER, uris=(OTHER, SECOND))
    log.event("repurpose", PACK)
    if not is_first:
        log.event("manufacture", OTHER, uris=(OTHER, SECOND))
    log.head()
    if is_first:
        assert refusal(log, SECOND) == "failed.dossier.subject"
    else:
        assert [finding.rule for finding in verify(log, SECOND).breaches] == ["ID-4"]


def test_a_model_that_somebody_else_claimed_says_nothing_of_the_battery() -> None:
    model = "urn:cellbook:model:LF280K-48:3"
    fields = {
        "model_id": "LF280K-48",
        "model_version": "3",
        "battery_category": "industrial",
        "chemistry": "NMC of the squatter",
        "rated_capacity_mah": 1_000,
        "min_voltage_mv": 1,
        "nominal_voltage_mv": 2,
        "max_voltage_mv": 3,
        "carbon_footprint": Declared(status="pending"),
        "due_diligence": Declared(status="pending"),
    }
    for by, chemistry, doubts in (("squatter", None, 1), ("all", "NMC of the squatter", 0)):
        log = begun()
        log.register("squatter", "maker")
        log.event("model", model, by=by, **fields)
        log.event("manufacture", PACK, chemistry=None)
        log.head()
        verdict = verify(log)
        assert verdict.profile.chemistry == chemistry
        assert verdict.profile.model_issuer == operator_uri(by)
        assert len([s for s in verdict.unchecked if "rated values" in s]) == doubts
        assert {event.kind for event in verdict.life} == {"manufacture"}
