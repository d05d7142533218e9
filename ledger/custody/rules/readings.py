"""ASM rules about values that are read again and again, and about how often."""

from __future__ import annotations

from typing import Any

from ledger.custody.events import Reading
from ledger.custody.reading_days import DAYS, is_late, was_read
from ledger.custody.rules.registry import Case, is_frame, rule
from ledger.custody.states import Health
from ledger.custody.values.fields import Present, read


@rule(
    "ASM-4",
    "F",
    since=2,
    until=3,
    basis="design: batteries do not recover by themselves",
    gate="no finding",
    text="Capacity is not above its rating, health does not rise and cycles do not fall, unless a "
    "reset of the BMS was declared.",
    repair="Ask for the method, and whether the BMS was reset or replaced.",
    kinds=("assessment", "decommission", "reading", "install"),
    parts=("sub", "unit"),
)
def values_do_not_recover(case: Case) -> str | None:
    battery = case.battery
    if battery is None or is_frame(case):
        return None
    measured, rated = _value(case, "measured_capacity_mah"), battery.facts.rated_capacity_mah
    rated = rated or _value(case, "reference_capacity_mah")
    if measured is not None and rated is not None and measured > rated:
        return f"{measured} mAh measured, rated {rated} mAh"
    if battery.health is None or _value(case, "bms_reset") is not None:
        return None
    return _since(case, battery.health)


@rule(
    "ASM-4",
    "F",
    since=4,
    basis="design: batteries do not recover by themselves",
    gate="no finding",
    text="Capacity is not above its rating, health does not rise and cycles do not fall, unless a "
    "reset of the BMS was declared. A late reading is compared with nothing newer.",
    repair="Ask for the method, and whether the BMS was reset or replaced.",
    kinds=("assessment", "decommission", "reading", "install"),
    parts=("sub", "unit"),
)
def newest_values_do_not_recover(case: Case) -> str | None:
    if case.battery is not None and isinstance(case.event, Reading):
        return None if is_late(case.event, case.battery) else values_do_not_recover(case)
    return values_do_not_recover(case)


def _since(case: Case, before: Health) -> str | None:
    soh, cycles = _value(case, "soh_permille"), _value(case, "full_cycles")
    if soh is not None and before.soh_permille is not None:
        same = _value(case, "soh_basis") == before.soh_basis
        doubt = _value(case, "soh_uncertainty_permille") or 0
        if same and soh > before.soh_permille + doubt:
            return f"health rose from {before.soh_permille} to {soh} permille"
    if cycles is not None and before.full_cycles is not None and cycles < before.full_cycles:
        return f"cycles fell from {before.full_cycles} to {cycles}"
    return None


@rule(
    "ASM-7",
    "R",
    since=3,
    until=3,
    basis="design: a history is not buried under readings",
    text="A unit has at most one reading a day, and they come in the order of their days.",
    repair="Keep the last reading of the day, and send older ones first.",
    kinds=("reading",),
)
def is_read_once_a_day(case: Case) -> str | None:
    battery, when = case.battery, read(case.event, "occurred_at")
    if battery is None or battery.read_on is None or not isinstance(when, Present):
        return None
    if when.value[:10] > battery.read_on:
        return None
    return f"{case.uri} was read on {battery.read_on}"


@rule(
    "ASM-7",
    "R",
    since=4,
    basis="design: a history is not buried under readings",
    text=f"A unit has at most one reading a day. One of the {DAYS} days before the newest reading "
    "may come late: it is history, and changes no newest value.",
    repair="Keep the last reading of the day; what is older stays in the log of the BMS.",
    kinds=("reading",),
)
def has_one_reading_a_day(case: Case) -> str | None:
    battery, when = case.battery, read(case.event, "occurred_at")
    if battery is None or not isinstance(when, Present):
        return None
    day = when.value[:10]
    known = was_read(battery, day)
    if known is None:
        return f"{case.uri} was read on {battery.read_on}, more than {DAYS} days later"
    return f"{case.uri} was read on {day} already" if known else None


def _value(case: Case, name: str) -> Any:
    stated = read(case.event, name)
    return stated.value if isinstance(stated, Present) else None
