"""A row as an event that is ready to be signed, or as everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cli.drafts import Draft, draft_event
from cli.event_fields import fields_of
from cli.event_values import VALUE, Values
from cli.importing.cells import plain, plain_code
from cli.importing.mapping import (
    Mapping,
    Source,
    constants_of,
    find_field,
    located,
    source,
)
from cli.importing.moments import read_moment
from cli.importing.sheet import Row
from cli.importing.values import FindEntry, read_battery, read_code, reader
from keys.errors import CellbookError, declare

NO_RECORD = declare(
    "malformed.row.source-ref",
    "A column that names the record is empty, so a repetition could not be told.",
    "Fill in the columns that the mapping names under source_ref.",
)
OTHER_ISSUER = declare(
    "rejected.row.issuer",
    "The row is of another operator than the one that signs.",
    "Import the rows of each operator by themselves, with its own key.",
)
NO_KIND = declare(
    "malformed.row.kind",
    "The row does not say which kind of event it is, or says one that does not exist.",
    "Fill in the column, or rename its values in the mapping: kind = { column = …, values = … }.",
)

_LONGEST_REF = 256


class Drafted(msgspec.Struct, frozen=True):
    """A row's event and the name of its record."""

    source_ref: str
    draft: Draft


class Step(msgspec.Struct, frozen=True):
    """One field of a kind: where it goes, what reads it, and the place that errors name."""

    name: str
    place: str
    path: tuple[str, ...]
    source: Source
    read: Callable[..., Any] | None


class Plan(msgspec.Struct, frozen=True):
    """How rows of one kind are read; with ``parts`` some steps lead into parts or lists."""

    kind: str
    parts: bool
    constants: Values
    steps: tuple[Step, ...]


class Drafting:
    """Makes drafts of the rows of one table, for ``issuer``.

    ``find`` gives entries by source_ref. ``normalised`` counts the cells in which full-width
    characters were replaced.
    """

    def __init__(self, mapping: Mapping, issuer: str, where: str, find: FindEntry) -> None:
        self.normalised = 0
        self._mapping = mapping
        self._issuer = issuer
        self._plans = {kind: _plan(mapping, kind, where, find) for kind in mapping.kinds}
        self._record = mapping.record
        self._battery = None if mapping.battery is None else source(mapping.battery)
        self._wide = tuple(dict.fromkeys(mapping.columns()))

    def draft(self, row: Row) -> Drafted | list[CellbookError]:
        """The event in ``row``, or all that is wrong with it, each with its column."""
        if row.fault is not None:
            return [row.fault]
        errors: list[CellbookError] = []
        self._count_wide(row)
        plan = self._tried(errors, "kind", lambda: self._plan_of(row))
        source_ref = self._tried(errors, "source_ref", lambda: self._source_ref(row))
        self._tried(errors, "issuer", lambda: self._check_issuer(row))
        sub = self._tried(errors, "battery", lambda: self._sub(row))
        if plan is None:
            return errors
        values = _values(plan, row, errors, self._mapping.zone)
        if errors:
            return errors
        values["source_ref"] = source_ref
        try:
            return Drafted(source_ref, draft_event(plan.kind, values, sub))
        except CellbookError as error:
            return [error]

    def _tried(self, errors: list[CellbookError], name: str, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except CellbookError as error:
            errors.append(error if error.where else located(error, name))
            return None

    def _plan_of(self, row: Row) -> Plan:
        stated = self._mapping.kind
        if isinstance(stated, str):
            return self._plans[stated]
        text = _text(row, stated)
        kind = plain(text)
        if stated.values is not None:
            kind = stated.values.get(text, stated.values.get(kind, ""))
        if kind not in self._plans:
            raise NO_KIND.at(_column(stated, "kind"), repr(text)[:60])
        return self._plans[kind]

    def _source_ref(self, row: Row) -> str:
        parts = []
        for part in self._record:
            place = _column(part, "source_ref")
            text = _text(row, part)
            if not text:
                raise NO_RECORD.at(place)
            try:
                parts.append(read_code(text, part))
            except CellbookError as error:
                raise located(error, place) from None
        made = "/".join(parts)
        if len(made) > _LONGEST_REF:
            raise NO_RECORD.at("source_ref", f"more than {_LONGEST_REF} characters")
        return made

    def _check_issuer(self, row: Row) -> None:
        stated = self._mapping.issuer
        if isinstance(stated, Source):
            place, text = _column(stated, "issuer"), _text(row, stated)
            try:
                named = read_code(text, stated)
            except CellbookError as error:
                raise located(error, place) from None
            if named != self._issuer:
                raise OTHER_ISSUER.at(place, f"{named!r:.80}, not {self._issuer}")

    def _sub(self, row: Row) -> str | None:
        text = "" if self._battery is None else _text(row, self._battery)
        if self._battery is None or not text:
            return None
        try:
            return read_battery(text, self._battery)
        except CellbookError as error:
            raise located(error, _column(self._battery, "battery")) from None

    def _count_wide(self, row: Row) -> None:
        cells = row.cells
        for column in self._wide:
            cell = cells.get(column, "")
            if isinstance(cell, str) and not cell.isascii() and plain_code(cell) != cell.strip():
                self.normalised += 1


def _values(plan: Plan, row: Row, errors: list[CellbookError], zone: str | None) -> Values:
    values = dict(plan.constants)
    for step in plan.steps:
        cell = row.cells.get(step.source.column, "")
        if isinstance(cell, str):
            cell = cell.strip()
        if cell == "":
            continue
        if step.read is None:
            errors.append(VALUE.at(step.place, f"a {plan.kind} has no such field"))
            continue
        try:
            _put(values, step.path, step.read(cell))
            if step.name == "occurred_at" and "time_precision" not in values:
                offset = step.source.zone or zone
                values["time_precision"] = read_moment(plain(str(cell)), step.source.date, offset)[
                    1
                ]
        except CellbookError as error:
            errors.append(located(error, step.place))
    return {name: _listed(value) for name, value in values.items()} if plan.parts else values


def _put(values: Values, path: tuple[str, ...], value: Any) -> None:
    """Set a value, making the maps above it; numbers are places in lists, from 1."""
    *above, last = path
    for name in above:
        inner = values.get(name)
        # A constant is shared by all rows: what is put into it goes into a copy.
        inner = dict(inner) if isinstance(inner, dict) else {}
        values[name] = inner
        values = inner
    values[last] = value


def _listed(value: Any) -> Any:
    """Maps whose names are all numbers as lists in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    made = {name: _listed(item) for name, item in value.items()}
    if made and all(name.isdecimal() for name in made):
        return [made[name] for name in sorted(made, key=int)]
    return made


def _plan(mapping: Mapping, kind: str, where: str, find: FindEntry) -> Plan:
    steps = []
    # Columns beat constants, and the precision that a column states beats that of the time.
    for name, stated in sorted(mapping.sources.items(), key=lambda item: item[0] == "occurred_at"):
        field = find_field(kind, name)
        read = None if field is None else reader(field, stated, mapping.zone, find)
        steps.append(Step(name, _column(stated, name), tuple(name.split(".")), stated, read))
    constants = constants_of(mapping, kind, where)
    known = {field.wire for field in fields_of(kind)}
    assert constants.keys() <= known  # noqa: S101 - others were left out
    parts = any(len(step.path) > 1 for step in steps)
    return Plan(kind, parts, constants, tuple(steps))


def _text(row: Row, stated: Source) -> str:
    cell = row.cells.get(stated.column, "")
    return cell.strip() if isinstance(cell, str) else str(cell)


def _column(stated: Source, name: str) -> str:
    return f"column {stated.column!r}, {name}"
