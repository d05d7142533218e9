"""SPL rules: a unit is part of one other unit at a time."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import BatteryState
from ledger.custody.values.fields import Present, read


@rule(
    "SPL-2",
    "R",
    basis="design: one live parent, no cycles",
    text="What goes into a new unit is new, or free, unused and possessed by its maker; what is "
    "inside another unit is taken in, repurposed or left over with that unit only, or is kept "
    "inside of what becomes of it.",
    repair="Accept the child first; take used units through a repurposing; name the whole.",
    kinds=("manufacture", "repurpose", "intake"),
    parts=("sub", "child", "input", "remainder", "unit"),
)
def has_one_whole(case: Case) -> str | None:
    battery = case.battery
    is_kept = case.kind == "repurpose" and case.part == "child"
    if battery is None:
        return f"{case.uri} is not inside any of the inputs" if is_kept else None
    if case.part == "remainder" or is_kept:
        return _was_inside(case, battery)
    if case.part == "sub" and case.kind == "manufacture":
        return None
    if battery.parent is not None:
        return f"{case.uri} is part of {battery.parent}"
    return _goes_inside(case, battery) if case.part == "child" else None


def _goes_inside(case: Case, battery: BatteryState) -> str | None:
    """A used unit in a new one would be a second life under the name of a first."""
    if battery.physical != "made" or battery.last_use is not None:
        return f"{case.uri} is {battery.physical}, or was used"
    if battery.base_status != "original":
        return f"{case.uri} is {battery.base_status}"
    if battery.possessor != case.issuer:
        return f"{battery.possessor} possesses {case.uri}"
    return None


def _was_inside(case: Case, battery: BatteryState) -> str | None:
    inputs = read(case.event, "inputs")
    opened = {item.id for item in inputs.value} if isinstance(inputs, Present) else set()
    if battery.parent in opened:
        return None
    return f"{case.uri} is not inside any of the inputs"
