"""Where units are: inside of which other one each is, as events say.

A buyer does not hold the histories of all units that were inside of a pack. Which of them the pack
held at which time its own history tells: by its making, and by the event that opened it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ledger.custody.events import Event, Manufacture, Repurpose

Wholes = Mapping[str, str | None]
"""The outer unit of each; None for one that was set free."""
NO_WHOLES: Wholes = MappingProxyType({})


def placed_by(event: Event) -> dict[str, str | None]:
    """The units that ``event`` puts inside of another one, or sets free."""
    if isinstance(event, Manufacture):
        return dict.fromkeys(event.children, event.ids[0].uri)
    placed: dict[str, str | None] = {}
    if isinstance(event, Repurpose):
        placed |= {uri: output.id for output in event.outputs for uri in output.children}
        placed |= {left.id: None for left in event.remainder if left.id is not None}
    return placed
