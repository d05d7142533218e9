"""INC rules: what a fire, a crash or a theft stops."""

from __future__ import annotations

from ledger.custody.against import DAMAGING
from ledger.custody.rules.order import RECORD_KINDS
from ledger.custody.rules.registry import BATTERY_KINDS, Case, is_frame, rule
from ledger.custody.states import FIT, BatteryState
from ledger.custody.values.fields import Present, read


@rule(
    "INC-1",
    "R",
    basis="design: damage is assessed before anybody uses the unit again",
    text="After fire, crash, flood or recall a unit is in quarantine until a new assessment finds "
    "it fit.",
    repair="Have the unit assessed; recycling and transport need no assessment.",
    kinds=("install", "repurpose", "manufacture"),
    parts=("sub", "input", "child"),
)
def is_not_quarantined(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.quarantine is None:
        return None
    return f"{case.uri} is in quarantine since entry {battery.quarantine.index}"


@rule(
    "INC-1",
    "R",
    since=4,
    basis="design: damage inside of a unit is damage of the unit",
    text="Who records fire, crash, flood or recall of a part names in `units` also the unit that "
    "it is inside of, and so on outwards: each is in quarantine until it is assessed itself.",
    repair="Name the outer unit as well.",
    kinds=("incident",),
    parts=("event",),
)
def names_the_whole(case: Case) -> str | None:
    kind, units = read(case.event, "kind"), read(case.event, "units")
    if not isinstance(kind, Present) or kind.value not in DAMAGING:
        return None
    named = (case.uri, *(units.value if isinstance(units, Present) else ()))
    for uri in named:
        battery = case.states.get(uri)
        outer = (battery.parent, battery.became) if isinstance(battery, BatteryState) else ()
        for whole in outer:
            if whole is not None and whole not in named:
                return f"{uri} is inside of {whole}: name that in `units`, as it is damaged with it"
    return None


@rule(
    "INC-1",
    "R",
    since=4,
    basis="design: who owns a damaged unit does not clear it",
    text="A unit in quarantine is not found fit by who owns it.",
    repair="Have a laboratory assess it that does not own it.",
    kinds=("assessment",),
    parts=("sub", "unit"),
)
def is_cleared_by_another(case: Case) -> str | None:
    battery, verdict = case.battery, read(case.event, "verdict")
    if battery is None or battery.quarantine is None or is_frame(case):
        return None
    if battery.owner not in (case.issuer, case.signer):
        return None
    if not isinstance(verdict, Present) or verdict.value not in FIT:
        return None
    return f"{battery.owner} owns {case.uri}, in quarantine since entry {battery.quarantine.index}"


@rule(
    "INC-3",
    "R",
    since=4,
    basis="design: who stole a unit does not find it again",
    text="A unit is recovered by the word of its owner or of an authority.",
    repair="Let the owner sign it, or an authority.",
    kinds=("incident",),
    parts=("sub", "unit"),
)
def owner_has_it_again(case: Case) -> str | None:
    battery = case.battery
    if battery is None or not isinstance(read(case.event, "recovered"), Present):
        return None
    if battery.owner == case.issuer or "authority" in case.operator.roles:
        return None
    return f"{battery.owner} owns {case.uri}"


@rule(
    "INC-3",
    "R",
    since=2,
    basis="design: what comes back may be another, or damaged",
    text="A recovery is of a missing unit, after a check of its identity. An assessment from "
    "before the loss does not count for it: a new one is needed before the unit is used.",
    repair="State in `recovered` how the unit was known again, without an old assessment.",
    gate="taken as present",
    kinds=("incident",),
    parts=("sub", "unit"),
)
def recovery_is_checked(case: Case) -> str | None:
    battery, recovered = case.battery, read(case.event, "recovered")
    if battery is None or not isinstance(recovered, Present):
        return None
    if battery.missing is None:
        return f"{case.uri} is not missing"
    check = read(recovered.value, "identity_check")
    if isinstance(check, Present) and not check.value.strip(" -./?"):
        return "the check of its identity says nothing"
    if isinstance(read(recovered.value, "assessment_ref"), Present):
        return f"every assessment of {case.uri} is from before its loss"
    return None


@rule(
    "INC-2",
    "R",
    basis="design: a stolen unit is not traded",
    text="After theft or loss nothing happens to a unit but recovery and dispute.",
    repair="Register the recovery of the unit first.",
    kinds=BATTERY_KINDS - RECORD_KINDS,
    parts=("sub", "input", "child", "remainder", "unit"),
)
def is_not_missing(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.missing is None:
        return None
    if case.kind == "incident" and read(case.event, "kind") == Present("recovery"):
        return None
    return f"{case.uri} is missing since entry {battery.missing.index}"
