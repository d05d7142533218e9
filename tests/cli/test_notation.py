"""Diagnostic notation: RFC 8949 section 8 and appendix A, and what is added for our files."""

from __future__ import annotations

import json

import pytest

from cli.notation import as_json, embedded, notation, read_item
from ledger.wire.cbor import Simple, Tag, Value, encode


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        # Examples of RFC 8949, appendix A, that our decoder reads.
        ("00", "0"),
        ("1903e8", "1000"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("3903e7", "-1000"),
        ("f4", "false"),
        ("f5", "true"),
        ("f6", "null"),
        ("40", "h''"),
        ("4401020304", "h'01020304'"),
        ("60", '""'),
        ("6161", '"a"'),
        ("62225c", r'"\"\\"'),
        ("62c3bc", '"ü"'),
        ("63e6b0b4", '"水"'),
        ("80", "[]"),
        ("83010203", "[1, 2, 3]"),
        ("8301820203820405", "[1, [2, 3], [4, 5]]"),
        ("a0", "{}"),
        ("a201020304", "{1: 2, 3: 4}"),
        ("a26161016162820203", '{"a": 1, "b": [2, 3]}'),
        ("826161a161626163", '["a", {"b": "c"}]'),
        ("d28441a0a0f640", "18([<<{}>>, {}, null, h''])"),
    ],
)
def test_examples(encoded: str, expected: str) -> None:
    assert notation(read_item(bytes.fromhex(encoded))) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (encode({1: -19}), "<<{1: -19}>>"),
        (encode([encode([1])]), "<<[<<[1]>>]>>"),
        (encode(5), "h'05'"),
        (encode("text"), "h'6474657874'"),
        (b"\xa1\x01", "h'a101'"),
        (b"\x82\x18\x01\x01", "h'82180101'"),
        (b"log.example\n5\n", r"'log.example\n5\n'"),
        (b"it's\n", r"'it\'s\n'"),
        (b"no newline", "h'6e6f206e65776c696e65'"),
        (b"\x1b[31m\n", "h'1b5b33316d0a'"),
        (Simple(59), "simple(59)"),
        (Tag(18, [1]), "18([1])"),
        ({Simple(59): 1}, "{simple(59): 1}"),
    ],
)
def test_byte_strings_show_what_they_hold(value: Value, expected: str) -> None:
    assert notation(value) == expected


def test_only_bytes_that_the_notation_stands_for_are_taken_apart() -> None:
    for value in ([1, "a"], {"k": [b"x"]}, Tag(18, [b"", {}, None, b""])):
        data = encode(value)
        assert [encode(item) for item in embedded(data)] == [data]


def test_long_values_are_broken_over_lines() -> None:
    text = notation({"list": [b"\x00" * 32, b"\x01" * 32], "short": [1, 2]})
    assert text.split("\n") == [
        "{",
        '  "list": [',
        f"    h'{'00' * 32}',",
        f"    h'{'01' * 32}'",
        "  ],",
        '  "short": [1, 2]',
        "}",
    ]


def test_nesting_of_byte_strings_ends() -> None:
    value: bytes = encode([1])
    for _ in range(40):
        value = encode([value])
    assert notation(value).count("<<") == 8


def test_json_form() -> None:
    value: Value = {"b": b"\xff", "c": encode([b""]), "t": Tag(18, [None]), "s": Simple(59)}
    assert as_json(value) == {
        "b": {"bytes": "ff"},
        "c": {"cbor": [{"bytes": ""}]},
        "t": {"tag": 18, "value": [None]},
        "s": {"simple": 59},
    }
    assert json.dumps(as_json({1: True, -2: 3})) == '{"1": true, "-2": 3}'
