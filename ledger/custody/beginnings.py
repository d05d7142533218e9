"""How batteries come into the log: made, onboarded, inside of another, repurposed, set free.

Like ``fold``, of which this is a part, it judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from keys.errors import CellbookError
from ledger.custody.events import Manufacture, Repurpose
from ledger.custody.identifiers import parse_subject
from ledger.custody.states import BatteryState, Mark, State, Status
from ledger.custody.subjects import Named

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
) -> dict[str, State]:
    """The battery that was made, children that are new, and the parent of those that are not."""
    sub = event.ids[0].uri
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        if name.part == "sub" and before is None:
            after[sub] = _begun(event, issuer, mark)
        elif name.part == "child" and isinstance(before, BatteryState):
            after[name.uri] = replace(before, parent=sub, last=mark)
        elif name.part == "child" and before is None:
            level = _level_of(name.uri)
            if level is not None:
                made = _new_battery(level, "original", issuer, mark)
                after[name.uri] = replace(made, parent=sub)
    return after


def _begun(event: Manufacture, issuer: str, mark: Mark) -> BatteryState:
    """A new battery; one that is onboarded comes out of a use that nobody knows."""
    made = _new_battery(event.level, "original", issuer, mark)
    if event.responsible_operator is not None:
        made = replace(made, responsible=event.responsible_operator)
    if event.onboarding is None:
        return made
    return replace(made, physical="removed", last_use=mark)


def _level_of(uri: str) -> str | None:
    """The level that a code states; None for what is no code, which rule ID-1 has found."""
    try:
        return parse_subject(uri).level
    except CellbookError:
        return None


def _new_battery(level: str, status: Status, issuer: str, mark: Mark) -> BatteryState:
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
) -> dict[str, State]:
    """The outputs: new batteries, with all inputs as their predecessors."""
    predecessors = tuple(item.id for item in event.inputs)
    status = STATUS_AFTER[event.operation]
    origin = states.get(event.inputs[0].id)
    # Who repurposes a unit does not come to own it (CUS-3).
    owner = origin.owner if isinstance(origin, BatteryState) else issuer
    new = {name.uri for name in named if name.part == "output" and name.uri not in states}
    return {
        output.id: replace(
            _new_battery(output.level, status, issuer, mark),
            predecessors=predecessors,
            owner=owner,
            parties=tuple(dict.fromkeys((owner, issuer))),
            responsible=event.responsible_operator,
        )
        for output in event.outputs
        if output.id in new
    }


def left_over(
    event: Repurpose,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
) -> dict[str, State]:
    """Parts that an opened unit sets free, as used as it was: its assessment was not theirs."""
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        if name.part == "remainder" and isinstance(before, BatteryState):
            whole = states.get(before.parent or "")
            owner = whole.owner if isinstance(whole, BatteryState) else before.owner
            free = replace(before, parent=None, physical="removed", possessor=issuer, owner=owner)
            used = replace(free, last_use=mark.not_before(before.last_use), last=mark)
            after[name.uri] = used.with_party(issuer)
    return after
