"""Findings explained: what happened in dates, by which rule, on what basis, how to repair it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ledger.custody.profiles import Profiles
from ledger.custody.rules import RULES, Finding, Rule
from ledger.custody.rules.listing import LIST_RULES, ListRule
from ledger.custody.values.times import parse_moment
from ledger.proof.report.list_words import joined
from ledger.proof.verdict.values import LifeEvent, Verdict

_ENTRY = re.compile(r"\bentry (-?\d{1,19})\b")
_PREFIX = re.compile(r"urn:cellbook:(gbt(34014|45565):(?=[0-9A-Z])|authority:(?=[a-z0-9]))")
_SNAPSHOT = re.compile(r"\bthe snapshot in entry \d{1,19} \(")


class Told(msgspec.Struct, frozen=True):
    """A finding in words: in which ``event`` (or events) it was found, and the ``detail``.

    ``chain`` is what happened, in dates, where more than one event has to do
    with it; ``entries`` their indexes in the log. ``allowed_then``: it is a breach, but not of the
    policy that was in force. What no rule says is empty."""

    rule: str
    breach: bool
    event: str
    detail: str
    chain: str
    entries: tuple[int, ...]
    allowed_then: bool
    rule_text: str
    basis: str
    repair: str
    unconfirmed: str

    @property
    def text(self) -> str:
        return f"{self.event}: {self.detail}."


def explain_together(verdict: Verdict, findings: Iterable[Finding]) -> Iterator[Told]:
    """The same, but that what differs in nothing but the event is told once, of all of them."""
    groups: dict[Told, list[Told]] = {}
    for told in explain(verdict, findings):
        alike = msgspec.structs.replace(told, event="", entries=())
        groups.setdefault(alike, []).append(told)
    for alike, group in groups.items():
        entries = tuple(dict.fromkeys(index for told in group for index in told.entries))
        event = joined(dict.fromkeys(told.event for told in group))
        yield msgspec.structs.replace(alike, event=event, entries=entries)


def explain(verdict: Verdict, findings: Iterable[Finding]) -> Iterator[Told]:
    """Each of ``findings`` of ``verdict`` in words."""
    life = {event.index: event for event in verdict.life}
    for finding in findings:
        rule = rule_of(finding, verdict.profiles)
        events = involved(finding, life)
        yield Told(
            rule=finding.rule,
            breach=finding.breach,
            event=_event(finding.index, life),
            detail=_detail(finding, life),
            chain=" > ".join(map(_step, events)) if len(events) > 1 else "",
            entries=tuple(event.index for event in events),
            allowed_then=finding.breach and _was_allowed(finding, life),
            rule_text=rule.text if rule else "",
            basis=rule.basis if rule else "",
            repair=rule.repair if rule else "",
            unconfirmed=(rule.unconfirmed or "") if isinstance(rule, Rule) else "",
        )


def rule_of(finding: Finding, profiles: Profiles) -> Rule | ListRule | None:
    """The rule behind ``finding``: of the profiles that judged, if one is there."""
    kind = "R" if finding.breach else "F"
    named = [rule for rule in RULES if rule.id == finding.rule]
    if named:
        return min(named, key=lambda rule: (not rule.is_of(profiles), rule.kind != kind))
    return next((rule for rule in LIST_RULES if rule.id == finding.rule), None)


def involved(finding: Finding, life: Mapping[int, LifeEvent]) -> tuple[LifeEvent, ...]:
    """The events with which ``finding`` has to do, in the order of the dates that they state."""
    numbers = {finding.index, *(int(number) for number in _ENTRY.findall(finding.detail))}
    events = [life[number] for number in numbers if number in life]
    return tuple(sorted(events, key=lambda event: (parse_moment(event.occurred_at), event.index)))


def _was_allowed(finding: Finding, life: Mapping[int, LifeEvent]) -> bool:
    event = life.get(finding.index)
    return event is not None and finding.rule not in event.forbidden_by


def _step(event: LifeEvent) -> str:
    return f"{event.what.partition(':')[0].lower()} {event.occurred_at[:10]}"


def _detail(finding: Finding, life: Mapping[int, LifeEvent]) -> str:
    """What was found, with entries named by what happened and when, not by number."""
    detail = _SNAPSHOT.sub("the list (", finding.detail)
    detail = _ENTRY.sub(lambda found: _event(int(found[1]), life), detail)
    return _PREFIX.sub("", detail)


def _event(index: int, life: Mapping[int, LifeEvent]) -> str:
    event = life.get(index)
    return f"'{event.what}' of {event.occurred_at[:10]}" if event else f"entry {index}"
