"""CBOR diagnostic notation (RFC 8949 section 8) and a JSON form, for people who look into files.

A byte string that is itself the one deterministic encoding of an array, a map or a tagged item is
shown as ``<<item>>``, which stands for exactly those bytes; one that is text of several lines as
``'text'`` (RFC 8610, appendix G). The notation therefore loses nothing, whatever it guesses.
"""

from __future__ import annotations

import json
from typing import Any

from keys.errors import CellbookError
from ledger.wire.cbor import Key, Limits, Simple, Tag, Value, decode

LIMITS = Limits(size=1 << 28, depth=16, items=1 << 20, total=1 << 22)
"""Wider than those of any file of ours, so that what another limit refuses can be looked at."""
TAGS = frozenset({18})
"""COSE_Sign1: the only tag in our formats."""

_MAX_NESTED = 8
_WIDTH = 92
_CONTAINERS = (0x80, 0xDB)
"""Initial bytes of arrays, maps and tags."""


def notation(value: Value) -> str:
    """``value`` as diagnostic notation, over several lines where one is too short."""
    return _text(value, 0, _MAX_NESTED)


def as_json(value: Value) -> Any:
    """``value`` for JSON: byte strings as ``{"bytes": hex}``, or ``{"cbor": …}`` where they hold an
    item; tags as ``{"tag": n, "value": …}``; simple values as ``{"simple": n}``; keys as text."""
    return _json(value, _MAX_NESTED)


def read_item(data: bytes) -> Value:
    """The one item in ``data``. Raises ``malformed.cbor.*`` with the offset of the fault."""
    return decode(data, limits=LIMITS, tags=TAGS)


def embedded(data: bytes) -> list[Value]:
    """The array, map or tagged item in a byte string: a list of one, or of none."""
    if not data or not _CONTAINERS[0] <= data[0] <= _CONTAINERS[1]:
        return []
    try:
        return [read_item(data)]
    except CellbookError:
        return []


def _text(value: Value, indent: int, nested: int) -> str:
    if isinstance(value, bytes):
        return _bytes(value, indent, nested)
    if isinstance(value, list):
        return _enclosed("[", [_text(v, indent + 1, nested) for v in value], "]", indent)
    if isinstance(value, dict):
        pairs = [f"{_key(k)}: {_text(v, indent + 1, nested)}" for k, v in value.items()]
        return _enclosed("{", pairs, "}", indent)
    if isinstance(value, Tag):
        return f"{value.number}({_text(value.value, indent, nested)})"
    if isinstance(value, Simple):
        return f"simple({value.value})"
    # JSON's texts, integers, true, false and null are those of the notation.
    return json.dumps(value, ensure_ascii=False)


def _key(key: Key) -> str:
    return _text(key, 0, 0)


def _bytes(data: bytes, indent: int, nested: int) -> str:
    for item in embedded(data) if nested else []:
        return f"<<{_text(item, indent, nested - 1)}>>"
    text = _lines(data)
    if text is None:
        return f"h'{data.hex()}'"
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace("'", "\\'") + "'"


def _lines(data: bytes) -> str | None:
    """The text in ``data`` if it ends in a newline, as notes do, and can be printed."""
    if not data.endswith(b"\n"):
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if text.replace("\n", "").isprintable() else None


def _enclosed(opening: str, parts: list[str], closing: str, indent: int) -> str:
    one_line = opening + ", ".join(parts) + closing
    if len(one_line) + 2 * indent <= _WIDTH and "\n" not in one_line:
        return one_line
    inner = "  " * (indent + 1)
    body = ",\n".join(inner + part for part in parts)
    return f"{opening}\n{body}\n{'  ' * indent}{closing}"


def _json(value: Value, nested: int) -> Any:
    if isinstance(value, bytes):
        for item in embedded(value) if nested else []:
            return {"cbor": _json(item, nested - 1)}
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [_json(item, nested) for item in value]
    if isinstance(value, dict):
        return {_json_key(key): _json(item, nested) for key, item in value.items()}
    if isinstance(value, Tag):
        return {"tag": value.number, "value": _json(value.value, nested)}
    if isinstance(value, Simple):
        return {"simple": value.value}
    return value


def _json_key(key: Key) -> str:
    return key if isinstance(key, str) else _key(key)
