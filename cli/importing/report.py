"""What ``cellbook import`` prints at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.importing.mapping import Mapping
from cli.importing.returned import COLUMNS
from cli.importing.run import Refused, Tally
from cli.importing.sheet import Sheet

if TYPE_CHECKING:
    from cli.submit import Tally as Sent

_SHOWN = 5
_LISTED = 1_000
"""Refused rows in the JSON report; the table of refused rows has all."""


def facts_of(
    sheet: Sheet,
    mapping: Mapping,
    tally: Tally,
    sent: Sent | None,
    files: Sequence[Path],
    given: dict[str, Any],
) -> dict[str, Any]:
    """The report as ``--json`` prints it."""
    from cli.submit import submission_facts

    read = {*mapping.columns(), *COLUMNS}
    return {
        "file": sheet.name,
        "form": sheet.form,
        "encoding": sheet.encoding.shown,
        "dry_run": given["dry_run"],
        "rows": tally.rows,
        "signed": tally.signed,
        "replaced": tally.replaced,
        "earlier": tally.earlier,
        "repeated": tally.repeated,
        "normalised": tally.normalised,
        "columns_not_used": [name for name in sheet.columns if name not in read],
        "outbox": None if given["outbox"] is None else str(given["outbox"]),
        "refused": len(tally.refused),
        "refused_rows": [_row(row) for row in tally.refused[:_LISTED]],
        "refused_files": [str(file) for file in files],
        "submitted": None if sent is None else submission_facts(sent),
    }


def text_of(
    sheet: Sheet, tally: Tally, sent: Sent | None, facts: dict[str, Any], given: dict[str, Any]
) -> str:
    """The report for people."""
    lines = [f"{sheet.name}: {tally.rows} rows, {sheet.encoding.shown}"]
    verb = "to be signed" if given["dry_run"] else "signed"
    into = "" if given["dry_run"] else f"   into {given['outbox']}"
    lines.append(f"  {verb:<15} {tally.signed}{into}")
    for label, count, note in (
        ("of them anew", tally.replaced, "in place of what was not registered"),
        ("signed earlier", tally.earlier, "they are in the outbox as they are in the table"),
        ("repeated", tally.repeated, "the same row stands in the table before"),
        ("refused", len(tally.refused), ""),
        ("made plain", tally.normalised, "cells with full-width characters"),
    ):
        if count:
            lines.append(f"  {label:<15} {count}   {note}".rstrip())
    if facts["columns_not_used"]:
        lines.append(f"  not used        columns {', '.join(facts['columns_not_used'])}")
    lines += _by_code(tally.refused)
    if sent is not None:
        from cli.submit import submission_text

        lines += ["", submission_text(sent, given["url"])]
    lines += _next(tally, sent, facts, given)
    return "\n".join(lines)


def _by_code(refused: Sequence[Refused]) -> list[str]:
    """For each code: how often, what to do, and the first rows with what was found."""
    codes: dict[str, list[tuple[int, str, str]]] = {}
    for row in refused:
        for error in row.errors:
            codes.setdefault(error.code, []).append((row.line, error.describe(), error.remedy))
    lines = []
    for code, found in codes.items():
        lines.append(f"REFUSED {code} ({len(found)})")
        lines += [f"  line {line}: {said}" for line, said, _ in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"  and {len(found) - _SHOWN} more")
        lines.append(f"  what to do: {found[0][2]}")
    return lines


def _next(
    tally: Tally, sent: Sent | None, facts: dict[str, Any], given: dict[str, Any]
) -> list[str]:
    lines = [f"refused rows    {name}" for name in facts["refused_files"]]
    if facts["refused_files"]:
        lines.append("Correct them there, and import that file with the same mapping and outbox.")
    if sent is None and not given["dry_run"] and tally.signed + tally.earlier:
        lines.append(f"next            cellbook submit {given['outbox']} --url URL")
    return lines


def _row(row: Refused) -> dict[str, Any]:
    return {"line": row.line, "errors": [error.as_dict() for error in row.errors]}
