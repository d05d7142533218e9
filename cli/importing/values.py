"""One cell as the value of one field. Each field of a kind has a reader, made once for a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from cli.drafts import resolve_battery
from cli.event_fields import Field
from cli.event_values import VALUE, read_json, read_member, read_option
from cli.importing.cells import (
    DECIMAL,
    ZEROS,
    check_code,
    number_fault,
    plain,
    plain_code,
    width_fault,
)
from cli.importing.mapping import Source
from cli.importing.moments import read_date, read_moment
from cli.importing.sheet import Cell
from keys.errors import CellbookError, declare
from ledger.custody.names.codes import parse_gbt34014
from ledger.custody.values.quantities import parse_quantity

NOT_SIGNED = declare(
    "undecided.import.reference",
    "The outbox has no event with this source_ref, so its entry is not known.",
    "Put the row of that event before this one, or name its entry.",
)

Read = Callable[[str], Any]
FindEntry = Callable[[str], bytes | None]
"""The entry id of the event in the outbox with a source_ref."""

_CODE_LENGTHS = (24, 19)
_CACHED = 4_096


def reader(field: Field, source: Source, zone: str | None, find: FindEntry) -> Callable[..., Any]:
    """What makes a value of ``field`` from a cell that is not empty.

    Raises ``malformed.cell.*``, ``malformed.quantity*``, ``usage.event.value`` and others of the
    field's form, without a place.
    """
    item = _item_reader(field, source, zone, find)

    def read(cell: Cell) -> Any:
        if not isinstance(cell, str):
            return _structured(field, cell, item)
        if source.json:
            return read_member(field, read_json(cell.encode(errors="surrogateescape"), ""), "")
        if source.split is not None:
            return [item(part.strip()) for part in cell.split(source.split) if part.strip()]
        return item(cell)

    return read


def read_code(text: str, source: Source) -> str:
    """A cell of a code or a name, as it is signed. Raises ``malformed.cell.*``."""
    code = plain_code(text)
    if source.values is not None:
        return _renamed(text, code, source.values)
    if not source.as_is:
        check_code(code)
    if source.width is not None:
        fault = width_fault(code, source.width)
        if fault is not None:
            raise fault
    return f"{source.prefix}{code}{source.suffix}"


def read_battery(text: str, source: Source) -> str:
    """The subject of the battery in a cell.

    Raises ``malformed.cell.*`` where a spreadsheet has spoiled the code, and what
    ``resolve_battery`` raises.
    """
    code = read_code(plain(text), source)
    try:
        return resolve_battery(code)
    except CellbookError as error:
        lost = _lost_zeros(code)
        if lost:
            detail = f"{code!r} would be a code with {lost} more in front"
            raise ZEROS.at("", detail) from None
        raise error


def _structured(field: Field, cell: Cell, item: Read) -> Any:
    """A list or an object of JSON lines."""
    if isinstance(cell, list) and not issubclass(field.holds, msgspec.Struct):
        return [item(part) if isinstance(part, str) else part for part in cell]
    return read_member(field, cell, "")


def _item_reader(field: Field, source: Source, zone: str | None, find: FindEntry) -> Read:
    if source.by_source_ref:
        return lambda text: _entry(read_code(text, source), find)
    form, read = source.date, _reader_of(field, source)
    if field.form == "moment":
        offset = source.zone or zone
        return lambda text: read_moment(plain(text), form, offset)[0]
    if field.form == "date":
        return lambda text: read_date(plain(text), form)
    return lru_cache(_CACHED)(read)


def _reader_of(field: Field, source: Source) -> Read:
    if field.choices:
        return lambda text: _choice(_renamed_plain(text, source), field.choices)
    if field.unit is not None:
        return lambda text: _quantity(_renamed_plain(text, source), field.unit or "", source.unit)
    if field.holds in (int, bool, bytes):
        return lambda text: _scalar(_renamed_plain(text, source), field)
    if field.form == "battery":
        return lambda text: read_battery(text, source)
    return lambda text: read_code(text, source)


def _renamed_plain(text: str, source: Source) -> str:
    made = plain(text)
    return made if source.values is None else _renamed(text, made, source.values)


def _renamed(text: str, made: str, values: dict[str, str]) -> str:
    found = values.get(text.strip(), values.get(made))
    if found is None:
        raise VALUE.at("", f"{text!r:.60} is none of {', '.join(map(repr, values))}"[:300])
    return found


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise VALUE.at("", f"{text!r:.60} is none of {', '.join(choices)}")
    return text


def _quantity(text: str, kept_in: str, unit: str | None) -> int:
    fault = number_fault(text)
    if fault is not None:
        raise fault
    if unit is not None and text[-1:].isdigit():
        text = f"{text} {unit}"
    return parse_quantity(text, kept_in)


def _scalar(text: str, field: Field) -> Any:
    fault = number_fault(text)
    if fault is not None:
        raise fault
    if field.holds is bool and text not in ("true", "false"):
        raise VALUE.at("", f"{text!r:.60} is neither true nor false; rename it with values = …")
    if field.holds is int and text.endswith(".0") and text[:-2].isdigit():
        raise DECIMAL.at("", repr(text)[:60])
    return read_option(field, text)


def _entry(source_ref: str, find: FindEntry) -> bytes:
    entry_id = find(source_ref)
    if entry_id is None:
        raise NOT_SIGNED.at("", repr(source_ref)[:80])
    return entry_id


def _lost_zeros(code: str) -> str:
    """The zeros with which a code that is too short would be one; empty where there are none."""
    for length in _CODE_LENGTHS:
        zeros = "0" * (length - len(code))
        if 1 <= len(zeros) <= 3:
            try:
                parse_gbt34014(zeros + code)
            except CellbookError:
                continue
            return zeros
    return ""
