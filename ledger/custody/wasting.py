"""Where a battery is waste because of what it was made of, or was part of.

Waste stays waste, place by place, in whatever comes out of it: otherwise a trip to where nobody
asks, or a screwdriver, would make a product of it. Of the units of a lot nothing is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ledger.custody.events import Repurpose
from ledger.custody.profiles import HEIRS
from ledger.custody.states import BatteryState, Mark, State
from ledger.custody.values.jurisdictions import EU

PREPARATIONS = ("preparation-for-re-use", "preparation-for-repurposing")
"""Operations on waste, after which it is none any more (EU 2023/1542 Art. 3)."""
MAX_WHOLES = 4
"""How many wholes a unit has its waste from; it leaves one whole in its life, as rules are."""


def waste_of(uris: Iterable[str], states: Mapping[str, State]) -> tuple[str, ...]:
    """Where any of the batteries ``uris`` is waste."""
    found = (states.get(uri) for uri in uris)
    batteries = [before for before in found if isinstance(before, BatteryState)]
    return tuple(dict.fromkeys(place for before in batteries for place in before.waste))


def still_waste(event: Repurpose, states: Mapping[str, State], core: int) -> tuple[str, ...]:
    """Where the outputs of ``event`` are waste.

    A preparation ends that, since version 4 of ``core`` only where it is carried out; another
    operation does not.
    """
    uris = [item.id for item in event.inputs]
    if core < HEIRS:
        return () if event.operation in PREPARATIONS else waste_of(uris, states)
    waste = waste_of((*uris, *(uri for item in event.outputs for uri in item.children)), states)
    if event.operation not in PREPARATIONS:
        return waste
    return tuple(place for place in waste if not _is_within(event.country, place))


def _is_within(country: str, place: str) -> bool:
    """Whether what ends waste in ``country`` ends it in ``place``: the Union is one place."""
    return country == place or {country, place} <= set(EU.countries)


def wasted_with(part: BatteryState, waste: tuple[str, ...], mark: Mark) -> BatteryState:
    """``part``, that its whole has set free at ``mark``, waste where that was."""
    if not waste:
        return part
    wholes = (*part.wasted_with, (mark.index, waste))[-MAX_WHOLES:]
    places = tuple(dict.fromkeys((*part.waste, *waste)))
    return replace(part, waste=places, wasted_with=wholes)
