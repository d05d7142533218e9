"""What people write about an event, as the values that are signed.

Nothing is guessed: a quantity needs its unit, a reference is 32 bytes, and what cannot be kept
exactly is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from cli.event_fields import Field, fields_in
from keys.errors import CellbookError, declare
from ledger.custody.events import EVENTS
from ledger.custody.values.quantities import parse_quantity
from ledger.wire.base64text import decode_base64, decode_base64url

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

Values = dict[str, Any]
"""Fields by wire names, as they are encoded."""


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
    if value.get("version", 1) != 1:
        raise NOT_JSON.at(where, f"version {value['version']!r:.40}; this one writes version 1")
    stated = {name: item for name, item in value.items() if name not in ("type", "version")}
    return _struct_values(EVENTS[kind, 1], stated, where)


def read_option(field: Field, text: str) -> Any:
    """The value of ``field`` as one option gives it. Raises as :func:`read_fields`."""
    if issubclass(field.holds, msgspec.Struct):
        part = read_json(text.encode(errors="surrogateescape"), field.option)
        return _value(field, part, field.option)
    return _value(field, _number(field, text), field.option)


def read_member(field: Field, item: Any, where: str) -> Any:
    """The value of ``field`` as a member of a JSON object. Raises as :func:`read_fields`."""
    if field.many and isinstance(item, list):
        return [_value(field, each, where) for each in item]
    return _value(field, item, where)


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


def _struct_values(part: type[msgspec.Struct], value: Mapping[str, Any], where: str) -> Values:
    known = fields_in(part)
    values = {}
    for wire, item in value.items():
        field = known.get(wire)
        if field is None:
            raise VALUE.at(where, f"there is no field {wire!r:.60}")
        values[wire] = read_member(field, item, f"{where}, {wire}")
    return values


def _value(field: Field, item: Any, where: str) -> Any:
    """``item`` of JSON as what the field holds; what does not fit is left for ``parse_event``."""
    if issubclass(field.holds, msgspec.Struct) and isinstance(item, dict):
        return _struct_values(field.holds, item, where)
    if field.holds is bytes:
        return _key(item, where) if field.wire == "guest_key" else _bytes(item, where)
    if field.unit is None or not isinstance(item, str):
        return item
    try:
        return parse_quantity(item, field.unit)
    except CellbookError as error:
        raise error.error.at(where, error.detail) from None


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


def _key(item: Any, where: str) -> bytes:
    """The COSE_Key that ``cellbook keygen`` prints in base64."""
    try:
        return decode_base64(str(item))
    except ValueError:
        raise VALUE.at(where, f"{item!r:.80}: no public key in base64") from None


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return names


def _no_float(text: str) -> Any:
    raise ValueError(f"{text}: write a quantity as text with its unit, such as '280.5 Ah'")
