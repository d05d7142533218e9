"""What a buyer must know though no event was refused for it, and the rules behind findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.custody.events import Correction
from ledger.custody.rules import RULES, Finding, Rule
from ledger.custody.states import BatteryState, State
from ledger.custody.times import format_moment
from ledger.proof.history import Decided


def standing(
    subject: str, carried: frozenset[str], states: Mapping[str, State], at: int
) -> Iterator[Finding]:
    """What holds now of ``subject`` and of the batteries on whose histories its own rests.

    ``at`` (Unix seconds) is the time for which an assessment must be valid.
    """
    for uri in (subject, *sorted(carried - {subject})):
        battery = states.get(uri)
        if isinstance(battery, BatteryState):
            yield from _open_matters(uri, battery)
    battery = states.get(subject)
    if isinstance(battery, BatteryState):
        yield from _assessment(subject, battery, at)


def _open_matters(uri: str, battery: BatteryState) -> Iterator[Finding]:
    if battery.missing is not None:
        detail = f"{uri} is reported stolen or lost"
        yield Finding("INC-2", False, uri, battery.missing.index, detail)
    if battery.quarantine is not None:
        detail = f"{uri} was damaged or recalled, and not found fit since"
        yield Finding("INC-1", False, uri, battery.quarantine.index, detail)
    if battery.disputes:
        number = "one entry" if battery.disputes == 1 else f"{battery.disputes} entries"
        detail = f"disputed and not resolved: {number} about {uri}"
        yield Finding("DIS-1", False, uri, battery.last.index, detail)


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


def rule_of(finding: Finding) -> Rule | None:
    """The rule behind ``finding``; None for what is no rule of registration."""
    kind = "R" if finding.breach else "F"
    named = [rule for rule in RULES if rule.id == finding.rule]
    return next((rule for rule in named if rule.kind == kind), named[0] if named else None)
