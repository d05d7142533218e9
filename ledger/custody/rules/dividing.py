"""SPL rules: units that are taken apart, put together, or turned into material."""

from __future__ import annotations

from typing import Any

from ledger.custody.beginnings import is_lower
from ledger.custody.events.afterlife import RepurposeOutput
from ledger.custody.identifiers import BATTERY_PREFIX
from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import BatteryState
from ledger.custody.values.fields import Present, Withheld, read

TOLERANCE_PERMILLE = 20
"""By how much the mass that came out may exceed what went in: scales, moisture, oxygen."""


@rule(
    "SPL-1",
    "R",
    since=2,
    basis="design: nothing is lost in a split",
    text="Who splits a unit with coded parts accounts for each: as an output, or as a remainder "
    "with its reason.",
    repair="List the missing parts as `remainder`, by id or as a lot.",
    kinds=("repurpose",),
    parts=("event",),
)
def split_accounts_for_all_parts(case: Case) -> str | None:
    outputs = _listed(case, "outputs")
    return _lost_of(case, [before for before in _inputs(case) if _is_split(before, outputs)])


@rule(
    "SPL-1",
    "R",
    since=4,
    basis="design: what happens to a part is known of the whole that it is in",
    text="Who makes several units of units with coded parts accounts for each part: as an output, "
    "inside of one (`children`), or as a remainder with its reason.",
    repair="List the parts of each output as its `children`.",
    kinds=("repurpose",),
    parts=("event",),
)
def several_outputs_account_for_all_parts(case: Case) -> str | None:
    return _lost_of(case, _inputs(case)) if len(_listed(case, "outputs")) > 1 else None


def _lost_of(case: Case, opened: list[BatteryState]) -> str | None:
    outputs, remainder = _listed(case, "outputs"), _listed(case, "remainder")
    parts = sum(before.facts.children for before in opened)
    lots = [left for left in remainder if left.lot is not None]
    told = len(remainder) + sum(
        any(is_lower(output.level, before.level) for before in opened) for output in outputs
    )
    told += sum(len(output.children) for output in outputs)
    if lots or told >= parts:
        return None
    return f"the units that are split have {parts} coded parts, the event tells of {told}"


def _is_split(before: BatteryState, outputs: tuple[RepurposeOutput, ...]) -> bool:
    return any(is_lower(output.level, before.level) for output in outputs)


@rule(
    "SPL-3",
    "R",
    since=2,
    basis="EU 2023/1542 Art. 77(7); design: an owner is not changed by a merge",
    text="What is merged has one owner, who owns the outcome; all of it is named as predecessor.",
    repair="Transfer ownership first: release and accept.",
    kinds=("repurpose",),
    parts=("input",),
)
def merge_has_one_owner(case: Case) -> str | None:
    first, battery = next(iter(_inputs(case)), None), case.battery
    if first is None or battery is None or battery.owner == first.owner:
        return None
    return f"{battery.owner} owns {case.uri}, {first.owner} the first of the inputs"


@rule(
    "SPL-4",
    "F",
    since=2,
    basis="design: chemistries differ in voltage, temperature and ageing",
    text="Units of one chemistry are merged.",
    repair="Ask why, and how the cells are kept apart.",
    unconfirmed="the letters A, C, D, F and G of codes; they are only compared",
    kinds=("repurpose",),
    parts=("event",),
)
def merge_is_of_one_chemistry(case: Case) -> str | None:
    stated = {b.facts.chemistry.casefold() for b in _inputs(case) if b.facts.chemistry}
    letters = {
        item.id[len(BATTERY_PREFIX) + 4 :][:1]
        for item in _listed(case, "inputs")
        if item.id.startswith(BATTERY_PREFIX)
    }
    for found in (stated, letters):
        if len(found) > 1:
            return f"inputs of the chemistries {', '.join(sorted(found))}"
    return None


@rule(
    "SPL-5",
    "F",
    since=2,
    basis="design: mass is conserved",
    gate="no finding",
    text="What a final recycling gives weighs no more than what went in, within 2 %.",
    repair="Ask for the weighing slips and for the method of allocation.",
    kinds=("recycle",),
    parts=("event",),
)
def no_more_out_than_in(case: Case) -> str | None:
    taken, given = _mass_in(case), _mass_out(case)
    if taken is None or given is None or given * 1_000 <= taken * (1_000 + TOLERANCE_PERMILLE):
        return None
    return f"{given} g came out of {taken} g"


def _mass_in(case: Case) -> int | None:
    stated = read(case.event, "mass_g")
    if isinstance(stated, Present):
        return int(stated.value)
    units = (case.uri, *_listed(case, "units"))
    befores = [case.states.get(uri) for uri in units]
    masses = [b.facts.mass_g for b in befores if isinstance(b, BatteryState)]
    known = [mass for mass in masses if mass is not None]
    is_lot = isinstance(read(case.event, "inputs_count"), Present)
    if isinstance(stated, Withheld) or is_lot or len(known) < len(units):
        return None
    return sum(known)


def _mass_out(case: Case) -> int | None:
    is_shown = isinstance(read(case.event, "outputs"), Present)
    if read(case.event, "stage") != Present("final") or not is_shown:
        return None
    return sum(int(item.mass_g) for name in ("outputs", "residues") for item in _listed(case, name))


def _listed(case: Case, name: str) -> tuple[Any, ...]:
    found = read(case.event, name)
    return tuple(found.value) if isinstance(found, Present) else ()


def _inputs(case: Case) -> list[BatteryState]:
    befores = [case.states.get(item.id) for item in _listed(case, "inputs")]
    return [before for before in befores if isinstance(before, BatteryState)]
