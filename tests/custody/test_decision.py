"""Decisions beyond the rules: names, audiences, models, and what a buyer can decide."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from keys.errors import CellbookError
from ledger.custody.admission import admit
from ledger.custody.decision import Decision, read_content
from ledger.custody.events import encode_event
from ledger.custody.events.afterlife import Remainder
from ledger.custody.governance.statements import Head, Limits
from ledger.custody.names.naming import log_uri
from ledger.custody.states import AliasState, ModelState, State
from ledger.custody.values.times import format_moment
from ledger.wire.statement import TYP_EVENT, TYP_GRANT, TYP_HEAD, parse_statement, sign_statement
from tests.custody.history import ORIGIN, START, Log, identifier, operator_uri, signer_of, verified
from tests.custody.samples import MODEL
from tests.log.lives import repurpose_input

MODEL_URI = "urn:cellbook:model:LF280K-48:3"


@pytest.fixture
def log() -> Log:
    return Log("owner", "maker", "assessor", "authority", "buyer")


def model(log: Log, sub: str = MODEL_URI, by: str = "owner") -> bytes:
    event = replace(MODEL, occurred_at=format_moment(START, 480))
    return sign_statement(
        signer_of(by),
        typ=TYP_EVENT,
        iss=operator_uri(by),
        sub=sub,
        aud=log.family,
        iat=START,
        payload=encode_event(event),
    )


# What a statement is


def test_typ_and_payload_agree(log: Log) -> None:
    content = Head(tree_size=len(log.taken), time=START, index_root=bytes(32))
    uri = log_uri(ORIGIN)
    as_governance = log.governance(content, uri, iss=uri, key="statements")
    assert log.refused(as_governance) == "rejected.typ"
    registration = log.read(log.registration("new"))[1]
    as_head = log.governance(registration, operator_uri("new"), typ=TYP_HEAD)  # type: ignore[arg-type]
    assert log.refused(as_head) == "rejected.typ"


def test_a_typ_that_is_not_registered_yet(log: Log) -> None:
    statement = parse_statement(log.event("manufacture", log.battery()))
    with pytest.raises(CellbookError) as refused:
        read_content(replace(statement, typ=TYP_GRANT))
    assert refused.value.code == "unsupported.typ.registration"


def test_another_familys_statements(log: Log) -> None:
    other = "urn:cellbook:family:" + "A" * 43
    for data in (
        log.event("manufacture", log.battery(), aud=other),
        log.governance(log.read(log.change("maker", "maker"))[1], operator_uri("maker"), aud=other),  # type: ignore[arg-type]
    ):
        assert log.refused(data) == "rejected.aud"


# Names


@pytest.mark.parametrize(
    "sub",
    [
        "https://owner.example",
        "https://maker.example",
        "urn:cellbook:log:log.example/test",
        MODEL_URI,
    ],
)
@pytest.mark.parametrize("kind", ["incident", "install", "assessment", "intake"])
def test_an_event_is_about_a_battery(log: Log, sub: str, kind: str) -> None:
    log.take(model(log))
    by = {"incident": "authority", "assessment": "assessor"}.get(kind, "owner")
    fields = {"kind": "fire"} if kind == "incident" else {}
    data = log.event(kind, sub, by=by, **fields)
    assert log.refused(data) == "rejected.subject.kind"


def test_a_unit_that_is_no_battery(log: Log) -> None:
    log.take(model(log))
    pack = log.battery()
    log.live(pack, "manufacture")
    data = log.event("incident", pack, by="authority", kind="fire", units=(MODEL_URI,))
    assert log.refused(data) == "rejected.subject.kind"
    for name in ("https://nobody.example", "urn:cellbook:gtin:0950600013435"):
        data = log.event("release", pack, units=(name,))
        assert log.refused(data) == "unsupported.subject"


@pytest.mark.parametrize("part", ["sub", "unit", "child", "input", "remainder"])
def test_an_alias_never_stands_for_its_battery(log: Log, part: str) -> None:
    pack, label, other = log.battery(), log.battery(), log.battery()
    log.take(log.event("manufacture", pack, uris=(pack, label)))
    log.live(other, "manufacture", "install", "decommission", "assessment")
    log.take(log.event("relabel", other, new_ids=(identifier(log.battery()),)))
    inputs = tuple(repurpose_input(uri, bytes(32)) for uri in (other, label))
    left = Remainder(id=label, mass_g=1, reason="spare", destination="stock")
    data = {
        "sub": lambda: log.event("install", label),
        "unit": lambda: log.event("recycle", other, units=(label,)),
        "child": lambda: log.event("manufacture", log.battery(), children=(label,)),
        "input": lambda: log.event("repurpose", other, inputs=inputs),
        "remainder": lambda: log.event("repurpose", other, remainder=(left,)),
    }[part]()
    with pytest.raises(CellbookError) as refused:
        log.take(data)
    assert refused.value.code == "rejected.subject.alias"
    assert pack in refused.value.detail


def test_another_spelling_is_refused_and_the_right_one_named(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    small = pack.replace("4A6P", "4a6p")
    for data in (
        log.event("install", small),
        log.event("release", pack, units=(small,)),
        log.event("manufacture", log.battery(), children=(small,)),
        log.event("relabel", pack, new_ids=(identifier(small),)),
    ):
        with pytest.raises(CellbookError) as refused:
            log.take(data)
        assert refused.value.code == "rejected.subject.not-canonical"
        assert refused.value.facts["canonical"] == pack


def test_a_label_of_a_scheme_that_this_version_cannot_judge(log: Log) -> None:
    pack = log.battery()
    label = identifier("urn:cellbook:gs1-dl:https://id.gs1.org/01/09506000134352/21/7")
    ids = (identifier(pack), label)
    assert log.refused(log.event("manufacture", pack, ids=ids)) == "unsupported.subject"


def test_a_relabelling_claims_its_identifiers(log: Log) -> None:
    pack, label = log.battery(), log.battery()
    log.live(pack, "manufacture")
    taken = log.take(log.event("relabel", pack, new_ids=(identifier(label),)))
    assert taken.decision.subjects == (pack, label)
    assert log.states[label] == AliasState(of=pack)
    assert log.refused(log.event("install", label)) == "rejected.subject.alias"


# Models


def test_a_model_version_is_stated_once(log: Log) -> None:
    taken = log.take(model(log))
    assert taken.decision.subjects == (MODEL_URI,)
    state = log.states[MODEL_URI]
    assert isinstance(state, ModelState)
    assert (state.issuer, state.at.index) == (operator_uri("owner"), taken.index)
    assert log.refused(model(log, by="maker")) == "rejected.subject.taken"


def test_a_model_under_another_name(log: Log) -> None:
    for sub in ("urn:cellbook:model:LF280K-48:4", log.battery(), "https://owner.example"):
        assert log.refused(model(log, sub)) == "rejected.subject.kind"
    assert log.refused(model(log, by="assessor")) == "rejected.ROL-1"


# Size, and whose signature


def test_a_statement_over_the_policys_size(log: Log) -> None:
    log.take(log.next_policy(limits=Limits(entry_bytes=1024)))
    long: dict[str, Any] = dict.fromkeys(("batch_id", "passport_id", "chemistry"), "L" * 250)
    data = log.event("manufacture", log.battery(), **long)
    assert log.refused(data) == "rejected.size"


def test_a_signature_that_was_verified_is_not_verified_again(log: Log) -> None:
    data = bytearray(log.event("manufacture", log.battery()))
    data[-1] ^= 1
    statement, content, occasion = log.read(bytes(data))
    states, cited = log.gathered(statement, content)
    for key in (None, verified("maker")):
        with pytest.raises(CellbookError) as refused:
            admit(statement, content, occasion, log.log, states, cited, verified=key)
        assert refused.value.code == "failed.signature"
    # The caller vouches for this key, and the decision does not ask again.
    admission = admit(
        statement, content, occasion, log.log, states, cited, verified=verified("owner")
    )
    assert admission.key == verified("owner")


# In a buyer's hands


def test_breaches_become_findings_and_the_story_goes_on(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    second = log.take(log.event("install", pack), refuse=False)
    assert [f.rule for f in second.decision.findings if f.breach] == ["ORD-2", "ORD-4"]
    assert second.decision.findings[0].index == second.index
    log.take(log.event("decommission", pack))
    assert log.state(pack).physical == "removed"


def test_a_code_that_is_none_breaks_no_story(log: Log) -> None:
    pack, bad = log.battery(), "urn:cellbook:gbt34014:4A6CBPM27KLPCLU740000001"
    for kind, fields in (
        ("manufacture", {"children": (bad,)}),
        ("release", {"units": (bad,)}),
    ):
        taken = log.take(log.event(kind, pack, **fields), refuse=False)
        assert ("ID-1", bad) in {(f.rule, f.uri) for f in taken.decision.findings}
        assert bad in taken.decision.subjects
    assert bad not in log.states


def test_a_battery_begins_once_whatever_was_let_pass(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    before = log.state(pack)
    again = log.take(log.event("manufacture", pack, by="maker"), refuse=False)
    assert {f.rule for f in again.decision.findings if f.breach} >= {"ID-4"}
    assert (log.state(pack).maker, log.state(pack).physical) == (before.maker, "installed")


def test_batteries_that_are_not_carried_are_neither_judged_nor_folded(log: Log) -> None:
    pack, other = log.battery(), log.battery()
    log.live(pack, "manufacture")
    data = log.event("release", pack, units=(other,))
    assert log.refused(data) == "rejected.ORD-1"
    decision = log.decided(data, carried=frozenset({pack}))
    assert decision.findings == ()
    assert set(decision.after) == {pack}
    assert decision.subjects == (pack, other)


def test_a_whole_that_is_not_carried_begins_nothing(log: Log) -> None:
    pack, cell, label = log.battery(), log.battery("C"), log.battery()
    data = log.event("manufacture", pack, uris=(pack, label), children=(cell,))
    assert set(log.decided(data, carried={cell}).after) == {cell}
    assert set(log.decided(data, carried={pack}).after) == {pack, label}


def test_roles_are_judged_though_the_sub_is_not_carried(log: Log) -> None:
    cell = log.battery("C")
    data = log.event("manufacture", log.battery(), by="buyer", children=(cell,))
    findings = log.decided(data, refuse=False, carried={cell}).findings
    assert [f.rule for f in findings if f.breach] == ["ROL-1"]


def test_a_decision_does_not_depend_on_the_order_or_on_other_states(log: Log) -> None:
    pack, other = log.battery(), log.battery()
    log.live(other, "manufacture")
    log.live(pack, "manufacture")
    data = log.event("release", pack, units=(other,))
    statement, content, occasion = log.read(data)
    states, cited = log.gathered(statement, content)

    def decided(known: dict[str, State]) -> Decision:
        found = admit(statement, content, occasion, log.log, known, cited).decision
        return replace(found, cases=())  # they hold all that was known

    first = decided(states)
    assert decided(dict(reversed(states.items()))) == first
    assert decided(log.states) == first
