"""What a rule is, what it sees, and the table of all rules.

A rule is a pure function of a ``Case`` (state before, event, context): it returns what is wrong, or
``None``. Its id stands everywhere: in the code of the refusal (``rejected.ORD-3``), in reports and
in ``docs/rules.md``, which is generated from this table. The same functions serve registration,
``fsck``, auditors and the buyer: registration refuses on a breach, the others record it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import msgspec

from keys.errors import ErrorCode, declare
from ledger.custody.events import EVENTS, Event
from ledger.custody.states import BatteryState, Mark, OperatorState, State
from ledger.custody.subjects import CitedEntry, Part

Kind = Literal["R", "F"]
Basis = Literal["L", "S", "D"]


class Occasion(msgspec.Struct, frozen=True):
    """Where and when an entry is decided: its index, the log time T of its epoch, its entry id."""

    index: int
    time: int
    entry_id: bytes


class Case(msgspec.Struct, frozen=True):
    """One battery in one event, as a rule sees it. Times are Unix seconds."""

    kind: str
    event: Event
    part: Part
    uri: str
    before: State | None
    issuer: str
    operator: OperatorState
    occurred: int
    issued: int
    occasion: Occasion
    skew_s: int
    states: Mapping[str, State]
    cited: Mapping[bytes, CitedEntry]

    @property
    def battery(self) -> BatteryState | None:
        """The battery's state before the event, if there is a battery of this name."""
        return self.before if isinstance(self.before, BatteryState) else None

    @property
    def mark(self) -> Mark:
        """This event as a place in the log."""
        return Mark(
            entry_id=self.occasion.entry_id, index=self.occasion.index, occurred=self.occurred
        )


Check = Callable[[Case], str | None]


class Rule(msgspec.Struct, frozen=True):
    """A rule of ``docs/rules.md``. ``kinds`` and ``parts`` say to which cases it applies."""

    id: str
    kind: Kind
    basis: str
    text: str
    repair: str
    kinds: frozenset[str]
    parts: frozenset[str]
    check: Check
    error: ErrorCode | None


class Finding(msgspec.Struct, frozen=True):
    """What a rule found. A ``breach`` is what registration refuses."""

    rule: str
    breach: bool
    uri: str
    index: int
    detail: str


RULES: list[Rule] = []
_TABLE: dict[tuple[str, str], tuple[Rule, ...]] = {}

BATTERY_KINDS = frozenset(kind for kind, _ in EVENTS if kind != "model")
"""Every kind of event that happens to a battery; a model statement happens to none."""


def rule(
    rule_id: str,
    kind: Kind,
    *,
    basis: str,
    text: str,
    repair: str,
    kinds: frozenset[str] | tuple[str, ...] = BATTERY_KINDS,
    parts: tuple[str, ...] = ("sub",),
) -> Callable[[Check], Check]:
    """Register a function as the rule ``rule_id``. ``basis`` names its source."""

    def register(check: Check) -> Check:
        error = declare(f"rejected.{rule_id}", text, repair) if kind == "R" else None
        RULES.append(
            Rule(
                rule_id, kind, basis, text, repair, frozenset(kinds), frozenset(parts), check, error
            )
        )
        return check

    return register


def rules_for(kind: str, part: str) -> tuple[Rule, ...]:
    """The rules that apply to ``part`` of events of ``kind``, in the order of the table."""
    key = (kind, part)
    if key not in _TABLE:
        _TABLE[key] = tuple(r for r in RULES if kind in r.kinds and part in r.parts)
    return _TABLE[key]


def judge(case: Case) -> Iterator[Finding]:
    """What the rules find in ``case``."""
    for applied in rules_for(case.kind, case.part):
        detail = applied.check(case)
        if detail is not None:
            yield Finding(applied.id, applied.kind == "R", case.uri, case.occasion.index, detail)


def refusal(finding: Finding) -> ErrorCode:
    """The error code with which registration refuses a breach."""
    for candidate in RULES:
        if candidate.id == finding.rule and candidate.error is not None:
            return candidate.error
    raise KeyError(finding.rule)
