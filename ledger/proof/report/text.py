"""The verdict as a buyer reads it: three lines, the life, findings, what nobody checked, what next.

Nothing technical stands here unless it is asked for. A print proves nothing, and says so. Texts of
signers are strangers' texts: every one goes through ``table``, which shows what would steer a
terminal instead of passing it on.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.custody.values.times import format_moment
from ledger.proof.report.explaining import Told, explain_together
from ledger.proof.report.table import columns, filled
from ledger.proof.report.wording import (
    ALLOWED_THEN,
    PROVES_NOTHING,
    Answer,
    answers,
    battery_facts,
    life_rows,
    list_lines,
    next_steps,
)
from ledger.proof.verdict.values import Verdict
from ledger.wire.base64text import encode_base64url

WIDTH, INDENT = 79, 10
_LONGEST = 160
"""Characters of a remark in the table."""


def print_verdict(verdict: Verdict, *, offset_minutes: int = 0, verbose: bool = False) -> str:
    """The report on ``verdict`` as text, at most 79 cells wide. Times of the reader are at
    ``offset_minutes`` from UTC; ``verbose`` adds indexes, hashes and names as URIs."""
    parts = [
        list(_first_lines(verdict, offset_minutes)),
        [line for head, text in battery_facts(verdict) for line in paragraph(text, head)],
        list(_life_lines(verdict, verbose)),
        list(_list_lines(verdict)),
        list(_finding_lines(verdict)),
        list(_closing_lines(verdict)),
    ]
    if verbose:
        parts.append(list(_technical_lines(verdict)))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _first_lines(verdict: Verdict, offset: int) -> Iterator[str]:
    now = format_moment(verdict.at, offset)
    yield f"{'CELLBOOK CHECK':51}{now[:10]} {now[11:16]} {now[19:]}"
    for answer in answers(verdict):
        yield from _answer_lines(answer)


def _answer_lines(answer: Answer) -> Iterator[str]:
    if answer.head == "BATTERY" and answer.tone == "bad":
        yield from paragraph(f"{answer.head} {answer.text}", "", 0)
    else:
        yield from paragraph(answer.text, answer.head)
    for note in answer.notes:
        yield from paragraph(note, "")


def _life_lines(verdict: Verdict, verbose: bool) -> Iterator[str]:
    rows = [["DATE", "WHAT", "WHO SIGNED IT", "REMARK"]]
    for row in life_rows(verdict, indexes=verbose):
        remarks = "; ".join((*map(_short, row.remarks), *row.rules))
        rows.append([row.date, row.what, row.who, remarks])
    yield from columns(rows, WIDTH)


def _short(remark: str) -> str:
    """A table is for looking over; whoever wants every word takes the JSON."""
    return remark if len(remark) <= _LONGEST else f"{remark[:_LONGEST]} ... (cut)"


def _list_lines(verdict: Verdict) -> Iterator[str]:
    for number, sentence in enumerate(list_lines(verdict)):
        yield from paragraph(sentence, "" if number else "White list", 12)


def _finding_lines(verdict: Verdict) -> Iterator[str]:
    for told in explain_together(verdict, (*verdict.breaches, *verdict.remarks)):
        yield from paragraph(told.text, f"[{told.rule}]")
        if told.chain:
            yield from paragraph(told.chain, "")
        if told.breach:
            yield from _rule_lines(told)
        if told.allowed_then:
            yield from paragraph(ALLOWED_THEN, "")
        if told.unconfirmed:
            yield from paragraph(f"Unconfirmed in this rule: {told.unconfirmed}.", "")


def _rule_lines(told: Told) -> Iterator[str]:
    if told.rule_text:
        yield from paragraph(f"Rule: {told.rule_text} Basis: {told.basis}.", "")
        yield from paragraph(f"Repair: {told.repair}", "")


def _closing_lines(verdict: Verdict) -> Iterator[str]:
    yield from paragraph("; ".join(verdict.unchecked) + ".", "NOT CHECKED", 12)
    yield from paragraph(" ".join(next_steps(verdict)), "NEXT", 12)
    record = verdict.record
    yield from paragraph(f'your file for "{record.ledger}" ({record.origin})', "Trust", 12)
    digest = record.file_sha256.hex()
    short = " ".join(digest[i : i + 4] for i in range(0, 16, 4))
    yield from paragraph(f"sha256 {short} ...", "File", 12)
    yield from paragraph(PROVES_NOTHING, "", 12)


def _technical_lines(verdict: Verdict) -> Iterator[str]:
    record = verdict.record
    yield from paragraph(f"size {record.size}, root", "Tree")
    yield from paragraph(record.root.hex(), "")
    yield from paragraph(f"number {record.policy}, {record.entries} entries in the file", "Policy")
    for role in ("witnesses", "auditors"):
        for one in getattr(record.vouched, role):
            cosigned = f"{one.name}, at {format_moment(one.time)} by its own clock"
            yield from paragraph(cosigned, "Witness" if role == "witnesses" else "Auditor")
    rules = ", ".join(f"{name}@{version}" for name, version in verdict.profiles)
    chosen = "the policy's" if verdict.profiles == record.profiles else "chosen by you"
    yield from paragraph(f"{rules} ({chosen})", "Rules")
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
