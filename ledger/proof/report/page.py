"""The verdict as one page for reading and for print: HTML without scripts or anything from outside.

It says what ``report`` says, in the same words and order, and nothing by colour alone: who
has it read aloud hears headings, tables with named rows and columns, and each answer in words. A
page can be written by anybody, so each printed sheet of it says that it proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from keys.errors import CellbookError
from ledger.custody.values.times import format_moment
from ledger.proof.report.explaining import Told, explain_together
from ledger.proof.report.markup import element, items, safe
from ledger.proof.report.page_style import STYLE
from ledger.proof.report.refusal import refusal_words
from ledger.proof.report.wording import (
    ALLOWED_THEN,
    Answer,
    answers,
    battery_facts,
    life_rows,
    list_lines,
    next_steps,
)
from ledger.proof.trust import Trust
from ledger.proof.verdict.evidence import EvidenceMatch
from ledger.proof.verdict.values import Verdict

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def verdict_page(
    verdict: Verdict,
    trust_sha256: bytes,
    *,
    offset_minutes: int = 0,
    documents: EvidenceMatch | None = None,
) -> str:
    """The page of ``verdict``. Times of the reader are at ``offset_minutes`` from UTC;
    ``trust_sha256`` is the digest of the trust file, ``documents`` what the reader holds."""
    record = verdict.record
    sections = [
        element("div", *map(_answer, answers(verdict))),
        _facts(battery_facts(verdict)),
        _section("Life", _life(verdict)),
        _section("White list", items(list_lines(verdict))) if verdict.works else "",
        *_findings(verdict),
        *_documents(documents),
        _section("Not checked", items(verdict.unchecked)),
        _section("Next", items(next_steps(verdict), "next")),
        _files(record.ledger, record.origin, trust_sha256, record.file_sha256),
    ]
    return _page(sections, verdict.at, offset_minutes)


def refusal_page(
    error: CellbookError,
    at: int,
    trust: Trust,
    trust_sha256: bytes,
    file_sha256: bytes,
    *,
    offset_minutes: int = 0,
) -> str:
    """The page of a record that was refused with ``error``: there is no life to show."""
    first, told, last = refusal_words(error)
    text, undecided = f"{first.removeprefix('RECORD ')}: {told}", error.exit_code == 3
    sections = [
        element("div", _answer(Answer("RECORD", "open" if undecided else "bad", text, (last,)))),
        _section("Next", items([error.remedy], "next")),
        _facts([("Code", error.code)]),
        _files(trust.name, trust.origin, trust_sha256, file_sha256),
    ]
    return _page(sections, at, offset_minutes)


def _page(sections: list[str], at: int, offset: int) -> str:
    now = format_moment(at, offset)
    shown = f"{now[:10]} {now[11:16]} {now[19:]}"
    header = element("header", element("h1", "CELLBOOK CHECK"), element("time", shown))
    # One row for all, since browsers move a row that fits on a sheet of its own to the next one.
    row = element("tr", element("td", header, *sections))
    foot = element("tr", element("td", _foot(shown)), cls="print")
    # A table's foot is what browsers print again on every sheet, and keep free of other text.
    # For who has it read aloud it is no table.
    table = element(
        "table", element("tbody", row), element("tfoot", foot), cls="sheet", role="presentation"
    )
    return (
        '<!doctype html>\n<html lang="en" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Cellbook check, {shown}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>{table}</main>\n</body>\n</html>\n"
    )


def _foot(shown: str) -> str:
    return (
        "<b>This print proves nothing.</b> Anybody can make one. What counts is the file: check it "
        f"with <code>cellbook verify</code>. Checked {shown}."
    )


def _section(title: str, inner: str) -> str:
    return element("section", element("h2", title), inner)


def _answer(answer: Answer) -> str:
    notes = (element("p", element("small", safe(note))) for note in answer.notes)
    told = element("div", element("p", element("strong", safe(answer.text))), *notes)
    return element("section", element("h2", answer.head), told, cls=f"answer {answer.tone}")


def _facts(rows: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    lines = (
        element("tr", element("th", safe(head), scope="row"), element("td", safe(text)))
        for head, text in rows
    )
    return element("table", *lines, cls="facts")


def _life(verdict: Verdict) -> str:
    heads = (("", "Date"), ("what", "What"), ("who", "Who signed it"), ("", "Remark"))
    head = element("tr", *(element("th", text, cls=cls, scope="col") for cls, text in heads))
    rows = (
        element(
            "tr",
            element("td", safe(row.date)),
            element("td", safe(row.what)),
            element("td", safe(row.who)),
            element("td", "; ".join((*map(safe, row.remarks), *map(_rule_id, row.rules)))),
        )
        for row in life_rows(verdict)
    )
    return element("table", element("thead", head), element("tbody", *rows), cls="life")


def _findings(verdict: Verdict) -> Iterator[str]:
    for title, findings in (("Breaches", verdict.breaches), ("Remarks", verdict.remarks)):
        if findings:
            yield _section(title, "".join(map(_finding, explain_together(verdict, findings))))


def _finding(told: Told) -> str:
    rule = told.rule_text and f"Rule: {told.rule_text} Basis: {told.basis}."
    repair = told.repair and f"Repair: {told.repair}"
    open_point = told.unconfirmed and f"Unconfirmed in this rule: {told.unconfirmed}."
    allowed = ALLOWED_THEN if told.allowed_then else ""
    return element(
        "div",
        element("p", element("b", _rule_id(f"[{told.rule}]")), " ", safe(told.text)),
        element("p", safe(told.chain), cls="dates") if told.chain else "",
        *(element("small", safe(text)) for text in (allowed, rule, repair, open_point) if text),
        cls="finding breach" if told.breach else "finding",
    )


def _rule_id(text: str) -> str:
    return element("span", safe(text), cls="id")


def _documents(match: EvidenceMatch | None) -> Iterator[str]:
    if match is None:
        return
    lines = []
    for item in match.held:
        false = ", FALSE: another size is stated" if item.size_differs else ""
        lines.append(f"held: {item.document.event}, {item.document.place}: {item.file.name}{false}")
    lines += [f"not held: {document.event}, {document.place}" for document in match.not_held]
    lines += [f"no entry states {file.name}" for file in match.unknown]
    note = element("p", element("small", "Digests were compared, not what is in the documents."))
    yield _section("Documents", items(lines) + note)


def _files(ledger: str, origin: str, trust_sha256: bytes, file_sha256: bytes) -> str:
    trust = safe(f'your file for "{ledger}" ({origin})')
    rows = (("Trust", f"{trust}<br>{_digest(trust_sha256)}"), ("File", _digest(file_sha256)))
    lines = (
        element("tr", element("th", head, scope="row"), element("td", inner))
        for head, inner in rows
    )
    return element("table", *lines, cls="facts")


def _digest(sha256: bytes) -> str:
    return element("code", f"SHA-256 {sha256.hex()}")
