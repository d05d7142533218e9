"""What may happen to a battery in each physical state: the table of the design, whole."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.events import EVENTS
from tests.custody.history import Log, identifier

HISTORIES: dict[str, tuple[str, ...]] = {
    "absent": (),
    "made": ("manufacture",),
    "installed": ("manufacture", "install"),
    "removed": ("manufacture", "install", "decommission", "assessment"),
    "in-transit": ("manufacture", "release"),
    "consumed": ("manufacture", "install", "decommission", "assessment", "repurpose"),
    "destroyed": ("manufacture", "pre-treatment"),
    "recycled": ("manufacture", "recycle"),
}
"""How a battery comes into each state. ``removed`` is assessed as well."""

KINDS = [kind for kind, _ in EVENTS if kind != "model"]
BY_RECEIVER = ("accept", "refuse")

TABLE = """
             absent     made       installed  removed    in-transit consumed   destroyed  recycled
manufacture  made       ID-4       ID-4       ID-4       ID-4       ID-4       ID-4       ID-4
install      ORD-1      installed  ORD-2      installed  ORD-2      ORD-2      ORD-2      ORD-2
decommission ORD-1      ORD-3      removed    ORD-3      ORD-3      ORD-3      ORD-3      ORD-3
assessment   ORD-1      ·          ·          ·          ·          ORD-6      ORD-6      ORD-6
repurpose    ORD-1      ORD-4      ORD-4      consumed   ORD-4      ORD-4      ORD-4      ORD-4
recycle      ORD-1      recycled   ORD-5      recycled   ORD-5      ORD-5      recycled   ORD-6
release      ORD-1      in-transit CUS-1      in-transit CUS-1      CUS-1      CUS-1      CUS-1
accept       ORD-1      CUS-1      CUS-1      CUS-1      made       CUS-1      CUS-1      CUS-1
refuse       ORD-1      CUS-1      CUS-1      CUS-1      made       CUS-1      CUS-1      CUS-1
intake       ORD-1      ·          ·          ·          made       ORD-6      ORD-6      ORD-6
waste        ORD-1      ·          ·          ·          ·          ORD-6      ORD-6      ORD-6
reading      ORD-1      ·          ·          ·          ·          ORD-6      ORD-6      ORD-6
repair       ORD-1      ·          ·          ·          ·          ORD-6      ORD-6      ORD-6
relabel      ORD-1      ·          ·          ·          ·          ORD-6      ORD-6      ORD-6
incident     ORD-1      ·          ·          ·          ·          ORD-6      ORD-6      ORD-6
correction   unknown    ·          ·          ·          ·          ·          ·          ·
dispute      unknown    ·          ·          ·          ·          ·          ·          ·
resolution   unknown    ·          ·          ·          ·          ·          ·          ·
withdrawal   unknown    unknown    unknown    unknown    made       unknown    unknown    unknown
"""
"""The rule that refuses, or the state after (· is the state before)."""


@cache
def in_state(physical: str) -> tuple[Log, str]:
    log = Log("owner", "assessor", "authority", "buyer")
    battery = log.battery()
    log.take(log.event("manufacture", log.battery()))
    for kind in HISTORIES[physical]:
        log.take(event(log, kind, battery))
    return log, battery


def event(log: Log, kind: str, battery: str) -> bytes:
    fields: dict[str, Any] = {}
    if kind == "pre-treatment":
        kind, fields["stage"] = "recycle", "pre-treatment"
    elif kind in BY_RECEIVER:
        fields["by"] = "buyer"
    elif kind in ("correction", "dispute", "resolution"):
        of_it = [item for item in log.taken if battery in item.decision.subjects]
        fields["entry_ref"] = of_it[0].entry_id if of_it else bytes(32)
    elif kind == "relabel":
        fields["new_ids"] = (identifier(log.battery()),)
    return log.event(kind, battery, **fields)


def outcome(physical: str, kind: str) -> str:
    """The state after, or the rule that refuses."""
    log, battery = in_state(physical)
    try:
        decision = log.decided(event(log, kind, battery))
    except CellbookError as error:
        return error.code.removeprefix("rejected.").removeprefix("entry.")
    after = getattr(decision.after[battery], "physical", "?")
    return "·" if after == physical else after


def cells() -> list[tuple[str, str, str]]:
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    assert head == list(HISTORIES)
    return [
        (kind, physical, wanted)
        for kind, *row in rows
        for physical, wanted in zip(head, row, strict=True)
    ]


@pytest.mark.parametrize(("kind", "physical", "wanted"), cells())
def test_a_battery_in_this_state(kind: str, physical: str, wanted: str) -> None:
    assert outcome(physical, kind) == wanted


def test_the_table_has_every_kind_of_event() -> None:
    assert [line.split()[0] for line in TABLE.strip().splitlines()[1:]] == KINDS


@pytest.mark.parametrize("physical", list(HISTORIES)[1:])
def test_the_histories_lead_where_they_say(physical: str) -> None:
    log, battery = in_state(physical)
    assert log.state(battery).physical == physical
