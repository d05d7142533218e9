"""ID rules about what a code says of its battery, and about further codes."""

from __future__ import annotations

from keys.errors import CellbookError
from ledger.custody.identifiers import BATTERY_PREFIX
from ledger.custody.names.codes import Gbt34014, parse_gbt34014
from ledger.custody.rules.registry import Case, rule
from ledger.custody.values.fields import Present, read
from ledger.custody.values.jurisdictions import local_date

LEVELS = {"P": "pack", "M": "module", "C": "cell"}


@rule(
    "ID-2",
    "F",
    since=2,
    basis="GB/T 34014-2017",
    text="The level letter of a code is that of the declared level.",
    repair="Compare code and unit; correct the entry if the level is wrong.",
    kinds=("manufacture", "repurpose"),
    parts=("event",),
)
def level_is_as_in_the_code(case: Case) -> str | None:
    for uri, declared in _declared(case, "level"):
        code = _code(uri)
        if code is not None and LEVELS[code.level] != declared:
            return f"the code of {uri} says {LEVELS[code.level]}, the event {declared}"
    return None


@rule(
    "ID-3",
    "F",
    since=2,
    basis="design: a code is not made before its battery is",
    text="The date in a code is not after the date of manufacture, and not in the future.",
    repair="Compare the date characters of the code with the label.",
    unconfirmed="days above 17 are read by two tables; the earlier reading is compared",
    kinds=("manufacture", "repurpose"),
    parts=("event",),
)
def code_is_not_younger_than_its_battery(case: Case) -> str | None:
    today = local_date(case.occasion.time, "CN")
    claimed = read(case.event, "made_on")
    for uri, _ in _declared(case, "level"):
        code = _code(uri)
        if code is None:
            continue
        if code.dates[0] > today:
            return f"the code of {uri} is dated {code.dates[0]}, after it was registered"
        if isinstance(claimed, Present) and code.dates[0] > claimed.value:
            return f"the code of {uri} is dated {code.dates[0]}, made on {claimed.value}"
    return None


@rule(
    "ID-5",
    "R",
    since=2,
    basis="GB/T 34014-2017: the original code is kept",
    text="A second-life code begins with a repurposing, or stands beside the original code of a "
    "unit that is onboarded.",
    repair="Register the repurposing with its inputs, or state the original code in `ids` as well.",
    kinds=("manufacture", "relabel"),
    parts=("sub", "alias", "child"),
)
def second_life_has_an_original(case: Case) -> str | None:
    code = _code(case.uri)
    if code is None or not code.second_life or case.before is not None:
        return None
    if case.kind == "manufacture" and case.part != "child" and _has_original(case):
        return None
    return f"nothing links {case.uri} to an original code"


def _has_original(case: Case) -> bool:
    stated = read(case.event, "ids")
    codes = [_code(item.uri) for item in stated.value] if isinstance(stated, Present) else []
    return any(code is not None and not code.second_life for code in codes)


@rule(
    "ID-6",
    "F",
    since=2,
    basis="design: what has no code cannot be followed",
    text="A unit without a readable code, or without history before a date, is known by its "
    "source and reason only.",
    repair="Ask for the label's photo, or for the papers of the lot.",
    kinds=("manufacture", "repurpose"),
    parts=("event",),
)
def is_known_by_its_code(case: Case) -> str | None:
    onboarding = read(case.event, "onboarding")
    if isinstance(onboarding, Present) and onboarding.value.label_photo_sha256 is None:
        return f"onboarded without a photo of its label; source: {onboarding.value.source}"
    remainder = read(case.event, "remainder")
    for left in remainder.value if isinstance(remainder, Present) else ():
        if left.lot is not None:
            return f"{left.mass_g} g leave the record as lot {left.lot}: {left.reason}"
    return None


@rule(
    "ID-6",
    "F",
    since=4,
    basis="IEC 63338:2024; design: what has no record was not assessed here",
    text="What goes into a unit has a record and an assessment of its own; of a lot nothing is "
    "known but its source.",
    repair="Ask for the papers of the lot, and for the proof that each unit of it was tested.",
    kinds=("repurpose",),
    parts=("event",),
)
def inputs_have_records(case: Case) -> str | None:
    stated = read(case.event, "input_lots")
    lots = stated.value if isinstance(stated, Present) else ()
    if not lots:
        return None
    return f"{sum(lot.count for lot in lots)} units without a record went in, lot {lots[0].lot}"


@rule(
    "ID-7",
    "R",
    since=2,
    basis="design: an old id is never used again, and a new one is an event",
    text="The codes of one unit are of one level; a code that it gets later comes by a "
    "relabelling, which says why.",
    repair="Compare the fourth character of the codes with the label.",
    kinds=("manufacture", "relabel"),
    parts=("event",),
)
def codes_are_of_one_level(case: Case) -> str | None:
    name, level = "ids", read(case.event, "level")
    declared = level.value if isinstance(level, Present) else None
    if case.kind == "relabel" and case.battery is not None:
        name, declared = "new_ids", case.battery.level
    stated = read(case.event, name)
    items = stated.value if isinstance(stated, Present) else ()
    for item in items[1:] if name == "ids" else items:  # the first is ID-2's matter
        code = _code(item.uri)
        if code is not None and declared is not None and LEVELS[code.level] != declared:
            return f"{code.code} is the code of a {LEVELS[code.level]}, the unit a {declared}"
    return None


def _declared(case: Case, name: str) -> list[tuple[str, str]]:
    """Each battery that begins with the event, and what the event states of it."""
    outputs = read(case.event, "outputs")
    if isinstance(outputs, Present):
        return [(item.id, getattr(item, name)) for item in outputs.value]
    stated = read(case.event, name)
    return [(case.uri, stated.value)] if isinstance(stated, Present) else []


def _code(uri: str) -> Gbt34014 | None:
    """The code in a name; None where it has another scheme, or is none, which ID-1 has found."""
    if not uri.startswith(BATTERY_PREFIX):
        return None
    try:
        return parse_gbt34014(uri[len(BATTERY_PREFIX) :])
    except CellbookError:
        return None
