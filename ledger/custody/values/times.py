"""Moments and dates as text: one form each, checked against the calendar, and no clock.

A moment is ``2026-06-03T10:00:00+08:00``: always 25 characters, always a numeric offset, so that
texts of one place compare and nobody guesses a time zone. ISO 8601 allows far more; what is not
this form is refused rather than interpreted.
"""

from __future__ import annotations

from functools import lru_cache

from keys.errors import declare

MOMENT = declare(
    "malformed.time",
    "The text is not a moment that a calendar and a clock can show.",
    "Write it as 2026-06-03T10:00:00+08:00: 25 characters with a numeric offset.",
)
DATE = declare(
    "malformed.date",
    "The text is not a date of the calendar.",
    "Write it as 2026-06-03, within the years 1970 to 2100.",
)
RANGE = declare(
    "usage.time",
    "A moment lies outside of the years 1970 to 2100, or its offset beyond 14 hours.",
    "Give Unix seconds and an offset in whole minutes.",
)

FIRST_YEAR, LAST_YEAR = 1970, 2100
MAX_OFFSET = 14 * 60
"""Minutes. No place on earth keeps a clock further from UTC."""

_DAYS_BEFORE = (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_LAST_DAY = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_END = 4_133_980_800
"""The first second of the year after the last."""


def parse_moment(text: str, where: str = "time") -> int:
    """Unix seconds of ``text``.

    Offsets go up to 14:00 either way, years from 1970 to 2100 as written; a leap second (``:60``)
    has no Unix time and is refused, and so are ``24:00:00`` and the offset ``-00:00``, which
    RFC 3339 reads as "offset unknown". Raises ``malformed.time`` at ``where``. Whether the moment
    has come is not checked.
    """
    seconds = _moment(text) if type(text) is str and len(text) == 25 else None
    if seconds is None:
        raise MOMENT.at(where, repr(text)[:60])
    return seconds


def parse_date(text: str, where: str = "date") -> str:
    """``text`` itself, once it is a real date ``YYYY-MM-DD``. Raises ``malformed.date``.

    Dates of this form compare as text.
    """
    if type(text) is not str or len(text) != 10 or _ordinal(text) is None:
        raise DATE.at(where, repr(text)[:60])
    return text


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the calendar has this day."""
    return _day_number(year, month, day) is not None


def format_moment(seconds: int, offset_minutes: int = 0) -> str:
    """The text of Unix ``seconds`` at an offset; ``parse_moment`` gives ``seconds`` back.

    Raises ``usage.time`` outside of the years 1970 to 2100 there, and beyond 14 hours of offset.
    """
    local = seconds + offset_minutes * 60
    if not -MAX_OFFSET <= offset_minutes <= MAX_OFFSET or not 0 <= local < _END:
        raise RANGE.at("time", f"{seconds} at {offset_minutes} min")
    days, second = divmod(local, 86_400)
    year, month, day = _calendar(days)
    sign, (hours, minutes) = "-" if offset_minutes < 0 else "+", divmod(abs(offset_minutes), 60)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{year:04}-{month:02}-{day:02}T{clock}{sign}{hours:02}:{minutes:02}"


def offset_of(text: str) -> int:
    """By how many minutes the place where a moment was written is ahead of UTC.

    ``text`` is one that ``parse_moment`` has taken.
    """
    minutes = 60 * _number(text[20:22]) + _number(text[23:])
    return -minutes if text[19] == "-" else minutes


@lru_cache(maxsize=4_096)
def _moment(text: str) -> int | None:
    days = _ordinal(text[:10])
    clock, offset = text[11:19], text[20:]
    hours, minutes, seconds = _number(clock[:2]), _number(clock[3:5]), _number(clock[6:])
    ahead, and_minutes = _number(offset[:2]), _number(offset[3:])
    marks = text[10] + clock[2] + clock[5] + offset[2]
    if days is None or marks != "T:::" or text[19] not in "+-" or text[19:] == "-00:00":
        return None
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        return None
    east = ahead * 60 + and_minutes
    if ahead < 0 or not 0 <= and_minutes < 60 or east > MAX_OFFSET:
        return None
    shift = east if text[19] == "+" else -east
    return ((days * 24 + hours) * 60 + minutes - shift) * 60 + seconds


@lru_cache(maxsize=4_096)
def _ordinal(text: str) -> int | None:
    """Days since 1970-01-01 of ``YYYY-MM-DD``, or None where there is no such day."""
    if text[4] != "-" or text[7] != "-":
        return None
    return _day_number(_number(text[:4]), _number(text[5:7]), _number(text[8:]))


def _number(digits: str) -> int:
    """-1 for what is not all ASCII digits: ``int`` alone takes signs, spaces and other scripts."""
    return int(digits) if digits.isascii() and digits.isdigit() else -1


def _day_number(year: int, month: int, day: int) -> int | None:
    if not FIRST_YEAR <= year <= LAST_YEAR or not 1 <= month <= 12:
        return None
    leap = _is_leap(year)
    if not 1 <= day <= _LAST_DAY[month] + (leap and month == 2):
        return None
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    return days + _DAYS_BEFORE[month] + (leap and month > 2) + day - 1


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _calendar(days: int) -> tuple[int, int, int]:
    year = FIRST_YEAR + days // 366
    while days >= _year_start(year + 1):
        year += 1
    rest = days - _year_start(year)
    month = 1
    while rest >= _LAST_DAY[month] + (month == 2 and _is_leap(year)):
        rest -= _LAST_DAY[month] + (month == 2 and _is_leap(year))
        month += 1
    return year, month, rest + 1


def _year_start(year: int) -> int:
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 - 719_162
