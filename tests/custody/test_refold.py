"""Corrections and upheld disputes: what counts afterwards, and what is flagged."""

from __future__ import annotations

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody import refold
from ledger.custody.events.afterlife import Remainder
from ledger.custody.governance.statements import Profile
from ledger.custody.retelling import folded_again
from ledger.custody.states import MAX_CORRECTED, BatteryState
from tests.custody.history import Log, genesis, identifier, operator_uri
from tests.log.lives import _output, repurpose_input

CORE_2 = genesis(profiles=(Profile(name="core", version=2),))
CORE_4 = genesis(profiles=(Profile(name="core", version=4),))


@pytest.fixture
def log() -> Log:
    return Log(policy=CORE_2)


def correct(log: Log, battery: str, entry: bytes, instead: bytes | None = None) -> list[str]:
    """Take a correction; gives what it found."""
    kind = "did-not-happen" if instead is None else "replace"
    fields = {"kind": kind, "entry_ref": entry, "replacement": instead}
    taken = log.take(log.event("correction", battery, **fields), refuse=False)
    assert not any(finding.breach for finding in taken.decision.findings)
    return [finding.rule for finding in taken.decision.findings]


def test_a_life_that_nobody_corrected_folds_to_the_same_state(log: Log) -> None:
    pack, other, cell, second = log.battery(), log.battery(), log.battery("C"), log.second_life()
    log.take(log.event("manufacture", pack, children=(cell,), passport_id="P", mass_g=9))
    log.live(other, "manufacture", "install", "decommission", "assessment")
    log.live(pack, "install", "decommission", "reading", "repair", "incident", "assessment")
    log.hand_over(pack, "owner", "buyer", "ownership")
    log.hand_over(other, "owner", "buyer", "ownership")
    log.take(log.event("relabel", pack, new_ids=(identifier(log.battery()),)))
    release = log.take(log.event("release", pack, units=(other,), moves=("possession",)))
    log.take(log.event("withdrawal", pack, release_ref=release.entry_id, transfer_id="T-1"))
    inputs = tuple(repurpose_input(uri, log.refs[uri, "assessment"]) for uri in (pack, other))
    left = Remainder(id=cell, mass_g=1, reason="spare", destination="stock")
    log.take(log.event("repurpose", pack, inputs=inputs, outputs=(second,), remainder=(left,)))
    log.live(second, "install", "decommission", "waste")
    log.take(log.event("dispute", second, entry_ref=log.refs[second, "waste"]))
    log.live(cell, "assessment", "reading")
    told = [uri for uri, state in log.states.items() if isinstance(state, BatteryState)]
    assert len(told) == 4
    for uri in told:
        assert folded_again(uri, log.state(uri), log.chain(uri), 2) == log.state(uri), uri


def test_the_last_event_is_taken_back(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    before = log.state(pack)
    gone = log.take(log.event("decommission", pack)).entry_id
    assert correct(log, pack, gone) == []
    after = log.state(pack)
    assert after.corrected == ((gone, b""),)
    assert after.physical == "installed"
    assert after.last == before.last
    log.live(pack, "decommission")


def test_a_removal_that_others_rest_on_is_disputed_and_stays(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    gone = log.take(log.event("decommission", pack)).entry_id
    log.live(pack, "assessment")
    assert correct(log, pack, gone) == ["COR-3", "COR-2"]
    state = log.state(pack)
    assert (state.physical, state.disputed, state.corrected) == ("removed", (gone,), ())


def test_a_repurposing_always_has_something_that_rests_on_it(log: Log) -> None:
    pack, second = log.battery(), log.second_life()
    log.live(pack, "manufacture", "install", "decommission", "assessment")
    gone = log.take(log.event("repurpose", pack, outputs=(second,))).entry_id
    assert "COR-3" in correct(log, pack, gone)
    assert log.state(pack).physical == "consumed"
    assert log.state(second).disputed == (gone,)


def test_an_installation_is_stated_anew(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    wrong = log.take(log.event("install", pack, full_cycles=5, full_cycles_source="bms"))
    before = log.state(pack)
    values = {"full_cycles": 3, "full_cycles_source": "bms", "corrects": wrong.entry_id}
    anew = log.take(log.event("install", pack, at=2, **values)).entry_id
    assert log.state(pack) == before, "it counts when a correction says so"
    assert correct(log, pack, wrong.entry_id, anew) == []
    state = log.state(pack)
    assert state.install is not None
    assert (state.install.entry_id, state.install.index) == (wrong.entry_id, wrong.index)
    assert state.health is not None
    assert state.health.full_cycles == 3
    log.live(pack, "decommission", install_ref=wrong.entry_id)


def test_an_assessment_is_replaced_by_a_later_one(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install", "decommission")
    first = log.take(log.event("assessment", pack)).entry_id
    second = log.take(log.event("assessment", pack, verdict="unfit")).entry_id
    data = log.event(
        "correction", pack, by="assessor", entry_ref=second, replacement=first, kind="replace"
    )
    log.take(data)
    state = log.state(pack)
    assert state.assessed is not None
    assert state.assessed.at.entry_id == first
    assert log.state(pack).last.entry_id == first


def test_an_upheld_dispute_takes_out_what_was_disputed_and_flags_what_follows(log: Log) -> None:
    pack, buyer = log.battery(), operator_uri("buyer")
    log.live(pack, "manufacture")
    log.hand_over(pack, "owner", "buyer")
    entry = log.refs[pack, "accept"]
    log.live(pack, "reading", by="buyer")
    log.take(log.event("dispute", pack, by="owner", entry_ref=entry))
    assert log.state(pack).possessor == buyer
    taken = log.take(log.event("resolution", pack, entry_ref=entry, outcome="upheld"))
    flagged = [finding for finding in taken.decision.findings if finding.rule == "COR-2"]
    assert [finding.index for finding in flagged] == [taken.index - 2]
    state = log.state(pack)
    assert (state.possessor, state.physical) == (operator_uri("owner"), "in-transit")
    assert state.disputed == ()


def test_a_correction_that_was_disputed_and_is_undone(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    before = log.state(pack)
    correct(log, pack, before.last.entry_id)
    assert log.state(pack).physical == "made"
    correction = log.refs[pack, "correction"]
    log.take(log.event("dispute", pack, by="owner", entry_ref=correction))
    log.take(log.event("resolution", pack, entry_ref=correction, outcome="upheld"))
    assert log.state(pack) == before


def test_a_code_whose_manufacture_did_not_happen_is_free_for_its_battery(log: Log) -> None:
    pack = log.battery()
    made = log.live(pack, "manufacture").entry_id
    correct(log, pack, made)
    assert log.state(pack).unmade is not None
    assert log.refused(log.event("install", pack)) == "rejected.ORD-1"
    again = log.live(pack, "manufacture", mass_g=7)
    state = log.state(pack)
    assert (state.unmade, state.made.entry_id, state.facts.mass_g) == (None, again.entry_id, 7)
    log.live(pack, "install")
    correct(log, pack, log.refs[pack, "install"])
    assert log.state(pack).facts.mass_g == 7


@pytest.mark.parametrize("outcome", ["rejected", "settled", "withdrawn"])
def test_a_dispute_that_is_not_upheld_changes_nothing_else(log: Log, outcome: str) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    before, entry = log.state(pack), log.refs[pack, "install"]
    log.take(log.event("dispute", pack, by="owner", entry_ref=entry))
    log.take(log.event("resolution", pack, entry_ref=entry, outcome=outcome))
    assert log.state(pack) == before


def test_what_is_stated_anew_is_of_the_same_kind_and_about_the_same(log: Log) -> None:
    pack, other = log.battery(), log.battery()
    log.live(pack, "manufacture")
    log.live(other, "manufacture")
    entry = log.live(pack, "install").entry_id
    code = "rejected.entry.restated"
    assert log.refused(log.event("decommission", pack, corrects=entry)) == code
    assert log.refused(log.event("reading", pack, corrects=entry)) == code
    release = log.take(log.event("release", other)).entry_id
    units = log.event("release", other, units=(pack,), corrects=release)
    assert log.refused(units) == code
    assert log.refused(log.event("install", other, corrects=entry)) == "rejected.subject.part"
    assert log.refused(log.event("install", pack, corrects=bytes(32))) == "rejected.entry.unknown"


def test_core_1_changes_nothing() -> None:
    log = Log()
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    before = log.state(pack)
    assert correct(log, pack, before.last.entry_id) == []
    log.take(log.event("dispute", pack, by="owner", entry_ref=before.last.entry_id))
    ref = before.last.entry_id
    log.take(log.event("resolution", pack, entry_ref=ref, outcome="upheld"))
    assert log.state(pack) == before


def test_a_long_history_is_disputed_instead(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = log.battery()
    log.live(pack, "manufacture", "reading", "reading", "reading")
    monkeypatch.setattr(refold, "MAX_ENTRIES", 3)
    last = log.refs[pack, "reading"]
    data = log.event("correction", pack, entry_ref=last, kind="did-not-happen", replacement=None)
    assert log.refused(data) == "rejected.correction.history"
    monkeypatch.setattr(refold, "MAX_ENTRIES", 4)
    log.take(data)


def test_the_number_of_corrected_entries_is_bounded(log: Log) -> None:
    pack = log.battery()
    log.live(pack, "manufacture")
    for _ in range(MAX_CORRECTED):
        correct(log, pack, log.take(log.event("reading", pack)).entry_id)
    with pytest.raises(CellbookError) as refused:
        correct(log, pack, log.take(log.event("reading", pack)).entry_id)
    assert refused.value.code == "rejected.correction.history"


def test_what_was_made_of_waste_stays_waste_until_that_ends(log: Log) -> None:
    pack, second = log.battery(), log.second_life()
    log.live(pack, "manufacture", "install", "decommission", "waste", "assessment")
    log.take(log.event("repurpose", pack, operation="repurposing", outputs=(second,)))
    ended = log.take(log.event("waste", second, action="ended")).entry_id
    assert log.state(second).waste == ()
    assert folded_again(second, log.state(second), log.chain(second), 2) == log.state(second)
    correct(log, second, ended)
    assert (log.state(second).waste, log.state(second).status) == (("EU",), "waste")


def test_what_a_unit_has_from_its_whole_and_its_parts_is_folded_again() -> None:
    """Waste of a pack is waste of its module and cell, whose own chains do not tell."""
    log = Log(policy=CORE_4)
    pack, module, cell, built = log.battery(), log.battery("M"), log.battery("C"), log.battery()
    second, third = log.second_life(), log.second_life()
    log.take(log.event("manufacture", module, level="module", children=(cell,)))
    log.live(pack, "manufacture", children=(module,))
    log.live(pack, "install", "decommission", "assessment", "waste")
    left = Remainder(id=module, mass_g=1, reason="spare", destination="stock")
    lower = msgspec.structs.replace(_output(second), level="cell")
    log.take(log.event("repurpose", pack, outputs=(lower,), remainder=(left,)))
    log.live(module, "assessment")
    left = Remainder(id=cell, mass_g=1, reason="spare", destination="stock")
    lower = msgspec.structs.replace(_output(third), level="cell")
    log.take(log.event("repurpose", module, outputs=(lower,), remainder=(left,)))
    unused = log.battery("C")
    log.live(unused, "manufacture", "waste")
    log.live(built, "manufacture", children=(unused,))
    for uri in (pack, module, cell, second, third, unused, built):
        assert log.state(uri).waste == ("EU",), uri
        assert folded_again(uri, log.state(uri), log.chain(uri), 4) == log.state(uri), uri


def test_days_of_readings_are_folded_again() -> None:
    log = Log(policy=CORE_4)
    pack = log.battery()
    log.live(pack, "manufacture")
    log.minute = 100 * 1_440
    log.live(pack, "reading")
    for days in (1, 3, 63):
        log.take(log.event("reading", pack, at=log.minute - days * 1_440))
    state = log.state(pack)
    assert state.read_days == 1 | 1 << 2 | 1 << 62
    assert folded_again(pack, state, log.chain(pack), 4) == state
    gone = log.refs[pack, "reading"]
    assert correct(log, pack, gone) == []
    assert log.state(pack).read_days == 1 | 1 << 2
    log.minute += 64 * 1_440
    log.live(pack, "reading")
    assert log.state(pack).read_days == 0


def test_a_history_is_not_taken_back_step_by_step() -> None:
    log = Log(policy=CORE_4)
    pack = log.battery()
    log.live(pack, "manufacture")
    installed = log.live(pack, "install").entry_id
    removed = log.live(pack, "decommission").entry_id
    assert correct(log, pack, removed) == []
    assert log.state(pack).physical == "installed"
    assert correct(log, pack, installed) == ["COR-3", "COR-2"]
    state = log.state(pack)
    assert (state.physical, state.disputed) == ("installed", (installed,))
