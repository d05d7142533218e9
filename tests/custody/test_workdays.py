"""Working days of China, by the State Council's notices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ledger.custody.values.workdays import working_days_between

YEARS = range(2018, 2027)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        # Spring festivals: the days off, and the Saturdays and Sundays that are worked for them.
        ("2020-01-23", "2020-02-03", 1),
        ("2024-02-09", "2024-02-18", 1),
        ("2025-01-25", "2025-02-08", 6),
        ("2026-02-13", "2026-02-28", 6),
        # The holiday that begins in the old year.
        ("2018-12-28", "2019-01-02", 2),
        ("2022-12-30", "2023-01-03", 1),
        ("2023-12-29", "2024-01-02", 1),
        # National Day, together with the Mid-Autumn Festival.
        ("2020-09-30", "2020-10-08", 0),
        ("2023-09-28", "2023-10-08", 2),
        # No holiday: a week, and nothing.
        ("2026-11-02", "2026-11-09", 5),
        ("2026-11-02", "2026-11-02", 0),
    ],
)
def test_days_are_those_of_the_notices(first: str, last: str, expected: int) -> None:
    assert working_days_between(first, last) == (expected, True)


@pytest.mark.parametrize(
    ("year", "expected"),
    [(2018, 250), (2019, 250), (2020, 249), (2021, 250), (2022, 249), (2023, 249), (2024, 251)],
)
def test_a_year_has_as_many_as_were_worked(year: int, expected: int) -> None:
    assert working_days_between(f"{year - 1}-12-31", f"{year}-12-31")[0] == expected


@pytest.mark.parametrize("year", YEARS)
def test_days_worked_instead_are_weekend_days_and_holidays_free_some_others(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(number) for number in range(365)]
    worked = {day for day in days if _is_worked(day)}
    instead = {day for day in worked if day.weekday() >= 5}
    free = {day for day in days if day not in worked and day.weekday() < 5}
    assert 5 <= len(instead) <= 8
    # Holidays of law are eleven days until 2024, thirteen after; those on weekends are made up for.
    assert len(free) - len(instead) in range(9, 14)


def test_a_year_without_a_notice_has_its_weekends_and_is_told() -> None:
    assert working_days_between("2027-09-30", "2027-10-08") == (6, False)
    assert working_days_between("2026-12-31", "2027-01-01") == (1, False)


def _is_worked(day: date) -> bool:
    before = day - timedelta(1)
    return working_days_between(before.isoformat(), day.isoformat())[0] == 1
