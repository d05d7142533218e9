"""Refused rows as a table of their own: what is wrong, what to do, and the row as it was.

It has the encoding and the columns of the table that the rows come from, after four of its own,
which no mapping names: so it can be corrected and imported as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from cli.importing.encodings import MARK
from cli.importing.portions import Signed
from cli.importing.run import Refused
from cli.importing.sheet import Sheet
from cli.output import one_line, read_file
from cli.saving import save
from keys.errors import CellbookError

COLUMNS = ("refused_line", "refused_code", "refused_because", "refused_what_to_do")
MEMBER = "refused"
"""The member of a JSON line that holds the same."""

_MOST_FILES = 10_000


def refused_by_service(
    rows: Iterable[tuple[Sheet, Signed]], errors: dict[str, CellbookError]
) -> list[Refused]:
    """The rows of those statements of an outbox that a service refused; ``errors`` by locator."""
    return [
        Refused(sheet, row.line, row.original, (errors[row.entry],))
        for sheet, row in rows
        if row.entry in errors
    ]


def write_refused(refused: list[Refused], folder: Path, file: Path | None = None) -> list[Path]:
    """Write the rows, a file for each table that they come from; nothing without rows.

    Without ``file`` it is ``refused.csv`` (or ``.jsonl``) in ``folder``, or the next free name:
    somebody may be correcting the one that is there. Raises ``usage.file.*``.
    """
    tables: dict[Sheet, list[Refused]] = {}
    for row in refused:
        tables.setdefault(row.sheet, []).append(row)
    written: list[Path] = []
    for sheet, rows in tables.items():
        data = refused_table(sheet, rows)
        if file is not None and not written:
            save(file, data)
            written.append(file)
        else:
            written.append(_write_beside(folder, sheet.form, data))
    return written


def refused_table(sheet: Sheet, rows: list[Refused]) -> bytes:
    """The bytes of the table of refused rows."""
    make = _csv_table if sheet.form == "csv" else _json_lines
    data = sheet.encoding.encode(make(sheet, rows))
    return MARK + data if sheet.encoding.mark else data


def _csv_table(sheet: Sheet, rows: list[Refused]) -> str:
    again = sheet.columns[: len(COLUMNS)] == COLUMNS
    skipped = len(COLUMNS) if again else 0
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sheet.delimiter, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *sheet.columns[skipped:]])
    for row in rows:
        said = [str(row.line), *_said(row.errors)]
        if len(row.original) == 1 < len(sheet.columns):
            # A line that could not be read stays as it is: quoting would hide what is wrong.
            writer.writerow(said)
            out.seek(out.tell() - 2)
            out.write(sheet.delimiter + row.original[0] + "\r\n")
        else:
            writer.writerow([*said, *row.original[skipped:]])
    return out.getvalue()


def _json_lines(sheet: Sheet, rows: list[Refused]) -> str:
    return "".join(_json_line(row) + "\n" for row in rows)


def _json_line(row: Refused) -> str:
    code, because, remedy = _said(row.errors)
    refused = {"line": row.line, "code": code, "because": because, "what_to_do": remedy}
    text = row.original[0].strip() if row.original else ""
    try:
        # Numbers become text, and so keep all their digits.
        value = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return json.dumps({MEMBER: refused, "original": text}, ensure_ascii=False)
    value.pop(MEMBER, None)
    return json.dumps({MEMBER: refused, **value}, ensure_ascii=False)


def _said(errors: tuple[CellbookError, ...]) -> tuple[str, str, str]:
    """Codes, what is wrong, and what to do, each once."""
    codes = dict.fromkeys(error.code for error in errors)
    because = dict.fromkeys(error.describe() for error in errors)
    remedies = dict.fromkeys(error.remedy for error in errors)
    texts = (" ".join(codes), " | ".join(because), " | ".join(remedies))
    return tuple(one_line(text) for text in texts)  # type: ignore[return-value]  # three of them


def _write_beside(folder: Path, form: str, data: bytes) -> Path:
    for number in range(1, _MOST_FILES):
        name = "refused" if number == 1 else f"refused-{number}"
        path = folder / f"{name}.{form}"
        if not path.exists():
            break
        if read_file(path) == data:
            return path
    save(path, data)
    return path
