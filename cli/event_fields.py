"""The fields of each kind of event, as ``cellbook event`` offers them.

They are read from the event's Struct, so the command has every field, and no other.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args, get_type_hints

import msgspec

from ledger.custody.events import EVENTS
from ledger.custody.events.base import unfolded
from ledger.custody.events.scalars import Form
from ledger.custody.values.fields import field_rules
from ledger.custody.values.quantities import unit_of_field, units_of

_FORMS = {
    "moment": "2026-06-03T10:00:00+08:00",
    "date": "2026-06-03",
    "country": "such as CN",
    "operator": "URI of an operator",
    "party": "URI of an operator or guest",
    "battery": "URI of a battery",
    "model": "URI of a model",
}


class Field(msgspec.Struct, frozen=True):
    """One field of a kind of event: its name as an option, on the wire, and what it holds.

    ``holds`` is the plain type: a Struct, ``bytes``, ``int``, ``bool`` or ``str``; ``choices`` are
    the only texts allowed, where there are any; ``unit`` belongs to integers that are quantities.
    """

    name: str
    wire: str
    need: Literal["R", "O", "C"]
    holds: type
    many: bool
    choices: tuple[str, ...]
    unit: str | None
    form: str | None
    may_be_empty: bool

    @property
    def option(self) -> str:
        return "--" + self.wire.replace("_", "-")

    @property
    def metavar(self) -> str:
        if issubclass(self.holds, msgspec.Struct):
            return "JSON"
        if self.unit is not None:
            return "QUANTITY"
        return {bytes: "ID", int: "INTEGER"}.get(self.holds, (self.form or "text").upper())

    @property
    def filled(self) -> bool:
        """Whether the command states it where nobody else does."""
        return self.wire in ("occurred_at", "time_precision", "ids")


@cache
def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of a kind of event, required ones first."""
    struct = EVENTS[kind, 1]
    hints = get_type_hints(struct, include_extras=True)
    rules = field_rules()
    fields = []
    for name in struct.__struct_fields__:
        if name != "version":
            rule = rules[kind, name]
            fields.append(_field(name, rule.wire, rule.need, hints[name]))
    return tuple(sorted(fields, key=lambda field: "RCO".index(field.need)))


@cache
def fields_in(part: type[msgspec.Struct]) -> dict[str, Field]:
    """The fields of an event or of a part of one, by wire names; their ``need`` is left open."""
    hints = get_type_hints(part, include_extras=True)
    names = zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True)
    return {wire: _field(name, wire, "O", hints[name]) for name, wire in names}


def written_as(field: Field) -> str:
    """How people write the field, for its help."""
    if field.choices:
        return ""
    if issubclass(field.holds, msgspec.Struct):
        parts = [name for name in field.holds.__struct_encode_fields__ if name != "version"]
        return "JSON object with " + ", ".join(parts)
    if field.unit is not None:
        return "quantity in " + ", ".join(units_of(field.unit))
    if field.wire == "guest_key":
        return "public key in base64, as `cellbook keygen` prints it"
    if field.holds is bytes:
        return "32 bytes as base64url (a locator) or hex"
    return _FORMS.get(field.form or "", "integer" if field.holds is int else "")


def _field(name: str, wire: str, need: Literal["R", "O", "C"], hint: object) -> Field:
    types, marks = unfolded(hint)
    forms = [mark.name for mark in marks if isinstance(mark, Form)]
    plain = [kind for kind in types if isinstance(kind, type) and kind not in (tuple, type(None))]
    holds = plain[0] if plain else str
    return Field(
        name=name,
        wire=wire,
        need=need,
        holds=holds,
        many=tuple in types,
        choices=_choices(hint),
        unit=unit_of_field(name) if holds is int else None,
        form=forms[0] if forms else None,
        may_be_empty=tuple in types and _takes_nothing(hint),
    )


def _takes_nothing(hint: object) -> bool:
    """Whether an empty list fits: msgspec knows the bounds of the whole type."""
    try:
        msgspec.convert([], hint)
    except msgspec.ValidationError:
        return False
    return True


def _choices(hint: object) -> tuple[str, ...]:
    """The texts of the Literal inside a type hint."""
    if getattr(hint, "__origin__", None) is Literal:
        return tuple(str(choice) for choice in get_args(hint))
    inner = [hint.__origin__] if hasattr(hint, "__metadata__") else get_args(hint)  # type: ignore[attr-defined]
    return next((found for child in inner if (found := _choices(child))), ())
