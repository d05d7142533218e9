"""What a buyer must know though no event was refused for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.custody.events import Correction
from ledger.custody.rules import Finding
from ledger.custody.rules.transfers import DAY, DAYS_TO_ACCEPT
from ledger.custody.states import BatteryState, State
from ledger.custody.values.times import format_moment
from ledger.proof.checks.history import Decided


def standing(
    subject: str,
    carried: frozenset[str],
    states: Mapping[str, State],
    decided: list[Decided],
    at: int,
) -> Iterator[Finding]:
    """What holds now of ``subject`` and of the batteries on whose histories its own rests.

    ``at`` (Unix seconds) is the time for which an assessment must be valid, and until which a
    release that waits has waited.
    """
    uris = (subject, *sorted(carried - {subject}))
    batteries = {uri: states.get(uri) for uri in uris}
    known = {uri: state for uri, state in batteries.items() if isinstance(state, BatteryState)}
    for uri, battery in known.items():
        yield from _open_matters(uri, battery)
        yield from _under_way(uri, battery, at)
    disputed = {entry_id: uri for uri in reversed(known) for entry_id in known[uri].disputed}
    for item in decided:
        if item.entry.entry_id in disputed:
            detail = f"entry {item.entry.index} is disputed, and nothing was decided yet"
            uri = disputed[item.entry.entry_id]
            yield Finding("DIS-1", False, uri, item.entry.index, detail)
    if subject in known:
        yield from _assessment(subject, known[subject], at)


def _open_matters(uri: str, battery: BatteryState) -> Iterator[Finding]:
    if battery.missing is not None:
        detail = f"{uri} is reported stolen or lost"
        yield Finding("INC-2", False, uri, battery.missing.index, detail)
    if battery.quarantine is not None:
        detail = f"{uri} was damaged or recalled, and not found fit since"
        yield Finding("INC-1", False, uri, battery.quarantine.index, detail)


def _under_way(uri: str, battery: BatteryState, at: int) -> Iterator[Finding]:
    for index in sorted({waiting.at.index for waiting in battery.released}):
        waiting = next(item for item in battery.released if item.at.index == index)
        days = (at - waiting.at.occurred) // DAY
        if days > DAYS_TO_ACCEPT:
            detail = f"released {days} days ago to {waiting.receiver}, who has not accepted it"
            yield Finding("CUS-4", False, uri, index, detail)


def _assessment(subject: str, battery: BatteryState, at: int) -> Iterator[Finding]:
    assessed = battery.assessed
    if assessed is None:
        return
    if not assessed.is_fit:
        detail = f"the last assessment says: {assessed.verdict}"
        yield Finding("ORD-4", False, subject, assessed.at.index, detail)
    if assessed.valid_until is not None and format_moment(at)[:10] > assessed.valid_until:
        detail = f"the last assessment was valid until {assessed.valid_until}"
        yield Finding("ASM-2", False, subject, assessed.at.index, detail)


def corrections(decided: list[Decided]) -> Iterator[Finding]:
    """A corrected entry stays as it was signed; whoever reads it must know of the correction."""
    indexes = {item.entry.entry_id: item.entry.index for item in decided}
    for item in decided:
        if isinstance(item.event, Correction):
            index = indexes[item.event.entry_ref]
            detail = f"entry {index} stands as it was signed, and is corrected: {item.event.reason}"
            yield Finding("COR-1", False, item.entry.statement.sub, item.entry.index, detail)
