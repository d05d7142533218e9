"""What people write about an event, as the fields that are signed.

The options of ``cellbook event KIND`` and the names in its JSON are read from the event's Struct,
so both have every field, and no other. Nothing is guessed: a quantity needs its unit, and what
cannot be kept exactly is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.events import EVENTS, Event, parse_event
from ledger.custody.events.base import unfolded
from ledger.custody.events.scalars import Form
from ledger.custody.fields import field_rules
from ledger.custody.quantities import parse_quantity, unit_of_field, units_of
from ledger.wire import cbor
from ledger.wire.base64text import decode_base64url

NOT_JSON = declare(
    "usage.event.json",
    "The text is not JSON of the form that is asked for.",
    "Write one JSON object with the names that `cellbook event KIND --help` lists.",
)
VALUE = declare(
    "usage.event.value",
    "The value cannot be what the field holds.",
    "`cellbook event KIND --help` says how each field is written.",
)
MISSING = declare(
    "usage.event.missing",
    "The event lacks fields that its kind requires.",
    "State them, as options or with --fields; `cellbook event KIND --help` explains them.",
)

Values = dict[str, Any]
"""Fields by wire names, as they are encoded."""

_FORMS = {
    "moment": "2026-06-03T10:00:00+08:00",
    "date": "2026-06-03",
    "country": "such as CN",
    "operator": "URI of an operator",
    "battery": "URI of a battery",
    "model": "URI of a model",
}


class Field(msgspec.Struct, frozen=True):
    """One field of a kind of event: its name as an option, on the wire, and what it holds.

    ``holds`` is the plain type: a Struct, ``bytes``, ``int``, ``bool`` or ``str``; ``choices`` are
    the only texts allowed, where there are any; ``unit`` belongs to integers that are quantities.
    """

    name: str
    wire: str
    need: Literal["R", "O", "C"]
    holds: type
    many: bool
    choices: tuple[str, ...]
    unit: str | None
    form: str | None
    may_be_empty: bool

    @property
    def option(self) -> str:
        return "--" + self.wire.replace("_", "-")

    @property
    def metavar(self) -> str:
        if issubclass(self.holds, msgspec.Struct):
            return "JSON"
        if self.unit is not None:
            return "QUANTITY"
        return {bytes: "ID", int: "INTEGER"}.get(self.holds, (self.form or "text").upper())

    @property
    def filled(self) -> bool:
        """Whether the command states it where nobody else does."""
        return self.wire in ("occurred_at", "time_precision", "ids")


@cache
def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of a kind of event, required ones first."""
    struct = EVENTS[kind, 1]
    hints = get_type_hints(struct, include_extras=True)
    rules = field_rules()
    fields = []
    for name in struct.__struct_fields__:
        if name != "version":
            rule = rules[kind, name]
            fields.append(_field(name, rule.wire, rule.need, hints[name]))
    return tuple(sorted(fields, key=lambda field: "RCO".index(field.need)))


def event_payload(kind: str, values: Mapping[str, Any]) -> tuple[Event, bytes]:
    """The event of ``kind`` with ``values`` (by wire names), and its payload bytes.

    Raises ``usage.event.missing``, and what :func:`~ledger.custody.events.parse_event` raises.
    """
    missing = [
        field.option for field in fields_of(kind) if field.need == "R" and field.wire not in values
    ]
    if missing:
        raise MISSING.at(kind, ", ".join(missing))
    payload = cbor.encode({"type": kind, "version": 1, **values})
    return parse_event(payload), payload


def read_fields(kind: str, data: bytes, where: str) -> Values:
    """The fields in a JSON object, by wire names.

    Quantities may be text with a unit or integers in the unit of the field's name; references and
    digests are base64url or hex. Raises ``usage.event.*`` and ``malformed.quantity*``.
    """
    value = read_json(data, where)
    if not isinstance(value, dict):
        raise NOT_JSON.at(where, "not an object")
    if value.get("type", kind) != kind:
        raise NOT_JSON.at(where, f"its type is {value['type']!r:.40}, not {kind}")
    stated = {name: item for name, item in value.items() if name not in ("type", "version")}
    return _struct_values(EVENTS[kind, 1], stated, where)


def read_option(field: Field, text: str) -> Any:
    """The value of ``field`` as one option gives it. Raises as :func:`read_fields`."""
    if issubclass(field.holds, msgspec.Struct):
        part = read_json(text.encode(errors="surrogateescape"), field.option)
        return _value(field.holds, field.wire, part, field.option)
    return _value(field.holds, field.wire, _number(field, text), field.option)


def read_json(data: bytes, where: str) -> Any:
    """A JSON value without floats and doubled names. Raises ``usage.event.json``."""
    try:
        return json.loads(
            data,
            object_pairs_hook=_no_doubles,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except (ValueError, RecursionError) as error:
        raise NOT_JSON.at(where, str(error)[:200]) from None


def written_as(field: Field) -> str:
    """How people write the field, for its help."""
    if field.choices:
        return ""
    if issubclass(field.holds, msgspec.Struct):
        parts = [name for name in field.holds.__struct_encode_fields__ if name != "version"]
        return "JSON object with " + ", ".join(parts)
    if field.unit is not None:
        return "quantity in " + ", ".join(units_of(field.unit))
    if field.holds is bytes:
        return "32 bytes as base64url (a locator) or hex"
    return _FORMS.get(field.form or "", "integer" if field.holds is int else "")


def _field(name: str, wire: str, need: Literal["R", "O", "C"], hint: object) -> Field:
    types, marks = unfolded(hint)
    forms = [mark.name for mark in marks if isinstance(mark, Form)]
    plain = [kind for kind in types if isinstance(kind, type) and kind not in (tuple, type(None))]
    holds = plain[0] if plain else str
    return Field(
        name=name,
        wire=wire,
        need=need,
        holds=holds,
        many=tuple in types,
        choices=_choices(hint),
        unit=unit_of_field(name) if holds is int else None,
        form=forms[0] if forms else None,
        may_be_empty=tuple in types and _takes_nothing(hint),
    )


def _takes_nothing(hint: object) -> bool:
    """Whether an empty list fits: msgspec knows the bounds of the whole type."""
    try:
        msgspec.convert([], hint)
    except msgspec.ValidationError:
        return False
    return True


def _choices(hint: object) -> tuple[str, ...]:
    """The texts of the Literal inside a type hint."""
    if getattr(hint, "__origin__", None) is Literal:
        return tuple(str(choice) for choice in get_args(hint))
    inner = [hint.__origin__] if hasattr(hint, "__metadata__") else get_args(hint)  # type: ignore[attr-defined]
    return next((found for child in inner if (found := _choices(child))), ())


def _struct_values(struct: type[msgspec.Struct], value: Mapping[str, Any], where: str) -> Values:
    hints = get_type_hints(struct, include_extras=True)
    names = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
    values = {}
    for wire, item in value.items():
        if wire not in names:
            raise VALUE.at(where, f"there is no field {wire!r:.60}")
        field = _field(names[wire], wire, "O", hints[names[wire]])
        place = f"{where}, {wire}"
        if field.many and isinstance(item, list):
            values[wire] = [_value(field.holds, wire, part, place) for part in item]
        else:
            values[wire] = _value(field.holds, wire, item, place)
    return values


def _value(holds: type, name: str, item: Any, where: str) -> Any:
    """``item`` of JSON as what the field holds; what does not fit is left for ``parse_event``."""
    if issubclass(holds, msgspec.Struct) and isinstance(item, dict):
        return _struct_values(holds, item, where)
    if holds is bytes:
        return _bytes(item, where)
    unit = unit_of_field(name)
    if holds is int and unit is not None and isinstance(item, str):
        try:
            return parse_quantity(item, unit)
        except CellbookError as error:
            raise error.error.at(where, error.detail) from None
    return item


def _number(field: Field, text: str) -> Any:
    """An option's text as the integer or truth value that JSON would have."""
    if field.holds is bool:
        return text == "true"
    if field.holds is not int or field.unit is not None:
        return text
    if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 20:
        raise VALUE.at(field.option, f"{text!r:.60} is not an integer")
    return int(text)


def _bytes(item: Any, where: str) -> bytes:
    """32 bytes from base64url or hex; their lengths tell them apart."""
    try:
        if isinstance(item, str) and len(item) in (43, 64):
            return decode_base64url(item) if len(item) == 43 else bytes.fromhex(item)
    except ValueError:
        pass
    raise VALUE.at(where, f"{item!r:.80}: not 43 characters of base64url or 64 of hex")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return names


def _no_float(text: str) -> Any:
    raise ValueError(f"{text}: write a quantity as text with its unit, such as '280.5 Ah'")
