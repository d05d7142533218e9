"""The rows of a table: CSV with a line of column names, or JSON lines with one object each.

A row that cannot be read is a row with a fault, and the next line is the next row: an open quote
does not swallow the rest of the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from cli.importing.encodings import Encoding, recognise
from keys.errors import CellbookError, declare

EMPTY = declare(
    "usage.import.empty",
    "The file has no rows.",
    "Name a CSV file whose first line has the column names, or one JSON object a line.",
)
HEADER = declare(
    "usage.import.header",
    "The first line does not name the columns.",
    "Give every column a name of its own in the first line.",
)
UNREADABLE = declare(
    "malformed.row.encoding",
    "The line has bytes that are no characters in the encoding of the file.",
    "Write the line again, or state the file's encoding in the mapping.",
)
QUOTES = declare(
    "malformed.row.quotes",
    "A quote is opened in the line, and no line near it closes it.",
    "Close the quote, or write two quotes for one inside of a quoted cell.",
)
CELLS = declare(
    "malformed.row.cells",
    "The line has another number of cells than there are columns.",
    "Put cells that hold the separator into quotes, and remove cells that no column names.",
)
OBJECT = declare(
    "malformed.row.json",
    "The line is not one JSON object.",
    "Write one object with the names of the columns a line.",
)

Cell = str | list[Any] | dict[str, Any]
_LONGEST_RECORD = 64
"""Lines that one quoted record has at most."""


class Row(msgspec.Struct, frozen=True):
    """A row and the line at which it begins. ``cells`` by column; ``original`` as it was read."""

    line: int
    cells: dict[str, Cell]
    original: Sequence[str]
    fault: CellbookError | None = None


class Sheet(msgspec.Struct, frozen=True):
    """A table before its rows are read. ``columns`` is empty for JSON lines."""

    name: str
    form: Literal["csv", "jsonl"]
    encoding: Encoding
    delimiter: str
    columns: tuple[str, ...]


def open_sheet(
    name: str, data: bytes, *, encoding: str | None = None, delimiter: str = ","
) -> tuple[Sheet, list[bytes]]:
    """The table in ``data`` and its lines, the first of them still there.

    JSON lines are told by the name's ending or by a first line that begins an object. Raises
    ``usage.import.*``.
    """
    found, lines = recognise(data, name, encoding)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise EMPTY.at(name)
    if name.lower().endswith((".jsonl", ".ndjson")) or first.lstrip().startswith(b"{"):
        return Sheet(name, "jsonl", found, delimiter, ()), lines
    columns = _header(lines[0], found, delimiter, name)
    if not any(line.strip() for line in lines[1:]):
        raise EMPTY.at(name)
    return Sheet(name, "csv", found, delimiter, columns), lines


def rows(sheet: Sheet, lines: Sequence[bytes]) -> Iterator[Row]:
    """The rows in order; empty lines are none."""
    read = _csv_rows if sheet.form == "csv" else _json_rows
    return read(sheet, lines)


def _header(line: bytes, encoding: Encoding, delimiter: str, name: str) -> tuple[str, ...]:
    try:
        cells = _record([line.decode(encoding.name)], delimiter)
    except ValueError:
        cells = None
    columns = tuple(cell.strip() for cell in cells or ())
    while columns and not columns[-1]:
        columns = columns[:-1]
    if not all(columns) or len(set(columns)) != len(columns) or not columns:
        raise HEADER.at(f"{name}, line 1", repr(line[:80].decode(errors="replace")))
    return columns


def _csv_rows(sheet: Sheet, lines: Sequence[bytes]) -> Iterator[Row]:
    encoding, delimiter, columns = sheet.encoding.name, sheet.delimiter, sheet.columns
    count, at = len(columns), 1
    while at < len(lines):
        taken, raw = 1, lines[at]
        try:
            text = raw.decode(encoding)
            cells: list[str] | None
            if '"' not in text:
                cells = text.split(delimiter)
            else:
                taken, cells = _quoted(lines, at, encoding, delimiter)
        except UnicodeDecodeError as error:
            yield _faulty(at, raw, encoding, UNREADABLE.at("", f"byte {error.start + 1}"))
        else:
            if cells is None:
                yield _faulty(at, raw, encoding, QUOTES.at())
            elif len(cells) == count:
                yield Row(at + 1, dict(zip(columns, cells, strict=True)), cells)
            elif any(cell.strip() for cell in cells):
                yield _fitted(at + 1, columns, cells)
        at += taken


def _quoted(
    lines: Sequence[bytes], at: int, encoding: str, delimiter: str
) -> tuple[int, list[str] | None]:
    """The record that begins at ``at`` and how many lines it has; None where it has no end."""
    parts: list[str] = []
    for raw in lines[at : at + _LONGEST_RECORD]:
        parts.append(raw.decode(encoding))
        cells = _record(parts, delimiter)
        if cells is not None:
            return len(parts), cells
    return 1, None


def _record(parts: list[str], delimiter: str) -> list[str] | None:
    """The cells of one record; None where its last quote is still open."""
    source = [part + "\n" for part in parts[:-1]] + parts[-1:]
    try:
        return next(csv.reader(source, delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _fitted(line: int, columns: tuple[str, ...], cells: list[str]) -> Row:
    """A row of another length. Empty cells at the end are what spreadsheets add or leave out."""
    count = len(columns)
    if len(cells) > count and not any(cell.strip() for cell in cells[count:]):
        return Row(line, dict(zip(columns, cells, strict=False)), cells[:count])
    return Row(line, {}, cells, CELLS.at("", f"{len(cells)} cells, {count} columns"))


def _faulty(at: int, raw: bytes, encoding: str, fault: CellbookError) -> Row:
    return Row(at + 1, {}, [raw.decode(encoding, "surrogateescape")], fault)


def _json_rows(sheet: Sheet, lines: Sequence[bytes]) -> Iterator[Row]:
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            text = raw.decode(sheet.encoding.name)
            value = json.loads(text, parse_float=str, parse_constant=str)
        except UnicodeDecodeError as error:
            fault = UNREADABLE.at("", f"byte {error.start + 1}")
            yield _faulty(number - 1, raw, sheet.encoding.name, fault)
            continue
        except (ValueError, RecursionError) as error:
            yield Row(number, {}, [text], OBJECT.at("", str(error)[:120]))
            continue
        if isinstance(value, dict):
            yield Row(number, {name: _cell(item) for name, item in value.items()}, [text])
        else:
            yield Row(number, {}, [text], OBJECT.at("", type(value).__name__))


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value) if isinstance(value, int) else value
