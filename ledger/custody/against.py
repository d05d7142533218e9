"""What an event says against a battery, in a form in which two events can be compared.

Who has a battery, or had it, does not take such a thing back by a word of its own: its effect stays
until an authority has resolved the matter, or until a new assessment or evidence ends it.
"""

from __future__ import annotations

import msgspec

from ledger.custody.events import Assessment, Event, Incident, Recycle, Waste
from ledger.custody.states import FIT
from ledger.custody.values.times import parse_moment

DAMAGING = ("fire", "crash", "flood", "recall")
VANISHING = ("theft", "loss")


class Against(msgspec.Struct, frozen=True):
    """An effect, and when it began (Unix seconds): the later of the two dates of an incident."""

    effect: str
    occurred: int

    def is_covered_by(self, other: Against | None) -> bool:
        """Whether ``other`` has the same effect, no earlier."""
        return other is not None and other.effect == self.effect and other.occurred >= self.occurred


def against_of(event: Event) -> Against | None:
    """What ``event`` says against the batteries that it names; None for other events."""
    effect = _effect_of(event)
    return None if effect is None else Against(effect, date_of(event))


def date_of(event: Event) -> int:
    """When it happened. Two dates are stated of one incident: an assessment between them is from
    before it."""
    occurred = parse_moment(event.occurred_at)
    if isinstance(event, Incident):
        return max(occurred, parse_moment(event.happened_at))
    return occurred


def _effect_of(event: Event) -> str | None:
    if isinstance(event, Incident) and event.kind in DAMAGING:
        return "damaged"
    if isinstance(event, Incident) and event.kind in VANISHING:
        return "missing"
    if isinstance(event, Assessment) and event.verdict not in FIT:
        return "not fit"
    if isinstance(event, Waste) and event.action == "declared":
        return f"waste in {event.jurisdiction}"
    if isinstance(event, Recycle) and event.stage != "intake":
        return f"recycling, {event.stage}"
    return None
