"""Reading a field of an event: it is present, absent, or withheld, and these are three things.

Rules read events only through :func:`read`, so that "the issuer did not say" and "the holder does
not show" are never confused. Events of this release are always whole; an :class:`EventView` names
what a holder withheld.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_type_hints

import msgspec

from ledger.custody.events import EVENTS, Event
from ledger.custody.events.base import unfolded
from ledger.custody.events.scalars import Needed, Shown
from ledger.custody.values.quantities import unit_of_field


class Present(msgspec.Struct, frozen=True):
    """The field was stated: this is what it says."""

    value: Any


class Absent(msgspec.Struct, frozen=True):
    """The issuer did not state the field."""


class Withheld(msgspec.Struct, frozen=True):
    """The issuer signed the field, and whoever hands the event over does not show it."""


Reading = Present | Absent | Withheld
ABSENT, WITHHELD = Absent(), Withheld()


class EventView(msgspec.Struct, frozen=True):
    """An event, or a part of one, of which the fields in ``withheld`` are not shown."""

    event: msgspec.Struct
    withheld: frozenset[str] = frozenset()


def read(event: msgspec.Struct, name: str) -> Reading:
    """The field ``name`` of an event, of a part, or of an :class:`EventView`.

    A field that the kind of event does not have is absent; so are None and an empty list where
    the Struct has them as defaults. A required list that is empty is present.
    """
    if isinstance(event, EventView):
        return WITHHELD if name in event.withheld else read(event.event, name)
    kind = type(event)
    value = getattr(event, name) if name in _names(kind) else None
    if value is None or (value == () and name in _optional(kind)):
        return ABSENT
    return Present(value)


class FieldRule(msgspec.Struct, frozen=True):
    """What holds of one field of one kind of event.

    ``need``: R required, C wanted under a condition, O optional. ``shown``: P public, I legitimate
    interest, A authorities, T the parties. ``wire`` is its name in the payload. ``unit`` comes
    from the name.
    """

    need: Literal["R", "O", "C"]
    shown: Literal["P", "I", "A", "T"]
    wire: str
    unit: str | None


@cache
def field_rules() -> Mapping[tuple[str, str], FieldRule]:
    """The table of all fields by (kind, field name), read from the Structs when first asked."""
    return {
        (kind, name): rule
        for (kind, _), struct in EVENTS.items()
        for name, rule in _rules_of(struct).items()
    }


def _rules_of(struct: type[Event]) -> dict[str, FieldRule]:
    hints = get_type_hints(struct, include_extras=True)
    optional = _optional(struct)
    rules = {}
    for name, wire in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        marks = unfolded(hints[name])[1]
        shown = next(mark.letter for mark in marks if isinstance(mark, Shown))
        conditional = any(isinstance(mark, Needed) for mark in marks)
        need: Literal["R", "O", "C"] = "C" if conditional else "O" if name in optional else "R"
        rules[name] = FieldRule(need, shown, wire, unit_of_field(name))
    return rules


@cache
def _names(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_fields__)


@cache
def _optional(struct: type[msgspec.Struct]) -> frozenset[str]:
    fields = msgspec.structs.fields(struct)
    return frozenset(f.name for f in fields if not f.required and f.name != "version")
