"""From a verified history to a Verdict: what the battery is, how it is, what happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from keys.errors import CellbookError
from ledger.custody.events import Assessment, Event, Manufacture, Model, Repurpose
from ledger.custody.identifiers import code_of
from ledger.custody.names.labels import look_alikes, parse_label
from ledger.custody.profiles import Profiles
from ledger.custody.rules.listing import LIST_RULES, is_of, judge_lists
from ledger.custody.states import AliasState, BatteryState, ModelState, OperatorState, State
from ledger.custody.values.fields import Present, read
from ledger.proof.checks.history import Decided, History
from ledger.proof.report.vouched_words import unvouched
from ledger.proof.verdict.evidence import stated_documents
from ledger.proof.verdict.findings import corrections, standing
from ledger.proof.verdict.life import life_event, signer_of
from ledger.proof.verdict.required import require
from ledger.proof.verdict.values import Health, Label, Profile, Record, Signer, Verdict

RATED = ("rated_capacity_mah", "rated_energy_wh", "nominal_voltage_mv", "mass_g", "chemistry")


def tell(
    subject: str,
    battery: BatteryState,
    history: History,
    carried: frozenset[str],
    record: Record,
    at: int,
    label: Label | None,
    profiles: Profiles,
    required: Iterable[str],
) -> Verdict:
    """The Verdict on ``subject``, which was judged by ``profiles``, with what became of the rules
    that are ``required``. Everything handed in is verified; nothing is checked here."""
    decided = [item for item in history.events if not isinstance(item.event, Model)]
    counting = list(_counting(decided, history.states))
    findings = [finding for item in history.events for finding in item.findings]
    remarks = [finding for finding in findings if not finding.breach]
    remarks += corrections(decided)
    remarks += standing(subject, carried, history.states, decided, at)
    judged = Counter(rule for item in history.events for rule in item.rules)
    for work in history.works if is_of(profiles) else ():
        remarks += judge_lists(work)
        judged.update(rule.id for rule in LIST_RULES)
    profile = _profile(subject, battery, counting, history)
    return Verdict(
        subject=subject,
        identifiers=identifiers_of(subject, history.states),
        at=at,
        record=record,
        battery=battery,
        profile=profile,
        health=_health(subject, battery, counting),
        life=tuple(life_event(item, subject, carried, history.states) for item in decided),
        breaches=tuple(finding for finding in findings if finding.breach),
        remarks=tuple(remarks),
        label=label,
        unchecked=(
            *unvouched(record),
            *_unchecked(subject, battery, history, carried, profile),
        ),
        operators=_operators(history),
        documents=stated_documents(history),
        profiles=profiles,
        required=require(required, profiles, judged, (*findings, *remarks)),
        works=history.works,
    )


def _counting(decided: list[Decided], states: Mapping[str, State]) -> Iterator[Decided]:
    """The events that count: what was taken back does not, what was stated anew in its place does.

    Each stays where its entry is.
    """
    batteries = (state for state in states.values() if isinstance(state, BatteryState))
    corrected = {old: new for battery in batteries for old, new in battery.corrected}
    by_id = {item.entry.entry_id: item.event for item in decided}
    for item in decided:
        instead = corrected.get(item.entry.entry_id)
        anew = by_id.get(instead or b"")
        if item.event.corrects is None and instead is None:
            yield item
        elif anew is not None and anew.corrects is not None:
            yield replace(item, event=anew)


def identifiers_of(subject: str, states: Mapping[str, State]) -> tuple[str, ...]:
    """The battery's subject and its further identifiers."""
    aliases = ((uri, state) for uri, state in states.items() if isinstance(state, AliasState))
    return (subject, *sorted(uri for uri, alias in aliases if alias.of == subject))


def match_label(typed: str, subject: str, states: Mapping[str, State]) -> Label:
    """Whether ``typed``, as read from a battery, is one of the identifiers of ``subject``.

    Small letters, spaces and other spellings of a code do not matter (``names.labels``). Letters
    that look like digits do, and are pointed out. That the label is on the right box is not
    checked.
    """
    try:
        uri = parse_label(typed).uri
    except CellbookError as error:
        told = error.error.meaning.rstrip(".")
        told += f"; {error.detail}" if error.detail else ""
        return Label(typed, f"it is no well-formed code. {told}.")
    ours = identifiers_of(subject, states)
    if uri in ours:
        return Label(typed, None)
    told = f"this file is about {code_of(subject)}"
    if not set(ours).isdisjoint(look_alikes(uri, typed=True)):
        told += "; they differ by O and 0 or I and 1 only, so look at the label again"
    return Label(typed, told)


def _profile(
    subject: str, battery: BatteryState, decided: list[Decided], history: History
) -> Profile:
    made = next((item.event for item in decided if _makes(item.event, subject)), None)
    source: object = made
    if isinstance(made, Repurpose):
        source = next(output for output in made.outputs if output.id == subject)
    elif isinstance(made, Manufacture) and made.ids[0].uri != subject:
        source = None  # a child: what the whole is says nothing about it
    model_ref = _text(source, "model_ref")
    model, issuer = _model(model_ref, history)
    # Whoever may make batteries may claim any model's name: only the maker's own word counts.
    stated_model = model if issuer == battery.maker else None
    stated: dict[str, Any] = {**_stated(stated_model), **_stated(source)}
    category = _text(source, "category_after") or _text(source, "battery_category")
    return Profile(
        level=battery.level,
        second_life=battery.base_status != "original",
        predecessors=battery.predecessors,
        category=category or _text(stated_model, "battery_category"),
        model=model_ref,
        model_issuer=issuer,
        **stated,
    )


def _model(uri: str | None, history: History) -> tuple[Model | None, str | None]:
    """The model statement under this name, and who states it."""
    state = history.states.get(uri or "")
    for item in history.events:
        if isinstance(item.event, Model) and item.event.uri == uri:
            return item.event, state.issuer if isinstance(state, ModelState) else None
    return None, None


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


def _health(subject: str, battery: BatteryState, decided: list[Decided]) -> Health | None:
    """The last assessment of the battery itself, else of what it was made from."""
    for uris in (frozenset({subject}), frozenset(battery.predecessors)):
        for item in reversed(decided):
            if isinstance(item.event, Assessment):
                # With units the values are theirs, not the sub's.
                told = item.event.units or (item.entry.statement.sub,)
                for uri in uris.intersection(told):
                    return _health_of(item, item.event, uri)
    return None


def _health_of(item: Decided, event: Assessment, uri: str) -> Health:
    return Health(
        battery=uri,
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


def _unchecked(
    subject: str, battery: BatteryState, history: History, carried: frozenset[str], profile: Profile
) -> Iterator[str]:
    """What nobody checked, in sentences."""
    yield "what was registered later: see the date after RECORD"
    yield (
        "that the label belongs to this box; that the signers told the truth; who they are, "
        "beyond the registrar's word"
    )
    for whole in dict.fromkeys(_wholes(history, carried)):
        yield f"what happened to {whole}, of which it is or was a part: see that dossier"
    others = sum(uri not in carried for uri in history.wholes)
    if others:
        units = "the other unit that was" if others == 1 else f"the {others} other units that were"
        yield f"{units} in one pack with it or with what it is made of: see their own dossiers"
    if profile.model is not None and profile.model_issuer not in (None, battery.maker):
        yield f"the rated values of {profile.model}: {profile.model_issuer} states them, no maker"
    whether = "that the white list was copied rightly" if history.works else "white lists"
    yield f"{whether}, accreditations of laboratories, and rules of profiles that were not chosen"
    documents = len(stated_documents(history))
    if documents:
        yield f"documents ({documents}): the file has their digests only"


def _wholes(history: History, carried: frozenset[str]) -> Iterator[str]:
    """The batteries that were made of carried ones, and are not carried themselves."""
    for item in history.events:
        event = item.event
        if isinstance(event, Manufacture) and event.ids[0].uri not in carried:
            yield code_of(event.ids[0].uri)


def _operators(history: History) -> tuple[Signer, ...]:
    operators = (state for state in history.states.values() if isinstance(state, OperatorState))
    return tuple(signer_of(state.uri, history.states) for state in operators)
