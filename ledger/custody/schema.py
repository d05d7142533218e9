"""JSON Schema of a payload as people write it, made from the Structs that check it.

One table feeds validation, documents, schema and import templates: the type hints of the events.
In JSON, digests and references are hex (or base64url, as locators are), and quantities integers in
the unit that ends the field's name. What a schema cannot say (fields that belong together, real
dates, rules) is checked by ``parse_event`` and at registration.
"""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
from msgspec import Meta

from ledger.custody.events import EVENTS, Event
from ledger.custody.events.base import unfolded
from ledger.custody.events.scalars import LONGEST_KEY, Form, Needed, Shown
from ledger.custody.payload import UNKNOWN_TYPE
from ledger.custody.values.quantities import unit_of_field

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHOWN = {
    "P": "public",
    "I": "legitimate interest",
    "A": "authorities",
    "T": "the parties",
}

_DIGEST = {
    "type": "string",
    "pattern": "^([0-9a-f]{64}|[A-Za-z0-9_-]{43})$",
    "description": "32 bytes: 64 digits of hex, or 43 characters of base64url",
}
_PUBLIC_KEY = {
    "type": "string",
    "description": "public key (COSE_Key) as `cellbook keygen` prints it",
}
_FORMS: dict[str, dict[str, Any]] = {
    "moment": {
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$",
        "examples": ["2026-06-03T10:00:00+08:00"],
    },
    "date": {"pattern": r"^\d{4}-\d\d-\d\d$", "examples": ["2026-06-03"]},
    "country": {"pattern": "^[A-Z]{2}$", "examples": ["CN"]},
    "operator": {"format": "uri", "examples": ["urn:uscc:91350900587527783P"]},
    "party": {"format": "uri", "examples": ["urn:uscc:91350900587527783P"]},
    "battery": {"format": "uri", "examples": ["urn:cellbook:gbt34014:4A6PCPM27KLPCLE742946319"]},
    "model": {"format": "uri", "examples": ["urn:cellbook:model:LF280K-48:3"]},
}


def payload_schema(kind: str, version: int = 1) -> dict[str, Any]:
    """The schema of one kind of event. Raises ``unsupported.type``.

    Beside the standard words each field has ``x-unit`` where it is a quantity, ``x-shown`` (who may
    see it) and ``x-conditional`` where it is wanted under a condition.
    """
    struct = EVENTS.get((kind, version))
    if struct is None:
        raise UNKNOWN_TYPE.at("kind", f"{kind!r} version {version}"[:80])
    schema = msgspec.json.schema(struct)
    structs = _structs_in(struct)
    parts = {name: _object(part, structs[name]) for name, part in schema["$defs"].items()}
    whole = parts.pop(struct.__name__)
    whole["title"] = f"{kind}, version {version}"
    return {"$schema": DIALECT, **whole, **({"$defs": parts} if parts else {})}


def _structs_in(struct: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """The Struct and all that it holds, by class names."""
    found = {struct.__name__: struct}
    for hint in get_type_hints(struct, include_extras=True).values():
        for held in unfolded(hint)[0]:
            if isinstance(held, type) and issubclass(held, msgspec.Struct):
                found |= _structs_in(held)
    return found


def _object(part: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    hints = get_type_hints(struct, include_extras=True)
    names = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
    properties = {}
    for wire, value in part["properties"].items():
        marks = unfolded(hints[names[wire]])[1] if wire in names else []
        properties[wire] = {**_value(value, marks), **_marked(names.get(wire, wire), value, marks)}
    required = list(part.get("required", ()))
    if issubclass(struct, Event):
        required = list(dict.fromkeys(("type", *required)))
    return {
        "description": _described(struct),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _described(struct: type[msgspec.Struct]) -> str:
    return " ".join((struct.__doc__ or "").replace("``", "`").split())


def _value(value: dict[str, Any], marks: list[object]) -> dict[str, Any]:
    """A field's schema without null and defaults: what is not stated is left out."""
    kept = {word: item for word, item in value.items() if word != "default"}
    if "anyOf" in kept:
        others = [choice for choice in kept.pop("anyOf") if choice.get("type") != "null"]
        kept = {**kept, **others[0]} if len(others) == 1 else {**kept, "anyOf": others}
    if kept.get("type") == "array":
        return {**kept, "items": _value(kept["items"], marks)}
    if kept.get("contentEncoding") == "base64":
        is_key = any(isinstance(mark, Meta) and mark.max_length == LONGEST_KEY for mark in marks)
        return dict(_PUBLIC_KEY if is_key else _DIGEST)
    if kept.get("type") == "string":
        forms = [mark.name for mark in marks if isinstance(mark, Form)]
        return {**kept, **(_FORMS.get(forms[0], {}) if forms else {})}
    return kept


def _marked(name: str, value: dict[str, Any], marks: list[object]) -> dict[str, Any]:
    shown = [SHOWN[mark.letter] for mark in marks if isinstance(mark, Shown)]
    marked: dict[str, Any] = {"x-shown": shown[0]} if shown else {}
    if any(isinstance(mark, Needed) for mark in marks):
        marked["x-conditional"] = True
    unit = unit_of_field(name)
    if unit is not None and "integer" in str(value):
        marked["x-unit"] = unit
    return marked
