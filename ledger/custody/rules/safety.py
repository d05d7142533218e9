"""INC rules: what a fire, a crash or a theft stops."""

from __future__ import annotations

from ledger.custody.rules.holding import PHYSICAL_KINDS
from ledger.custody.rules.registry import Case, rule


@rule(
    "INC-1",
    "R",
    basis="design: damage is assessed before anybody uses the unit again",
    text="After fire, crash, flood or recall a unit is in quarantine until a new assessment.",
    repair="Have the unit assessed; recycling and transport need no assessment.",
    kinds=("install", "repurpose"),
    parts=("sub", "input"),
)
def is_not_quarantined(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.quarantine is None:
        return None
    return f"{case.uri} is in quarantine since entry {battery.quarantine.index}"


@rule(
    "INC-2",
    "R",
    basis="design: a stolen unit is not traded",
    text="After theft or loss nothing happens to a unit but recovery and dispute.",
    repair="Register the recovery of the unit first.",
    kinds=(*PHYSICAL_KINDS, "release", "accept", "intake", "assessment", "reading"),
    parts=("sub", "input", "unit", "child"),
)
def is_not_missing(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.missing is None:
        return None
    return f"{case.uri} is missing since entry {battery.missing.index}"
