"""The state after an event: one function for each kind, over independent axes.

Nothing is judged here: rules have spoken before. In a buyer's hands events that break rules are
folded too, so that the rest of the history is judged from what the signers said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from keys.errors import CellbookError
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
    MAX_DISPUTED,
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
from ledger.custody.subjects import Named, cited_by

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
        if name.part == "alias" and before is None:
            after[name.uri] = AliasState(of=named[0].uri)
        elif name.part in ("sub", "input", "unit") and isinstance(before, BatteryState):
            after[name.uri] = _happened(event, name, before, issuer, mark)
    if isinstance(event, Manufacture):
        after |= _manufactured(event, named, states, issuer, mark)
    elif isinstance(event, Repurpose):
        after |= _outputs(event, named, states, issuer, mark)
        after |= _left_over(event, named, states, issuer, mark)
    return after


def _happened(
    event: Event, name: Named, before: BatteryState, issuer: str, mark: Mark
) -> BatteryState:
    step = _STEPS.get(type(event))
    if isinstance(event, Assessment) and name.part == "sub" and event.units:
        step = None  # it speaks of children or of a sample, not of the whole
    after = step(event, before, issuer, mark) if step else before
    return after if cited_by(event) is not None else replace(after, last=mark)


def _manufactured(
    event: Manufacture,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
) -> dict[str, State]:
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


def _outputs(
    event: Repurpose,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
) -> dict[str, State]:
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


def _left_over(
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
            after[name.uri] = _with_party(used, issuer)
    return after


def _installed(event: Install, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    status: Status = "re-used" if before.physical == "removed" else before.base_status
    used = mark.not_before(before.last_use)
    return replace(before, physical="installed", install=mark, last_use=used, base_status=status)


def _decommissioned(
    event: Decommission, before: BatteryState, issuer: str, mark: Mark
) -> BatteryState:
    used = mark.not_before(before.last_use)
    return replace(before, physical="removed", install=None, last_use=used)


def _assessed(event: Assessment, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    assessed = Assessed(
        at=mark, verdict=event.verdict, assessor=issuer, valid_until=event.valid_until
    )
    quarantine = before.quarantine
    if quarantine is not None and assessed.is_fit and mark.is_after(quarantine):
        quarantine = None
    return replace(before, assessed=assessed, quarantine=quarantine)


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
    physical: Physical = "in-transit" if "possession" in event.moves else before.physical
    return replace(before, released=(*before.released, released)[-3:], physical=physical)


def _accepted(event: Accept, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    released = _waiting(before, event.release_ref)
    if released is None:
        return before
    after = _with_party(_ended(before, released), issuer)
    if "possession" in released.moves:
        after = replace(after, possessor=issuer)
    if "ownership" in released.moves:
        after = replace(after, owner=issuer)
    if "responsibility" in released.moves:
        after = replace(after, responsible=issuer)
    return after


def _refused(event: Refuse, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    released = _waiting(before, event.release_ref)
    return before if released is None else _ended(before, released)


def _taken_in(event: Intake, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    """Who takes a unit in has it; a sale that waits is not its matter (CUS-3)."""
    for released in before.released:
        if "possession" in released.moves:
            before = _ended(before, released)
    return _with_party(replace(before, possessor=issuer), issuer)


def _waiting(before: BatteryState, release: bytes) -> Released | None:
    return next((r for r in before.released if r.at.entry_id == release), None)


def _ended(before: BatteryState, released: Released) -> BatteryState:
    """The unit without this release. Only who moves it has stopped everything else meanwhile."""
    moving = "possession" in released.moves
    return replace(
        before,
        released=tuple(r for r in before.released if r != released),
        physical=released.physical if moving else before.physical,
    )


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
        used = mark.not_before(before.last_use)
        return replace(before, quarantine=mark.not_before(before.quarantine), last_use=used)
    if event.kind in VANISHING:
        return replace(before, missing=mark)
    if event.kind == "recovery":
        return replace(before, missing=None, last_use=mark.not_before(before.last_use))
    return before


def _disputed(event: Dispute, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    if event.entry_ref in before.disputed:
        return before
    return replace(before, disputed=(*before.disputed, event.entry_ref)[:MAX_DISPUTED])


def _resolved(event: Resolution, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    open_still = tuple(entry for entry in before.disputed if entry != event.entry_ref)
    return replace(before, disputed=open_still)


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
