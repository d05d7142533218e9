"""The verdict as a buyer reads it: three lines, the life, findings, what nobody checked, what next.

Nothing technical stands here unless it is asked for. "Genuine" is said of a record, never of a
battery. A print proves nothing, and says so. Texts of signers are strangers' texts: every one goes
through ``table``, which shows what would steer a terminal instead of passing it on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from unicodedata import normalize

from ledger.custody.identifiers import code_of
from ledger.custody.quantities import format_quantity
from ledger.custody.rules import Finding
from ledger.custody.times import format_moment
from ledger.proof.findings import rule_of
from ledger.proof.table import columns, filled
from ledger.proof.verdict import Health, LifeEvent, Profile, Verdict
from ledger.wire.base64text import encode_base64url

WIDTH, INDENT = 79, 10
_LONGEST = 160
"""Characters of a remark in the table."""
_ENTRY = re.compile(r"\bentry (\d+)\b")
_CODE = re.compile(r"urn:cellbook:gbt(34014|45565):(?=[0-9A-Z])")


def print_verdict(verdict: Verdict, *, offset_minutes: int = 0, verbose: bool = False) -> str:
    """The report on ``verdict`` as text, at most 79 cells wide. Times of the reader are at
    ``offset_minutes`` from UTC; ``verbose`` adds indexes, hashes and names as URIs."""
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


def _first_lines(verdict: Verdict, offset: int) -> Iterator[str]:
    now = format_moment(verdict.at, offset)
    yield f"{'CELLBOOK CHECK':51}{now[:10]} {now[11:16]} {now[19:]}"
    record = verdict.record
    until = format_moment(record.time)
    age = _age(verdict.at - record.time)
    yield f"{'RECORD':{INDENT}}GENUINE AND COMPLETE up to {until[:10]} {until[11:16]} UTC ({age})"
    yield f"{'':{INDENT}}completeness {record.completeness}; no witness, no auditor"
    profiles = ", ".join(name for name, _ in record.profiles)
    if verdict.breaches:
        breaches = _count(len(verdict.breaches), "breach", "breaches")
        yield from paragraph(f"BATTERY DOES NOT MEET THE RULES: {breaches} ({profiles})", "", 0)
        told = "The file is not forged. The history in it breaks the rules, or lacks an entry."
        yield from paragraph(told, "")
    else:
        remarks = _count(len(verdict.remarks), "remark").upper()
        yield from paragraph(f"MEETS THE RULES CHOSEN, {remarks} ({profiles})", "BATTERY")
    label = verdict.label
    if label is None:
        yield from paragraph("NOT COMPARED: give the code on the battery with --label", "LABEL")
    elif label.matches:
        yield from paragraph(f"MATCHES {label.typed} (the code you typed)", "LABEL")
    else:
        yield from paragraph(f"DOES NOT MATCH {label.typed}: {label.why}", "LABEL")


def _battery_lines(verdict: Verdict) -> Iterator[str]:
    yield from paragraph(code_of(verdict.subject), "Battery")
    yield from paragraph(_what(verdict.profile), "What")
    yield from paragraph(_now(verdict), "Now")
    if verdict.health is not None:
        yield from paragraph(_tested(verdict.health, verdict.subject), "Health")
    if verdict.profile.predecessors:
        codes = (code_of(uri) for uri in verdict.profile.predecessors)
        yield from paragraph(" and ".join(codes), "Made from")
    others = [code_of(uri) for uri in verdict.identifiers[1:]]
    if others:
        yield from paragraph(", ".join(others), "Also")


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
        f"{_percent(health.soh_permille)} % +/- {_percent(health.uncertainty_permille)} by "
        f"{health.basis}: {health.method}, {_percent(health.ambient_temp_dc)} C, "
        f"{health.c_rate_milli / 1000:g} C rate, {health.tested_to}"
    )
    if health.battery == subject:
        return text
    return f"{text}; it is {code_of(health.battery)} that was tested, before this was made from it"


def _life_lines(verdict: Verdict, verbose: bool) -> Iterator[str]:
    found: dict[int, list[str]] = {}
    for finding in (*verdict.breaches, *verdict.remarks):
        found.setdefault(finding.index, []).append(finding.rule)
    others = {event.of for event in verdict.life} - {verdict.subject}
    named = others if len(others) > 1 else others - set(verdict.profile.predecessors)
    same = _same_names(verdict)
    rows = [["DATE", "WHAT", "WHO SIGNED IT", "REMARK"]]
    for event in verdict.life:
        remarks = [f"of ...{event.of[-7:]}"] if event.of in named else []
        remarks += map(_short, event.remarks)
        remarks += [f"[{rule}]" for rule in dict.fromkeys(found.get(event.index, ()))]
        if verbose:
            remarks.append(f"entry {event.index}")
        rows.append([event.occurred_at[:10], event.what, _who(event, same), "; ".join(remarks)])
    yield from columns(rows, WIDTH)


def _short(remark: str) -> str:
    """A table is for looking over; whoever wants every word takes the JSON."""
    return remark if len(remark) <= _LONGEST else f"{remark[:_LONGEST]} ... (cut)"


def _same_names(verdict: Verdict) -> set[str]:
    """Names that more than one operator bears, as far as eyes can tell."""
    names = Counter(_seen(operator.name) for operator in verdict.operators)
    return {name for name, count in names.items() if count > 1}


def _seen(name: str) -> str:
    return "".join(normalize("NFKC", name).casefold().split())


def _who(event: LifeEvent, same: set[str]) -> str:
    signer = event.signer
    uri = f" <{signer.uri}>" if _seen(signer.name) in same else ""
    return f"{signer.name}{uri} {signer.country}".strip()


def _finding_lines(verdict: Verdict) -> Iterator[str]:
    known = {event.index: f"'{event.what}' of {event.occurred_at[:10]}" for event in verdict.life}
    for finding in verdict.breaches:
        yield from paragraph(_dated(finding, known), f"[{finding.rule}]")
        rule = rule_of(finding)
        if rule is not None:
            yield from paragraph(f"Rule: {rule.text} Basis: {rule.basis}.", "")
            yield from paragraph(f"Repair: {rule.repair}", "")
    for finding in verdict.remarks:
        yield from paragraph(_dated(finding, known), f"[{finding.rule}]")


def _dated(finding: Finding, known: Mapping[int, str]) -> str:
    """What was found, with entries named by what happened and when, not by number."""
    where = known.get(finding.index, f"entry {finding.index}")
    detail = _ENTRY.sub(lambda found: known.get(int(found[1]), found[0]), finding.detail)
    return f"{where}: {_CODE.sub('', detail)}."


def _closing_lines(verdict: Verdict) -> Iterator[str]:
    yield from paragraph("; ".join(verdict.unchecked) + ".", "NOT CHECKED", 12)
    yield from paragraph(" ".join(_next_steps(verdict)), "NEXT", 12)
    record = verdict.record
    yield from paragraph(f'your file for "{record.ledger}" ({record.origin})', "Trust", 12)
    digest = record.file_sha256.hex()
    short = " ".join(digest[i : i + 4] for i in range(0, 16, 4))
    yield from paragraph(f"sha256 {short} ...", "File", 12)
    yield from paragraph("This print proves nothing: check the file.", "", 12)


def _next_steps(verdict: Verdict) -> Iterator[str]:
    if verdict.breaches:
        yield "Do not put the battery into service. Ask the seller for the record that is missing."
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


def _technical_lines(verdict: Verdict) -> Iterator[str]:
    record = verdict.record
    yield from paragraph(f"size {record.size}, root", "Tree")
    yield from paragraph(record.root.hex(), "")
    yield from paragraph(f"number {record.policy}, {record.entries} entries in the file", "Policy")
    yield from paragraph(encode_base64url(record.genesis), "Genesis")
    yield from paragraph(record.family, "Family")
    yield from paragraph(record.file_sha256.hex(), "SHA-256")
    for event in verdict.life:
        told = f"{event.index} {encode_base64url(event.entry_id)} {event.kind}"
        yield from paragraph(told, "Entry")
    for operator in verdict.operators:
        yield from paragraph(f"{operator.name}: {operator.uri}", "Signer")


def paragraph(text: str, head: str, indent: int = INDENT) -> list[str]:
    """``text`` filled to the width, indented, with ``head`` in front of its first line."""
    start = f"{head} " if head and len(head) >= indent else head.ljust(indent)
    first, *others = filled(text, WIDTH - max(indent, len(start)))
    return [(start + first).rstrip(), *(" " * indent + line for line in others)]


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
