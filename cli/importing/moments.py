"""Dates and times as tables have them, in the one form in which they are signed.

A form is stated in the mapping, or it is that of ISO 8601. Which of 03/04 is the month, and in
which offset a clock ran, is never guessed.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Literal

from cli.importing.cells import date_fault
from keys.errors import declare
from ledger.custody.values.times import parse_date, parse_moment

DATE = declare(
    "malformed.cell.time",
    "The cell is no date or time of the form that is expected.",
    "State the form in the mapping, such as date = '%Y/%m/%d %H:%M', or correct the cell.",
)
ZONE = declare(
    "malformed.cell.zone",
    "The cell does not say in which offset from UTC its time is meant.",
    "State the offset in the mapping, such as zone = '+08:00'.",
)

Precision = Literal["second", "minute", "hour", "day", "month"]

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?)?([+-]\d\d:\d\d)?")
_FINEST: tuple[tuple[str, Precision], ...] = (
    ("STcXs", "second"),
    ("MR", "minute"),
    ("HI", "hour"),
    ("djxDF", "day"),
)
"""Directives of ``strptime``, and how exact a form is that has one of them."""


@lru_cache(maxsize=4_096)
def read_date(text: str, form: str | None) -> str:
    """The date in ``text`` as ``2026-06-03``. Raises ``malformed.cell.*``, ``malformed.date``."""
    if form is None:
        fault = date_fault(text)
        if fault is not None:
            raise fault
        return parse_date(text)
    return parse_date(_parsed(text, form).date().isoformat())


@lru_cache(maxsize=4_096)
def read_moment(text: str, form: str | None, zone: str | None) -> tuple[str, Precision]:
    """The moment in ``text`` as it is signed, and how exact it was written.

    Raises ``malformed.cell.*`` and ``malformed.time``.
    """
    if form is None:
        return _iso_moment(text, zone)
    found = _parsed(text, form)
    stated = found.isoformat(timespec="seconds")[19:] or zone
    return _with_offset(found.strftime("%Y-%m-%dT%H:%M:%S"), stated), precision_of(form)


def precision_of(form: str) -> Precision:
    """How exact times of a form of ``strptime`` are."""
    stated = set(re.findall(r"%-?([A-Za-z])", form))
    return next((name for letters, name in _FINEST if stated & set(letters)), "month")


def _iso_moment(text: str, zone: str | None) -> tuple[str, Precision]:
    fault = date_fault(text)
    if fault is not None:
        raise fault
    match = _ISO.fullmatch(text)
    if match is None:
        raise DATE.at("", repr(text)[:60])
    day, clock, seconds, offset = match.groups()
    precision: Precision = "day" if clock is None else "minute" if seconds is None else "second"
    return _with_offset(f"{day}T{clock or '00:00'}{seconds or ':00'}", offset or zone), precision


def _with_offset(local: str, offset: str | None) -> str:
    if offset is None:
        raise ZONE.at("", repr(local)[:60])
    parse_moment(local + offset)
    return local + offset


def _parsed(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        fault = date_fault(text)
        raise fault or DATE.at("", f"{text!r:.60} is not of the form {form}") from None
