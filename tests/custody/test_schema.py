"""The JSON Schema of each kind says what its Struct takes, read by an independent small checker."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from cli.event_values import read_fields
from keys.errors import CellbookError
from ledger.custody.events import EVENTS, Event, kind_of, parse_event
from ledger.custody.schema import DIALECT, payload_schema
from ledger.custody.values.fields import field_rules
from ledger.wire import cbor
from tests.custody.samples import EVENTS_BY_NAME

KINDS = sorted(EVENTS)
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}
KNOWN = {
    *("$ref", "anyOf", "type", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "maxItems", "items", "properties", "required", "additionalProperties"),
    *(
        "exclusiveMaximum",
        "description",
        "title",
        "format",
        "examples",
        "x-shown",
        "x-unit",
        "x-conditional",
    ),
}


def fits(value: Any, schema: dict[str, Any], defs: dict[str, Any]) -> bool:
    """Whether ``value`` is valid by the words of JSON Schema that we use."""
    assert schema.keys() <= KNOWN, schema.keys() - KNOWN
    if "$ref" in schema:
        return fits(value, defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema and not any(fits(value, one, defs) for one in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema and type(value) is not TYPES[schema["type"]]:
        return False
    if isinstance(value, str):
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
        return least <= len(value) <= most and bool(re.search(schema.get("pattern", ""), value))
    if type(value) is int:
        below = value < schema.get("exclusiveMaximum", value + 1)
        return below and bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    if isinstance(value, list):
        bounds = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**6)
        return bounds and all(fits(item, schema["items"], defs) for item in value)
    if isinstance(value, dict):
        properties = schema["properties"]
        whole = set(schema["required"]) <= value.keys() <= properties.keys()
        return whole and all(fits(item, properties[name], defs) for name, item in value.items())
    return True


def valid(value: Any, schema: dict[str, Any]) -> bool:
    whole = {word: item for word, item in schema.items() if word not in ("$schema", "$defs")}
    return fits(value, whole, schema.get("$defs", {}))


def as_json(event: Event) -> Any:
    """How people write an event: digests and references in hex."""
    value = msgspec.to_builtins(event, builtin_types=(bytes,))
    return json.loads(json.dumps(value, default=bytes.hex))


@pytest.mark.parametrize("event", EVENTS_BY_NAME.values(), ids=EVENTS_BY_NAME)
def test_samples_fit_and_are_read_to_the_same_event(event: Event) -> None:
    kind = kind_of(event)
    value = as_json(event)
    schema = payload_schema(kind, event.version)
    assert valid(value, schema)
    if event.version == 1:
        values = read_fields(kind, json.dumps(value).encode(), "json")
        assert parse_event(cbor.encode({"type": kind, "version": 1, **values})) == event
    assert not valid({**value, "else": 1}, schema)
    assert not valid({**value, "country": "china"}, schema)
    for name in schema["required"]:
        assert not valid({key: item for key, item in value.items() if key != name}, schema)


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_every_field_is_described_as_the_table_has_it(kind: str, version: int) -> None:
    schema = payload_schema(kind, version)
    assert schema["$schema"] == DIALECT
    assert schema["additionalProperties"] is False
    rules = {rule.wire: rule for (of, _), rule in field_rules().items() if of == kind}
    for name, described in schema["properties"].items():
        if name in ("type", "version") or name not in rules:
            continue
        rule = rules[name]
        assert described.get("x-unit") == rule.unit, name
        assert described.get("x-conditional", False) is (rule.need == "C"), name
        assert (name in schema["required"]) is (rule.need == "R"), name
        assert described["x-shown"][:1].upper() in ("P", "L", "A", "T"), name
    assert "null" not in json.dumps(schema)
    assert "base64" not in json.dumps(schema).replace("base64url", "")


def test_parts_have_units_too() -> None:
    schema = payload_schema("repurpose")
    assert schema["$defs"]["RepurposeOutput"]["properties"]["mass_g"]["x-unit"] == "g"


def test_an_unknown_kind() -> None:
    with pytest.raises(CellbookError) as caught:
        payload_schema("making")
    assert caught.value.code == "unsupported.type"
