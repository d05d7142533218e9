"""What people write, ``280 Ah``, as the integer that is signed, 280000 mAh; and back.

Conversion is exact or refused: nothing is rounded, and no binary fraction takes part. A field's
unit is the end of its name (``rated_capacity_mah``).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from keys.errors import declare

FORM = declare(
    "malformed.quantity",
    "The text is not one number with one unit.",
    "Write digits, a point for decimals, and the unit: 280 Ah, 51.2 V, 82.1 %.",
)
AMBIGUOUS = declare(
    "malformed.quantity.separator",
    "A separator can be read as thousands or as decimals.",
    "Write thousands without a separator, and decimals with a point.",
)
UNIT = declare(
    "malformed.quantity.unit",
    "The unit is missing, unknown, or measures something else.",
    "Write one of the units that the message lists; case matters (mW is not MW).",
)
INEXACT = declare(
    "malformed.quantity.inexact",
    "The value is no whole number of the unit in which it is kept.",
    "Round it yourself, and so decide what is signed.",
)
UNKNOWN_TARGET = declare(
    "usage.quantity.unit",
    "No field has values in this unit.",
    "Use the unit that unit_of_field gives for a field's name.",
)

LONGEST = 64
_MU_AND_OHM = str.maketrans({"\u03bc": "\u00b5", "\u2126": "\u03a9", "\u2103": "°C"})
"""Letters that look alike and are told apart by Unicode only: micro, ohm, degree Celsius."""


class Kind(msgspec.Struct, frozen=True):
    """A unit in which values are kept.

    ``scales`` gives for each unit that people write how many of ours it is, as a ratio. Values are
    shown in ``shown``, with at least ``decimals`` digits after the point.
    """

    scales: dict[str, tuple[int, int]]
    shown: str
    decimals: int = 0
    signed: bool = False


_KINDS: dict[str, Kind] = {
    "mah": Kind({"mAh": (1, 1), "Ah": (1000, 1)}, "Ah", 1),
    "wh": Kind({"Wh": (1, 1), "kWh": (1000, 1), "MWh": (10**6, 1)}, "kWh", 1),
    "g": Kind({"g": (1, 1), "kg": (1000, 1), "t": (10**6, 1), "mg": (1, 1000)}, "kg"),
    "mv": Kind({"mV": (1, 1), "V": (1000, 1), "kV": (10**6, 1)}, "V", 1),
    "permille": Kind({"%": (10, 1), "‰": (1, 1)}, "%", 1),
    "permille_month": Kind({"%/month": (10, 1), "‰/month": (1, 1)}, "%/month", 1),
    "dc": Kind({"°C": (10, 1)}, "°C", 1, signed=True),
    "uohm": Kind(
        {"µΩ": (1, 1), "mΩ": (1000, 1), "Ω": (10**6, 1), "uohm": (1, 1), "mohm": (1000, 1)}, "mΩ", 1
    ),
    "kohm": Kind(
        {"Ω": (1, 1000), "kΩ": (1, 1), "MΩ": (1000, 1), "GΩ": (10**6, 1), "kohm": (1, 1)}, "kΩ"
    ),
    "km": Kind({"km": (1, 1), "m": (1, 1000)}, "km"),
    "w": Kind({"W": (1, 1), "kW": (1000, 1), "MW": (10**6, 1)}, "kW", 1),
    "milli": Kind({"C": (1000, 1)}, "C", 1),
    "minutes": Kind({"s": (1, 60), "min": (1, 1), "h": (60, 1), "d": (1440, 1)}, "min"),
    "hours": Kind({"min": (1, 60), "h": (1, 1), "d": (24, 1)}, "h"),
    "months": Kind(
        {"months": (1, 1), "month": (1, 1), "years": (12, 1), "year": (12, 1)}, "months"
    ),
}
_SUFFIXES = {f"_{unit}": unit for unit in _KINDS} | {"_min": "minutes"}


def unit_of_field(name: str) -> str | None:
    """The unit that ends a field's name, such as ``mah``; None for what is no quantity."""
    fitting = [suffix for suffix in _SUFFIXES if name.endswith(suffix)]
    return _SUFFIXES[max(fitting, key=len)] if fitting else None


def units_of(unit: str) -> tuple[str, ...]:
    """The units in which people write a quantity of ``unit``. Raises ``usage.quantity.unit``."""
    return tuple(_kind(unit).scales)


def parse_quantity(text: str, unit: str) -> int:
    """``text`` in ``unit``: ``parse_quantity("280 Ah", "mah")`` is 280000.

    Takes a decimal point, and thousands in groups of three where no other reading is possible
    (``1,234.5 Ah``, ``280 000 mAh``; ``1,234`` is refused). Raises ``malformed.quantity*``, and
    ``usage.quantity.unit`` for a unit that no field has. Whether the value makes sense is not
    checked.
    """
    kind = _kind(unit)
    if type(text) is not str or len(text) > LONGEST:
        raise FORM.at("quantity", f"not text of at most {LONGEST} characters")
    number, symbol = _split(text.strip())
    scale = kind.scales.get(symbol.translate(_MU_AND_OHM))
    if scale is None:
        raise UNIT.at("quantity", f"{text!r}: use one of {', '.join(kind.scales)}")
    mantissa, decimals, negative = _number(number, text)
    if negative and not kind.signed:
        raise FORM.at("quantity", f"{text!r} is negative")
    below: int = scale[1] * 10**decimals
    value, rest = divmod(mantissa * scale[0], below)
    if rest:
        raise INEXACT.at("quantity", f"{text!r} in {unit}")
    return -value if negative else value


def format_quantity(value: int, unit: str) -> str:
    """The exact text of ``value`` in the unit that people read: ``280.0 Ah``, ``168 kg``.

    ``parse_quantity`` gives ``value`` back. Raises ``usage.quantity.unit``.
    """
    kind = _kind(unit)
    above, below = kind.scales[kind.shown]
    places = len(str(above)) - 1
    whole, rest = divmod(abs(value) * below, above)
    digits = f"{rest:0{places}}".rstrip("0") if places else ""
    digits = digits.ljust(kind.decimals, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}{'.' if digits else ''}{digits} {kind.shown}"


def _kind(unit: str) -> Kind:
    if unit not in _KINDS:
        raise UNKNOWN_TARGET.at("unit", repr(unit)[:40])
    return _KINDS[unit]


def _split(text: str) -> tuple[str, str]:
    """The number and the unit: the unit begins after the last digit."""
    end = max((n for n, character in enumerate(text) if character in "0123456789"), default=-1) + 1
    return text[:end], text[end:].strip()


def _number(text: str, whole_text: str) -> tuple[int, int, bool]:
    """Mantissa, number of decimals, and whether it is negative."""
    negative = text.startswith(("-", "\u2212"))
    whole, point, decimals = text[1 if negative or text.startswith("+") else 0 :].partition(".")
    digits = _without_groups(whole, bool(point), whole_text)
    if not _is_digits(digits) or (point and not _is_digits(decimals)):
        raise FORM.at("quantity", repr(whole_text)[:80])
    return int(digits + decimals), len(decimals), negative


def _without_groups(whole: str, has_point: bool, whole_text: str) -> str:
    """``whole`` without separators of thousands, where they cannot be anything else."""
    separator: Literal[",", " "] = "," if "," in whole else " "
    groups = whole.replace("\u00a0", " ").replace("\u202f", " ").split(separator)
    if len(groups) == 1:
        return whole
    if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
        raise AMBIGUOUS.at("quantity", repr(whole_text)[:80])
    if separator == "," and len(groups) == 2 and not has_point:
        raise AMBIGUOUS.at("quantity", f"{whole_text!r}: 1,234 may be 1234 or 1.234"[:120])
    return "".join(groups)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
