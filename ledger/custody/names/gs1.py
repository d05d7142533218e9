"""GS1 identifiers of single things: a product's GTIN with a serial number, a GRAI, a GIAI, an ITIP.

    (01)09506000134352(21)4A6P0001      what stands under a bar code
    0109506000134352214A6P0001          what a scanner reads (FNC1 is sent as GS, U+001D)
    https://id.gs1.org/01/09506000134352/21/4A6P0001      the subject

The subject is the canonical GS1 Digital Link URI (URI Syntax 1.2, section 4.12): host id.gs1.org,
a GTIN of 14 digits, the key and its serial number alone, all but unreserved characters escaped.
Lengths, check digits and characters follow the General Specifications, as the GS1 Barcode Syntax
Dictionary writes them: 01 N14,csum; 21 X..20; 8003 N1,zero N13,csum X..16; 8004 X..30,key;
8006 N14,csum N4,pieceoftotal. X is character set 82.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from keys.errors import declare
from ledger.custody.names import gs1_forms
from ledger.custody.names.gs1_forms import Key

DIGITS = declare(
    "malformed.gs1.digits",
    "A part of a GS1 identifier that has digits of a fixed number has not.",
    "Compare it with the label: a GTIN has 14 digits, a GRAI 14, an ITIP 18.",
)
CHECK_DIGIT = declare(
    "malformed.gs1.check-digit",
    "The check digit of a GS1 identifier is wrong.",
    "Compare it with the label: a digit was mistyped, or two were swapped.",
)
CHARACTER = declare(
    "malformed.gs1.character",
    "A serial number or asset number has characters outside of GS1 character set 82.",
    "Type it as it stands on the label: letters, digits and the signs of the set, no spaces.",
)
LENGTH = declare(
    "malformed.gs1.length",
    "A part of a GS1 identifier is too long, or empty.",
    "Compare it with the label: a serial number has 1 to 20 characters, a GIAI 5 to 30.",
)
PIECE = declare(
    "malformed.gs1.piece",
    "The piece of an ITIP is not one of as many as it says.",
    "Compare the last four digits with the label: piece and total, such as 0102.",
)
SERIAL = declare(
    "rejected.gs1.serial",
    "The GS1 identifier names a kind of thing, and not one battery.",
    "State the serial number too: (21) with a GTIN or an ITIP, the last part of a GRAI.",
)

GS1_HOST = "https://id.gs1.org/"

_DIGITS = frozenset("0123456789")
_SET_82 = frozenset(
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
_UNRESERVED = frozenset("-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_SHORTEST_PREFIX, _LONGEST_PREFIX = 4, 12

_ESTABLISHED = {
    "01": "The GTIN has 14 digits and a right check digit; the serial number fits the GS1 rules.",
    "8003": "The GRAI has 14 digits and a right check digit; its serial number fits the GS1 rules.",
    "8004": "The GIAI begins with digits and has the length and the characters of one.",
    "8006": "The ITIP has 18 digits and a right check digit; piece, total and serial number fit.",
}
_NOT_ESTABLISHED = (
    "That the identifier is genuine: a serial number has no check digit.",
    "That the company prefix is allocated, how long it is, and to whom it belongs.",
    "That the battery exists, and carries this identifier.",
    "Whether it is a pack, a module or a cell, and when it was made: no part of it says so.",
)
_NO_CHECK_DIGIT = "That it is typed rightly: a GIAI has no check digit at all."


class Gs1(msgspec.Struct, frozen=True, kw_only=True):
    """A GS1 identifier of one thing. ``digits`` begin with the company prefix, whose length they
    do not tell; ``serial`` is what tells the thing from its like."""

    key: Key
    uri: str
    element_string: str
    digits: str
    serial: str
    established: tuple[str, ...]
    not_established: tuple[str, ...]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All that can be the company prefix in it: its first 4, 5, … 12 digits."""
        longest = min(len(self.digits), _LONGEST_PREFIX)
        return tuple(self.digits[:n] for n in range(_SHORTEST_PREFIX, longest + 1))


def parse_gs1(text: str) -> Gs1:
    """The identifier in ``text``: element strings with brackets or as scanned, or a Digital Link.

    A link may have any host, a path before the key, qualifiers and a query: what does not identify
    the battery (its batch, a link type) is left out of ``uri``. Raises ``malformed.gs1.*``,
    ``rejected.gs1.serial`` and ``unsupported.gs1``. Who answers under the host is not asked.
    """
    if type(text) is not str:
        raise gs1_forms.UNKNOWN.at("identifier", f"it is {type(text).__name__}, not text")
    return _parse(text)


@lru_cache(maxsize=4_096)
def _parse(text: str) -> Gs1:
    parts = gs1_forms.read_parts(text)
    key = gs1_forms.key_of(parts)
    value, serial = parts[key], parts.get("21", "")
    if key == "8004":
        return _giai(value)
    if key == "8003":
        return _grai(value)
    digits = value.zfill(14) if key == "01" and len(value) in (8, 12, 13) else value
    _check_digits(digits, 14 if key == "01" else 18, key)
    _check_sum(digits[:14], key)
    if key == "8006":
        _check_piece(digits)
    _check_text(serial, 20, "21")
    return _made(key, digits, digits[1:14], serial, separate=True)


def _grai(value: str) -> Gs1:
    digits, serial = value[:14], value[14:]
    _check_digits(digits, 14, "8003")
    if digits[0] != "0":
        raise DIGITS.at("(8003)", f"the first digit is {digits[0]}; it must be 0")
    _check_sum(digits, "8003")
    _check_text(serial, 16, "8003")
    return _made("8003", value, digits[1:], serial)


def _giai(value: str) -> Gs1:
    _check_text(value, 30, "8004")
    count = next((n for n, c in enumerate(value) if c not in _DIGITS), len(value))
    if count < _SHORTEST_PREFIX or len(value) == _SHORTEST_PREFIX:
        raise LENGTH.at(
            "(8004)", "it begins with a company prefix of at least 4 digits, and goes on"
        )
    return _made("8004", value, value[:count], value)


def _made(key: Key, value: str, digits: str, serial: str, *, separate: bool = False) -> Gs1:
    number = f"/21/{_escaped(serial)}" if separate else ""
    shown = gs1_forms.bracketed({key: value, **({"21": serial} if separate else {})})
    missing = (_NO_CHECK_DIGIT, *_NOT_ESTABLISHED[1:]) if key == "8004" else _NOT_ESTABLISHED
    return Gs1(
        key=key,
        uri=f"{GS1_HOST}{key}/{_escaped(value)}{number}",
        element_string=shown,
        digits=digits,
        serial=serial,
        established=(_ESTABLISHED[key],),
        not_established=missing,
    )


def check_digit(digits: str) -> str:
    """The digit that follows ``digits``: weights 3 and 1 from the right, to the next ten."""
    total = sum(int(digit) * (3, 1)[n % 2] for n, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _check_sum(digits: str, ai: str) -> None:
    right = check_digit(digits[:-1])
    if digits[-1] != right:
        raise CHECK_DIGIT.at(f"({ai})", f"{digits} ends with {digits[-1]}; {right} would fit")


def _check_digits(digits: str, length: int, ai: str) -> None:
    if len(digits) != length or not _DIGITS.issuperset(digits):
        raise DIGITS.at(f"({ai})", f"{digits!r:.40} is not {length} digits")


def _check_piece(digits: str) -> None:
    piece, total = int(digits[14:16]), int(digits[16:18])
    if not 1 <= piece <= total:
        raise PIECE.at("(8006)", f"piece {piece} of {total}")


def _check_text(text: str, longest: int, ai: str) -> None:
    if not text:
        raise SERIAL.at(f"({ai})", "there is no serial number")
    if len(text) > longest:
        raise LENGTH.at(f"({ai})", f"{len(text)} characters, at most {longest}")
    strange = next((c for c in text if c not in _SET_82), None)
    if strange is not None:
        raise CHARACTER.at(f"({ai})", f"{strange!r} at {text.index(strange) + 1}")
    if not text.strip("."):
        # As a path segment it would be taken for a step within the tree of paths.
        raise CHARACTER.at(f"({ai})", "dots alone cannot stand in a URI")


def _escaped(text: str) -> str:
    return "".join(c if c in _UNRESERVED else f"%{ord(c):02X}" for c in text)
