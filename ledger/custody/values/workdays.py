"""Working days in mainland China: weekends, holidays, and weekends on which people work.

From the notices of the General Office of the State Council, one for each year (that for 2020 as it
was changed in January 2020). A year without a table has its weekends only, and whoever counts
through it is told so.
"""

from __future__ import annotations

from datetime import date, timedelta

_FREE = {
    2018: "01-01 02-15/02-21 04-05/04-07 04-29/05-01 06-18 09-24 10-01/10-07 12-30/12-31",
    2019: "01-01 02-04/02-10 04-05/04-07 05-01/05-04 06-07/06-09 09-13/09-15 10-01/10-07",
    2020: "01-01 01-24/02-02 04-04/04-06 05-01/05-05 06-25/06-27 10-01/10-08",
    2021: "01-01/01-03 02-11/02-17 04-03/04-05 05-01/05-05 06-12/06-14 09-19/09-21 10-01/10-07",
    2022: "01-01/01-03 01-31/02-06 04-03/04-05 04-30/05-04 06-03/06-05 09-10/09-12 10-01/10-07"
    " 12-31",
    2023: "01-01/01-02 01-21/01-27 04-05 04-29/05-03 06-22/06-24 09-29/10-06 12-30/12-31",
    2024: "01-01 02-10/02-17 04-04/04-06 05-01/05-05 06-10 09-15/09-17 10-01/10-07",
    2025: "01-01 01-28/02-04 04-04/04-06 05-01/05-05 05-31/06-02 10-01/10-08",
    2026: "01-01/01-03 02-15/02-23 04-04/04-06 05-01/05-05 06-19/06-21 09-25/09-27 10-01/10-07",
}
"""Holidays: a day, or the first and the last of several."""

_WORKED = {
    2018: "02-11 02-24 04-08 04-28 09-29 09-30 12-29",
    2019: "02-02 02-03 04-28 05-05 09-29 10-12",
    2020: "01-19 04-26 05-09 06-28 09-27 10-10",
    2021: "02-07 02-20 04-25 05-08 09-18 09-26 10-09",
    2022: "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
    2023: "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    2024: "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    2025: "01-26 02-08 04-27 09-28 10-11",
    2026: "01-04 02-14 02-28 05-09 09-20 10-10",
}
"""Weekend days on which people work instead."""


def working_days_between(first: str, last: str) -> tuple[int, bool]:
    """How many working days come after the day ``first``, up to the day ``last``; and whether the
    holidays of all years in between are known. Both are ``YYYY-MM-DD``."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    is_known = all(year in _FREE for year in range(day.year, end.year + 1))
    number = 0
    while day < end:
        day += timedelta(days=1)
        number += _is_worked(day)
    return number, is_known


def _is_worked(day: date) -> bool:
    text = day.isoformat()[5:]
    if text in _WORKED.get(day.year, ""):
        return True
    return day.weekday() < 5 and not _is_free(day.year, text)


def _is_free(year: int, text: str) -> bool:
    """Whether the day ``text``, as ``MM-DD``, is in a holiday of the year."""
    for holiday in _FREE.get(year, "").split():
        first, _, last = holiday.partition("/")
        if first <= text <= (last or first):
            return True
    return False
