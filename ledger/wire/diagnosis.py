"""Why CBOR bytes are refused, and at which byte.

The fast path of :mod:`ledger.wire.cbor` only learns *that* something is wrong. This scanner reads
the same bytes again, one data item at a time with a stack of its own, and raises the first fault.
It builds no values, so hostile bytes cost it no more than their own length.
"""

from __future__ import annotations

from typing import NoReturn

from keys.errors import ErrorCode, declare
from ledger.wire.limits import Limits

EMPTY = declare(
    "malformed.cbor.empty", "There are no bytes to decode.", "Hand in one CBOR data item."
)
SIZE = declare(
    "malformed.cbor.size", "The CBOR item is larger than allowed here.", "Send a smaller item."
)
TRUNCATED = declare(
    "malformed.cbor.truncated", "The CBOR item ends too early.", "Send the item whole."
)
TRAILING = declare(
    "malformed.cbor.trailing", "Bytes follow the CBOR item.", "Send one item and nothing after it."
)
DUPLICATE_KEY = declare(
    "malformed.cbor.duplicate-key", "A map has the same key twice.", "Encode every key once."
)
INDEFINITE = declare(
    "malformed.cbor.indefinite",
    "An indefinite length or a break code is used.",
    "Encode with definite lengths.",
)
NOT_SHORTEST = declare(
    "malformed.cbor.not-shortest",
    "A number or a length is not in its shortest form.",
    "Encode by RFC 8949 section 4.2.1.",
)
RESERVED = declare(
    "malformed.cbor.reserved",
    "An initial byte is reserved by RFC 8949.",
    "Encode with a conforming CBOR library.",
)
KEY_ORDER = declare(
    "malformed.cbor.key-order",
    "Map keys are not in the bytewise order of their encodings.",
    "Sort keys by RFC 8949 section 4.2.1; the older length-first order is another one.",
)
KEY_TYPE = declare(
    "malformed.cbor.key-type",
    "A map key is neither an integer nor text.",
    "Use integers or text as keys.",
)
FLOAT = declare(
    "malformed.cbor.float",
    "A floating-point number is used.",
    "Give an integer in the unit that the field's name states.",
)
TAG = declare("malformed.cbor.tag", "A tag is not allowed here.", "Leave the tag out.")
SIMPLE = declare(
    "malformed.cbor.simple",
    "A simple value other than false, true and null is used.",
    "Leave the field out, or use false, true or null.",
)
DEPTH = declare(
    "malformed.cbor.depth", "The CBOR item is nested too deeply.", "Send a flatter item."
)
COUNT = declare(
    "malformed.cbor.count", "There are more data items than allowed.", "Send fewer items."
)
INTEGER = declare(
    "malformed.cbor.integer",
    "An integer is outside the allowed range.",
    "Use integers that fit 64 bits.",
)
UTF8 = declare("malformed.cbor.utf8", "A text string is not UTF-8.", "Encode text as UTF-8.")

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _OTHER = range(8)
_INDEFINITE = 31
_FALSE, _TRUE, _NULL = 20, 21, 22
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_SMALLEST_OF_WIDTH = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}


class _Open:
    """An array, map or tag whose items are being read; of a map, also the keys so far."""

    __slots__ = ("is_map", "key_start", "keys", "last_key", "left")

    def __init__(self, is_map: bool, left: int) -> None:
        self.is_map = is_map
        self.left = left
        self.keys: set[bytes] = set()
        self.last_key = b""
        self.key_start = 0

    @property
    def expects_key(self) -> bool:
        return self.is_map and self.left % 2 == 0


class _Scanner:
    __slots__ = ("at", "count", "data", "limits", "open", "simple", "tags")

    def __init__(
        self, data: bytes, limits: Limits, tags: frozenset[int], simple: frozenset[int]
    ) -> None:
        self.data = data
        self.limits = limits
        self.tags = tags
        self.simple = simple
        self.at = 0
        self.count = 0
        self.open: list[_Open] = []

    def scan(self) -> None:
        self._item()
        while self.open:
            self._item()
        if self.at != len(self.data):
            self._refuse(TRAILING, self.at, f"{len(self.data) - self.at} bytes")

    def _refuse(self, error: ErrorCode, offset: int, detail: str = "") -> NoReturn:
        raise error.at(f"byte {offset}", detail)

    def _item(self) -> None:
        start = self.at
        self.count += 1
        if self.count > self.limits.total:
            self._refuse(COUNT, start, f"more than {self.limits.total} in total")
        initial = self._take(1)[0]
        major, info = initial >> 5, initial & 0x1F
        if self.open and self.open[-1].expects_key:
            self._check_key(start, major, info)
        if major == _OTHER:
            self._other(start, info)
        else:
            self._with_argument(start, major, self._argument(start, info))

    def _take(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            missing = length - (len(self.data) - self.at)
            self._refuse(TRUNCATED, len(self.data), f"{missing} more bytes are needed")
        taken = self.data[self.at : self.at + length]
        self.at += length
        return taken

    def _check_key(self, start: int, major: int, info: int) -> None:
        redacted = major == _OTHER and info not in (_FALSE, _TRUE, _NULL) and bool(self.simple)
        if major not in (_UINT, _NINT, _TEXT) and not redacted:
            self._refuse(KEY_TYPE, start, f"major type {major}")
        self.open[-1].key_start = start

    def _argument(self, start: int, info: int) -> int:
        if info < 24:
            return info
        if info == _INDEFINITE:
            self._refuse(INDEFINITE, start)
        width = _WIDTHS.get(info)
        if width is None:
            self._refuse(RESERVED, start)
        argument = int.from_bytes(self._take(width), "big")
        if argument < _SMALLEST_OF_WIDTH[width]:
            self._refuse(NOT_SHORTEST, start, f"{argument} in {width} bytes")
        return argument

    def _with_argument(self, start: int, major: int, argument: int) -> None:
        if major in (_UINT, _NINT):
            self._integer(start, argument if major == _UINT else -1 - argument)
        elif major in (_BYTES, _TEXT):
            self._string(start, major, argument)
        elif major == _TAG:
            self._tag(start, argument)
        else:
            self._container(start, major == _MAP, argument)

    def _integer(self, start: int, value: int) -> None:
        if not self.limits.smallest <= value <= self.limits.greatest:
            self._refuse(INTEGER, start, str(value))
        self._finish()

    def _string(self, start: int, major: int, length: int) -> None:
        content = self._take(length)
        if major == _TEXT:
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                self._refuse(UTF8, self.at - length + error.start, f"text at byte {start}")
        self._finish()

    def _tag(self, start: int, number: int) -> None:
        if number not in self.tags:
            self._refuse(TAG, start, f"tag {number}")
        self._push(start, False, 1)

    def _container(self, start: int, is_map: bool, count: int) -> None:
        if count > self.limits.items:
            self._refuse(COUNT, start, f"{count} in one container, {self.limits.items} allowed")
        if not count:
            self._finish()
            return
        left = 2 * count if is_map else count
        self._push(start, is_map, left)
        if left > len(self.data) - self.at:
            self._refuse(TRUNCATED, len(self.data), f"{left} items begin before byte {self.at}")

    def _push(self, start: int, is_map: bool, left: int) -> None:
        if len(self.open) >= self.limits.depth:
            self._refuse(DEPTH, start, f"more than {self.limits.depth} levels")
        self.open.append(_Open(is_map, left))

    def _other(self, start: int, info: int) -> None:
        if info in (25, 26, 27):
            self._refuse(FLOAT, start)
        if info == _INDEFINITE:
            self._refuse(INDEFINITE, start, "break code")
        if info > 24:
            self._refuse(RESERVED, start)
        value = self._take(1)[0] if info == 24 else info
        if info == 24 and value < 32:
            self._refuse(NOT_SHORTEST, start, f"simple value {value} in two bytes")
        if value not in (_FALSE, _TRUE, _NULL) and value not in self.simple:
            self._refuse(SIMPLE, start, "undefined" if value == 23 else f"simple value {value}")
        self._finish()

    def _finish(self) -> None:
        """Close the item that ends here, and every container that it completes."""
        while self.open:
            top = self.open[-1]
            if top.expects_key:
                self._order(top)
            top.left -= 1
            if top.left:
                return
            self.open.pop()

    def _order(self, top: _Open) -> None:
        key = self.data[top.key_start : self.at]
        if key in top.keys:
            self._refuse(DUPLICATE_KEY, top.key_start)
        if key < top.last_key:
            self._refuse(KEY_ORDER, top.key_start)
        top.keys.add(key)
        top.last_key = key


def explain(
    data: bytes,
    limits: Limits,
    tags: frozenset[int] = frozenset(),
    simple: frozenset[int] = frozenset(),
) -> None:
    """Raise the first fault of ``data`` as ``malformed.cbor.*``, with its byte offset.

    Returns when ``data`` is one well-formed item in core deterministic encoding (RFC 8949
    section 4.2.1) within ``limits``, whose tags and simple values are among those listed.
    """
    if not data:
        raise EMPTY.at()
    if len(data) > limits.size:
        raise SIZE.at("", f"{len(data)} bytes, {limits.size} allowed")
    _Scanner(data, limits, tags, simple).scan()
