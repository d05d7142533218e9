"""The types of single fields: bounds, and who may see them.

``Public[X]``, ``Interest[X]``, ``Authority[X]`` and ``Parties[X]`` mark the class of a field;
``Conditional[X]`` marks an optional field that a rule may ask for. msgspec enforces the bounds;
the forms that it cannot express (:class:`Form`) are checked when a Struct is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from keys.errors import declare
from ledger.custody.identifiers import Level as Level
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.names.parties import parse_delegate_uri, parse_party_uri
from ledger.custody.values.times import parse_date, parse_moment

TEXT = declare(
    "malformed.payload.text",
    "A text holds control characters, or marks that change the direction of reading.",
    "Write the text on one line, without them.",
)
COUNTRY = declare(
    "malformed.payload.country",
    "A country is not a code of two capital letters.",
    "Use ISO 3166-1 alpha-2, such as CN or DE; EU for the Union.",
)
REFERENCE = declare(
    "malformed.payload.uri",
    "A reference is not a URI: printable ASCII without spaces, beginning with a scheme.",
    "Write the canonical URI, such as urn:cellbook:gbt34014:<code>.",
)


class Shown(msgspec.Struct, frozen=True):
    """Who may see a field: P public, I legitimate interest, A authorities, T the parties."""

    letter: Literal["P", "I", "A", "T"]


class Needed(msgspec.Struct, frozen=True):
    """C: wanted under a condition that the field's Struct states."""

    letter: Literal["C"]


class Form(msgspec.Struct, frozen=True):
    """What a text must look like: ``check(text, field name)`` raises when it does not."""

    name: str
    check: Callable[[str, str], object]


T = TypeVar("T")
Public = Annotated[T, Shown("P")]
Interest = Annotated[T, Shown("I")]
Authority = Annotated[T, Shown("A")]
Parties = Annotated[T, Shown("T")]
Conditional = Annotated[T, Needed("C")]

_UNWANTED = frozenset(
    chr(point)
    for first, last in (
        (0x00, 0x1F),
        (0x7F, 0x9F),
        (0x61C, 0x61C),
        (0x200E, 0x200F),
        (0x2028, 0x202E),
        (0x2066, 0x2069),
        (0xFEFF, 0xFEFF),
    )
    for point in range(first, last + 1)
)


def check_text(text: str, where: str) -> None:
    """Refuse control characters, line separators and bidirectional marks.

    The list is fixed here: what Python calls printable grows with its Unicode version, and two
    verifiers must decide alike.
    """
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if character in _UNWANTED:
            raise TEXT.at(f"payload.{where}", f"U+{ord(character):04X}")


def check_country(text: str, where: str) -> None:
    """Two capital letters. That there is such a country is not checked: lists of them change."""
    if not (len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()):
        raise COUNTRY.at(f"payload.{where}", repr(text)[:20])


def check_reference(text: str, where: str) -> None:
    """The shape of a URI. What a battery's code means is judged by rule ID-1, not here."""
    if not (text.isascii() and text.isprintable()) or " " in text or ":" not in text[1:]:
        raise REFERENCE.at(f"payload.{where}", repr(text)[:80])


def check_operator(text: str, where: str) -> None:
    """One of the forms of an operator's URI."""
    parse_operator_uri(text, f"payload.{where}")


def _check_party(text: str, where: str) -> None:
    parse_party_uri(text, f"payload.{where}")


def _check_delegate(text: str, where: str) -> None:
    parse_delegate_uri(text, f"payload.{where}")


def _check_moment(text: str, where: str) -> None:
    parse_moment(text, f"payload.{where}")


def _check_date(text: str, where: str) -> None:
    parse_date(text, f"payload.{where}")


Moment = Annotated[str, Meta(min_length=25, max_length=25), Form("moment", _check_moment)]
Date = Annotated[str, Meta(min_length=10, max_length=10), Form("date", _check_date)]
Country = Annotated[str, Meta(min_length=2, max_length=2), Form("country", check_country)]
OperatorUri = Annotated[str, Meta(min_length=5, max_length=512), Form("operator", check_operator)]
PartyUri = Annotated[str, Meta(min_length=5, max_length=512), Form("party", _check_party)]
"""An operator, or a guest."""
DelegateUri = Annotated[str, Meta(min_length=5, max_length=512), Form("delegate", _check_delegate)]
"""An operator, or a device."""
BatteryUri = Annotated[str, Meta(min_length=5, max_length=512), Form("battery", check_reference)]
ModelUri = Annotated[str, Meta(min_length=5, max_length=512), Form("model", check_reference)]
Short = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=256)]
LongText = Annotated[str, Meta(min_length=1, max_length=2048)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""SHA-256 of a document."""
EntryId = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""SHA-256 of a leaf: the entry that is meant."""
LONGEST_KEY = 4_096
PublicKey = Annotated[bytes, Meta(min_length=1, max_length=LONGEST_KEY)]
"""A COSE_Key in its deterministic encoding."""

Count = Annotated[int, Meta(ge=0, le=10**9)]
Mah = Annotated[int, Meta(ge=0, le=10**10)]
Wh = Annotated[int, Meta(ge=0, le=10**10)]
Throughput = Annotated[int, Meta(ge=0, le=10**15)]
Gram = Annotated[int, Meta(ge=0, le=10**10)]
Mv = Annotated[int, Meta(ge=0, le=10**7)]
Watt = Annotated[int, Meta(ge=0, le=10**10)]
Microohm = Annotated[int, Meta(ge=0, le=10**12)]
Kiloohm = Annotated[int, Meta(ge=0, le=10**9)]
Km = Annotated[int, Meta(ge=0, le=10**8)]
Minutes = Annotated[int, Meta(ge=0, le=10**8)]
Hours = Annotated[int, Meta(ge=0, le=10**6)]
Decicelsius = Annotated[int, Meta(ge=-1_000, le=2_000)]
Permille = Annotated[int, Meta(ge=0, le=1_000)]
Health = Annotated[int, Meta(ge=0, le=2_000)]
"""Permille of the rated value; a new cell may hold more than its rating."""
Milli = Annotated[int, Meta(ge=0, le=10**6)]
Months = Annotated[int, Meta(ge=0, le=1_200)]
Cycles = Annotated[int, Meta(ge=0, le=10**6)]

Category = Literal["ev", "lmt", "industrial", "sli", "portable"]
TransportCondition = Literal["normal", "damaged", "critical"]
HostKind = Literal["vehicle", "storage-system", "other"]
BmsAction = Literal["kept", "reset", "replaced"]

Some = Meta(min_length=1, max_length=256)
"""Bounds of every list. Leave an empty one out: there is one way to say nothing."""
