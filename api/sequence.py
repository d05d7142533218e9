"""CBOR sequences (RFC 8742) of byte strings: what a batch is.

A sequence cannot be taken up again after an ill-formed item, since nobody knows where the next one
begins. So the statements are wrapped: whatever is wrong inside a byte string is its own matter,
and only a wrong head ends the batch.
"""

from __future__ import annotations

from typing import NamedTuple

from keys.errors import CellbookError, declare

SEQUENCE = declare(
    "malformed.sequence",
    "The batch is not a sequence of byte strings from here on.",
    "Wrap each statement in a CBOR byte string of definite length, in its shortest form. Submit"
    " what follows this place again; what stands before it was taken.",
)

_BYTES = 0x40  # major type 2 (RFC 8949 section 3.1)
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_LEAST = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}


class Sequence(NamedTuple):
    """The items of a batch, and the error that ended it before its end, if one did."""

    items: list[bytes]
    error: CellbookError | None


def read_sequence(data: bytes, most: int) -> Sequence:
    """The byte strings in ``data``, at most ``most`` + 1 of them.

    Ends with ``malformed.sequence`` at the first item that is no byte string of definite length
    in shortest form, or is longer than what is left. What is in them is not looked at.
    """
    items: list[bytes] = []
    position, size = 0, len(data)
    while position < size and len(items) <= most:
        try:
            start, end = _item(data, position)
        except CellbookError as error:
            return Sequence(items, error)
        items.append(data[start:end])
        position = end
    return Sequence(items, None)


def byte_string(data: bytes) -> bytes:
    """``data`` as one item of a sequence."""
    return byte_string_head(len(data)) + data


def byte_string_head(size: int) -> bytes:
    """The shortest head of a byte string of ``size`` bytes."""
    if size < 24:
        return bytes((_BYTES | size,))
    for info, width in _WIDTHS.items():
        if size < 1 << (8 * width):
            return bytes((_BYTES | info,)) + size.to_bytes(width, "big")
    raise OverflowError(size)


def _item(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of the item at ``position`` starts and ends."""
    initial = data[position]
    if initial & 0xE0 != _BYTES:
        raise SEQUENCE.at(f"byte {position}", f"0x{initial:02x} begins no byte string")
    info = initial & 0x1F
    start, length = position + 1, info
    if info >= 24:
        width = _WIDTHS.get(info)
        if width is None:
            raise SEQUENCE.at(f"byte {position}", "the length is indefinite or reserved")
        start += width
        length = int.from_bytes(data[position + 1 : start], "big")
        if start <= len(data) and length < _LEAST[width]:
            raise SEQUENCE.at(f"byte {position}", "the length is not in its shortest form")
    if start + length > len(data):
        raise SEQUENCE.at(f"byte {position}", "the item is longer than what is left")
    return start, start + length
