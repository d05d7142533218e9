"""PAS rules: which passport a battery has in the European Union, and for how long."""

from __future__ import annotations

from ledger.custody.beginnings import STATUS_AFTER
from ledger.custody.events.afterlife import RepurposeOutput
from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import BatteryState
from ledger.custody.values.fields import Absent, Present, read

PROFILE = "eu-2023-1542"
PASSPORTS = ("2027-02-18", None)
"""Passports are required from this day (Art. 77(1))."""
STATUSES = ("original", "repurposed", "re-used", "remanufactured", "waste")


@rule(
    "PAS-1",
    "R",
    profile=PROFILE,
    jurisdiction="EU",
    law=PASSPORTS,
    basis="EU 2023/1542 Art. 77(7)",
    text="A repurposing and its kin give each output a passport of its own, which none of the "
    "predecessors had.",
    repair="State a new `passport_id` for every output that needs one.",
    kinds=("repurpose",),
    parts=("event",),
)
def outputs_have_new_passports(case: Case) -> str | None:
    inputs, outputs = read(case.event, "inputs"), read(case.event, "outputs")
    if not isinstance(inputs, Present) or not isinstance(outputs, Present):
        return None
    befores = [case.states.get(item.id) for item in inputs.value]
    taken = {b.facts.passport for b in befores if isinstance(b, BatteryState)} - {None}
    for output in outputs.value:
        if output.passport_id is None and needs_passport(output):
            return f"{output.id} has none"
        if output.passport_id in taken:
            return f"{output.passport_id} is the passport of another unit"
        if output.passport_id is not None:
            taken.add(output.passport_id)
    return None


def needs_passport(output: RepurposeOutput) -> bool:
    """LMT and EV batteries, and industrial ones of more than 2 kWh (Art. 77(1))."""
    if output.category_after == "industrial":
        return output.rated_energy_wh > 2_000
    return output.category_after in ("ev", "lmt")


@rule(
    "PAS-2",
    "R",
    profile=PROFILE,
    jurisdiction="EU",
    law=PASSPORTS,
    basis="EU 2023/1542 Art. 77(7)",
    text="A unit that becomes waste keeps its passport and gets a responsible operator.",
    repair="State `responsible_operator`: the producer's organisation or the waste operator.",
    kinds=("waste",),
)
def waste_has_a_responsible_operator(case: Case) -> str | None:
    if read(case.event, "action") != Present("declared"):
        return None
    stated = read(case.event, "responsible_operator")
    return "nobody is stated as responsible" if isinstance(stated, Absent) else None


@rule(
    "PAS-3",
    "R",
    profile=PROFILE,
    jurisdiction="EU",
    law=PASSPORTS,
    basis="EU 2023/1542 Art. 77(8)",
    text="The passport of a unit with coded parts ceases when all of them are recycled: its final "
    "recycling counts at least so many.",
    repair="State `inputs_count` and `inputs_root` over all parts, or recycle the others first.",
    unconfirmed="how parts are to be accounted for is not said by the Regulation",
    kinds=("recycle",),
)
def recycling_counts_all_parts(case: Case) -> str | None:
    battery = case.battery
    if battery is None or read(case.event, "stage") != Present("final"):
        return None
    stated = read(case.event, "inputs_count")
    counted = stated.value if isinstance(stated, Present) else 0
    if counted >= battery.facts.children:
        return None
    return f"it has {battery.facts.children} coded parts, the event counts {counted}"


@rule(
    "PAS-4",
    "R",
    profile=PROFILE,
    jurisdiction="EU",
    basis="EU 2023/1542 Annex XIII 4(c)",
    text="A status is one of original, repurposed, re-used, remanufactured, waste, and the one "
    "that the operation leads to.",
    repair="Write the status that belongs to the operation, or leave it out.",
    kinds=("repurpose",),
    parts=("event",),
)
def status_is_one_of_five(case: Case) -> str | None:
    outputs, operation = read(case.event, "outputs"), read(case.event, "operation")
    if not isinstance(outputs, Present) or not isinstance(operation, Present):
        return None
    for output in outputs.value:
        stated = output.status_after
        if stated is not None and stated not in STATUSES:
            return f"{stated!r:.60} is no status"
        if stated is not None and stated != STATUS_AFTER[operation.value]:
            return f"{operation.value} does not lead to {stated}"
    return None
