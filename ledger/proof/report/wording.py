"""A verdict in words: what ``report`` prints for a terminal, and ``page`` for paper, alike.

"Genuine" is said of a record, never of a battery. Texts of signers stand in here as they are, so
whoever shows the words must make them harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal
from unicodedata import normalize

import msgspec

from ledger.custody.identifiers import code_of
from ledger.custody.values.quantities import format_quantity
from ledger.custody.values.times import format_moment
from ledger.proof.report.explaining import Told, explain
from ledger.proof.report.list_words import list_sentences
from ledger.proof.report.vouched_words import completeness_note
from ledger.proof.verdict.required import Required
from ledger.proof.verdict.values import Health, LifeEvent, Profile, Verdict

Tone = Literal["good", "bad", "open"]

ALLOWED_THEN = "The ledger's own policy did not forbid it when it was registered."
PROVES_NOTHING = "This print proves nothing: check the file."


class Answer(msgspec.Struct, frozen=True):
    """The answer to one of the buyer's questions; ``open`` where nobody can tell yet."""

    head: str
    tone: Tone
    text: str
    notes: tuple[str, ...] = ()


def answers(verdict: Verdict) -> tuple[Answer, ...]:
    """RECORD, BATTERY and LABEL, in this order; then each rule that was required."""
    return (
        _record(verdict),
        _battery(verdict),
        _label(verdict),
        *(_required(item) for item in verdict.required),
    )


def _record(verdict: Verdict) -> Answer:
    until = format_moment(verdict.record.time)
    age = _age(verdict.at - verdict.record.time)
    text = f"GENUINE AND COMPLETE up to {until[:10]} {until[11:16]} UTC ({age})"
    notes = [completeness_note(verdict.record)]
    if verdict.record.before:
        origins = ", ".join(origin for origin, _ in verdict.record.before)
        notes.append(f"with all that was known in {origins}, which it follows")
    return Answer("RECORD", "good", text, tuple(notes))


def _battery(verdict: Verdict) -> Answer:
    profiles = ", ".join(name for name, _ in verdict.profiles)
    if verdict.breaches:
        breaches = count(len(verdict.breaches), "breach", "breaches")
        text = f"DOES NOT MEET THE RULES: {breaches} ({profiles})"
        told = "The file is not forged. The history in it breaks the rules, or lacks an entry."
        return Answer("BATTERY", "bad", text, (told,))
    remarks = count(len(verdict.remarks), "remark").upper()
    return Answer("BATTERY", "good", f"MEETS THE RULES CHOSEN, {remarks} ({profiles})")


def _label(verdict: Verdict) -> Answer:
    label = verdict.label
    if label is None:
        return Answer("LABEL", "open", "NOT COMPARED: give the code on the battery with --label")
    if label.matches:
        return Answer("LABEL", "good", f"MATCHES {label.typed} (the code you typed)")
    return Answer("LABEL", "bad", f"DOES NOT MATCH {label.typed}: {label.why}")


def _required(item: Required) -> Answer:
    words: dict[str, tuple[Tone, str]] = {
        "holds": ("good", "HOLDS"),
        "broken": ("bad", "DOES NOT HOLD"),
        "undecided": ("open", "COULD NOT BE JUDGED"),
    }
    tone, word = words[item.outcome]
    return Answer("REQUIRED", tone, f"{item.rule} {word}: {item.why}")


def battery_facts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What the battery is and how it is, each with its head."""
    yield "Battery", code_of(verdict.subject)
    yield "What", _what(verdict.profile)
    yield "Now", _now(verdict)
    if verdict.health is not None:
        yield "Health", _tested(verdict.health, verdict.subject)
    if verdict.profile.predecessors:
        yield "Made from", " and ".join(code_of(uri) for uri in verdict.profile.predecessors)
    others = [code_of(uri) for uri in verdict.identifiers[1:]]
    if others:
        yield "Also", ", ".join(others)


def _what(profile: Profile) -> str:
    parts = [(profile.level or "battery").capitalize()]
    if profile.second_life:
        parts.append("SECOND LIFE")
    if profile.chemistry:
        parts.append(profile.chemistry)
    for value, unit in ((profile.nominal_voltage_mv, "mv"), (profile.mass_g, "g")):
        if value is not None:
            parts.append(format_quantity(value, unit))
    if profile.category:
        parts.append(f"category {profile.category}")
    return ", ".join(parts)


def _now(verdict: Verdict) -> str:
    battery, health = verdict.battery, verdict.health
    parts: list[str] = [battery.physical]
    if battery.status != "original":
        parts.append(f"status {battery.status}")
    if battery.parent is not None:
        parts.append(f"part of {code_of(battery.parent)}")
    if battery.missing is not None:
        parts.append("MISSING")
    if battery.quarantine is not None:
        parts.append("IN QUARANTINE")
    if battery.disputes:
        parts.append("RECORD DISPUTED")
    if health is not None:
        measured = format_quantity(health.measured_capacity_mah, "mah")
        new = format_quantity(health.reference_capacity_mah, "mah")
        parts.append(f"{measured} measured / {new} new")
        if health.usable_energy_wh is not None:
            parts.append(format_quantity(health.usable_energy_wh, "wh"))
    return ", ".join(parts)


def _tested(health: Health, subject: str) -> str:
    text = (
        f"{_tenths(health.soh_permille)} % +/- {_tenths(health.uncertainty_permille)} by "
        f"{health.basis}: {health.method}, {_tenths(health.ambient_temp_dc)} C, "
        f"{health.c_rate_milli / 1000:g} C rate, {health.tested_to}"
    )
    if health.battery == subject:
        return text
    return f"{text}; it is {code_of(health.battery)} that was tested, before this was made from it"


class LifeRow(msgspec.Struct, frozen=True):
    """One event as a row: its date, what happened, who signed it, what to notice, and the rules
    that found something in it."""

    date: str
    what: str
    who: str
    remarks: tuple[str, ...]
    rules: tuple[str, ...]


def life_rows(verdict: Verdict, *, indexes: bool = False) -> Iterator[LifeRow]:
    """The life, one row for each event; with ``indexes`` each names its entry."""
    found: dict[int, list[str]] = {}
    for finding in (*verdict.breaches, *verdict.remarks):
        found.setdefault(finding.index, []).append(finding.rule)
    others = {event.of for event in verdict.life} - {verdict.subject}
    named = others if len(others) > 1 else others - set(verdict.profile.predecessors)
    same = _same_names(verdict)
    for event in verdict.life:
        remarks = [f"of ...{event.of[-7:]}"] if event.of in named else []
        remarks += event.remarks
        if indexes:
            remarks.append(f"entry {event.index}")
        rules = tuple(f"[{rule}]" for rule in dict.fromkeys(found.get(event.index, ())))
        date, who = event.occurred_at[:10], _who(event, same)
        yield LifeRow(date, event.what, who, tuple(remarks), rules)


def _same_names(verdict: Verdict) -> set[str]:
    """Names that more than one operator bears, as far as eyes can tell."""
    names = Counter(_seen(operator.name) for operator in verdict.operators)
    return {name for name, number in names.items() if number > 1}


def _seen(name: str) -> str:
    return "".join(normalize("NFKC", name).casefold().split())


def _who(event: LifeEvent, same: set[str]) -> str:
    signer = event.signer
    uri = f" <{signer.uri}>" if _seen(signer.name) in same else ""
    return f"{signer.name}{uri} {signer.country}".strip()


def list_lines(verdict: Verdict) -> tuple[str, ...]:
    """What lists in the file say of who recycled or repurposed; empty where there is none."""
    signers = {event.index: event.signer.name for event in verdict.life}
    return tuple(list_sentences(verdict.works, signers))


def next_steps(verdict: Verdict) -> Iterator[str]:
    """What a buyer should do now, in sentences."""
    if verdict.breaches:
        yield "Do not put the battery into service."
        yield from _to_ask(explain(verdict, verdict.breaches))
    label = verdict.label
    if label is None:
        yield "Compare the label on the battery with the code above."
    elif not label.matches:
        yield "Do not accept this battery with this file. Ask for the dossier of the one you have."
    else:
        yield "Look whether the label is on this box, and nobody has changed it."
    rules = dict.fromkeys(finding.rule for finding in verdict.remarks)
    if rules:
        yield f"Ask the seller about {', '.join(f'[{rule}]' for rule in rules)}."
    for item in verdict.required:
        if item.remedy:
            yield f"[{item.rule}] {item.remedy}"


def _to_ask(breaches: Iterable[Told]) -> Iterator[str]:
    repairs = {told.rule: told.repair for told in breaches}
    asked = "; ".join(f"[{rule}] {repair.rstrip('.')}" for rule, repair in repairs.items())
    yield f"Ask the seller for a newer dossier, after this was done: {asked}."


def count(number: int, one: str, many: str = "") -> str:
    """``number`` of something, in words: ``no remarks``, ``1 remark``, ``2 remarks``."""
    if number == 1:
        return f"1 {one}"
    return f"{number or 'no'} {many or one + 's'}"


def _tenths(value: int) -> str:
    return f"{value / 10:.1f}"


def _age(seconds: int) -> str:
    if seconds < 120:
        return "just now"
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{count(seconds // size, name)} ago"
    return "just now"
