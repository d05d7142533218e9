"""The state after an event: one function for each kind, over independent axes.

Nothing is judged here: rules have spoken before. In a buyer's hands events that break rules are
folded too, so that the rest of the history is judged from what the signers said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger.custody.against import DAMAGING, VANISHING, date_of
from ledger.custody.beginnings import became, left_over, manufactured, moved_in, repurposed
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
    Reading,
    Recycle,
    Refuse,
    Release,
    Repair,
    Repurpose,
    Resolution,
    Waste,
    Withdrawal,
)
from ledger.custody.events.measured import Counted
from ledger.custody.profiles import HEIRS
from ledger.custody.reading_days import is_late, with_day
from ledger.custody.states import (
    ENDED,
    FIT,
    MAX_DISPUTED,
    AliasState,
    Assessed,
    BatteryState,
    Health,
    Mark,
    Physical,
    Released,
    State,
    Status,
)
from ledger.custody.subjects import Named, cited_by
from ledger.custody.values.fields import Present, read

NO_HEALTH = Health()


def fold(
    event: Event,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    issuer: str,
    mark: Mark,
    core: int,
) -> dict[str, State]:
    """The states after ``event`` of the batteries that it names; others do not change.

    ``core`` is the version of that profile in the log's policy.
    """
    after: dict[str, State] = {}
    for name in named:
        before = states.get(name.uri)
        if name.part == "alias" and before is None:
            after[name.uri] = AliasState(of=named[0].uri)
        elif name.part in ("sub", "input", "unit") and isinstance(before, BatteryState):
            after[name.uri] = _happened(event, name, before, issuer, mark, core)
    if isinstance(event, Manufacture):
        after |= manufactured(event, named, states, issuer, mark, core)
    elif isinstance(event, Repurpose):
        after |= repurposed(event, named, states, issuer, mark, core)
        after |= moved_in(event, named, states, mark)
        after |= left_over(event, named, states, issuer, mark, core)
    return after


def _happened(
    event: Event, name: Named, before: BatteryState, issuer: str, mark: Mark, core: int
) -> BatteryState:
    if core >= HEIRS and isinstance(event, Reading):
        return _read_in_order(event, before, mark)
    if core >= HEIRS and isinstance(event, Incident) and before.physical in ENDED:
        return replace(before, last=mark)  # it is named as the whole of a part
    step = _STEPS.get(type(event))
    if isinstance(event, Assessment) and name.part == "sub" and event.units:
        step = None  # it speaks of children or of a sample, not of the whole
    after = step(event, before, issuer, mark) if step else before
    if core >= HEIRS and isinstance(event, Repurpose):
        after = replace(after, became=became(event, before))
    if step is not None or not isinstance(event, Assessment):
        after = _measured(event, after)
    return after if cited_by(event) is not None else replace(after, last=mark)


def _read_in_order(event: Reading, before: BatteryState, mark: Mark) -> BatteryState:
    """A reading of a day before the newest one is history: the newest values stay."""
    after = with_day(before, event.occurred_at[:10])
    if is_late(event, before):
        return replace(after, last=mark.not_before(before.last))
    return replace(_measured(event, after), last=mark)


def _measured(event: Event, before: BatteryState) -> BatteryState:
    """The last values, for remarks. After a declared reset of the BMS counting begins again."""
    if isinstance(event, Repair):
        is_reset = read(event, "bms_action") in (Present("reset"), Present("replaced"))
        return replace(before, health=None) if is_reset and before.health else before
    if not isinstance(event, Counted):
        return before
    known = NO_HEALTH if _says(event, "bms_reset") else before.health or NO_HEALTH
    soh, cycles = _says(event, "soh_permille"), _says(event, "full_cycles")
    if soh is not None:
        known = replace(known, soh_permille=soh, soh_basis=_says(event, "soh_basis"))
    if cycles is not None:
        known = replace(known, full_cycles=cycles)
    return before if known == (before.health or NO_HEALTH) else replace(before, health=known)


def _says(event: Event, name: str) -> Any:
    stated = read(event, name)
    return stated.value if isinstance(stated, Present) else None


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
    """What is fit to be shipped is not fit for use: only a verdict against the unit counts then."""
    if event.purpose == "shipment" and event.verdict in FIT:
        return before
    assessed = Assessed(
        at=mark, verdict=event.verdict, assessor=issuer, valid_until=event.valid_until
    )
    quarantine = before.quarantine
    if quarantine is not None and assessed.is_fit and mark.is_after(quarantine):
        quarantine = None
    return replace(before, assessed=assessed, quarantine=quarantine)


def _read(event: Reading, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    return replace(before, read_on=max(before.read_on or "", event.occurred_at[:10]))


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
    after = _ended(before, released).with_party(issuer)
    if "possession" in released.moves:
        after = replace(after, possessor=issuer)
    if "ownership" in released.moves:
        after = replace(after, owner=issuer)
    if "responsibility" in released.moves:
        after = replace(after, responsible=issuer)
    return after


def _returned(
    event: Refuse | Withdrawal, before: BatteryState, issuer: str, mark: Mark
) -> BatteryState:
    released = _waiting(before, event.release_ref)
    return before if released is None else _ended(before, released)


def _taken_in(event: Intake, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    """Who takes a unit in has it; a sale that waits is not its matter (CUS-3)."""
    for released in before.released:
        if "possession" in released.moves:
            before = _ended(before, released)
    return replace(before, possessor=issuer).with_party(issuer)


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


def _wasted(event: Waste, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    others = tuple(place for place in before.waste if place != event.jurisdiction)
    waste = (*others, event.jurisdiction) if event.action == "declared" else others
    responsible = event.responsible_operator or before.responsible
    return replace(before, waste=waste, responsible=responsible)


def _struck(event: Incident, before: BatteryState, issuer: str, mark: Mark) -> BatteryState:
    mark = replace(mark, occurred=date_of(event))
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
    Reading: _read,
    Repurpose: _consumed,
    Recycle: _recycled,
    Release: _released,
    Accept: _accepted,
    Refuse: _returned,
    Withdrawal: _returned,
    Intake: _taken_in,
    Waste: _wasted,
    Incident: _struck,
    Dispute: _disputed,
    Resolution: _resolved,
}
"""Each takes (event of that type, state before, issuer, mark). Other kinds change no axis."""
