"""Random legal and illegal sequences: the rules and a simple model agree on each step."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from keys.errors import CellbookError
from ledger.custody.events.afterlife import Remainder
from ledger.custody.events.record import Recovered
from ledger.custody.governance.statements import Profile
from ledger.custody.states import BatteryState
from tests.custody.history import START, Log, genesis, operator_uri
from tests.custody.model import Model, Unit
from tests.log.lives import _output

POLICY = genesis(profiles=(Profile(name="core", version=4),))
DAY = 1_440
"""Minutes."""
WHAT: dict[str, tuple[str, ...]] = {
    "manufacture": ("", "with-part"),
    "install": ("",),
    "decommission": ("",),
    "assessment": ("fit", "unfit"),
    "repurpose": ("", "prepared-abroad", "prepared-in-the-union", "opened", "kept"),
    "recycle": ("final", "pre-treatment"),
    "release": ("buyer", "recycler", "owner", "assessor"),
    "accept": ("",),
    "refuse": ("",),
    "withdrawal": ("",),
    "intake": ("",),
    "waste": ("declared", "ended"),
    "reading": ("next-day", "same-day", "days-late", "too-late"),
    "repair": ("",),
    "incident": ("crash", "crash-outwards", "theft", "recovery"),
    "dispute": ("",),
    "resolution": ("",),
    "correction": ("",),
}
USUAL = {"assessment": "assessor", "resolution": "authority"}
STEPS = [(kind, what) for kind, values in WHAT.items() for what in values]
LEFT = partial(Remainder, mass_g=12_000, reason="spare", destination="stock")
FOUND = Recovered(identity_check="code and serial")
LIFE = ("manufacture", "install", "decommission", "assessment")


class Custody(RuleBasedStateMachine):
    """One log and one model; ``taken`` and ``refused`` count how the steps ended."""

    taken = 0
    refused = 0

    @initialize(first=st.integers(0, len(LIFE)), made=st.sampled_from(WHAT["manufacture"]))
    def begin(self, first: int, made: str) -> None:
        self.log, self.model = Log(policy=POLICY), Model()
        self.part = self.log.battery("M")
        self.names = [self.log.battery(), self.log.battery(), self.part]
        for kind in LIFE[:first]:
            what = {"manufacture": made, "assessment": "fit"}.get(kind, "")
            self.do(kind, what, self.names[0], USUAL.get(kind, "owner"))

    @rule(
        step=st.sampled_from(STEPS),
        unit=st.integers(0, 5),
        by=st.sampled_from(["", "", "", "", "owner", "buyer", "recycler", "assessor", "authority"]),
    )
    def any_step(self, step: tuple[str, str], unit: int, by: str) -> None:
        kind, what = step
        name = self.names[unit % len(self.names)]
        self.do(kind, what, name, by or self.likely(kind, name))

    @rule(unit=st.integers(0, 5), kinds=st.sampled_from([LIFE[1:], ("release", "accept")]))
    def likely_steps(self, unit: int, kinds: tuple[str, ...]) -> None:
        name = self.names[unit % len(self.names)]
        for kind in kinds:
            what = {"assessment": "fit", "release": "buyer"}.get(kind, "")
            self.do(kind, what, name, self.likely(kind, name))

    @rule(unit=st.integers(0, 5), what=st.sampled_from(WHAT["repurpose"]))
    def likely_end(self, unit: int, what: str) -> None:
        name = self.names[unit % len(self.names)]
        for kind in ("install", "decommission", "assessment", "repurpose"):
            said = {"assessment": "fit", "repurpose": what}.get(kind, "")
            self.do(kind, said, name, self.likely(kind, name))

    def likely(self, kind: str, name: str) -> str:
        """Who would do it: what everybody else does is refused soon enough."""
        unit = self.model.units.get(name, Unit())
        if kind in ("accept", "refuse") and unit.offer is not None:
            return unit.offer.receiver
        last = self.model.last(name)
        if kind == "correction" and last is not None:
            return last.by
        return USUAL.get(kind, unit.holder or "owner")

    def do(self, kind: str, what: str, name: str, by: str) -> None:
        if self.is_unmade(name) and kind in ("dispute", "resolution"):
            return  # the model forgets a battery that was taken back; the log does not
        other = output = self.log.second_life() if kind == "repurpose" else ""
        if what in ("opened", "kept", "with-part") and name != self.part:
            other = f"{output} {self.part}".strip()
        at = self.moment(kind, what)
        fields = self.fields(kind, what, name, output)
        data = self.log.event(kind, name, by=by, at=at, **fields)
        day = local_day(at)
        expected = self.model.may(kind, name, by, what, other, day)
        refusal = self.refusal(data)
        assert (refusal is None) == expected, f"{kind} {what} by {by}: {refusal}"
        Custody.taken += expected
        Custody.refused += not expected
        if expected and output:
            self.names.append(output)
        for each in self.names:
            self.compare(each)

    def moment(self, kind: str, what: str) -> int:
        """The minute of the event; the log's clock goes on, with a new day for a reading of it."""
        self.log.minute += DAY if kind == "reading" and what != "same-day" else 1
        late = {"days-late": 3 * DAY, "too-late": 70 * DAY}
        return self.log.minute - late.get(what, 0)

    def is_unmade(self, name: str) -> bool:
        state = self.log.states.get(name)
        return isinstance(state, BatteryState) and state.unmade is not None

    def refusal(self, data: bytes) -> str | None:
        try:
            self.log.take(data)
        except CellbookError as error:
            return f"{error.code} {error.detail}"
        return None

    def fields(self, kind: str, what: str, name: str, output: str) -> dict[str, Any]:
        """References are to what the log holds: the model has none."""
        state = self.log.states.get(name)
        battery = state if isinstance(state, BatteryState) else None
        zero = bytes(32)
        if kind == "install" and battery is not None and battery.assessed is not None:
            return {"assessment_ref": battery.assessed.at.entry_id}
        if kind == "decommission":
            installed = battery.install if battery is not None else None
            return {"install_ref": installed.entry_id if installed is not None else zero}
        if kind == "repurpose":
            assessed = battery.assessed if battery is not None else None
            self.log.refs[name, "assessment"] = assessed.at.entry_id if assessed else zero
            return self.repurposed(what, name, output)
        if kind == "manufacture":
            has_part = what == "with-part" and name != self.part
            level = "module" if name == self.part else "pack"
            return {"children": (self.part,) if has_part else (), "level": level}
        if kind == "incident":
            units = tuple(self.wholes(name)) if what == "crash-outwards" else ()
            found = FOUND if what == "recovery" else None
            return {"kind": what.partition("-")[0], "recovered": found, "units": units}
        if kind in ("accept", "refuse", "withdrawal"):
            waiting = battery.released if battery is not None else ()
            return {"release_ref": waiting[-1].at.entry_id if waiting else zero}
        if kind in ("dispute", "resolution", "correction"):
            fields: dict[str, Any] = {"entry_ref": battery.last.entry_id if battery else zero}
            if kind == "resolution":
                return {**fields, "outcome": "rejected"}
            if kind == "correction":
                return {**fields, "kind": "did-not-happen", "replacement": None}
            return fields
        return {
            "assessment": {"verdict": what},
            "recycle": {"stage": what},
            "release": {"receiver": operator_uri(what)},
            "waste": {"action": what},
        }.get(kind, {})

    def repurposed(self, what: str, name: str, output: str) -> dict[str, Any]:
        is_told = name != self.part
        stated, remainder = _output(output), ()
        if what == "opened":
            stated = msgspec.structs.replace(stated, level="module")
            remainder = (LEFT(id=self.part),) if is_told else ()
        elif what == "kept" and is_told:
            stated = msgspec.structs.replace(stated, children=(self.part,))
        prepared = what.startswith("prepared")
        return {
            "outputs": (stated,),
            "remainder": remainder,
            "operation": "preparation-for-re-use" if prepared else "repurposing",
            "country": "DE" if what == "prepared-in-the-union" else "CN",
        }

    def wholes(self, name: str) -> list[str]:
        """By the states of the log."""
        found: list[str] = []
        state = self.log.states.get(name)
        while isinstance(state, BatteryState) and (whole := state.parent or state.became):
            found.append(whole)
            state = self.log.states.get(whole)
        return found

    def compare(self, name: str) -> None:
        unit, state = self.model.units.get(name, Unit()), self.log.states.get(name)
        if not isinstance(state, BatteryState) or state.unmade is not None:
            assert unit.place == "absent"
            return
        told = (state.physical, state.possessor, state.owner)
        assert told == (unit.place, operator_uri(unit.holder), operator_uri(unit.owner))
        assert (state.missing is not None, state.quarantine is not None) == (
            unit.missing,
            unit.hurt,
        )
        assert bool(state.waste) == unit.waste
        assert (state.parent or "", state.became or "") == (unit.inside, unit.became)
        assert state.disputes == len(self.model.disputed.get(name, ()))


def test_what_is_made_of_waste_is_waste_in_both() -> None:
    custody = Custody()
    custody.begin(first=len(LIFE), made="")
    custody.any_step(step=("waste", "declared"), unit=0, by="")
    custody.any_step(step=("repurpose", ""), unit=0, by="")
    output = custody.names[3]
    assert custody.log.state(output).waste == ("EU",)
    assert custody.model.units[output].waste


def local_day(minute: int) -> int:
    return (START + 60 * minute + 8 * 3_600) // 86_400


def run(examples: int) -> None:
    options = settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Custody, settings=options)  # type: ignore[no-untyped-call]


def test_rules_and_model_agree() -> None:
    run(15)


@pytest.mark.slow
def test_rules_and_model_agree_in_ten_thousand_steps() -> None:
    Custody.taken = Custody.refused = 0
    run(300)
    print(f"{Custody.taken} events taken, {Custody.refused} refused")
    assert Custody.taken + Custody.refused >= 10_000
    assert min(Custody.taken, Custody.refused) >= 2_000
