"""The battery that a code, a URI or a further name means, among the states of a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from keys.errors import CellbookError, declare
from ledger.custody.identifiers import code_of
from ledger.custody.names.labels import look_alikes, parse_label
from ledger.custody.states import AliasState, BatteryState, State

NO_BATTERY = declare(
    "missing.battery",
    "There is no battery of this name in this log.",
    "Check the code against the label. Its first record must be its manufacture or onboarding.",
)

StatesOf = Callable[[Sequence[str]], Mapping[str, State]]
"""The states of those of some URIs that have one."""


def find_battery(states_of: StatesOf, identifier: str) -> str:
    """The subject of the battery that ``identifier`` names.

    All forms of ``custody.labels`` are read. Raises ``missing.battery``; where a code that is
    easily taken for this one is registered, it is named in the detail and as fact ``alike``.
    """
    text = identifier.strip()
    candidates = [text]
    with suppress(CellbookError):
        candidates.insert(0, parse_label(identifier).uri)
    found = _first_battery(states_of, candidates)
    if found is not None:
        return found
    shown = repr(identifier)[:80]
    alike = _first_battery(states_of, look_alikes(candidates[0], typed=True))
    if alike is None:
        raise NO_BATTERY.at("battery", shown)
    raise NO_BATTERY.at("battery", f"{shown}; there is {code_of(alike)}", alike=alike)


def _first_battery(states_of: StatesOf, uris: Sequence[str]) -> str | None:
    """The subject of the first of ``uris`` that is the name of a battery."""
    states = states_of(uris)
    for uri in uris:
        state = states.get(uri)
        if isinstance(state, BatteryState):
            return uri
        if isinstance(state, AliasState):
            return state.of
    return None
