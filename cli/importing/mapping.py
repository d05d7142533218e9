"""The mapping file: which column holds which field, in TOML.

It says everything that the table does not say by itself: units of bare numbers, forms of dates, the
offset of local times, names of kinds, and what is the same in every row. Nothing is taken from a
column that it does not name.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable

import msgspec

from cli.event_fields import Field, fields_in, fields_of
from cli.event_values import Values, read_fields
from keys.errors import CellbookError, declare
from ledger.custody.events import EVENTS
from ledger.custody.values.quantities import units_of

MAPPING = declare(
    "usage.import.mapping",
    "The mapping file cannot be used.",
    "`cellbook schema KIND --template mapping` prints one to begin with.",
)
COLUMN = declare(
    "usage.import.column",
    "The mapping names a column that the table does not have.",
    "Compare the names in the mapping with the first line of the table.",
)

KINDS = tuple(dict.fromkeys(kind for kind, _ in EVENTS))


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a field's value comes from, and how it is written there.

    ``unit`` belongs to bare numbers; ``date`` is a form of ``strptime``; ``zone`` the offset of
    times that state none; ``values`` renames; ``split`` separates the items of a list; ``width`` is
    the number of characters of a code of digits; ``json`` marks a cell that holds JSON; with
    ``by_source_ref`` the cell is the source_ref of an event in the same outbox, whose entry is
    meant; ``as_is`` turns off the search for what spreadsheets spoil.
    """

    column: str
    unit: str | None = None
    date: str | None = None
    zone: str | None = None
    values: dict[str, str] | None = None
    prefix: str = ""
    suffix: str = ""
    split: str | None = None
    width: int | None = None
    json: bool = False
    by_source_ref: bool = False
    as_is: bool = False


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping file. ``kind`` is a kind of event or the column that names it; ``source_ref`` the
    column, or the columns that name a record together; ``issuer`` the one issuer of the table, or
    the column that must name it."""

    kind: str | Source
    source_ref: str | tuple[str | Source, ...] | Source
    format: int = 1
    battery: str | Source | None = None
    issuer: str | Source | None = None
    encoding: str | None = None
    delimiter: str = ","
    zone: str | None = None
    constants: dict[str, object] = {}
    fields: dict[str, str | Source] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that rows may have: one, those that ``values`` gives, or all."""
        if isinstance(self.kind, str):
            return (self.kind,)
        return tuple(dict.fromkeys(self.kind.values.values())) if self.kind.values else KINDS

    @property
    def record(self) -> tuple[Source, ...]:
        """The columns that name a record."""
        stated = self.source_ref
        return tuple(map(source, stated)) if isinstance(stated, tuple) else (source(stated),)

    @property
    def sources(self) -> dict[str, Source]:
        """Where the fields come from, by their names."""
        return {name: source(stated) for name, stated in self.fields.items()}

    def columns(self) -> list[str]:
        """Every column that is read."""
        others = (self.kind if isinstance(self.kind, Source) else None, self.battery)
        named = [source(stated) for stated in others if stated is not None]
        named += [*self.record, *self.sources.values()]
        if isinstance(self.issuer, Source):
            named.append(self.issuer)
        return list(dict.fromkeys(item.column for item in named))


def source(stated: str | Source) -> Source:
    """A column's name alone is a source without more."""
    return Source(stated) if isinstance(stated, str) else stated


def load_mapping(data: bytes, where: str) -> Mapping:
    """The mapping in a TOML file. Raises ``usage.import.mapping``."""
    try:
        mapping = msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), Mapping)
    except (ValueError, RecursionError) as error:
        raise MAPPING.at(where, str(error)[:300]) from None
    if mapping.format != 1:
        raise MAPPING.at(where, f"format {mapping.format}; this one reads format 1")
    if len(mapping.delimiter) != 1 or mapping.delimiter in '"\r\n':
        raise MAPPING.at(f"{where}, delimiter", "not one character")
    _check_kinds(mapping, where)
    _check_fields(mapping, where)
    return mapping


def check_columns(mapping: Mapping, columns: Iterable[str], where: str) -> None:
    """Every column that is read is there. Raises ``usage.import.column``."""
    there = set(columns)
    missing = [name for name in mapping.columns() if name not in there]
    if missing:
        named = ", ".join(map(repr, missing))
        raise COLUMN.at(where, f"no {named}; there are {', '.join(map(repr, sorted(there)))}"[:400])


def constants_of(mapping: Mapping, kind: str, where: str) -> Values:
    """The constants that events of ``kind`` have. Raises ``usage.*``, ``malformed.quantity*``."""
    known = {field.wire for field in fields_of(kind)}
    stated = {name: value for name, value in mapping.constants.items() if name in known}
    try:
        text = json.dumps(stated, default=str)
        return read_fields(kind, text.encode(), f"{where}, constants")
    except (ValueError, RecursionError) as error:
        raise MAPPING.at(f"{where}, constants", str(error)[:200]) from None


def find_field(kind: str, name: str) -> Field | None:
    """The field that a name such as ``bms.model`` or ``outputs.1.id`` means; None without one."""
    known = {field.wire: field for field in fields_of(kind)}
    found: Field | None = None
    for part in name.split("."):
        if found is not None and found.many and part.isdecimal():
            continue
        found = known.get(part)
        if found is None:
            return None
        held = issubclass(found.holds, msgspec.Struct)
        known = fields_in(found.holds) if held else {}
    return found


def _check_kinds(mapping: Mapping, where: str) -> None:
    for kind in mapping.kinds:
        if kind not in KINDS:
            raise MAPPING.at(f"{where}, kind", f"{kind!r:.60} is none of {', '.join(KINDS)}")
        if mapping.battery is None and kind not in ("model", "manufacture"):
            raise MAPPING.at(where, f"no column for the battery of a {kind}: battery = …")
    if not mapping.record:
        raise MAPPING.at(f"{where}, source_ref", "it names no column")


def _check_fields(mapping: Mapping, where: str) -> None:
    for name in (*mapping.constants, *mapping.fields):
        if name == "source_ref" or not any(find_field(kind, name) for kind in mapping.kinds):
            raise MAPPING.at(where, f"{name!r:.60} is no field of {', '.join(mapping.kinds)}"[:300])
    for name, stated in mapping.sources.items():
        for kind in mapping.kinds:
            field = find_field(kind, name)
            if field is not None:
                _check_source(field, stated, f"{where}, {name}")


def _check_source(field: Field, stated: Source, where: str) -> None:
    if stated.unit is not None:
        known = () if field.unit is None else units_of(field.unit)
        if stated.unit not in known:
            raise MAPPING.at(where, f"its units are {', '.join(known) or 'none'}")
    if stated.date is not None and field.form not in ("date", "moment"):
        raise MAPPING.at(where, "it is no date")
    if stated.by_source_ref and field.holds is not bytes:
        raise MAPPING.at(where, "it is no reference to an entry")
    if issubclass(field.holds, msgspec.Struct) and not stated.json:
        raise MAPPING.at(where, "it has several fields: map each (name.field), or json = true")
    if field.many and not (stated.json or stated.split):
        last = where.rpartition(".")[2]
        if not last.isdecimal():
            raise MAPPING.at(where, "it is a list: say what separates its items, split = ';'")


def located(error: CellbookError, where: str) -> CellbookError:
    """``error`` at a place of the table."""
    return error.error.at(where, error.detail, **error.facts)
