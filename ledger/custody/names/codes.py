"""Codes of GB/T 34014-2017: 24 characters for a battery, 19 for its second life.

The code has no check digit. Day letters above 17 are read by two tables in practice: one skips
I, O, Q, U and Z as the year does, the other takes the alphabet as it is. Both readings are kept;
a code is refused only when no reading gives a real date. Codes of GB/T 45565-2025 are recognised
by their hyphen and not parsed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.values.times import is_date

LENGTH = declare(
    "malformed.code.length",
    "A battery code has 24 characters, a second-life code 19.",
    "Compare it with the label: a character is missing, doubled, or does not belong to it.",
)
CHARACTER = declare(
    "malformed.code.character",
    "A battery code consists of the capital letters A to Z and the digits 0 to 9.",
    "Type the code in plain capitals, without spaces or separators.",
)
LEVEL = declare(
    "malformed.code.level",
    "The level of a battery code is P (pack), M (module) or C (cell).",
    "Compare the code with the label: its halves may be swapped.",
)
CHEMISTRY = declare(
    "malformed.code.chemistry",
    "The chemistry of a battery code is a letter from A to G, or Z.",
    "Compare the fifth character with the label.",
)
CODE_DATE = declare(
    "malformed.code.date",
    "The date in a battery code is no real date.",
    "Compare the three characters of the date with the label: I, O, Q, U and Z are no years.",
)
SECOND_LIFE = declare(
    "malformed.code.second-life",
    "A code of 19 characters has R as its 18th.",
    "Compare it with the label: it is a second-life code, or characters are missing.",
)
NOT_PARSED = declare(
    "unsupported.code.gbt45565",
    "The code looks like one of GB/T 45565-2025, which this version does not know.",
    "State the battery's GB/T 34014 code, if it has one.",
)

LONGEST = 64
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_YEARS = {c: 2011 + n for n, c in enumerate("123456789ABCDEFGHJKLMNPRSTVWXY")}
_MONTHS = {c: 1 + n for n, c in enumerate("123456789ABC")}
_DAYS_SKIPPING = {c: 1 + n for n, c in enumerate("123456789ABCDEFGHJKLMNPRSTVWXY0")}
_DAYS_NAIVE = {c: 1 + n for n, c in enumerate("123456789ABCDEFGHIJKLMNOPQRSTUV")}
_LAST_AGREED_DAY = 17
_CONFIRMED_CHEMISTRIES = "BEZ"

_NOT_ESTABLISHED = (
    "That the code is genuine: it has no check digit, so it may be mistyped or invented.",
    "That the maker's code is registered, and for whom.",
    "That the battery exists, and carries this code.",
    "That the date has come, and that the battery was made on it.",
)
_NOT_ESTABLISHED_R = (*_NOT_ESTABLISHED, "Which original code the second-life code belongs to.")


class Gbt34014(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a code. ``trace`` (positions 8 to 14) is None in a second-life code.

    ``dates`` are the dates that the code can mean, ascending, as ``YYYY-MM-DD``; with
    ``date_certain`` there is one, and all tables agree on it. ``level`` is P, M or C;
    ``second_life_level`` the last letter of a second-life code.
    """

    code: str
    second_life: bool
    maker: str
    level: Literal["P", "M", "C"]
    chemistry: str
    specification: str
    trace: str | None
    dates: tuple[str, ...]
    date_certain: bool
    serial: str
    second_life_level: str | None
    warnings: tuple[str, ...]
    established: tuple[str, ...]
    not_established: tuple[str, ...]


def parse_gbt34014(code: str) -> Gbt34014:
    """The parts of ``code``, exactly as printed: capital ASCII letters and digits.

    Raises ``malformed.code.*``, and ``unsupported.code.gbt45565`` for a code with a hyphen.
    Positions in errors count from 1. Reads no clock: whether the date has come is rule ID-3.
    """
    if type(code) is not str:
        raise CHARACTER.at("code", f"it is {type(code).__name__}, not text")
    if len(code) > LONGEST:
        raise LENGTH.at("code", f"it has {len(code)}")
    return _parse(code)


@lru_cache(maxsize=4_096)
def _parse(code: str) -> Gbt34014:
    if not _ALPHABET.issuperset(code):
        raise _character_fault(code)
    if len(code) not in (24, 19):
        raise LENGTH.at("code", f"it has {len(code)}")
    second_life = len(code) == 19
    level, chemistry = code[3], code[4]
    if level not in "PMC":
        raise LEVEL.at("code", f"character 4 is {level!r}")
    if chemistry not in "ABCDEFGZ":
        raise CHEMISTRY.at("code", f"character 5 is {chemistry!r}")
    start = 7 if second_life else 14
    dates, certain = _dates(code[start : start + 3], start + 1)
    if second_life:
        _check_second_life(code)
    serial = code[start + 3 : start + 10]
    return Gbt34014(
        code=code,
        second_life=second_life,
        maker=code[:3],
        level=level,  # type: ignore[arg-type]  # one of PMC, as was checked
        chemistry=chemistry,
        specification=code[5:7],
        trace=None if second_life else code[7:14],
        dates=dates,
        date_certain=certain,
        serial=serial,
        second_life_level=code[18] if second_life else None,
        warnings=tuple(_warnings(code, serial, dates, certain)),
        established=_established(code, dates),
        not_established=_NOT_ESTABLISHED_R if second_life else _NOT_ESTABLISHED,
    )


def _check_second_life(code: str) -> None:
    if code[17] != "R":
        raise SECOND_LIFE.at("code", f"character 18 is {code[17]!r}")
    if code[18] not in "PMC":
        raise LEVEL.at("code", f"character 19 is {code[18]!r}")


@lru_cache(maxsize=4_096)
def _dates(text: str, position: int) -> tuple[tuple[str, ...], bool]:
    """The real dates that three characters can mean, and whether all tables agree."""
    year, month = _YEARS.get(text[0]), _MONTHS.get(text[1])
    if year is None:
        raise CODE_DATE.at("code", f"character {position} is {text[0]!r}, which is no year")
    if month is None:
        raise CODE_DATE.at("code", f"character {position + 1} is {text[1]!r}, which is no month")
    days = {_DAYS_SKIPPING.get(text[2], 0), _DAYS_NAIVE.get(text[2], 0)} - {0}
    real = sorted(day for day in days if is_date(year, month, day))
    if not real:
        detail = f"character {position + 2} is {text[2]!r}, which is no day of {year}-{month:02}"
        raise CODE_DATE.at("code", detail)
    dates = tuple(f"{year}-{month:02}-{day:02}" for day in real)
    return dates, max(days) <= _LAST_AGREED_DAY


def _warnings(code: str, serial: str, dates: tuple[str, ...], certain: bool) -> list[str]:
    warnings = []
    if code[4] not in _CONFIRMED_CHEMISTRIES:
        warnings.append(f"The meaning of the chemistry letter {code[4]} is not confirmed.")
    if not certain:
        warnings.append(
            f"The day depends on the table that the maker used: {' or '.join(dates)} by the two "
            "tables that are known."
        )
    if not serial.isdigit():
        warnings.append(f"The serial number {serial} has letters; the standard has digits.")
    if len(code) == 19 and code[18] != code[3]:
        warnings.append(f"The level is {code[3]} at position 4, and {code[18]} at position 19.")
    return warnings


def _established(code: str, dates: tuple[str, ...]) -> tuple[str, ...]:
    kind = "a second-life code" if len(code) == 19 else "a code"
    return (
        f"The text has the syntax of {kind} of GB/T 34014-2017.",
        f"The date in it can be read as {' or '.join(dates)}, real dates of the calendar.",
    )


def _character_fault(code: str) -> CellbookError:
    """What is wrong with the first character that no code has."""
    if "-" in code and _ALPHABET.issuperset(code.replace("-", "")):
        return NOT_PARSED.at("code", f"character {code.index('-') + 1} is a hyphen")
    position = next(n for n, character in enumerate(code) if character not in _ALPHABET)
    found = code[position]
    if found.isascii() and found.islower():
        fault = f"a small letter; write {found.upper()}"
    elif found.isspace():
        fault = "a space"
    elif "！" <= found <= "～":
        fault = f"a full-width form; write {chr(ord(found) - 0xFEE0)!r}"
    else:
        fault = "neither a capital letter nor a digit"
    return CHARACTER.at("code", f"character {position + 1} ({found!r}) is {fault}")
