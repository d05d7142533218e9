"""The state after an event: one function for each kind, over independent axes.

Nothing is judged here: rules have spoken before. In a buyer's hands events that break rules are
folded too, so that the rest of the history is judged from what the signers said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from ledger.custody.events import (
    Accept,
    Assessment,
    Decommission,
    Dispute,
    Event,
    Incident,
    Install,
    Intake,
    Manufacture,
    Recycle,
    Refuse,
    Release,
    Repurpose,
    Resolution,
    Waste,
)
from ledger.custody.identifiers import parse_subject
from ledger.custody.states import (
    MAX_PARTIES,
    AliasState,
    Assessed,
    BatteryState,
    Mark,
    Physical,
    Released,
    State,
    Status,
)
from ledger.custody.subjects import Named

DAMAGING = ("fire", "crash", "flood", "recall")
VANISHING = ("theft", "loss")
STATUS_AFTER: dict[str, Status] = {
    "preparation-for-re-use": "re-used",
    "preparation-for-repurposing": "repurposed",
    "repurposing": "repurposed",
    "remanufacture": "remanufactured",
}


def fold(
    event: Event, named: tuple[Named, ...], states: Mapping[str, State], issuer: str, mark: Mark
) -> dict[str, State]:
    """The states after ``event`` of the batteries that it names; others do not change."""
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        if name.part in ("sub", "input", "unit") and isinstance(before, BatteryState):
            after[name.uri] = _happened(event, before, issuer, mark)
    if isinstance(event, Manufacture):
        after |= _manufactured(event, named, states, issuer, mark)
    elif isinstance(event, Repurpose):
        after |= _outputs(event, named, states, issuer, mark)
    return after


def _happened(event: Event, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    step = _STEPS.get(type(event))
    after = step(event, before, issuer, mark) if step else before
    return replace(after, last=mark)


def _manufactured(
    event: Manufacture,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
) -> dict[str, State]:
    sub = event.ids[0].uri
    after: dict[str, State] = {}
    if sub not in states:
        after[sub] = _new_battery(event.level, "original", issuer, mark)
        if event.responsible_operator is not None:
            after[sub] = replace(after[sub], responsible=event.responsible_operator)
    for name in named:
        before = states.get(name.uri)
        if name.part == "alias" and before is None:
            after[name.uri] = AliasState(of=sub)
        elif name.part == "child" and before is None:
            level = parse_subject(name.uri).level
            after[name.uri] = replace(_new_battery(level, "original", issuer, mark), parent=sub)
        elif name.part == "child" and isinstance(before, BatteryState):
            after[name.uri] = replace(before, parent=sub, last=mark)
    return after


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


def _outputs(
    event: Repurpose,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
) -> dict[str, State]:
    predecessors = tuple(item.id for item in event.inputs)
    status = STATUS_AFTER[event.operation]
    new = {name.uri for name in named if name.part == "output" and name.uri not in states}
    return {
        output.id: replace(
            _new_battery(output.level, status, issuer, mark),
            predecessors=predecessors,
            responsible=event.responsible_operator or issuer,
        )
        for output in event.outputs
        if output.id in new
    }


def _installed(event: Install, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    status: Status = "re-used" if before.physical == "removed" else before.base_status
    return replace(before, physical="installed", install=mark, last_use=mark, base_status=status)


def _decommissioned(
    event: Decommission, before: BatteryState, issuer: str, mark: Mark
) -> BatteryState:
    return replace(before, physical="removed", install=None, last_use=mark)


def _assessed(event: Assessment, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    assessed = Assessed(
        at=mark, verdict=event.verdict, assessor=issuer, valid_until=event.valid_until
    )
    cleared = before.quarantine is not None and mark.is_after(before.quarantine)
    return replace(before, assessed=assessed, quarantine=None if cleared else before.quarantine)


def _consumed(event: Repurpose, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    return replace(before, physical="consumed")


def _recycled(event: Recycle, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    stages: dict[str, Physical] = {"pre-treatment": "destroyed", "final": "recycled"}
    return replace(before, physical=stages.get(event.stage, before.physical))


def _released(event: Release, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    released = Released(
        at=mark,
        giver=issuer,
        receiver=event.receiver,
        moves=tuple(event.moves),
        physical=before.physical,
    )
    moving = "possession" in event.moves
    return replace(before, released=released, physical="in-transit" if moving else before.physical)


def _accepted(event: Accept, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    released = before.released
    if released is None:
        return before
    after = _with_party(replace(before, released=None, physical=released.physical), issuer)
    if "possession" in released.moves:
        after = replace(after, possessor=issuer)
    if "ownership" in released.moves:
        after = replace(after, owner=issuer)
    if "responsibility" in released.moves:
        after = replace(after, responsible=issuer)
    return after


def _refused(event: Refuse, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    physical = before.released.physical if before.released else before.physical
    return replace(before, released=None, physical=physical)


def _taken_in(event: Intake, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    physical = before.released.physical if before.released else before.physical
    taken = replace(before, released=None, physical=physical, possessor=issuer)
    return _with_party(taken, issuer)


def _with_party(before: BatteryState, party: str) -> BatteryState:
    if party in before.parties:
        return before
    return replace(before, parties=(*before.parties, party)[-MAX_PARTIES:])


def _wasted(event: Waste, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    others = tuple(place for place in before.waste if place != event.jurisdiction)
    waste = (*others, event.jurisdiction) if event.action == "declared" else others
    responsible = event.responsible_operator or before.responsible
    return replace(before, waste=waste, responsible=responsible)


def _struck(event: Incident, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    if event.kind in DAMAGING:
        return replace(before, quarantine=mark, last_use=mark)
    if event.kind in VANISHING:
        return replace(before, missing=mark)
    if event.kind == "recovery":
        return replace(before, missing=None, last_use=mark)
    return before


def _disputed(event: Dispute, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    return replace(before, disputes=before.disputes + 1)


def _resolved(event: Resolution, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    return replace(before, disputes=max(0, before.disputes - 1))


_STEPS: dict[type[Event], Callable[..., BatteryState]] = {
    Install: _installed,
    Decommission: _decommissioned,
    Assessment: _assessed,
    Repurpose: _consumed,
    Recycle: _recycled,
    Release: _released,
    Accept: _accepted,
    Refuse: _refused,
    Intake: _taken_in,
    Waste: _wasted,
    Incident: _struck,
    Dispute: _disputed,
    Resolution: _resolved,
}
"""Each takes (event of that type, state before, issuer, mark). Other kinds change no axis."""
