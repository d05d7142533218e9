"""The verdict as a buyer reads it: three lines, the life, findings, what nobody checked, what next.

Nothing technical stands here unless it is asked for. "Genuine" is said of a record, never of a
battery. A print proves nothing, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

from keys.errors import CellbookError
from ledger.custody.quantities import format_quantity
from ledger.custody.rules import RULES, Finding
from ledger.custody.times import format_moment
from ledger.proof.table import columns
from ledger.proof.verdict import Health, LifeEvent, Profile, Verdict
from ledger.wire.base64text import encode_base64url

WIDTH, INDENT = 79, 10
_ENTRY = re.compile(r"\bentry (\d+)\b")


def print_verdict(verdict: Verdict, *, offset_minutes: int = 0, verbose: bool = False) -> str:
    """The report on ``verdict`` as text. Times of the reader are at ``offset_minutes`` from UTC;
    ``verbose`` adds indexes, hashes and keys."""
    parts = [
        list(_first_lines(verdict, offset_minutes)),
        list(_battery_lines(verdict)),
        list(_life_lines(verdict, verbose)),
        list(_finding_lines(verdict)),
        list(_closing_lines(verdict)),
    ]
    if verbose:
        parts.append(list(_technical_lines(verdict)))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def print_refusal(error: CellbookError) -> str:
    """The report on a record that is not genuine, not whole, or could not be judged.

    There is no life table: nothing in such a file can be relied on.
    """
    kind = error.error_class.name
    if kind in ("undecided", "unsupported", "missing", "unavailable"):
        first, last = "CANNOT TELL", "This is not a sign of forgery. Nothing below was established."
    elif error.code == "failed.dossier.missing":
        first, last = "RECORD INCOMPLETE", "What is in the file may not be the whole history."
    else:
        first, last = "RECORD NOT GENUINE", "Nothing in the file is reliable."
    lines = [*_paragraph(f"{first}: {_told(error)}", ""), *_paragraph(last, "")]
    lines += ["", *_paragraph(error.remedy, "NEXT"), f"{'Code':{INDENT}}{error.code}"]
    return "\n".join(lines) + "\n"


def _told(error: CellbookError) -> str:
    """What is wrong, in one sentence for people."""
    if error.code in ("failed.signature", "failed.algorithm") and "receipt" not in error.where:
        place = error.where.partition(",")[0]
        return f"{place} was changed after it was signed, or its signature is forged."
    return error.describe()


def _first_lines(verdict: Verdict, offset: int) -> Iterator[str]:
    now = format_moment(verdict.at, offset)
    yield f"{'CELLBOOK CHECK':51}{now[:10]} {now[11:16]} {now[19:]}"
    record = verdict.record
    until = format_moment(record.time)
    age = _age(verdict.at - record.time)
    yield f"{'RECORD':{INDENT}}GENUINE up to {until[:10]} {until[11:16]} UTC ({age})"
    yield f"{'':{INDENT}}completeness not checked: an entry could have been left out"
    profiles = ", ".join(name for name, _ in record.profiles)
    remarks = _count(len(verdict.remarks), "remark").upper()
    if verdict.breaches:
        breaches = _count(len(verdict.breaches), "breach", "breaches")
        yield f"BATTERY DOES NOT MEET THE RULES: {breaches} ({profiles})"
        yield f"{'':{INDENT}}The file is not forged. The history in it breaks the rules."
    else:
        yield f"{'BATTERY':{INDENT}}MEETS THE RULES CHOSEN, {remarks} ({profiles})"
    label = verdict.label
    if label is None:
        yield f"{'LABEL':{INDENT}}NOT COMPARED: give the code on the battery with --label"
    elif label.matches:
        yield f"{'LABEL':{INDENT}}MATCHES {label.typed} (the code you typed)"
    else:
        yield from _paragraph(f"DOES NOT MATCH {label.typed}: {label.why}", "LABEL")


def _battery_lines(verdict: Verdict) -> Iterator[str]:
    yield f"{'Battery':{INDENT}}{verdict.subject.rpartition(':')[2]}"
    yield from _paragraph(_what(verdict.profile), "What")
    yield from _paragraph(_now(verdict), "Now")
    if verdict.health is not None:
        yield from _paragraph(_tested(verdict.health, verdict.subject), "Health")
    if verdict.profile.predecessors:
        codes = (uri.rpartition(":")[2] for uri in verdict.profile.predecessors)
        yield from _paragraph(" and ".join(codes), "Made from")
    others = [uri.rpartition(":")[2] for uri in verdict.identifiers[1:]]
    if others:
        yield from _paragraph(", ".join(others), "Also")


def _what(profile: Profile) -> str:
    parts = [profile.level.capitalize()]
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
    parts = [battery.physical, f"status {battery.status}"]
    if battery.missing is not None:
        parts.append("MISSING")
    if battery.quarantine is not None:
        parts.append("IN QUARANTINE")
    if health is not None:
        measured = format_quantity(health.measured_capacity_mah, "mah")
        new = format_quantity(health.reference_capacity_mah, "mah")
        parts.append(f"{measured} measured / {new} new")
        if health.usable_energy_wh is not None:
            parts.append(format_quantity(health.usable_energy_wh, "wh"))
    return ", ".join(parts)


def _tested(health: Health, subject: str) -> str:
    text = (
        f"{_percent(health.soh_permille)} % +/- {_percent(health.uncertainty_permille)} by "
        f"{health.basis}: {health.method}, {_percent(health.ambient_temp_dc)} C, "
        f"{health.c_rate_milli / 1000:g} C rate, {health.tested_to}"
    )
    return text if health.battery == subject else f"{text}; before it was repurposed"


def _life_lines(verdict: Verdict, verbose: bool) -> Iterator[str]:
    several = len(verdict.profile.predecessors) > 1
    rows = [["DATE", "WHAT", "WHO SIGNED IT", "REMARK"]]
    rows += [_row(event, verdict, several, verbose) for event in verdict.life]
    yield from columns(rows, WIDTH)


def _row(event: LifeEvent, verdict: Verdict, several: bool, verbose: bool) -> list[str]:
    remarks = list(event.remarks)
    if several and event.battery != verdict.subject:
        remarks.insert(0, f"of ...{event.battery[-7:]}")
    found = [f.rule for f in (*verdict.breaches, *verdict.remarks) if f.index == event.index]
    remarks += [f"[{rule}]" for rule in dict.fromkeys(found)]
    if verbose:
        remarks.append(f"entry {event.index}")
    place = f" {event.signer.country}" if event.signer.country else ""
    return [event.occurred_at[:10], event.what, event.signer.name + place, "; ".join(remarks)]


def _finding_lines(verdict: Verdict) -> Iterator[str]:
    for finding in verdict.breaches:
        rule = next((rule for rule in RULES if rule.id == finding.rule), None)
        yield from _paragraph(_dated(finding, verdict), f"[{finding.rule}]")
        if rule is not None:
            yield from _paragraph(f"Rule: {rule.text} Basis: {rule.basis}.", "")
            yield from _paragraph(f"Repair: {rule.repair}", "")
    for finding in verdict.remarks:
        yield from _paragraph(_dated(finding, verdict), f"[{finding.rule}]")


def _dated(finding: Finding, verdict: Verdict) -> str:
    """What was found, with entries named by what happened and when, not by number."""
    known = {event.index: f"'{event.what}' of {event.occurred_at[:10]}" for event in verdict.life}

    def name(found: re.Match[str]) -> str:
        return known.get(int(found[1]), found[0])

    where = known.get(finding.index, f"entry {finding.index}")
    detail = _ENTRY.sub(name, finding.detail).replace("urn:cellbook:gbt34014:", "")
    return f"{where}: {detail}."


def _closing_lines(verdict: Verdict) -> Iterator[str]:
    yield from _paragraph("; ".join(verdict.unchecked) + ".", "NOT CHECKED", 12)
    yield from _paragraph(" ".join(_next_steps(verdict)), "NEXT", 12)
    yield f"{'Trust':{INDENT}}{verdict.record.ledger!r} ({verdict.record.origin})"
    digest = verdict.record.file_sha256.hex()
    short = " ".join(digest[i : i + 4] for i in range(0, 16, 4))
    yield f"{'File':{INDENT}}sha256 {short} ... This print proves nothing: check the file."


def _next_steps(verdict: Verdict) -> Iterator[str]:
    if verdict.breaches:
        yield "Do not put the battery into service. Ask the seller for the record that is missing."
    if verdict.label is not None and not verdict.label.matches:
        yield "Do not accept this battery with this file. Ask for the dossier of the one you have."
    else:
        yield "Compare the label on the battery with the code above."
    rules = dict.fromkeys(finding.rule for finding in verdict.remarks)
    if rules:
        yield f"Ask the seller about {', '.join(f'[{rule}]' for rule in rules)}."


def _technical_lines(verdict: Verdict) -> Iterator[str]:
    record = verdict.record
    yield f"{'Tree':{INDENT}}size {record.size}, root {record.root.hex()}"
    yield f"{'Policy':{INDENT}}number {record.policy}, {record.entries} entries in the file"
    yield f"{'Genesis':{INDENT}}{encode_base64url(record.genesis)}"
    yield f"{'Family':{INDENT}}{record.family}"
    yield f"{'File':{INDENT}}sha256 {record.file_sha256.hex()}"
    for event in verdict.life:
        yield f"{'Entry':{INDENT}}{event.index} {encode_base64url(event.entry_id)} {event.kind}"


def _paragraph(text: str, head: str, indent: int = INDENT) -> list[str]:
    """``text`` filled to the width, ``head`` in front of its first line."""
    start = f"{head:{indent}}" if len(head) < indent else f"{head} "
    if not head and indent == INDENT:
        start = ""
    follow = " " * indent if head else ""
    return wrap(text, WIDTH, initial_indent=start, subsequent_indent=follow) or [start.rstrip()]


def _percent(permille: int) -> str:
    return f"{permille / 10:.1f}"


def _count(number: int, one: str, many: str = "") -> str:
    if number == 0:
        return f"no {many or one + 's'}"
    return f"1 {one}" if number == 1 else f"{number} {many or one + 's'}"


def _age(seconds: int) -> str:
    if seconds < 120:
        return "just now"
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{_count(seconds // size, name)} ago"
    return "just now"
