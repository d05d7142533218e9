"""Random legal and illegal sequences: the rules and a simple model agree on each step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from keys.errors import CellbookError
from ledger.custody.events.record import Recovered
from ledger.custody.governance.statements import Profile
from ledger.custody.states import BatteryState
from tests.custody.history import Log, genesis, operator_uri
from tests.custody.model import Model, Unit

POLICY = genesis(profiles=(Profile(name="core", version=2),))
WHAT: dict[str, tuple[str, ...]] = {
    "manufacture": ("",),
    "install": ("",),
    "decommission": ("",),
    "assessment": ("fit", "unfit"),
    "repurpose": ("",),
    "recycle": ("final", "pre-treatment"),
    "release": ("buyer", "recycler", "owner"),
    "accept": ("",),
    "refuse": ("",),
    "withdrawal": ("",),
    "intake": ("",),
    "waste": ("declared", "ended"),
    "reading": ("",),
    "repair": ("",),
    "incident": ("crash", "theft", "recovery"),
    "dispute": ("",),
    "resolution": ("",),
    "correction": ("",),
}
USUAL = {"assessment": "assessor", "resolution": "authority"}
STEPS = [(kind, what) for kind, values in WHAT.items() for what in values]
FOUND = Recovered(identity_check="code and serial")
LIFE = ("manufacture", "install", "decommission", "assessment")


class Custody(RuleBasedStateMachine):
    """One log and one model; ``taken`` and ``refused`` count how the steps ended."""

    taken = 0
    refused = 0

    @initialize(first=st.integers(0, len(LIFE)))
    def begin(self, first: int) -> None:
        self.log, self.model = Log(policy=POLICY), Model()
        self.names = [self.log.battery(), self.log.battery()]
        for kind in LIFE[:first]:
            self.do(kind, "fit", self.names[0], USUAL.get(kind, "owner"))

    @rule(
        step=st.sampled_from(STEPS),
        unit=st.integers(0, 5),
        by=st.sampled_from(["", "", "", "", "owner", "buyer", "recycler", "assessor"]),
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

    def likely(self, kind: str, name: str) -> str:
        """Who would do it: what everybody else does is refused soon enough."""
        unit = self.model.units.get(name, Unit())
        if kind in ("accept", "refuse") and unit.offer is not None:
            return unit.offer.receiver
        last = self.model.last(name)
        if kind == "correction" and last is not None:
            return last[0]
        return USUAL.get(kind, unit.holder or "owner")

    def do(self, kind: str, what: str, name: str, by: str) -> None:
        if self.is_unmade(name) and kind in ("dispute", "resolution"):
            return  # the model forgets a battery that was taken back; the log does not
        output = self.log.second_life() if kind == "repurpose" else ""
        data = self.log.event(kind, name, by=by, **self.fields(kind, what, name, output))
        expected = self.model.may(kind, name, by, what, output)
        refusal = self.refusal(data)
        assert (refusal is None) == expected, f"{kind} {what} by {by}: {refusal}"
        Custody.taken += expected
        Custody.refused += not expected
        if expected and output:
            self.names.append(output)
        for each in self.names:
            self.compare(each)

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
            return {"outputs": (output,)}
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
            "incident": {"kind": what, "recovered": FOUND if what == "recovery" else None},
        }.get(kind, {})

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
        assert state.disputes == len(self.model.disputed.get(name, ()))


def test_what_is_made_of_waste_is_waste_in_both() -> None:
    custody = Custody()
    custody.begin(first=len(LIFE))
    custody.any_step(step=("waste", "declared"), unit=0, by="")
    custody.any_step(step=("repurpose", ""), unit=0, by="")
    output = custody.names[2]
    assert custody.log.state(output).waste == ("EU",)
    assert custody.model.units[output].waste


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
