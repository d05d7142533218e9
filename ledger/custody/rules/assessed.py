"""ASM rules: what an assessment must say to count, and what makes its reader look twice."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, is_frame, rule
from ledger.custody.states import FIT
from ledger.custody.values.fields import Absent, Present, read
from ledger.custody.values.jurisdictions import local_date
from ledger.custody.values.times import format_moment, offset_of

TEXTS = ("scheme", "edition", "lab", "soh_method", "visual_check", "bms_check", "history_source",
         "intended_use")  # fmt: skip
VALUES = ("measured_capacity_mah", "reference_capacity_mah", "ocv_mv", "c_rate_milli")


@rule(
    "ASM-1",
    "R",
    since=2,
    basis="design: a verdict without its test cannot be weighed",
    gate="taken as present",
    text="An assessment states method, edition, laboratory, conditions and measured values in "
    "substance; a verdict with limits states them.",
    repair="State what was measured and how; write the limits out.",
    kinds=("assessment",),
    parts=("event",),
)
def states_its_test(case: Case) -> str | None:
    for name in TEXTS:
        stated = read(case.event, name)
        if isinstance(stated, Present) and not stated.value.strip(" -./?"):
            return f"{name} says nothing"
    for name in VALUES:
        if read(case.event, name) == Present(0):
            return f"{name} is 0"
    limits = read(case.event, "limits")
    is_limited = read(case.event, "verdict") == Present("fit-with-limits")
    if is_limited and isinstance(limits, Present) and not limits.value.strip(" -./?"):
        return "fit with limits, and limits says nothing"
    return None


@rule(
    "ASM-1",
    "R",
    profile="ul-1974",
    basis="UL 1974",
    gate="taken as present",
    text="An assessment by UL 1974 is of each unit by itself, with DC resistance and "
    "self-discharge.",
    repair="Measure every unit, and state `resistance` and `self_discharge`.",
    unconfirmed="by its summary; the text of the standard was not at hand",
    kinds=("assessment",),
    parts=("event",),
)
def has_the_tests_of_ul_1974(case: Case) -> str | None:
    scheme = read(case.event, "scheme")
    if not isinstance(scheme, Present) or not scheme.value.upper().startswith("UL 1974"):
        return None
    if read(case.event, "scope") in (Present("sample"), Present("children")):
        return "units were assessed together or by a sample"
    for name in ("resistance", "self_discharge"):
        if isinstance(read(case.event, name), Absent):
            return f"{name} is not stated"
    return None


@rule(
    "ASM-2",
    "R",
    since=2,
    basis="design: validity is asked at the event's time, by claim and by log time",
    text="When an assessment is registered, neither its certificate nor the laboratory's "
    "accreditation has expired.",
    repair="Have the unit assessed by a laboratory whose accreditation is valid, and register it "
    "in time.",
    kinds=("assessment",),
    parts=("event",),
)
def certificate_is_valid(case: Case) -> str | None:
    when = read(case.event, "occurred_at")
    claimed = when.value[:10] if isinstance(when, Present) else ""
    day = max(claimed, local_date(case.occasion.time, None))
    accreditation, until = read(case.event, "accreditation"), read(case.event, "valid_until")
    if isinstance(accreditation, Present) and accreditation.value.valid_to < day:
        return f"the laboratory was accredited until {accreditation.value.valid_to}"
    if isinstance(until, Present) and until.value < day:
        return f"it was valid until {until.value}"
    return None


@rule(
    "ASM-3",
    "F",
    since=2,
    basis="EU 2023/1542 Annex VII",
    gate="no finding",
    text="State of certified energy (SOCE) is a measure for batteries of the category EV; for "
    "others the state of health has another basis.",
    repair="State the state of health by capacity or energy.",
    kinds=("assessment", "decommission", "reading"),
    parts=("sub", "unit"),
)
def soce_is_for_vehicles(case: Case) -> str | None:
    if case.battery is None or case.battery.facts.category in (None, "ev") or is_frame(case):
        return None
    by_soce = read(case.event, "soh_basis") == Present("soce")
    if by_soce or isinstance(read(case.event, "soce_permille"), Present):
        return f"SOCE of a unit of the category {case.battery.facts.category}"
    return None


@rule(
    "ASM-5",
    "F",
    since=2,
    basis="design: who sells does not judge",
    gate="no finding",
    text="The assessor is not who owns or holds the unit, and says how it is related to the "
    "seller if it is.",
    repair="Ask for the relation, or for an assessment by somebody else.",
    kinds=("assessment",),
    parts=("sub", "unit"),
)
def assessor_is_independent(case: Case) -> str | None:
    battery, seller = case.battery, read(case.event, "seller")
    if battery is None or not isinstance(seller, Present):
        return None
    if seller.value.related:
        how = seller.value.how or "it does not say how"
        return f"the assessor is related to the seller: {how}"
    if case.issuer in (battery.owner, battery.possessor):
        return f"{case.issuer} owns or holds {case.uri}, and says that it is not related"
    return None


@rule(
    "ASM-5",
    "F",
    since=3,
    basis="design: who sells does not judge",
    gate="no finding",
    text="Nobody who owns or holds the unit signs its assessment as a laboratory's delegate, and "
    "who has assessed a unit does not sell it or give it a second life.",
    repair="Ask for an assessment by somebody who has no part in the unit.",
    kinds=("assessment", "release", "repurpose"),
    parts=("sub", "input", "unit"),
)
def assessor_has_no_part(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    if case.kind != "assessment":
        assessed = battery.assessed
        if assessed is None or assessed.assessor != case.issuer:
            return None
        return f"{case.issuer} has assessed {case.uri} itself, in entry {assessed.at.index}"
    parties = (battery.owner, battery.possessor, *battery.parties)
    if case.signer == case.issuer or case.signer not in parties:
        return None
    return f"{case.signer}, a party to {case.uri}, signed it for {case.issuer}"


@rule(
    "ORD-4",
    "R",
    since=3,
    basis="EU 2023/1542 Art. 73; design: a paper is no younger than its test",
    gate="taken as present",
    text="What is assessed fit was tested after its last use, damage or removal, by the days of "
    "the place where the assessment is signed.",
    repair="Have the unit tested anew. A test from before is registered with the date of its end.",
    kinds=("assessment",),
    parts=("sub", "unit"),
)
def was_tested_since(case: Case) -> str | None:
    battery, ended = case.battery, read(case.event, "tested_to")
    when, verdict = read(case.event, "occurred_at"), read(case.event, "verdict")
    if battery is None or battery.last_use is None or is_frame(case):
        return None
    if not (isinstance(ended, Present) and isinstance(when, Present)):
        return None
    used = battery.last_use
    is_claimed = case.mark.is_after(used) and isinstance(verdict, Present) and verdict.value in FIT
    day = format_moment(max(used.occurred + 60 * offset_of(when.value), 0))[:10]
    if not is_claimed or ended.value >= day:
        return None
    return f"tested until {ended.value}; used, damaged or removed on {day} by entry {used.index}"


@rule(
    "ASM-6",
    "R",
    since=2,
    basis="IEC 63338:2024",
    text="The verdict on a pack does not cover what it is split into: each part is assessed after "
    "the split before it is used.",
    repair="Have the part assessed by itself.",
    kinds=("install", "manufacture"),
    parts=("sub", "child"),
)
def part_is_assessed_itself(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.split is None:
        return None
    assessed = battery.assessed
    if assessed is not None and assessed.is_fit and assessed.at.is_after(battery.split):
        return None
    return f"{case.uri} came out of a split in entry {battery.split.index}, and was not assessed"
