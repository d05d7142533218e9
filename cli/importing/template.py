"""An empty table and its mapping for a kind of event, made from the event's fields."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from typing import NamedTuple

import msgspec

from cli.event_fields import Field, fields_in, fields_of, written_as
from keys.errors import CellbookError
from ledger.custody.values.quantities import parse_quantity, units_of

_LEFT_OUT = ("type", "version", "source_ref", "time_precision", "evidence", "regulatory_report")
_NEED = {"R": "required", "C": "wanted under a condition", "O": "optional"}


class Column(NamedTuple):
    """A column of a template: its name is the field's, with dots between parts."""

    name: str
    need: str
    field: Field


def columns_of(kind: str) -> list[Column]:
    """The columns of a kind: one for each plain field, also of parts; required ones first.

    Of a list of parts there is the first; more are named ``.2.``, ``.3.`` and so on.
    """
    columns: list[Column] = []
    for field in fields_of(kind):
        if field.wire not in _LEFT_OUT and not (kind == "manufacture" and field.wire == "ids"):
            columns += _columns(field, field.wire, field.need)
    return columns


def csv_template(kind: str) -> str:
    """The first line of a table: the record's name, the battery, the fields."""
    out = io.StringIO()
    names = ["source_ref", *(["battery"] if kind != "model" else [])]
    csv.writer(out, lineterminator="\n").writerow([*names, *(c.name for c in columns_of(kind))])
    return out.getvalue()


def mapping_template(kind: str) -> str:
    """A mapping for that table, to be adapted to another one."""
    battery = [] if kind == "model" else ['battery = "battery"              # its code as printed']
    lines = [
        f'# Which column of a table holds which field of "{kind}" events.',
        "# Columns come last in each line: write the names that your table has. Remove lines of",
        "# fields that it does not have. `cellbook schema " + kind + "` describes the fields.",
        "format = 1",
        f'kind = "{kind}"',
        'source_ref = ["source_ref"]      # the columns that together name a record, for ever',
        *battery,
        'zone = "+08:00"                  # of times that do not state their offset from UTC',
        '# issuer = "https://works.example"   # instead of --issuer',
        '# encoding = "gb18030"           # where it is not recognised: utf-8 or gb18030',
        "",
        "[constants]                      # the same in every row; a column of [fields] beats it",
        '# facility_id = "F-1"',
        "",
        "[fields]",
        '# A column may also be { column = "made", date = "%Y/%m/%d %H:%M" }, with unit = "kWh"',
        '# for bare numbers, values = { "包" = "pack" }, split = ";", width = 8, prefix = "urn:…",',
        "# json = true, or by_source_ref = true for the entry of another row.",
    ]
    return "\n".join([*lines, *map(_line, columns_of(kind))]) + "\n"


def _columns(field: Field, name: str, need: str) -> list[Column]:
    if not issubclass(field.holds, msgspec.Struct):
        return [Column(name, need, field)]
    inner = f"{name}.1" if field.many else name
    columns: list[Column] = []
    required = {f.encode_name for f in msgspec.structs.fields(field.holds) if f.required}
    for wire, part in fields_in(field.holds).items():
        columns += _columns(part, f"{inner}.{wire}", need if wire in required else "O")
    return columns


def _line(column: Column) -> str:
    field = column.field
    key = f'"{column.name}"' if "." in column.name else column.name
    source = f'"{column.name}"'
    own = None if field.unit is None else _own_unit(field.unit)
    if own is not None:
        source = f'{{ column = {source}, unit = "{own}" }}'
    elif field.many:
        source = f'{{ column = {source}, split = ";" }}'
    made = f"{key} = {source}"
    said = ", ".join(filter(None, (_NEED[column.need], _form(field))))
    return f"{made:<56} # {said}"


def _own_unit(unit: str) -> str | None:
    """How people write the unit of a field's name; None where nobody does (tenths of °C)."""
    for written in units_of(unit):
        with suppress(CellbookError):
            if parse_quantity(f"1 {written}", unit) == 1:
                return written
    return None


def _form(field: Field) -> str:
    return "|".join(field.choices) if field.choices else written_as(field)
