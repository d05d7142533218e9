"""Moments and dates: one form, the real calendar, and no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.values.times import format_moment, is_date, parse_date, parse_moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-06-03T10:00:00+08:00", 1_780_452_000),
        ("1970-01-01T00:00:00+00:00", 0),
        ("1970-01-01T00:00:00+08:00", -28_800),
        ("2100-12-31T23:59:59-14:00", 4_133_980_799 + 14 * 3600),
        ("2024-02-29T12:00:00+05:45", 1_709_187_300),
        ("2000-02-29T00:00:00-03:30", 951_795_000),
    ],
)
def test_published_moments(text: str, seconds: int) -> None:
    assert parse_moment(text) == seconds
    assert int(datetime.fromisoformat(text).timestamp()) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-06-03",
        "2026-06-03T10:00:00Z",
        "2026-06-03T10:00:00+0800",
        "2026-06-03 10:00:00+08:00",
        "2026-06-03t10:00:00+08:00",
        "2026-06-03T10:00:00 08:00",
        "2026-06-03T10:00:00−08:00",
        "2026-06-03T24:00:00+08:00",
        "2026-06-03T10:60:00+08:00",
        "2026-06-30T23:59:60+00:00",
        "2026-06-03T10:00:00+14:01",
        "2026-06-03T10:00:00+15:00",
        "2026-06-03T10:00:00+08:60",
        "2026-06-03T10:00:00-00:00",
        "2026-02-29T10:00:00+08:00",
        "2100-02-29T10:00:00+08:00",
        "2026-00-10T10:00:00+08:00",
        "2026-13-10T10:00:00+08:00",
        "2026-06-00T10:00:00+08:00",
        "2026-06-31T10:00:00+08:00",
        "1969-12-31T23:59:59+00:00",
        "2101-01-01T00:00:00+00:00",
        "2026-6-03T10:00:00+08:00 ",
        "2026-06-03T 1:00:00+08:00",
        "2026-06-03T+1:00:00+08:00",
        "2026-06-03T1_:00:00+08:00",
        "２026-06-03T10:00:00+08:00",
        "٢026-06-03T10:00:00+08:00",
        "2026-W23-3T10:00:00+08:00",
        "2026-06-03T10:00:00.+8:00",
        "\n026-06-03T10:00:00+08:00",
    ],
)
def test_every_other_form_is_refused(text: str) -> None:
    with pytest.raises(CellbookError) as caught:
        parse_moment(text, "payload.occurred_at")
    assert caught.value.code == "malformed.time"
    assert caught.value.where == "payload.occurred_at"


@pytest.mark.parametrize("value", [None, 1_780_452_000, b"2026-06-03T10:00:00+08:00", ["x"] * 25])
def test_what_is_not_text(value: object) -> None:
    with pytest.raises(CellbookError):
        parse_moment(value)  # type: ignore[arg-type]
    with pytest.raises(CellbookError):
        parse_date(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "2026-6-3",
        "2026-02-30",
        "20260603",
        "2026/06/03",
        "1969-12-31",
        "2101-01-01",
        "２０26-06-03",
    ],
)
def test_dates_that_are_refused(text: str) -> None:
    with pytest.raises(CellbookError) as caught:
        parse_date(text)
    assert caught.value.code == "malformed.date"


def test_every_day_of_the_calendar_is_a_date_and_no_other() -> None:
    day, found = datetime(1970, 1, 1, tzinfo=UTC), 0
    while day.year <= 2100:
        assert parse_date(day.strftime("%Y-%m-%d"))
        assert parse_moment(day.strftime("%Y-%m-%dT00:00:00+00:00")) == int(day.timestamp())
        day, found = day + timedelta(days=1), found + 1
    real = sum(
        is_date(year, month, date)
        for year in range(1969, 2103)
        for month in range(14)
        for date in range(33)
    )
    assert real == found


@given(
    st.integers(0, 4_133_980_799 - 14 * 3600)
    .map(lambda n: n + 14 * 3600)
    .filter(lambda n: n < 4_133_930_000),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_formatted_moment_comes_back(seconds: int, offset: int) -> None:
    text = format_moment(seconds, offset)
    assert parse_moment(text) == seconds
    zone = timezone(timedelta(minutes=offset))
    assert text == datetime.fromtimestamp(seconds, zone).isoformat()


@pytest.mark.parametrize(
    ("seconds", "offset"),
    [(-1, 0), (0, -1), (0, 841), (4_133_980_800, 0), (4_133_980_799, 1), (10**30, 0)],
)
def test_moments_that_no_text_can_show(seconds: int, offset: int) -> None:
    with pytest.raises(CellbookError) as caught:
        format_moment(seconds, offset)
    assert caught.value.code == "usage.time"


@given(st.text(min_size=25, max_size=25) | st.from_regex(r"\A[0-9T:+\-]{25}\Z"))
def test_any_text_gives_the_moment_that_python_reads_or_a_refusal(text: str) -> None:
    try:
        seconds = parse_moment(text)
    except CellbookError:
        return
    assert seconds == int(datetime.fromisoformat(text).timestamp())
