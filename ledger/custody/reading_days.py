"""On which days a battery was read, in bounded space, so that a late reading finds its day free.

A gateway that was offline sends what it has read after newer readings. A state remembers the newest
day and which of the 63 days before it were read; what is older is too late to be told apart.
"""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from ledger.custody.events import Reading
from ledger.custody.states import BatteryState

DAYS = 63
_ALL = (1 << DAYS) - 1


def is_late(event: Reading, battery: BatteryState) -> bool:
    """Whether it was read on a day before the newest one on which the battery was."""
    return battery.read_on is not None and event.occurred_at[:10] < battery.read_on


def was_read(battery: BatteryState, day: str) -> bool | None:
    """Whether the battery was read on ``day``; None where that is too long ago to be known."""
    if battery.read_on is None:
        return False
    before = _ordinal(battery.read_on) - _ordinal(day)
    if before <= 0:
        return before == 0
    return bool(battery.read_days >> (before - 1) & 1) if before <= DAYS else None


def with_day(battery: BatteryState, day: str) -> BatteryState:
    """``battery``, which was read on ``day``."""
    if battery.read_on is None:
        return replace(battery, read_on=day)
    ahead = _ordinal(day) - _ordinal(battery.read_on)
    if ahead > 0:
        known = (battery.read_days << ahead | 1 << (ahead - 1)) & _ALL if ahead <= DAYS else 0
        return replace(battery, read_on=day, read_days=known)
    if ahead == 0 or -ahead > DAYS:
        return battery
    return replace(battery, read_days=battery.read_days | 1 << (-ahead - 1))


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()
