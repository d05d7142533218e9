"""What a rule is, what it sees, and the table of all rules.

A rule is a pure function of a ``Case`` (state before, event, context): it returns what is wrong, or
``None``. Its id stands everywhere: in the code of the refusal (``rejected.ORD-3``), in reports and
in ``docs/rules.md``, which is generated from this table. The same functions serve registration,
``fsck``, auditors and the buyer: registration refuses on a breach, the others record it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from keys.errors import ErrorCode, declare
from ledger.custody.events import EVENTS, Event
from ledger.custody.profiles import CORE, Profiles
from ledger.custody.states import BatteryState, Mark, OperatorState, State
from ledger.custody.subjects import CitedEntry, Part
from ledger.custody.values.fields import Present, read
from ledger.custody.values.jurisdictions import begins_at, is_under

Kind = Literal["R", "F"]


class Occasion(msgspec.Struct, frozen=True):
    """Where and when an entry is decided: its index, the log time T of its epoch, its entry id."""

    index: int
    time: int
    entry_id: bytes


class Case(msgspec.Struct, frozen=True):
    """One battery in one event, as a rule sees it. Times are Unix seconds.

    ``issuer`` is for whom the event speaks, ``signer`` who signed it: a delegate is another.
    ``profiles`` are those by which it is judged.
    """

    kind: str
    event: Event
    part: Part
    uri: str
    before: State | None
    issuer: str
    signer: str
    operator: OperatorState
    occurred: int
    issued: int
    occasion: Occasion
    skew_s: int
    profiles: Profiles
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


def is_frame(case: Case) -> bool:
    """Whether the values of an assessment are of the units that it lists, not of its sub."""
    return case.part == "sub" and isinstance(read(case.event, "units"), Present)


Check = Callable[[Case], str | None]


class Rule(msgspec.Struct, frozen=True):
    """A rule of ``docs/rules.md``. ``kinds`` and ``parts`` say to which cases it applies.

    It is in ``profile`` from version ``since`` to version ``until`` (None: the newest). A rule of a
    ``jurisdiction`` applies to events that happen there or are for its market, while their log time
    is on one of the days ``law_from`` to ``law_to`` there. ``gate`` says what a withheld field
    gives; None for a state rule, which reads only what cannot be withheld. ``unconfirmed`` says
    what of the rule follows from memory or from a reading that nobody has confirmed.
    """

    id: str
    kind: Kind
    profile: str
    since: int
    until: int | None
    jurisdiction: str | None
    law_from: str | None
    law_to: str | None
    basis: str
    gate: str | None
    text: str
    repair: str
    unconfirmed: str | None
    kinds: frozenset[str]
    parts: frozenset[str]
    check: Check
    error: ErrorCode | None
    begins: int
    ends: int

    def is_of(self, profiles: Profiles) -> bool:
        """Whether one of ``profiles`` has this rule."""
        return any(
            name == self.profile
            and self.since <= version
            and (self.until is None or version <= self.until)
            for name, version in profiles
        )

    def is_law_for(self, case: Case) -> bool:
        """Whether the law behind it, if it is one, holds at that place and log time."""
        if not self.begins <= case.occasion.time < self.ends:
            return False
        return self.jurisdiction is None or is_under(case.event, self.jurisdiction)


class Finding(msgspec.Struct, frozen=True):
    """What a rule found. A ``breach`` is what registration refuses."""

    rule: str
    breach: bool
    uri: str
    index: int
    detail: str


RULES: list[Rule] = []
_ERRORS: dict[str, ErrorCode] = {}
_REFUSING: dict[tuple[Profiles, str, str], tuple[Rule, ...]] = {}
_TABLE: dict[tuple[Profiles, str, str], tuple[Rule, ...]] = {}
_MAX_TABLE = 4_096

BATTERY_KINDS = frozenset(kind for kind, _ in EVENTS if kind != "model")
"""Every kind of event that happens to a battery; a model statement happens to none."""


def rule(
    rule_id: str,
    kind: Kind,
    *,
    basis: str,
    text: str,
    repair: str,
    profile: str = CORE,
    since: int = 1,
    until: int | None = None,
    jurisdiction: str | None = None,
    law: tuple[str | None, str | None] = (None, None),
    gate: str | None = None,
    unconfirmed: str | None = None,
    kinds: Iterable[str] = BATTERY_KINDS,
    parts: tuple[str, ...] = ("sub",),
) -> Callable[[Check], Check]:
    """Register a function as the rule ``rule_id``. ``basis`` names its source.

    ``law`` are the first and the last day on which it is in force, dates of its jurisdiction. One
    id may have several rules, in other profiles or versions: they share one error code.
    """
    law_from, law_to = law

    def register(check: Check) -> Check:
        if kind == "R" and rule_id not in _ERRORS:
            _ERRORS[rule_id] = declare(f"rejected.{rule_id}", text, repair)
        RULES.append(
            Rule(
                id=rule_id,
                kind=kind,
                profile=profile,
                since=since,
                until=until,
                jurisdiction=jurisdiction,
                law_from=law_from,
                law_to=law_to,
                basis=basis,
                gate=gate,
                text=text,
                repair=repair,
                unconfirmed=unconfirmed,
                kinds=frozenset(kinds),
                parts=frozenset(parts),
                check=check,
                error=_ERRORS[rule_id] if kind == "R" else None,
                begins=0 if law_from is None else begins_at(law_from, jurisdiction),
                ends=2**62 if law_to is None else begins_at(law_to, jurisdiction) + 86_400,
            )
        )
        return check

    return register


def rules_for(profiles: Profiles, kind: str, part: str) -> tuple[Rule, ...]:
    """The rules of ``profiles`` for ``part`` of events of ``kind``, in the order of the table."""
    key = (profiles, kind, part)
    found = _TABLE.get(key)
    if found is None:
        if len(_TABLE) >= _MAX_TABLE:
            _TABLE.clear()  # profiles come from policies and buyers: there is no end of them
        found = _TABLE[key] = tuple(
            r for r in RULES if kind in r.kinds and part in r.parts and r.is_of(profiles)
        )
    return found


def refusing_rules_for(profiles: Profiles, kind: str, part: str) -> tuple[Rule, ...]:
    """Those of ``rules_for`` that refuse."""
    key = (profiles, kind, part)
    found = _REFUSING.get(key)
    if found is None:
        if len(_REFUSING) >= _MAX_TABLE:
            _REFUSING.clear()
        found = _REFUSING[key] = tuple(r for r in rules_for(*key) if r.kind == "R")
    return found


def applicable(case: Case, *, refusing: bool = False) -> list[Rule]:
    """The rules of the case's profiles that judge it, in the order of the table; with
    ``refusing`` only those that refuse."""
    choose = refusing_rules_for if refusing else rules_for
    return [
        r
        for r in choose(case.profiles, case.kind, case.part)
        if r.jurisdiction is None or r.is_law_for(case)
    ]


def judge(case: Case, *, refusing: bool = False) -> Iterator[Finding]:
    """What the rules of the case's profiles find in it; with ``refusing`` breaches only."""
    for applied in applicable(case, refusing=refusing):
        detail = applied.check(case)
        if detail is not None:
            yield Finding(applied.id, applied.kind == "R", case.uri, case.occasion.index, detail)


def refusal(finding: Finding) -> ErrorCode:
    """The error code with which registration refuses a breach. Raises ``KeyError`` for others."""
    return _ERRORS[finding.rule]
