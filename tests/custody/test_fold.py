"""States after events: what changes, what does not, and what stays bounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keys.errors import CellbookError
from ledger.custody.events.afterlife import Remainder
from ledger.custody.events.life import Onboarding
from ledger.custody.events.record import Recovered
from ledger.custody.fold import fold
from ledger.custody.states import (
    MAX_DISPUTED,
    MAX_PARTIES,
    BatteryState,
    Mark,
    decode_state,
    encode_state,
)
from ledger.custody.subjects import Named
from ledger.custody.values.times import format_moment
from tests.custody.history import ROLES, START, Log, operator_uri
from tests.log.lives import make_event, repurpose_input

OWNER, BUYER = operator_uri("owner"), operator_uri("buyer")
RECOVERED = Recovered(identity_check="code and serial")
LEGACY = Onboarding(known_since="2026-01-01", source="label", reason="older than the log")
PACK = "urn:cellbook:gbt34014:4A6PBPM27KLPCLE740000001"


@pytest.fixture
def log() -> Log:
    return Log()


def holders(state: BatteryState) -> tuple[str, str, str]:
    return state.possessor, state.owner, state.responsible


def test_a_new_battery(log: Log) -> None:
    pack = log.battery()
    taken = log.take(log.event("manufacture", pack, responsible_operator=BUYER))
    state = log.state(pack)
    assert holders(state) == (OWNER, OWNER, BUYER)
    assert (state.level, state.physical, state.status, state.record) == (
        "pack",
        "made",
        "original",
        "active",
    )
    mark = Mark(entry_id=taken.entry_id, index=taken.index, occurred=START + 60)
    assert state.made == state.last == mark
    assert (state.last_use, state.parties) == (None, (OWNER,))


def test_an_onboarded_battery_was_used_by_nobody_knows_whom(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", onboarding=LEGACY)
    state = log.state(pack)
    assert (state.physical, state.last_use) == ("removed", state.made)
    assert log.refused(log.event("install", pack)) == "rejected.ORD-4"
    log.live(pack, "assessment")
    log.take(log.event("repurpose", pack))


def test_life_statuses(log: Log) -> None:
    pack, second = log.battery(), log.second_life()
    log.live(pack, "manufacture", "install", "decommission", "assessment")
    assert log.state(pack).status == "original"
    log.live(pack, "install", "decommission", "assessment")
    assert log.state(pack).status == "re-used"
    log.take(log.event("waste", pack, jurisdiction="CN"))
    assert log.state(pack).status == "re-used"
    log.take(log.event("waste", pack))
    assert log.state(pack).status == "waste"
    log.take(log.event("waste", pack, action="ended"))
    assert (log.state(pack).status, log.state(pack).waste) == ("re-used", ("CN",))
    log.take(log.event("repurpose", pack, outputs=(second,), operation="remanufacture"))
    assert log.state(second).status == "remanufactured"
    assert (log.state(pack).physical, log.state(second).physical) == ("consumed", "made")


@pytest.mark.parametrize(
    ("moves", "after"),
    [
        (("possession",), (BUYER, OWNER, OWNER)),
        (("ownership",), (OWNER, BUYER, OWNER)),
        (("responsibility",), (OWNER, OWNER, BUYER)),
        (("possession", "ownership", "responsibility"), (BUYER, BUYER, BUYER)),
    ],
)
def test_what_a_transfer_moves(log: Log, moves: tuple[str, ...], after: tuple[str, ...]) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    log.take(log.event("release", pack, moves=moves))
    assert holders(log.state(pack)) == (OWNER, OWNER, OWNER)
    assert log.state(pack).physical == ("in-transit" if "possession" in moves else "made")
    log.take(log.event("accept", pack, by="buyer"))
    state = log.state(pack)
    assert (holders(state), state.physical, state.released) == (after, "made", ())
    assert state.parties == (OWNER, BUYER)


def test_a_refusal_returns_everything(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    before = log.state(pack)
    log.take(log.event("release", pack))
    log.take(log.event("refuse", pack, by="buyer"))
    assert replace(log.state(pack), last=before.last) == before


def test_a_sale_that_waits_does_not_undo_what_happens_meanwhile(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    log.take(log.event("release", pack, moves=("ownership",)))
    log.live(pack, "install")
    log.take(log.event("accept", pack, by="buyer"))
    state = log.state(pack)
    assert (state.physical, holders(state)) == ("installed", (OWNER, BUYER, OWNER))
    log.take(log.event("decommission", pack))


def test_a_sale_and_a_carriage_wait_side_by_side(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    sale = log.take(log.event("release", pack, moves=("ownership",)))
    carriage = {"moves": ("possession",), "receiver": operator_uri("recycler")}
    log.take(log.event("release", pack, **carriage))
    assert log.state(pack).physical == "in-transit"
    log.take(log.event("accept", pack, by="buyer", release_ref=sale.entry_id))
    assert log.state(pack).physical == "in-transit"
    log.take(log.event("accept", pack, by="recycler"))
    state = log.state(pack)
    assert (state.physical, state.released) == ("made", ())
    assert holders(state) == (operator_uri("recycler"), BUYER, OWNER)


def test_an_intake_ends_the_carriage_and_leaves_the_sale(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    sale = log.take(log.event("release", pack, moves=("ownership",)))
    log.take(log.event("release", pack, moves=("possession",)))
    log.take(log.event("intake", pack, by="dismantler"))
    state = log.state(pack)
    assert (state.physical, holders(state)) == ("made", (operator_uri("dismantler"), OWNER, OWNER))
    assert [waiting.at.entry_id for waiting in state.released] == [sale.entry_id]


def test_who_repurposes_does_not_come_to_own(log: Log) -> None:
    pack, second = log.battery(), log.second_life()
    log.live(pack, "manufacture", "install", "decommission")
    log.hand_over(pack, "owner", "repurposer", "possession")
    log.live(pack, "assessment")
    log.take(log.event("repurpose", pack, by="repurposer", outputs=(second,)))
    state = log.state(second)
    assert holders(state) == (operator_uri("repurposer"), OWNER, OWNER)
    assert state.predecessors == (pack,)
    log.take(log.event("dispute", second, entry_ref=log.taken[-1].entry_id))


def test_what_is_left_over_is_used_and_in_hand(log: Log) -> None:
    pack, cell = log.battery(), log.battery("C")
    log.take(log.event("manufacture", pack, children=(cell,)))
    assert (log.state(cell).parent, log.state(cell).level) == (pack, "cell")
    log.live(pack, "install", "decommission", "assessment")
    left = Remainder(id=cell, mass_g=10, reason="spare", destination="stock")
    taken = log.take(log.event("repurpose", pack, remainder=(left,)))
    state = log.state(cell)
    assert (state.parent, state.physical) == (None, "removed")
    assert state.last_use is not None
    assert state.last_use.index == taken.index
    assert log.refused(log.event("install", cell)) == "rejected.ORD-4"
    log.live(cell, "assessment", "install")


def test_the_marks_that_an_assessment_is_compared_with(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    removed = log.take(log.event("decommission", pack))
    log.take(log.event("incident", pack, kind="crash", at=1))
    state = log.state(pack)
    assert state.last_use == Mark(
        entry_id=log.taken[-1].entry_id,
        index=log.taken[-1].index,
        occurred=log.minute * 60 + START,
    )
    assert state.last_use.index > removed.index
    assert state.quarantine is not None


@pytest.mark.parametrize(("verdict", "cleared"), [("fit", True), ("unfit", False)])
def test_quarantine_ends_with_a_good_assessment(log: Log, verdict: str, cleared: bool) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    log.take(log.event("incident", pack, kind="fire"))
    log.live(pack, "assessment", verdict=verdict)
    assert (log.state(pack).quarantine is None) == cleared


def test_theft_and_recovery(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    stolen = log.take(log.event("incident", pack, kind="theft"))
    missing = log.state(pack).missing
    assert missing is not None
    assert missing.entry_id == stolen.entry_id
    log.take(log.event("incident", pack, kind="recovery", recovered=RECOVERED))
    state = log.state(pack)
    assert (state.missing, state.last_use) == (None, state.last)
    log.take(log.event("incident", pack, kind="other"))
    assert replace(log.state(pack), last=state.last) == state


def test_a_dispute_is_settled_by_the_resolution_of_that_entry(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    made, installed = log.refs[pack, "manufacture"], log.refs[pack, "install"]
    before = log.state(pack)
    for _ in range(2):
        log.take(log.event("dispute", pack, entry_ref=made))
    assert (log.state(pack).record, log.state(pack).disputes) == ("disputed", 1)
    log.take(log.event("resolution", pack, entry_ref=installed))
    assert log.state(pack).record == "disputed"
    log.take(log.event("resolution", pack, entry_ref=made))
    assert log.state(pack) == before


def test_what_is_said_about_entries_is_no_event_of_the_battery(log: Log) -> None:
    pack = log.battery()
    last = log.live(pack, "manufacture").entry_id
    log.take(log.event("correction", pack, entry_ref=last))
    assert log.state(pack).last.entry_id == last


def test_recycling_ends_a_life_in_stages(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    physical = []
    for stage in ("intake", "pre-treatment", "final"):
        log.live(pack, "recycle", stage=stage)
        physical.append(log.state(pack).physical)
    assert physical == ["made", "destroyed", "recycled"]


# What is bounded


def test_parties_and_disputes_are_bounded(log: Log) -> None:
    log.live(PACK, "manufacture")
    state: Any = log.state(PACK)
    for n in range(MAX_PARTIES + 50):
        mark = Mark(entry_id=n.to_bytes(32, "big"), index=n + 100, occurred=START + n)
        when, named = format_moment(START + n), (Named(PACK, "sub"),)
        event = make_event("intake", PACK, when)
        state = fold(event, named, {PACK: state}, f"https://{n}.example", mark, 1)[PACK]
        event = make_event("dispute", PACK, when, entry_ref=mark.entry_id)
        state = fold(event, named, {PACK: state}, OWNER, mark, 1)[PACK]
    assert len(state.parties) == MAX_PARTIES
    assert state.parties[-1] == state.possessor
    assert len(state.disputed) == MAX_DISPUTED
    assert len(encode_state(state)) < 16_384


def test_a_merge_of_many(log: Log) -> None:
    packs = [log.battery() for _ in range(40)]
    for pack in packs:
        log.live(pack, "manufacture", "install", "decommission", "assessment")
    inputs = tuple(repurpose_input(pack, log.refs[pack, "assessment"]) for pack in packs)
    second = log.second_life()
    log.take(log.event("repurpose", packs[0], inputs=inputs, outputs=(second,)))
    assert log.state(second).predecessors == tuple(packs)
    assert {log.state(pack).physical for pack in packs} == {"consumed"}


# Properties: any story

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["manufacture", "install", "decommission", "assessment", "repurpose", "recycle",
             "release", "accept", "refuse", "intake", "waste", "repair", "fire", "theft",
             "recovery", "dispute", "resolution"]
        ),
        st.sampled_from(["owner"] * 6 + sorted(ROLES)),
        st.integers(-3, 3),
    ),
    max_size=14,
)  # fmt: skip


def told(steps: list[tuple[str, str, int]], refuse: bool) -> Log:
    """A log in which all of ``steps`` were tried on one battery, in order."""
    log = Log()
    for step, by, shift in steps:
        fields: dict[str, Any] = {"by": by}
        if step in ("fire", "theft", "recovery"):
            fields["kind"] = step
        if step == "recovery":
            fields["recovered"] = RECOVERED
        if step in ("dispute", "resolution"):
            fields["entry_ref"] = log.taken[-1].entry_id
        log.minute += 1
        kind = "incident" if "kind" in fields else step
        data = log.event(kind, PACK, at=max(1, log.minute + shift), **fields)
        try:
            log.take(data, refuse=refuse)
        except CellbookError as error:
            assert error.code.startswith("rejected."), error.code  # noqa: PT017
    return log


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_any_story_that_was_let_pass_is_sound(steps: list[tuple[str, str, int]]) -> None:
    log = told(steps, refuse=True)
    for taken in log.taken:
        assert not any(finding.breach for finding in taken.decision.findings)
    state = log.states.get(PACK)
    if not isinstance(state, BatteryState):
        return
    assert (state.physical == "installed") == (state.install is not None)
    moving = [waiting for waiting in state.released if "possession" in waiting.moves]
    assert (state.physical == "in-transit") == bool(moving)
    assert state.possessor in state.parties


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_any_story_is_told_to_its_end_and_twice_the_same(steps: list[tuple[str, str, int]]) -> None:
    first, second = told(steps, refuse=False), told(steps, refuse=False)
    assert first.states == second.states
    for uri, state in first.states.items():
        assert encode_state(state) == encode_state(second.states[uri])
        assert decode_state(encode_state(state)) == state
        assert len(encode_state(state)) < 8_192
