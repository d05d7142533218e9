"""How batteries come into the log: made, onboarded, inside of another, repurposed, set free.

Like ``fold``, of which this is a part, it judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from keys.errors import CellbookError
from ledger.custody.events import Manufacture, Repurpose
from ledger.custody.events.afterlife import RepurposeOutput
from ledger.custody.identifiers import BatterySubject, parse_subject
from ledger.custody.profiles import HEIRS
from ledger.custody.states import BatteryState, Facts, Mark, State, Status
from ledger.custody.subjects import Named
from ledger.custody.wasting import still_waste, waste_of, wasted_with

LEVELS = ("pack", "module", "cell")
STATUS_AFTER: dict[str, Status] = {
    "preparation-for-re-use": "re-used",
    "preparation-for-repurposing": "repurposed",
    "repurposing": "repurposed",
    "remanufacture": "remanufactured",
}


def manufactured(
    event: Manufacture,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
    core: int,
) -> dict[str, State]:
    """The battery that was made, children that are new, and the parent of those that are not."""
    sub = event.ids[0].uri
    waste = waste_of(event.children, states) if core >= HEIRS else ()
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        is_new = before is None or _is_unmade(before)
        if name.part == "sub" and is_new:
            after[sub] = _in_place_of(before, _begun(event, issuer, mark, waste))
        elif name.part == "child" and isinstance(before, BatteryState) and not is_new:
            after[name.uri] = replace(before, parent=sub, last=mark)
        elif name.part == "child" and is_new:
            child = _named_by(name.uri)
            if child is not None:
                made = _new_battery(child.level, "original", issuer, mark)
                after[name.uri] = _in_place_of(before, replace(made, parent=sub))
    return after


def _in_place_of(before: State | None, begun: BatteryState) -> BatteryState:
    """What was said about entries under the name stays."""
    if not isinstance(before, BatteryState):
        return begun
    return replace(begun, corrected=before.corrected, disputed=before.disputed)


def _is_unmade(before: State) -> bool:
    return isinstance(before, BatteryState) and before.unmade is not None


def _begun(event: Manufacture, issuer: str, mark: Mark, waste: tuple[str, ...]) -> BatteryState:
    """A new battery; one that is onboarded comes out of a use that nobody knows."""
    made = _new_battery(event.level, "original", issuer, mark)
    made = replace(
        made,
        responsible=event.responsible_operator or issuer,
        stated=Facts(
            passport=event.passport_id,
            category=event.battery_category,
            chemistry=event.chemistry,
            rated_capacity_mah=event.rated_capacity_mah,
            mass_g=event.mass_g,
            children=event.children_count or len(event.children),
            waste=waste,
        ),
        waste=waste,
    )
    if event.onboarding is None:
        return made
    return replace(made, physical="removed", last_use=mark)


def _named_by(uri: str) -> BatterySubject | None:
    """What a name says of a battery; None for what is no code, which rule ID-1 has found."""
    try:
        return parse_subject(uri)
    except CellbookError:
        return None


def _new_battery(level: str | None, status: Status, issuer: str, mark: Mark) -> BatteryState:
    return BatteryState(
        made=mark,
        maker=issuer,
        level=level,
        physical="made",
        base_status=status,
        possessor=issuer,
        owner=issuer,
        responsible=issuer,
        last=mark,
        parties=(issuer,),
    )


def repurposed(
    event: Repurpose,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
    core: int,
) -> dict[str, State]:
    """The outputs: new batteries, with all inputs as their predecessors."""
    predecessors = tuple(item.id for item in event.inputs)
    status = STATUS_AFTER[event.operation]
    origin = states.get(event.inputs[0].id)
    # Who repurposes a unit does not come to own it (CUS-3).
    owner = origin.owner if isinstance(origin, BatteryState) else issuer
    inherited = () if owner == issuer else ((mark.index, owner),)
    chemistry = _common_chemistry(predecessors, states)
    waste = still_waste(event, states, core)
    new = {name.uri for name in named if name.part == "output" and name.uri not in states}
    return {
        output.id: replace(
            _new_battery(output.level, status, issuer, mark),
            predecessors=predecessors,
            owner=owner,
            parties=tuple(dict.fromkeys((owner, issuer))),
            responsible=event.responsible_operator,
            stated=_facts_of(output, chemistry, waste),
            waste=waste,
            split=mark if _is_below(output, predecessors, states) else None,
            inherited=inherited,
        )
        for output in event.outputs
        if output.id in new
    }


def _facts_of(output: RepurposeOutput, chemistry: str | None, waste: tuple[str, ...]) -> Facts:
    return Facts(
        passport=output.passport_id,
        category=output.category_after,
        chemistry=chemistry,
        rated_capacity_mah=output.rated_capacity_mah,
        mass_g=output.mass_g,
        children=len(output.children),
        waste=waste,
    )


def _common_chemistry(uris: tuple[str, ...], states: Mapping[str, State]) -> str | None:
    """The chemistry of all of them, where it is known and the same."""
    found = {before.facts.chemistry for before in _batteries(uris, states)}
    return found.pop() if len(found) == 1 else None


def _is_below(output: RepurposeOutput, uris: tuple[str, ...], states: Mapping[str, State]) -> bool:
    """Whether the output is of a lower level than anything that went in.

    One input of its own level beside the pack that is opened would make a part look like a whole.
    """
    return any(is_lower(output.level, before.level) for before in _batteries(uris, states))


def is_lower(level: str | None, other: str | None) -> bool:
    """Whether units of ``level`` are parts of units of the ``other``; not where one is unknown."""
    if level not in LEVELS or other not in LEVELS:
        return False
    return LEVELS.index(level) > LEVELS.index(other)


def _batteries(uris: tuple[str, ...], states: Mapping[str, State]) -> list[BatteryState]:
    found = [states.get(uri) for uri in uris]
    return [before for before in found if isinstance(before, BatteryState)]


def became(event: Repurpose, before: BatteryState) -> str | None:
    """The one unit into which an input went whole, with all its parts; None where it was opened.

    Parts that the event does not name are inside of that one from here on.
    """
    only = event.outputs[0]
    is_whole = len(event.outputs) == 1 and not is_lower(only.level, before.level)
    return only.id if is_whole else None


def moved_in(
    event: Repurpose, named: tuple[Named, ...], states: Mapping[str, State], mark: Mark
) -> dict[str, State]:
    """Parts of the inputs that are inside of an output from here on, as used as these were."""
    wholes = {uri: output.id for output in event.outputs for uri in output.children}
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        if name.part == "child" and isinstance(before, BatteryState):
            used = mark.not_before(before.last_use)
            after[name.uri] = replace(before, parent=wholes[name.uri], last_use=used, last=mark)
    return after


def left_over(
    event: Repurpose,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
    core: int,
) -> dict[str, State]:
    """Parts that an opened unit sets free, as used as it was: its assessment was not theirs.

    They are waste where it was, whatever the operation: that ended nothing for what it left over.
    """
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        if name.part == "remainder" and isinstance(before, BatteryState):
            whole = states.get(before.parent or "")
            owner = whole.owner if isinstance(whole, BatteryState) else before.owner
            free = replace(before, parent=None, physical="removed", possessor=issuer, owner=owner)
            if owner != before.owner:
                free = replace(free, inherited=(*before.inherited, (mark.index, owner))[-4:])
            used = replace(free, last_use=mark.not_before(before.last_use), last=mark)
            if core >= HEIRS and isinstance(whole, BatteryState):
                used = wasted_with(used, whole.waste, mark)
            after[name.uri] = used.with_party(issuer)
    return after
