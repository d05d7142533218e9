"""CUS rules: a transfer has two signatures, and only the possessor acts on a battery."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, rule
from ledger.custody.states import BatteryState, Released
from ledger.custody.values.fields import Present, read

PHYSICAL_KINDS = ("install", "decommission", "repurpose", "recycle", "repair", "relabel", "waste")


@rule(
    "CUS-1",
    "R",
    basis="design: a transfer is a release by the giver and an acceptance by the receiver",
    text="A release comes from who holds the unit, made or removed; it is accepted or refused "
    "once, by the receiver whom it names, or withdrawn before that by its giver.",
    repair="Name the pending release in `release_ref`, and sign as its receiver, or as its giver "
    "to withdraw it.",
    kinds=("release", "accept", "refuse", "withdrawal"),
    parts=("sub", "unit"),
)
def transfer_has_two_sides(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    if case.kind == "release":
        return _can_be_released(case, battery)
    if case.kind == "withdrawal" and case.part == "unit":
        return None  # of what the release named, what still waits is taken back
    return _answers(case, battery)


def _can_be_released(case: Case, battery: BatteryState) -> str | None:
    moves = read(case.event, "moves")
    moved = moves.value if isinstance(moves, Present) else ()
    for waiting in battery.released:
        if not set(moved).isdisjoint(waiting.moves):
            return f"released already by entry {waiting.at.index}"
    if "possession" in moved and battery.physical not in ("made", "removed"):
        return f"{case.uri} is {battery.physical}"
    if "possession" in moved and battery.parent is not None:
        return f"{case.uri} is part of {battery.parent}"
    if "ownership" in moved and battery.owner != case.issuer:
        return f"{battery.owner} owns {case.uri}"
    if "responsibility" in moved and battery.responsible != case.issuer:
        return f"{battery.responsible} is responsible for {case.uri}"
    if read(case.event, "receiver") == Present(case.issuer):
        return "giver and receiver are the same"
    if read(case.event, "giver") != Present(case.issuer):
        return "the giver that it names has not signed it"
    return None


@rule(
    "CUS-1",
    "R",
    since=4,
    basis="design: who owns the whole owns its parts",
    text="A part is sold with its whole, or after it was taken out.",
    repair="Release the whole; or take the part out first, by a repurposing.",
    kinds=("release",),
    parts=("sub", "unit"),
)
def is_sold_with_its_whole(case: Case) -> str | None:
    battery, moves = case.battery, read(case.event, "moves")
    if battery is None or battery.parent is None or not isinstance(moves, Present):
        return None
    return f"{case.uri} is part of {battery.parent}" if "ownership" in moves.value else None


def _answers(case: Case, battery: BatteryState) -> str | None:
    if not battery.released:
        return f"no release of {case.uri} waits"
    named = read(case.event, "release_ref")
    for waiting in battery.released:
        if named == Present(waiting.at.entry_id):
            return _side_speaks(case, waiting)
    entries = " and ".join(str(waiting.at.index) for waiting in battery.released)
    return f"the release that waits is entry {entries}, the event names another"


def _side_speaks(case: Case, waiting: Released) -> str | None:
    if case.kind == "withdrawal":
        side, name = "giver", waiting.giver
    else:
        side, name = "receiver", waiting.receiver
    return None if name == case.issuer else f"entry {waiting.at.index} names {name} as the {side}"


@rule(
    "CUS-2",
    "R",
    basis="design: only the possessor has the unit in hand",
    text="Only the present possessor of a unit appends physical events.",
    repair="Accept the unit first (release and accept), or let the possessor sign.",
    kinds=(*PHYSICAL_KINDS, "release"),
    parts=("sub", "input", "unit"),
)
def issuer_possesses(case: Case) -> str | None:
    battery = case.battery
    if battery is None or battery.possessor == case.issuer:
        return None
    if case.kind == "release":
        moves = read(case.event, "moves")
        if isinstance(moves, Present) and "possession" not in moves.value:
            return None
    return f"{battery.possessor} possesses {case.uri}"


@rule(
    "CUS-4",
    "F",
    basis="design: who has no key cannot release",
    text="Possession was taken with no release by the possessor.",
    repair="The recorded possessor confirms it outside of the ledger, or disputes the intake.",
    kinds=("intake",),
    parts=("sub", "unit"),
)
def was_released_before(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    return f"{battery.possessor} possessed {case.uri} and had not released it to {case.issuer}"
