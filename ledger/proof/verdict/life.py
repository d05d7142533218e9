"""One event in words: what happened, and what a buyer should notice. Short enough for a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ledger.custody.events import (
    Accept,
    Assessment,
    Correction,
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
    Relabel,
    Release,
    Repair,
    Repurpose,
    Resolution,
    Waste,
    kind_of,
)
from ledger.custody.names.parties import is_guest
from ledger.custody.states import OperatorState, State
from ledger.proof.checks.history import Decided
from ledger.proof.verdict.values import LifeEvent, Signer


def life_event(
    decided: Decided, subject: str, carried: frozenset[str], states: Mapping[str, State]
) -> LifeEvent:
    """The row of ``decided`` in the life of ``subject``."""
    entry, event = decided.entry, decided.event
    statement = entry.statement
    concerned = [uri for uri in decided.subjects if uri in carried]
    return LifeEvent(
        index=entry.index,
        entry_id=entry.entry_id,
        kind=kind_of(event),
        battery=statement.sub,
        of=subject if subject in concerned else concerned[0],
        occurred_at=event.occurred_at,
        log_time=decided.time,
        signer=signer_of(statement.iss, states),
        what=what_happened(event, subject),
        remarks=(*_principal(event, states), *remarks_on(event, states)),
        forbidden_by=tuple(sorted(decided.forbidden_by)),
    )


def signer_of(uri: str, states: Mapping[str, State]) -> Signer:
    """The operator's particulars as the registrar last stated them."""
    state = states.get(uri)
    if isinstance(state, OperatorState):
        return Signer(uri, state.name, state.country)
    return Signer(uri, f"a guest, key {uri[-8:]}" if is_guest(uri) else uri, "")


def _principal(event: Event, states: Mapping[str, State]) -> Iterator[str]:
    if event.on_behalf_of is not None:
        yield f"for {signer_of(event.on_behalf_of, states).name}"


def what_happened(event: Event, subject: str) -> str:
    """Two or three words for the event."""
    words = _WHAT.get(type(event))
    return words(event, subject) if words else kind_of(event)


def remarks_on(event: Event, states: Mapping[str, State]) -> Iterator[str]:
    """What else a buyer should see of the event, each in a few words."""
    if event.corrects is not None:
        yield "states an earlier entry anew"
    notes = _REMARKS.get(type(event))
    if notes:
        yield from notes(event, states)


def _made(event: Manufacture, subject: str) -> str:
    if event.onboarding is not None:
        return "taken into the record"
    return f"made in it ({event.level})" if subject in event.children else f"made ({event.level})"


def _installed(event: Install, subject: str) -> str:
    return "first installed" if event.first_installation else "installed again"


def _repurposed(event: Repurpose, subject: str) -> str:
    words = {
        "preparation-for-re-use": "prepared for re-use",
        "preparation-for-repurposing": "prepared for new use",
        "remanufacture": "remanufactured",
    }
    return words.get(event.operation, "repurposed")


def _recycled(event: Recycle, subject: str) -> str:
    words = {"intake": "taken in to recycle", "pre-treatment": "taken apart"}
    return words.get(event.stage, "recycled")


def _wasted(event: Waste, subject: str) -> str:
    return (
        f"declared waste ({event.jurisdiction})"
        if event.action == "declared"
        else (f"waste no more ({event.jurisdiction})")
    )


_WHAT: dict[type[Event], Callable[..., str]] = {
    Manufacture: _made,
    Install: _installed,
    Decommission: lambda event, subject: "removed",
    Assessment: lambda event, subject: f"tested: {event.verdict}",
    Repurpose: _repurposed,
    Recycle: _recycled,
    Release: lambda event, subject: "released",
    Accept: lambda event, subject: "accepted",
    Refuse: lambda event, subject: "refused",
    Intake: lambda event, subject: "taken in, unreleased",
    Waste: _wasted,
    Reading: lambda event, subject: "BMS read",
    Repair: lambda event, subject: "repaired",
    Relabel: lambda event, subject: "new label",
    Incident: lambda event, subject: event.kind.upper(),
    Correction: lambda event, subject: "correction",
    Dispute: lambda event, subject: "DISPUTED",
    Resolution: lambda event, subject: f"dispute {event.outcome}",
}


def _on_manufacture(event: Manufacture, states: Mapping[str, State]) -> Iterator[str]:
    if event.onboarding is not None:
        yield f"history unknown before {event.onboarding.known_since}"
    if event.children:
        yield f"of {len(event.children)} parts"


def _on_install(event: Install, states: Mapping[str, State]) -> Iterator[str]:
    yield f"{event.host_kind}, {event.application}"
    if event.host_kind == "vehicle" and event.host_id is None:
        yield "vehicle not disclosed"


def _on_decommission(event: Decommission, states: Mapping[str, State]) -> Iterator[str]:
    yield event.reason
    if event.bms_access.result != "ok":
        yield f"BMS: {event.bms_access.result}"
    if event.transport_condition != "normal":
        yield f"{event.transport_condition} for transport"


def _on_assessment(event: Assessment, states: Mapping[str, State]) -> Iterator[str]:
    yield f"{event.scheme} {event.edition}"
    if event.seller.related:
        yield "related to the seller"
    if event.negative_events:
        yield f"{len(event.negative_events)} negative events"
    if event.valid_until is not None:
        yield f"valid until {event.valid_until}"


def _on_repurpose(event: Repurpose, states: Mapping[str, State]) -> Iterator[str]:
    yield event.new_application
    if event.bms_action != "kept":
        yield f"BMS {event.bms_action}, counters restart"


def _on_recycle(event: Recycle, states: Mapping[str, State]) -> Iterator[str]:
    yield f"{event.process}, permit {event.permit_no}"


def _on_release(event: Release, states: Mapping[str, State]) -> Iterator[str]:
    yield f"to {signer_of(event.receiver, states).name}: {', '.join(event.moves)}"


def _on_arrival(event: Accept | Refuse | Intake, states: Mapping[str, State]) -> Iterator[str]:
    if event.condition_on_arrival is not None:
        yield event.condition_on_arrival


def _on_incident(event: Incident, states: Mapping[str, State]) -> Iterator[str]:
    yield event.severity


def _on_claim(
    event: Correction | Dispute | Resolution, states: Mapping[str, State]
) -> Iterator[str]:
    yield event.reason


_REMARKS: dict[type[Event], Callable[..., Iterator[str]]] = {
    Manufacture: _on_manufacture,
    Install: _on_install,
    Decommission: _on_decommission,
    Assessment: _on_assessment,
    Repurpose: _on_repurpose,
    Recycle: _on_recycle,
    Release: _on_release,
    Accept: _on_arrival,
    Refuse: _on_arrival,
    Intake: _on_arrival,
    Incident: _on_incident,
    Correction: _on_claim,
    Dispute: _on_claim,
    Resolution: _on_claim,
}
