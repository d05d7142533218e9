"""Strict CBOR: one decoder and one encoder for everything that Cellbook reads or writes.

Only the core deterministic encoding of RFC 8949 section 4.2.1 is read: a value has one encoding,
so equal hashes mean equal values. cbor2 does the work; three checks follow it. A walk over the
value refuses types and key orders that the format does not know; encoding the value again must
give the same bytes, which refuses non-shortest forms and trailing bytes; and when anything fails,
:mod:`ledger.wire.diagnosis` reads the bytes a second time to say what and where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, Union

import cbor2
import msgspec

from keys.errors import CellbookError, declare
from ledger.wire.diagnosis import explain
from ledger.wire.limits import DEFAULT
from ledger.wire.limits import Limits as Limits

Simple = cbor2.CBORSimpleValue
"""A simple value other than false, true and null. It equals the integer of its number in Python:
tell them apart by type."""


class Tag(msgspec.Struct, frozen=True):
    """A tagged value, where the format asks for one."""

    number: int
    value: Value


Key: TypeAlias = int | str | cbor2.CBORSimpleValue
Value: TypeAlias = Union[  # noqa: UP007  a string cannot be joined by |
    int, bytes, str, bool, list["Value"], dict[Key, "Value"], Tag, cbor2.CBORSimpleValue, None
]

NOT_DETERMINISTIC = declare(
    "malformed.cbor.not-deterministic",
    "The bytes are not the deterministic encoding of their value.",
    "Encode by RFC 8949 section 4.2.1.",
)
UNENCODABLE = declare(
    "usage.cbor.value",
    "A value has no encoding in Cellbook's CBOR.",
    "Use 64-bit integers, bytes, text, lists, maps with integer or text keys, true, false, null.",
)

_SMALLEST, _GREATEST = -(1 << 63), (1 << 64) - 1
_MAX_DEPTH = 64
_NONE: frozenset[int] = frozenset()


def decode(
    data: bytes | bytearray | memoryview,
    *,
    limits: Limits = DEFAULT,
    tags: frozenset[int] = _NONE,
    simple: frozenset[int] = _NONE,
) -> Value:
    """The value of exactly one CBOR item in core deterministic encoding.

    ``tags`` lists the tag numbers that may occur (as :class:`Tag`), ``simple`` the simple values
    beside false, true and null (as :data:`Simple`, also as map keys). The meaning of a tag is not
    checked. Raises ``malformed.cbor.*`` for every other input, and ``TypeError`` for an argument
    that is not bytes.
    """
    if type(data) is not bytes:
        data = _as_bytes(data)
    size = len(data)
    if not 0 < size <= limits.size or size > limits.total or tags or simple:
        # The scanner comes first where the size does not bound the number of items, so that
        # memory is bounded before any value is built, and where tags or simple values are built.
        explain(data, limits, tags, simple)
    try:
        value: Value = cbor2.loads(
            data,
            allow_duplicate_keys=False,
            allow_indefinite=False,
            max_depth=limits.depth,
            semantic_decoders=_Tags(tags) if tags else _NO_TAGS,
        )
        if _is_sound(value, limits, tags, simple) and _dumps(value, bool(tags)) == data:
            return value
    except Exception:
        raise _diagnosed(data, limits, tags, simple) from None
    raise _diagnosed(data, limits, tags, simple)


def encode(value: object) -> bytes:
    """The core deterministic encoding of ``value``; map keys are sorted here.

    Takes what :func:`decode` gives, and tuples as arrays. Raises ``usage.cbor.value`` for floats,
    other types, integers beyond 64 bits, text that is not Unicode, nesting deeper than 64 levels
    and cyclic values.
    """
    try:
        return _dumps(_ordered(value, _MAX_DEPTH), True)
    except UnicodeEncodeError:
        raise UNENCODABLE.at("", "text with a lone surrogate") from None


def _as_bytes(data: object) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"CBOR is decoded from bytes, not from {type(data).__name__}")
    return bytes(data)


def _diagnosed(
    data: bytes, limits: Limits, tags: frozenset[int], simple: frozenset[int]
) -> CellbookError:
    try:
        explain(data, limits, tags, simple)
    except CellbookError as error:
        return error
    return NOT_DETERMINISTIC.at()


_TagDecoder: TypeAlias = Callable[[Any, bool], object]


class _Tags(dict[int, _TagDecoder]):
    """Takes every tag away from cbor2's own decoders, which make Python objects of them.

    Among those are regular expressions, shared and cyclic references, and numbers whose size
    is an exponent on the wire. A tag that is not listed raises.
    """

    def __init__(self, allowed: frozenset[int]) -> None:
        super().__init__({number: _tagged(number) for number in allowed})

    def __missing__(self, number: int) -> _TagDecoder:
        return _refused_tag


def _tagged(number: int) -> _TagDecoder:
    return lambda value, _immutable: Tag(number, value)


def _refused_tag(_value: object, _immutable: bool) -> object:
    raise ValueError("tag")


_NO_TAGS: Mapping[int, _TagDecoder] = _Tags(_NONE)
_SCALARS = frozenset({bytes, str, bool, type(None)})


def _is_sound(root: Value, limits: Limits, tags: frozenset[int], simple: frozenset[int]) -> bool:
    """Whether all types, integers, counts and key orders are those of the format."""
    smallest, greatest, items = limits.smallest, limits.greatest, limits.items
    values: list[Value] = [root]
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            continue
        if kind is int:
            if not smallest <= value <= greatest:  # type: ignore[operator]
                return False
        elif isinstance(value, dict):
            if len(value) > items or not _keys_ascend(value, simple):
                return False
            values += value.values()
        elif isinstance(value, list):
            if len(value) > items:
                return False
            values += value
        elif isinstance(value, Tag) and value.number in tags:
            values.append(value.value)
        elif not (isinstance(value, Simple) and value.value in simple):
            return False
    return True


_PLAIN = frozenset({int, str})
_known_orders: set[tuple[Key, ...]] = set()
_KNOWN_ORDERS_MAX = 256
_KNOWN_KEYS_MAX, _KNOWN_KEY_MAX = 64, 64


def _keys_ascend(table: dict[Key, Value], simple: frozenset[int]) -> bool:
    """Whether keys are strictly ascending by their encoded bytes.

    Headers and events of a kind repeat their keys, so orders found good are remembered; types are
    looked at each time, because in Python ``True == 1 == 1.0`` lets one type of key pass for
    another.
    """
    keys = tuple(table)
    if keys in _known_orders and _are_plain(keys):
        return True
    last = b""
    for key in keys:
        if type(key) not in (int, str) and not (isinstance(key, Simple) and key.value in simple):
            return False
        encoded = cbor2.dumps(key)
        if encoded <= last:
            return False
        last = encoded
    _remember(keys)
    return True


def _remember(keys: tuple[Key, ...]) -> None:
    if _is_memorable(keys):
        if len(_known_orders) >= _KNOWN_ORDERS_MAX:
            _known_orders.clear()
        _known_orders.add(keys)


def _is_memorable(keys: tuple[Key, ...]) -> bool:
    """Plain keys, few and short: the memory of both caches is bounded."""
    return len(keys) <= _KNOWN_KEYS_MAX and all(
        type(key) is int or (type(key) is str and len(key) <= _KNOWN_KEY_MAX) for key in keys
    )


def _are_plain(keys: tuple[Key, ...]) -> bool:
    """Integers and texts alone: those that are equal are the same."""
    return _PLAIN.issuperset(map(type, keys))


def _encode_tag(encoder: cbor2.CBOREncoder, tag: Tag) -> None:
    encoder.encode_semantic(tag.number, tag.value)


_ENCODERS: Mapping[type, Callable[[cbor2.CBOREncoder, Any], None]] = {Tag: _encode_tag}


def _dumps(value: object, with_tags: bool) -> bytes:
    return cbor2.dumps(value, encoders=_ENCODERS) if with_tags else cbor2.dumps(value)


def _ordered(value: object, depth: int) -> object:
    """``value`` with every map in key order, or ``usage.cbor.value``."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is int:
        if not _SMALLEST <= value <= _GREATEST:  # type: ignore[operator]
            raise UNENCODABLE.at("", "an integer beyond 64 bits")
        return value
    if depth == 0:
        raise UNENCODABLE.at("", f"more than {_MAX_DEPTH} levels, or a value inside itself")
    return _ordered_inside(value, depth - 1)


def _ordered_inside(value: object, depth: int) -> object:
    if isinstance(value, dict):
        return _ordered_map(value, depth)
    if isinstance(value, list | tuple):
        return [_ordered(item, depth) for item in value]
    if isinstance(value, Tag):
        if not 0 <= value.number <= _GREATEST:
            raise UNENCODABLE.at("", f"tag {value.number}")
        return Tag(value.number, _ordered(value.value, depth))  # type: ignore[arg-type]
    if isinstance(value, Simple) and value.value not in _NAMED:
        return value
    raise UNENCODABLE.at("", f"the type {type(value).__name__}")


_NAMED = range(20, 24)
"""Simple values with a form of their own in Python: false, true, null; and undefined."""
_sorted_orders: dict[tuple[Key, ...], tuple[Key, ...]] = {}


def _ordered_map(table: dict[Key, object], depth: int) -> dict[Key, object]:
    keys = tuple(table)
    order = _sorted_orders.get(keys) if _are_plain(keys) else None
    if order is None:
        order = _sorted(keys)
    return {
        key: value if type(value) in _SCALARS else _ordered(value, depth)
        for key in order
        for value in (table[key],)
    }


def _sorted(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    for key in keys:
        if type(key) not in (int, str, Simple):
            raise UNENCODABLE.at("", f"a key of type {type(key).__name__}")
        if type(key) is int and not _SMALLEST <= key <= _GREATEST:
            raise UNENCODABLE.at("", "a key beyond 64 bits")
    order = tuple(sorted(keys, key=cbor2.dumps))
    if _is_memorable(keys):
        if len(_sorted_orders) >= _KNOWN_ORDERS_MAX:
            _sorted_orders.clear()
        _sorted_orders[keys] = order
    return order
