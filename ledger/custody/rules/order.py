"""ORD rules: what can happen to a battery, after what."""

from __future__ import annotations

from ledger.custody.rules.registry import BATTERY_KINDS, Case, rule
from ledger.custody.states import BatteryState, Mark
from ledger.custody.values.fields import Present, read
from ledger.custody.values.times import format_moment, parse_moment

EPOCH_GRACE = 60
"""Seconds. Log time is that of the epoch's beginning: what is signed and submitted now may be
dated a little after it."""
RECORD_KINDS = frozenset({"correction", "dispute", "resolution", "withdrawal"})
"""Kinds of events that are about entries; nothing happens to the unit itself."""


@rule(
    "ORD-1",
    "R",
    basis="design: a life begins with its manufacture",
    text="The first event of a battery is its manufacture, or its onboarding as a legacy unit.",
    repair="Register the manufacture, or onboard the unit with its source and `known_since`.",
    kinds=BATTERY_KINDS - {"manufacture"},
    parts=("sub", "input", "remainder", "unit"),
)
def begins_with_manufacture(case: Case) -> str | None:
    return f"{case.uri} is not in this log" if case.before is None else None


@rule(
    "ORD-1",
    "R",
    since=2,
    basis="design: what did not begin does not go on",
    text="Nothing happens to a battery whose beginning was taken back, until it is manufactured.",
    repair="Register the manufacture of the unit that carries this code.",
    kinds=BATTERY_KINDS - RECORD_KINDS,
    parts=("sub", "input", "child", "remainder", "unit"),
)
def was_made(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.unmade is None or case.kind == "manufacture":
        return None
    return f"entry {battery.unmade.index}, with which it began, was taken back"


@rule(
    "ORD-2",
    "R",
    basis="design: one place at a time",
    text="Only a unit that is made or removed is installed: not installed elsewhere, in transit, "
    "part of another, consumed, destroyed or missing.",
    repair="Register what happened in between (removal, acceptance, recovery) first.",
    kinds=("install",),
)
def can_be_installed(case: Case) -> str | None:
    return _not_one_of(case.battery, ("made", "removed"))


@rule(
    "ORD-3",
    "R",
    basis="design: a removal ends one installation",
    text="Only an installed unit is decommissioned, and the decommission names the install entry.",
    repair="State in `install_ref` the entry id of the present installation.",
    kinds=("decommission",),
)
def ends_its_installation(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    if battery.physical != "installed" or battery.install is None:
        return f"the unit is {battery.physical}"
    if read(case.event, "install_ref") != Present(battery.install.entry_id):
        return f"it was installed by entry {battery.install.index}, the event names another"
    return None


@rule(
    "ORD-4",
    "R",
    basis="EU 2023/1542 Art. 73; IEC 63338:2024",
    text="Repurposing needs a removed unit, and it and re-use a valid assessment after the last "
    "use, damage, recovery or removal.",
    repair="Have the unit assessed after its removal, then name that assessment.",
    kinds=("repurpose", "install"),
    parts=("sub", "input"),
)
def is_assessed_for_a_second_life(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    if case.kind == "repurpose" and battery.physical != "removed":
        return f"{case.uri} is {battery.physical}"
    if case.kind == "install" and (battery.last_use is None or _is_new_and_damaged(battery)):
        return None
    return _assessment(case, battery)


def _is_new_and_damaged(battery: BatteryState) -> bool:
    """INC-1 refuses it, and says why."""
    return battery.physical == "made" and battery.quarantine is not None


def _assessment(case: Case, battery: BatteryState) -> str | None:
    assessed = battery.assessed
    if assessed is None:
        return f"{case.uri} was never assessed"
    if battery.last_use is not None and not assessed.at.is_after(battery.last_use):
        return (
            f"entry {assessed.at.index} assessed {case.uri} before its last use, damage or "
            f"removal in entry {battery.last_use.index}"
        )
    if not assessed.is_fit:
        return f"the verdict of entry {assessed.at.index} is {assessed.verdict}"
    if not case.mark.is_after(assessed.at):
        return f"the event is not after the assessment in entry {assessed.at.index}"
    return _still_valid(case, assessed.valid_until) or _named(case, assessed.at)


def _still_valid(case: Case, valid_until: str | None) -> str | None:
    """By the issuer's claim and by log time (the UTC date): whoever is late cannot date back."""
    if valid_until is None:
        return None
    when = read(case.event, "occurred_at")
    claimed = when.value[:10] if isinstance(when, Present) else ""
    if max(claimed, format_moment(case.occasion.time)[:10]) > valid_until:
        return f"the assessment was valid until {valid_until}"
    return None


def _named(case: Case, assessed: Mark) -> str | None:
    named = {case.uri: read(case.event, "assessment_ref")}
    inputs = read(case.event, "inputs")
    if isinstance(inputs, Present):
        named = {item.id: read(item, "assessment_ref") for item in inputs.value}
    if named.get(case.uri) != Present(assessed.entry_id):
        return f"the event does not name the assessment in entry {assessed.index}"
    return None


@rule(
    "ORD-5",
    "R",
    basis="design: recycling needs the unit in hand, no assessment",
    text="Only a unit that was removed or never installed is recycled.",
    repair="Register the removal or the acceptance first.",
    kinds=("recycle",),
    parts=("sub", "unit"),
)
def can_be_recycled(case: Case) -> str | None:
    return _not_one_of(case.battery, ("made", "removed", "destroyed", "recycled"))


@rule(
    "ORD-6",
    "R",
    until=3,
    basis="EU 2023/1542 Art. 77(8)",
    text="Nothing happens to a unit after it was recycled or consumed but correction and dispute.",
    repair="If the recycling did not happen, its signer corrects it, or a party disputes it.",
    kinds=BATTERY_KINDS - RECORD_KINDS - {"manufacture"},
    parts=("sub", "input", "remainder", "unit"),
)
def has_not_ended(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.physical not in ("recycled", "consumed", "destroyed"):
        return None
    if battery.physical == "destroyed" and case.kind == "recycle":
        return None
    return f"{case.uri} is {battery.physical}"


@rule(
    "ORD-6",
    "R",
    since=4,
    basis="EU 2023/1542 Art. 77(8)",
    text="Nothing happens to a unit after it was recycled or consumed but correction and dispute. "
    "It is named as the whole of a part that an incident happened to.",
    repair="If the recycling did not happen, an authority resolves a dispute about it.",
    kinds=BATTERY_KINDS - RECORD_KINDS - {"manufacture"},
    parts=("sub", "input", "remainder", "unit"),
)
def has_not_ended_but_as_a_whole(case: Case) -> str | None:
    if case.kind == "incident" and case.part == "unit":
        return None
    return has_not_ended(case)


@rule(
    "ORD-4",
    "R",
    since=4,
    basis="design: what was found unfit is not used because it is new",
    text="A new unit that was assessed is not installed, and not built into another, unless the "
    "last assessment found it fit.",
    repair="Have the unit assessed anew.",
    kinds=("install", "manufacture"),
    parts=("sub", "child"),
)
def is_not_found_unfit(case: Case) -> str | None:
    battery = case.battery
    if battery is None or (case.kind == "manufacture" and case.part == "sub"):
        return None
    assessed = battery.assessed
    if battery.last_use is not None or assessed is None or assessed.is_fit:
        return None  # of used units other rules ask more
    return f"the verdict of entry {assessed.at.index} on {case.uri} is {assessed.verdict}"


@rule(
    "ORD-9",
    "R",
    since=4,
    basis="design: nobody signs the future",
    text="The two dates of an incident are no further ahead of registration than the policy "
    "allows: otherwise no assessment would ever be after it.",
    repair="Correct the date.",
    kinds=("incident",),
    parts=("event", "restated"),
)
def incident_is_not_in_the_future(case: Case) -> str | None:
    for name in ("happened_at", "discovered_at"):
        stated = read(case.event, name)
        if isinstance(stated, Present):
            ahead = parse_moment(stated.value) - case.occasion.time
            if ahead > case.skew_s:
                return f"{name} is {ahead} s ahead of log time"
    return None


@rule(
    "ORD-9",
    "R",
    basis="design: nobody signs the future",
    text="Neither `occurred_at` nor `iat` is further ahead of registration than the policy allows.",
    repair="Correct the clock, or submit when the time has come.",
    kinds=BATTERY_KINDS | {"model"},
    parts=("event", "restated"),
)
def is_not_in_the_future(case: Case) -> str | None:
    ahead = max(case.occurred, case.issued) - case.occasion.time
    return f"{ahead} s ahead of log time" if ahead > case.skew_s else None


@rule(
    "ORD-9",
    "F",
    basis="design: claims are compared with log order",
    text="An event's time is not a minute after log time, and not before its predecessor's beyond "
    "skew.",
    repair="Ask the signer for the reason of the late or early date.",
    parts=("sub", "input", "unit"),
)
def agrees_with_log_order(case: Case) -> str | None:
    if case.occurred > case.occasion.time + EPOCH_GRACE:
        return f"dated {case.occurred - case.occasion.time} s after it was registered"
    battery = case.battery
    if battery is None or case.kind in RECORD_KINDS:
        return None
    if case.occurred >= battery.last.occurred - case.skew_s:
        return None
    return f"dated before the event in entry {battery.last.index}, which is earlier in the log"


def _not_one_of(battery: BatteryState | None, allowed: tuple[str, ...]) -> str | None:
    if battery is None:
        return None
    if battery.missing is not None:
        return f"the unit is missing since entry {battery.missing.index}"
    if battery.parent is not None:
        return f"the unit is part of {battery.parent}"
    if battery.physical not in allowed:
        return f"the unit is {battery.physical}"
    return None
