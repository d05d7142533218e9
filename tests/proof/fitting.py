"""Does a JSON value fit a JSON Schema? As much of the language as our own schemas use."""

from __future__ import annotations

from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
READ = {"$ref", "allOf", "anyOf", "type", "enum", "properties", "required", "items"}
READ |= {"additionalProperties", "title", "description", "$schema", "$defs", "default"}


def check_fits(value: Any, schema: dict[str, Any]) -> None:
    """Raise ``AssertionError`` where ``value`` does not fit ``schema``, with the place."""
    _check(value, schema, schema["$defs"], "$")


def _check(value: Any, schema: dict[str, Any], defs: dict[str, Any], place: str) -> None:
    assert set(schema) <= READ, f"{place}: {set(schema) - READ} is not read here"
    if "$ref" in schema:
        _check(value, defs[schema["$ref"].removeprefix("#/$defs/")], defs, place)
    for part in schema.get("allOf", ()):
        _check(value, part, defs, place)
    if "anyOf" in schema:
        _check_any(value, schema["anyOf"], defs, place)
    if "enum" in schema:
        assert value in schema["enum"], f"{place}: {value!r}"
    if "type" in schema:
        _check_type(value, schema, defs, place)


def _check_any(value: Any, schemas: list[dict[str, Any]], defs: dict[str, Any], place: str) -> None:
    told = []
    for schema in schemas:
        try:
            _check(value, schema, defs, place)
        except AssertionError as error:
            told.append(str(error))
        else:
            return
    raise AssertionError("; ".join(told))


def _check_type(value: Any, schema: dict[str, Any], defs: dict[str, Any], place: str) -> None:
    assert type(value) in TYPES[schema["type"]], f"{place}: {value!r} is no {schema['type']}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, schema.get("items", {}), defs, f"{place}[{number}]")
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, f"{place}: {missing} is missing"
        others = schema.get("additionalProperties", {})
        for name, item in value.items():
            _check(item, properties.get(name, others), defs, f"{place}.{name}")
