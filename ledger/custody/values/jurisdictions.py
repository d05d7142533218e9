"""Where a law holds: the countries of a jurisdiction, and the clock by which its days begin."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from ledger.custody.values.fields import Present, Withheld, read
from ledger.custody.values.times import format_moment, parse_moment


class Jurisdiction(msgspec.Struct, frozen=True):
    """Countries under one law. Its days begin at the offset from UTC, in minutes.

    One offset for the whole year: an hour's doubt about the first day of a law, in exchange for no
    table of summer times.
    """

    name: str
    countries: frozenset[str]
    utc_offset_min: int


_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = Jurisdiction("EU", frozenset({"EU", *_MEMBERS.split()}), 60)
CN = Jurisdiction("CN", frozenset({"CN"}), 480)
JURISDICTIONS = {place.name: place for place in (CN, EU)}


def begins_at(date: str, jurisdiction: str | None) -> int:
    """The Unix second at which the day ``date`` begins in ``jurisdiction`` (None: UTC)."""
    return parse_moment(f"{date}T00:00:00+00:00") - 60 * _offset(jurisdiction)


@lru_cache(maxsize=1_024)
def local_date(seconds: int, jurisdiction: str | None) -> str:
    """The day, ``YYYY-MM-DD``, on which Unix ``seconds`` falls in ``jurisdiction``."""
    return format_moment(seconds, _offset(jurisdiction))[:10]


def is_under(event: msgspec.Struct, jurisdiction: str) -> bool:
    """Whether the event happened in ``jurisdiction``, or is for its market.

    A withheld country or market counts as elsewhere: who judges an event that is not wholly shown
    cannot hold a law against it.
    """
    countries = JURISDICTIONS[jurisdiction].countries
    for name in ("country", "market", "jurisdiction"):
        stated = read(event, name)
        if isinstance(stated, Present) and stated.value in countries:
            return True
    placed = read(event, "placed_on_market")
    return isinstance(placed, Present) and placed.value.region in countries


def is_withheld(event: msgspec.Struct, *names: str) -> bool:
    """Whether any of these fields is not shown."""
    return any(isinstance(read(event, name), Withheld) for name in names)


def _offset(jurisdiction: str | None) -> int:
    return 0 if jurisdiction is None else JURISDICTIONS[jurisdiction].utc_offset_min
