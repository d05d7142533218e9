"""Which batteries a statement concerns: the same for everybody, each once, in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.citing import MAX_DEPTH
from ledger.custody.events import encode_event, parse_event
from ledger.custody.events.afterlife import Remainder
from ledger.custody.governance.statements import Limits
from ledger.custody.states import AliasState
from ledger.custody.subjects import CitedEntry, Named, cite, concerned_by, named_by
from tests.custody.history import Log, identifier, operator_uri
from tests.custody.samples import CELL, DISPUTE, EVENTS_BY_NAME, OTHER_CELL, PACK, SECOND_LIFE
from tests.log.lives import make_event, repurpose_input

WHEN = "2026-06-03T10:00:00+08:00"
LEFT = Remainder(id=CELL, mass_g=10, reason="spare", destination="stock")


@pytest.fixture
def log() -> Log:
    return Log("owner", "maker", "assessor", "authority", "buyer")


@pytest.mark.parametrize(
    ("kind", "fields", "parts"),
    [
        ("manufacture", {"uris": (PACK,), "children": (CELL,)}, ["sub", "child"]),
        ("manufacture", {"uris": (PACK, SECOND_LIFE)}, ["sub", "alias"]),
        ("relabel", {"new_ids": (identifier(SECOND_LIFE),)}, ["sub", "alias"]),
        ("release", {"units": (CELL, OTHER_CELL), "giver": operator_uri("a"),
                     "receiver": operator_uri("b")}, ["sub", "unit", "unit"]),
        ("recycle", {"units": (CELL,)}, ["sub", "unit"]),
        ("incident", {"kind": "fire", "units": (CELL,)}, ["sub", "unit"]),
        ("assessment", {"scope": "sample", "units": (CELL,)}, ["sub", "unit"]),
        ("install", {}, ["sub"]),
        ("reading", {}, ["sub"]),
    ],
)  # fmt: skip
def test_what_an_event_names(kind: str, fields: dict[str, object], parts: list[str]) -> None:
    named = named_by(make_event(kind, PACK, WHEN, **fields), PACK)
    assert [name.part for name in named] == parts
    assert named[0] == Named(PACK, "sub")


def test_what_a_repurposing_names() -> None:
    event = make_event(
        "repurpose",
        PACK,
        WHEN,
        inputs=(repurpose_input(PACK, bytes(32)), repurpose_input(OTHER_CELL, bytes(32))),
        outputs=(SECOND_LIFE,),
        remainder=(LEFT, Remainder(lot="L", mass_g=1, reason="dust", destination="waste")),
        responsible_operator=operator_uri("a"),
    )
    assert [(name.uri, name.part) for name in named_by(event, PACK)] == [
        (PACK, "sub"),
        (OTHER_CELL, "input"),
        (SECOND_LIFE, "output"),
        (CELL, "remainder"),
    ]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("recycle", {"units": (PACK,)}),
        ("recycle", {"units": (CELL, CELL)}),
        ("manufacture", {"uris": (PACK, PACK)}),
        ("manufacture", {"uris": (PACK, CELL), "children": (CELL,)}),
        ("manufacture", {"children": (PACK,)}),
        ("relabel", {"new_ids": (identifier(PACK),)}),
    ],
)
def test_nothing_is_named_twice(log: Log, kind: str, fields: dict[str, object]) -> None:
    with pytest.raises(CellbookError) as refused:
        log.take(log.event(kind, PACK, **fields))
    assert refused.value.code == "rejected.subject.twice"


def test_the_sub_is_what_the_payload_puts_first(log: Log) -> None:
    other = log.battery()
    assert log.refused(log.event("manufacture", PACK, uris=(other, PACK))) == (
        "rejected.subject.part"
    )
    data = log.event("repurpose", PACK, inputs=(repurpose_input(other, bytes(32)),))
    assert log.refused(data) == "rejected.subject.part"


def test_the_whole_is_concerned_while_a_part_is_inside(log: Log) -> None:
    pack, cell = log.battery(), log.battery("C")
    log.take(log.event("manufacture", pack, children=(cell,)))
    read = log.take(log.event("reading", cell))
    assert read.decision.subjects == (cell, pack)
    log.live(pack, "install", "decommission", "assessment")
    left = Remainder(id=cell, mass_g=10, reason="spare", destination="stock")
    opened = log.take(log.event("repurpose", pack, remainder=(left,)))
    assert opened.decision.subjects[0] == pack
    assert cell in opened.decision.subjects
    assert log.take(log.event("reading", cell)).decision.subjects == (cell,)


def test_a_statement_about_an_entry_concerns_whom_the_entry_concerned(log: Log) -> None:
    pack, cell, label = log.battery(), log.battery("C"), log.battery()
    made = log.take(log.event("manufacture", pack, uris=(pack, label), children=(cell,)))
    subjects = {pack, label, cell}
    assert set(made.decision.subjects) == subjects
    disputed = log.take(log.event("dispute", pack, entry_ref=made.entry_id))
    corrected = log.take(log.event("correction", cell, entry_ref=disputed.entry_id))
    for taken in (disputed, corrected):
        assert set(taken.decision.subjects) == subjects
    assert corrected.decision.subjects[0] == cell
    assert log.states[label] == AliasState(of=pack)


def test_an_entry_that_is_about_other_batteries(log: Log) -> None:
    pack, other = log.battery(), log.battery()
    log.live(other, "manufacture")
    made = log.take(log.event("manufacture", pack))
    data = log.event("dispute", other, entry_ref=made.entry_id)
    assert log.refused(data) == "rejected.subject.part"


def test_an_entry_that_is_not_there_or_about_no_battery(log: Log) -> None:
    pack = log.battery()
    log.take(log.event("manufacture", pack))
    entries = (bytes(32), log.taken[0].entry_id, log.taken[1].entry_id)
    for entry_id in entries:
        data = log.event("dispute", pack, entry_ref=entry_id)
        assert log.refused(data) == "rejected.entry.unknown"


def test_statements_about_statements_go_down_to_a_fixed_depth(log: Log) -> None:
    pack = log.battery()
    entry_id = log.take(log.event("manufacture", pack)).entry_id
    for _ in range(MAX_DEPTH):
        entry_id = log.take(log.event("correction", pack, entry_ref=entry_id)).entry_id
    data = log.event("correction", pack, entry_ref=entry_id)
    assert log.refused(data) == "rejected.entry.depth"


def test_a_policy_limits_the_subjects(log: Log) -> None:
    log.take(log.next_policy(limits=Limits(subjects=3)))
    pack, cells = log.battery(), tuple(log.battery("C") for _ in range(3))
    assert log.refused(log.event("manufacture", pack, children=cells)) == "rejected.subject.count"
    log.take(log.event("manufacture", pack, children=cells[:2]))


@pytest.mark.parametrize("name", [name for name in EVENTS_BY_NAME if name != "model"])
def test_an_entry_that_is_cited_has_the_subjects_that_it_names(name: str) -> None:
    event = EVENTS_BY_NAME[name]
    named = [item.uri for item in named_by(event, PACK)] if name != "onboarded" else [CELL]
    about = {DISPUTE.entry_ref: CitedEntry(bytes(32), 1, "x", "recycle", (PACK, OTHER_CELL))}
    cited = cite(bytes(32), 7, "x", named[0], event, about)
    assert cited.subjects[: len(named)] == tuple(named)
    assert len(set(cited.subjects)) == len(cited.subjects)


CODES = [f"urn:cellbook:gbt34014:4A6PBPM27KLPCLE74{n:07d}" for n in range(1, 8)]


@settings(max_examples=100, deadline=None)
@given(
    units=st.lists(st.sampled_from(CODES[1:]), min_size=1, max_size=6, unique=True),
    kind=st.sampled_from(["recycle", "incident"]),
)
def test_subjects_are_a_function_of_bytes_and_states(units: list[str], kind: str) -> None:
    fields = {"kind": "fire"} if kind == "incident" else {}
    event = make_event(kind, CODES[0], WHEN, units=tuple(units), **fields)
    again = parse_event(encode_event(event))
    first, second = (
        concerned_by(item, named_by(item, CODES[0]), {}, {}, 1000) for item in (event, again)
    )
    assert first == second == (CODES[0], *units)
    assert len(set(first)) == len(first)
