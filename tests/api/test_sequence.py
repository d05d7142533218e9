"""The reader of batches: what it takes, where it stops, and that it never reads past the end."""

from __future__ import annotations

from io import BytesIO

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sequence import byte_string, read_sequence

SIZES = [0, 1, 23, 24, 255, 256, 65_535, 65_536]


@pytest.mark.parametrize("size", SIZES)
def test_byte_strings_are_written_as_cbor2_writes_them(size: int) -> None:
    assert byte_string(bytes(size)) == cbor2.dumps(bytes(size))


@pytest.mark.parametrize("size", SIZES)
def test_byte_strings_of_every_width_are_read(size: int) -> None:
    items, error = read_sequence(byte_string(bytes(size)) * 2, 10)
    assert (items, error) == ([bytes(size)] * 2, None)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_what_was_written_is_read(data: list[bytes]) -> None:
    body = b"".join(map(byte_string, data))
    assert read_sequence(body, 20) == (data, None)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_far_as_they_are_byte_strings(body: bytes) -> None:
    items, error = read_sequence(body, 1000)
    taken = b"".join(map(byte_string, items))
    assert body.startswith(taken)
    assert (error is None) == (taken == body)
    if error is not None:
        assert error.code == "malformed.sequence"
        assert error.where == f"byte {len(taken)}"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.data())
def test_a_cut_sequence_ends_in_an_error(data: list[bytes], draw: st.DataObject) -> None:
    body = b"".join(map(byte_string, data))
    cut = draw.draw(st.integers(0, len(body) - 1))
    items, error = read_sequence(body[:cut], 1000)
    assert items == data[: len(items)]
    whole = sum(len(byte_string(item)) for item in items) == cut
    assert (error is None) == whole


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        ("5817", "shortest"),
        ("5900ff", "shortest"),
        ("5a0000ffff", "shortest"),
        ("5b00000000ffffffff", "shortest"),
        ("5bffffffffffffffff", "longer"),
        ("5c", "reserved"),
        ("5f", "indefinite"),
        ("58", "longer"),
        ("59ff", "longer"),
        ("41", "longer"),
        ("60", "no byte string"),
        ("d240", "no byte string"),
        ("ff", "no byte string"),
    ],
)
def test_a_wrong_head_says_what_is_wrong(head: str, detail: str) -> None:
    _, error = read_sequence(byte_string(b"first") + bytes.fromhex(head), 10)
    assert error is not None
    assert detail in error.detail
    assert error.where == "byte 6"


def test_reading_stops_after_one_too_many() -> None:
    items, error = read_sequence(b"\x40" * 1000, 5)
    assert (len(items), error) == (6, None)


def test_an_answer_can_be_read_with_any_cbor_library() -> None:
    stream = BytesIO(byte_string(b"one") + byte_string(bytes(70_000)))
    assert [len(cbor2.load(stream)), len(cbor2.load(stream))] == [3, 70_000]
