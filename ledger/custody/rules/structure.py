"""SPL rules: a unit is part of one other unit at a time."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, rule


@rule(
    "SPL-2",
    "R",
    basis="design: one live parent, no cycles",
    text="A child is new, or a free unit that the maker of the whole possesses.",
    repair="Accept the child first, or take it out of the unit that it is part of.",
    kinds=("manufacture",),
    parts=("child",),
)
def child_is_free(case: Case) -> str | None:
    battery = case.battery
    if case.before is None:
        return None
    if battery is None:
        return f"{case.uri} is no battery's first identifier"
    if battery.parent is not None:
        return f"{case.uri} is part of {battery.parent}"
    if battery.physical not in ("made", "removed") or battery.missing is not None:
        return f"{case.uri} is {battery.physical}"
    if battery.possessor != case.issuer:
        return f"{battery.possessor} possesses {case.uri}"
    return None
