"""Working days in mainland China: weekends, holidays, and weekends on which people work.

From the State Council's notice of each year. A year without a table has its weekends only, and
whoever counts through it is told so.
"""

from __future__ import annotations

from datetime import date, timedelta

FREE: dict[int, tuple[tuple[str, str], ...]] = {
    2025: (
        ("01-01", "01-01"),
        ("01-28", "02-04"),
        ("04-04", "04-06"),
        ("05-01", "05-05"),
        ("05-31", "06-02"),
        ("10-01", "10-08"),
    ),
    2026: (
        ("01-01", "01-03"),
        ("02-15", "02-23"),
        ("04-04", "04-06"),
        ("05-01", "05-05"),
        ("06-19", "06-21"),
        ("09-25", "09-27"),
        ("10-01", "10-07"),
    ),
}
"""Holidays, first and last day."""

WORKED: dict[int, tuple[str, ...]] = {
    2025: ("01-26", "02-08", "04-27", "09-28", "10-11"),
    2026: ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10"),
}
"""Weekend days on which people work instead."""


def working_days_between(first: str, last: str) -> tuple[int, bool]:
    """How many working days come after the day ``first``, up to the day ``last``; and whether the
    holidays of all years in between are known. Both are ``YYYY-MM-DD``."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    is_known = all(year in FREE for year in range(day.year, end.year + 1))
    number = 0
    while day < end:
        day += timedelta(days=1)
        number += _is_worked(day)
    return number, is_known


def _is_worked(day: date) -> bool:
    text = day.isoformat()[5:]
    if text in WORKED.get(day.year, ()):
        return True
    if any(first <= text <= last for first, last in FREE.get(day.year, ())):
        return False
    return day.weekday() < 5
