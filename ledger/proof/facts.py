"""From a verified history to a Verdict: what the battery is, how it is, what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keys.errors import CellbookError
from ledger.custody.events import Assessment, Event, Manufacture, Model, Repurpose
from ledger.custody.fields import Present, read
from ledger.custody.identifiers import battery_uri
from ledger.custody.rules import Finding
from ledger.custody.states import AliasState, BatteryState, OperatorState, State
from ledger.custody.times import format_moment
from ledger.proof.history import Decided, History, ReadEntry
from ledger.proof.life import life_event, signer_of
from ledger.proof.verdict import Health, Label, Profile, Record, Signer, Verdict

RATED = ("rated_capacity_mah", "rated_energy_wh", "nominal_voltage_mv", "mass_g", "chemistry")


def tell(
    subject: str,
    battery: BatteryState,
    history: History,
    entries: tuple[ReadEntry, ...],
    carried: frozenset[str],
    record: Record,
    at: int,
    label: Label | None,
) -> Verdict:
    """The Verdict on ``subject``. Everything handed in is verified; nothing is checked here."""
    decided = [item for item in history.events if not isinstance(item.event, Model)]
    findings = [finding for item in history.events for finding in item.findings]
    return Verdict(
        subject=subject,
        identifiers=identifiers_of(subject, history.states),
        at=at,
        record=record,
        battery=battery,
        profile=_profile(subject, battery, decided, entries),
        health=_health(subject, decided),
        life=tuple(life_event(item, subject, history.states) for item in decided),
        breaches=tuple(finding for finding in findings if finding.breach),
        remarks=(
            *(finding for finding in findings if not finding.breach),
            *_standing(subject, battery, at),
        ),
        label=label,
        unchecked=tuple(_unchecked(history, label)),
        operators=_operators(history),
    )


def identifiers_of(subject: str, states: Mapping[str, State]) -> tuple[str, ...]:
    """The battery's subject and its further identifiers."""
    others = (
        uri
        for uri, state in states.items()
        if isinstance(state, AliasState) and state.of == subject
    )
    return (subject, *sorted(others))


def match_label(typed: str, subject: str, states: Mapping[str, State]) -> Label:
    """Whether ``typed``, as read from a battery, is one of the identifiers of ``subject``.

    Small letters and spaces do not matter. That the label is on the right box is not checked.
    """
    plain = "".join(typed.split())
    try:
        uri = plain if ":" in plain else battery_uri(plain.upper())
    except CellbookError as error:
        return Label(typed, f"it is no well-formed code: {error.detail or error.error.meaning}")
    if uri in identifiers_of(subject, states):
        return Label(typed, None)
    return Label(typed, f"this file is about {subject.rpartition(':')[2]}")


def _profile(
    subject: str, battery: BatteryState, decided: list[Decided], entries: tuple[ReadEntry, ...]
) -> Profile:
    made = next((item.event for item in decided if _makes(item.event, subject)), None)
    source: object = made
    if isinstance(made, Repurpose):
        source = next(output for output in made.outputs if output.id == subject)
    elif isinstance(made, Manufacture) and made.ids[0].uri != subject:
        source = None  # a child: what the whole is says nothing about it
    model_ref = _text(source, "model_ref")
    models = (e.content for e in entries if isinstance(e.content, Model))
    model = next((content for content in models if content.uri == model_ref), None)
    stated: dict[str, Any] = {**_stated(model), **_stated(source)}
    category = _text(source, "category_after") or _text(source, "battery_category")
    return Profile(
        level=battery.level,
        second_life=battery.base_status != "original",
        predecessors=battery.predecessors,
        category=category or _text(model, "battery_category"),
        model=model_ref,
        **stated,
    )


def _makes(event: Event, subject: str) -> bool:
    if isinstance(event, Manufacture):
        return subject in (event.ids[0].uri, *event.children)
    return isinstance(event, Repurpose) and any(item.id == subject for item in event.outputs)


def _stated(source: object) -> dict[str, object]:
    if source is None:
        return {}
    readings = ((name, read(source, name)) for name in RATED)  # type: ignore[arg-type]
    return {name: found.value for name, found in readings if isinstance(found, Present)}


def _text(source: object, name: str) -> str | None:
    found = read(source, name) if source is not None else None  # type: ignore[arg-type]
    return str(found.value) if isinstance(found, Present) else None


def _health(subject: str, decided: list[Decided]) -> Health | None:
    """The last assessment of the battery itself, else of what it was made from."""
    assessed = [item for item in decided if isinstance(item.event, Assessment)]
    own = [item for item in assessed if subject in item.subjects]
    for item in reversed(own or assessed):
        if isinstance(item.event, Assessment):
            return _health_of(item, item.event)
    return None


def _health_of(item: Decided, event: Assessment) -> Health:
    return Health(
        battery=item.entry.statement.sub,
        index=item.entry.index,
        tested_to=event.tested_to,
        verdict=event.verdict,
        soh_permille=event.soh_permille,
        uncertainty_permille=event.soh_uncertainty_permille,
        basis=event.soh_basis,
        method=event.soh_method,
        ambient_temp_dc=event.ambient_temp_dc,
        c_rate_milli=event.c_rate_milli,
        measured_capacity_mah=event.measured_capacity_mah,
        reference_capacity_mah=event.reference_capacity_mah,
        usable_energy_wh=event.usable_energy_wh,
        valid_until=event.valid_until,
        scheme=event.scheme,
        edition=event.edition,
    )


def _standing(subject: str, battery: BatteryState, at: int) -> Iterator[Finding]:
    """What holds of the battery now and a buyer must know, though no event of it was wrong."""
    if battery.missing is not None:
        yield Finding("INC-2", False, subject, battery.missing.index, "reported stolen or lost")
    if battery.quarantine is not None:
        detail = "damaged or recalled, and not assessed since"
        yield Finding("INC-1", False, subject, battery.quarantine.index, detail)
    if battery.disputes:
        detail = f"{battery.disputes} open disputes about its record"
        yield Finding("DIS-1", False, subject, battery.last.index, detail)
    assessed = battery.assessed
    if assessed is None:
        return
    if assessed.verdict not in ("fit", "fit-with-limits"):
        detail = f"the last assessment says: {assessed.verdict}"
        yield Finding("ASM-1", False, subject, assessed.at.index, detail)
    if assessed.valid_until is not None and format_moment(at)[:10] > assessed.valid_until:
        detail = f"the last assessment was valid until {assessed.valid_until}"
        yield Finding("ASM-2", False, subject, assessed.at.index, detail)


def _unchecked(history: History, label: Label | None) -> Iterator[str]:
    yield (
        "that nothing was left out: this version of the ledger has no index of entries, so an "
        "entry that nobody refers to could be missing from the file"
    )
    if label is None:
        yield "the label: nobody typed its code (--label CODE)"
    yield "that this label belongs to this box; that the signers told the truth"
    yield "white lists, accreditations of laboratories, and rules of other profiles than core"
    documents = sum(len(item.event.evidence) for item in history.events)
    if documents:
        yield f"{documents} documents: the file has their digests only"


def _operators(history: History) -> tuple[Signer, ...]:
    operators = (state for state in history.states.values() if isinstance(state, OperatorState))
    return tuple(signer_of(state.uri, history.states) for state in operators)
