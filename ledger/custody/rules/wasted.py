"""ORD rules about waste: it is declared, per jurisdiction, and ends with evidence."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import BatteryState
from ledger.custody.values.fields import Absent, Present, Withheld, read
from ledger.custody.values.jurisdictions import EU
from ledger.custody.wasting import PREPARATIONS

CHAPTER_VIII = ("2025-08-18", None)
"""Waste management in Regulation (EU) 2023/1542 applies from this day (Art. 96)."""


@rule(
    "ORD-7",
    "R",
    since=2,
    basis="EU 2023/1542 Art. 3: waste is what its holder discards, not what was removed",
    text="Waste is declared, once in a jurisdiction, of a unit that is no longer installed, and "
    "ends where it was declared.",
    repair="Register the removal first; state the jurisdiction in which the unit is waste.",
    kinds=("waste",),
)
def waste_is_declared(case: Case) -> str | None:
    battery = case.battery
    action, place = read(case.event, "action"), read(case.event, "jurisdiction")
    if battery is None or not isinstance(place, Present):
        return None
    if action == Present("ended"):
        declared = place.value in battery.waste
        return None if declared else f"{case.uri} is not waste in {place.value}"
    if battery.physical == "installed":
        return f"{case.uri} is installed"
    return f"it is waste in {place.value} already" if place.value in battery.waste else None


@rule(
    "ORD-7",
    "R",
    profile="eu-2023-1542",
    jurisdiction="EU",
    law=CHAPTER_VIII,
    basis="EU 2023/1542 Art. 3, Art. 70",
    text="In the Union a unit is recycled after it was declared waste there.",
    repair="Register the declaration as waste first.",
    kinds=("recycle",),
    parts=("sub", "unit"),
)
def what_is_recycled_is_waste(case: Case) -> str | None:
    battery = case.battery
    if battery is None or is_waste_in_the_union(battery):
        return None
    return f"{case.uri} was not declared waste in the Union"


@rule(
    "ORD-8",
    "R",
    profile="eu-2023-1542",
    jurisdiction="EU",
    law=CHAPTER_VIII,
    basis="EU 2023/1542 Art. 73",
    gate="taken as present",
    text="Waste becomes a product again with the evidence of Art. 73: a test in a Member State, "
    "invoice or contract, protection in transport. Before, it is not installed.",
    repair="State `ended` with the three digests, and the Member State of the test.",
    unconfirmed="that the test has to be carried out in a Member State",
    kinds=("waste", "install"),
)
def waste_ends_with_evidence(case: Case) -> str | None:
    battery = case.battery
    if case.kind == "install":
        is_waste = battery is not None and is_waste_in_the_union(battery)
        return f"{case.uri} is waste in the Union" if is_waste else None
    if read(case.event, "action") != Present("ended"):
        return None
    ended = read(case.event, "ended")
    if isinstance(ended, Absent):
        return "it states none of the evidence"
    tested = Withheld() if isinstance(ended, Withheld) else read(ended.value, "test_country")
    if isinstance(tested, Present) and tested.value not in EU.countries:
        return f"tested in {tested.value}"
    return None


@rule(
    "ORD-10",
    "R",
    profile="eu-2023-1542",
    jurisdiction="EU",
    law=CHAPTER_VIII,
    basis="EU 2023/1542 Art. 3(29) to (32)",
    text="Preparation for re-use or repurposing takes waste; repurposing and remanufacture take "
    "what is not waste.",
    repair="State the operation that fits, or declare the unit waste, or end its being waste.",
    kinds=("repurpose",),
    parts=("sub", "input"),
)
def operation_fits_waste_status(case: Case) -> str | None:
    battery, operation = case.battery, read(case.event, "operation")
    if battery is None or not isinstance(operation, Present):
        return None
    is_waste = is_waste_in_the_union(battery)
    if is_waste == (operation.value in PREPARATIONS):
        return None
    return f"{operation.value}, and {case.uri} is {'' if is_waste else 'not '}waste in the Union"


def is_waste_in_the_union(battery: BatteryState) -> bool:
    """Whether it was declared waste in the Union or one of its Member States."""
    return not EU.countries.isdisjoint(battery.waste)
