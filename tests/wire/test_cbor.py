"""Strict CBOR: RFC 8949 figures, limits, and what must hold for every input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Simple, Tag, decode, encode
from ledger.wire.diagnosis import explain
from ledger.wire.limits import DEFAULT

RFC8949_APPENDIX_A: list[tuple[object, str]] = [
    (0, "00"),
    (1, "01"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (25, "1819"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-10, "29"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (bytes.fromhex("01020304"), "4401020304"),
    ("", "60"),
    ("a", "6161"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ("\U00010151", "64f0908591"),
    ([], "80"),
    ([1, 2, 3], "83010203"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (["a", {"b": "c"}], "826161a161626163"),
    (
        {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"},
        "a56161614161626142616361436164614461656145",
    ),
]


@pytest.mark.parametrize(("value", "encoded"), RFC8949_APPENDIX_A, ids=lambda v: str(v)[:20])
def test_rfc_8949_appendix_a(value: object, encoded: str) -> None:
    decoded = decode(bytes.fromhex(encoded))
    assert decoded == value
    assert type(decoded) is type(value)
    assert encode(value).hex() == encoded


def test_keys_are_sorted_bytewise_and_not_by_length() -> None:
    shuffled = {"aa": 0, -1: 0, 100: 0, "z": 0, 10: 0}
    assert encode(shuffled).hex() == "a50a001864002000617a0062616100"
    assert list(decode(encode(shuffled))) == [10, 100, -1, "z", "aa"]  # type: ignore[arg-type]


def test_order_of_text_keys_does_not_depend_on_what_was_encoded_before() -> None:
    for table in ({"b": 1, "a": 2}, {"a": 2, "b": 1}, {"b": 1, "a": 2}):
        assert encode(table).hex() == "a2616102616201"


def test_a_remembered_key_order_admits_no_key_of_another_type() -> None:
    decode(bytes.fromhex("a1616100"))
    decode(bytes.fromhex("a10100"))
    for key in ("f5", "f93c00", "4161", "f6"):
        with pytest.raises(CellbookError) as refused:
            decode(bytes.fromhex(f"a1{key}00"))
        assert refused.value.code == "malformed.cbor.key-type"


def test_remembered_key_orders_stay_bounded() -> None:
    for number in range(3 * cbor._KNOWN_ORDERS_MAX):
        decode(encode({f"key-{number}": 0, "x": 1}))
    decode(encode({"k" * 1000: 0}))
    decode(encode({str(number): 0 for number in range(1000)}))
    for cache in (cbor._known_orders, cbor._sorted_orders):
        assert len(cache) <= cbor._KNOWN_ORDERS_MAX
        assert all(len(keys) <= 64 and all(len(str(k)) <= 64 for k in keys) for keys in cache)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_are_read(kind: Any) -> None:
    assert decode(kind(b"\x83\x01\x02\x03")) == [1, 2, 3]


@pytest.mark.parametrize("data", ["00", None, [0], 0])
def test_what_is_not_bytes_is_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError):
        decode(data)


def refusal(data: bytes, limits: Limits = DEFAULT, **allowed: frozenset[int]) -> CellbookError:
    with pytest.raises(CellbookError) as refused:
        decode(data, limits=limits, **allowed)
    return refused.value


@pytest.mark.parametrize(
    ("encoded", "code", "where"),
    [
        ("", "empty", ""),
        ("8200", "truncated", "byte 2"),
        ("a161614401", "truncated", "byte 5"),
        ("820001ff", "trailing", "byte 3"),
        ("a2616100616100", "duplicate-key", "byte 4"),
        ("a20000a10000", "key-type", "byte 3"),
        ("8200 9fff", "indefinite", "byte 2"),
        ("8200 1801", "not-shortest", "byte 2"),
        ("8200 1c", "reserved", "byte 2"),
        ("a2616200616100", "key-order", "byte 4"),
        ("8200 f93c00", "float", "byte 2"),
        ("8200 c100", "tag", "byte 2"),
        ("8200 f7", "simple", "byte 2"),
        ("8200 3bffffffffffffffff", "integer", "byte 2"),
        ("8200 6361ffff", "utf8", "byte 4"),
    ],
)
def test_a_refusal_names_the_byte(encoded: str, code: str, where: str) -> None:
    error = refusal(bytes.fromhex(encoded))
    assert (error.code, error.where) == (f"malformed.cbor.{code}", where)


@pytest.mark.parametrize(
    ("limits", "fits", "too_much", "code"),
    [
        (Limits(size=3), "820000", "83000000", "size"),
        (Limits(depth=2), "818100", "81818100", "depth"),
        (Limits(depth=2), "a100a10000", "a100a100a10000", "depth"),
        (Limits(items=2), "820000", "83000000", "count"),
        (Limits(items=1), "a10000", "a200000100", "count"),
        (Limits(total=3), "820000", "83000000", "count"),
        (Limits(greatest=255), "18ff", "190100", "integer"),
        (Limits(smallest=0), "00", "20", "integer"),
    ],
)
def test_limits(limits: Limits, fits: str, too_much: str, code: str) -> None:
    decode(bytes.fromhex(fits), limits=limits)
    assert refusal(bytes.fromhex(too_much), limits).code == f"malformed.cbor.{code}"


def test_items_are_counted_before_values_are_built() -> None:
    maps = 100_000
    data = b"\x9a" + maps.to_bytes(4, "big") + b"\xa0" * maps
    assert refusal(data, Limits(items=maps)).code == "malformed.cbor.count"
    assert decode(data, limits=Limits(items=maps, total=maps + 1)) == [{}] * maps


def test_large_input_with_few_items_is_read() -> None:
    data = encode({"entries": [bytes(100_000)] * 3})
    assert decode(data) == {"entries": [bytes(100_000)] * 3}


def test_listed_tags_and_simple_values_are_read_and_no_others() -> None:
    tags, simple = frozenset({18, 60}), frozenset({59})
    tagged = Tag(18, [b"", {}, None])
    assert decode(encode(tagged), tags=tags) == tagged
    redacted = {"a": Tag(60, b"digest"), Simple(59): [b"digest"]}
    assert encode(redacted).hex() == "a26161d83c46646967657374f83b8146646967657374"
    assert decode(encode(redacted), tags=tags, simple=simple) == redacted
    assert refusal(encode(tagged), tags=frozenset({60})).code == "malformed.cbor.tag"
    assert refusal(encode(redacted), tags=tags).code == "malformed.cbor.key-type"
    assert refusal(encode([Simple(59)])).code == "malformed.cbor.simple"
    assert refusal(encode(Simple(58)), simple=simple).code == "malformed.cbor.simple"
    assert refusal(b"\xd8\x12\x00", tags=tags).code == "malformed.cbor.not-shortest"


def cyclic_list() -> list[object]:
    value: list[object] = []
    value += [value, value]
    return value


def cyclic_map() -> dict[str, object]:
    value: dict[str, object] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        math.nan,
        1 << 64,
        -(1 << 63) - 1,
        {1 << 64: 0},
        "\ud800",
        {"\ud800": 0},
        {True: 0},
        {1.0: 0},
        {b"k": 0},
        {(1,): 0},
        {None: 0},
        {1, 2},
        object(),
        bytearray(b"x"),
        cbor2.undefined,
        Simple(20),
        Tag(-1, 0),
        Tag(1 << 64, 0),
        Tag(1, 1.5),
        cyclic_list(),
        cyclic_map(),
        Tag(1, cyclic_list()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_encoding_is_refused(value: object) -> None:
    for wrapped in (value, [value], {"k": value}):
        with pytest.raises(CellbookError) as refused:
            encode(wrapped)
        assert refused.value.code == "usage.cbor.value"


def test_nesting_is_bounded_when_encoding() -> None:
    value: object = 0
    for _ in range(64):
        value = [value]
    assert encode(value) == b"\x81" * 64 + b"\x00"
    with pytest.raises(CellbookError):
        encode([value])


def test_a_tuple_is_an_array() -> None:
    assert encode((1, (2,))) == encode([1, [2]])


SCALARS = (
    st.integers(-(1 << 63), (1 << 64) - 1)
    | st.binary(max_size=40)
    | st.text(max_size=40)
    | st.booleans()
    | st.none()
)
KEYS = st.integers(-(1 << 63), (1 << 64) - 1) | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(VALUES)
def test_round_trip(value: object) -> None:
    data = encode(value)
    assert decode(data, limits=Limits(depth=64)) == value
    assert encode(decode(data, limits=Limits(depth=64))) == data


@given(VALUES)
def test_cbor2_reads_what_is_encoded(value: object) -> None:
    assert cbor2.loads(encode(value)) == value


def outcome(read: Callable[[], object]) -> tuple[str, object]:
    try:
        return "", read()
    except CellbookError as error:
        return error.code, None


def check_any_bytes(data: bytes, limits: Limits, **allowed: frozenset[int]) -> None:
    """Either a refusal with its reason, or the one encoding of a value; both readers agree."""
    reason, _ = outcome(lambda: explain(data, limits, **allowed))
    code, value = outcome(lambda: decode(data, limits=limits, **allowed))
    assert code == reason
    assert code.startswith("malformed.cbor.") or encode(value) == data


TIGHT = Limits(size=200, depth=3, items=4, total=20)
HEADS = bytes.fromhex(
    "00011718192037383b40414460616280818283a0a1a2a3c0c1d2d8f4f5f6f7f8f9fafb1b1c1f5f7f9fbfff"
)


@settings(max_examples=500)
@given(st.lists(st.sampled_from(HEADS), max_size=14).map(bytes) | st.binary(max_size=30))
@example(bytes.fromhex("d81c81d81d00"))
@example(bytes.fromhex("818180"))
@example(bytes.fromhex("81818180"))
def test_any_bytes(data: bytes) -> None:
    check_any_bytes(data, TIGHT)
    check_any_bytes(data, DEFAULT)
    check_any_bytes(data, TIGHT, tags=frozenset({1, 18}), simple=frozenset({59}))


@settings(max_examples=300)
@given(VALUES, st.data())
def test_mutated_encodings(value: object, data: st.DataObject) -> None:
    mutated = bytearray(encode(value))
    at = data.draw(st.integers(0, len(mutated) - 1))
    change = data.draw(st.sampled_from(["flip", "insert", "delete"]))
    if change == "delete":
        del mutated[at]
    elif change == "insert":
        mutated.insert(at, data.draw(st.integers(0, 255)))
    else:
        mutated[at] ^= 1 << data.draw(st.integers(0, 7))
    check_any_bytes(bytes(mutated), Limits(depth=64))
