"""The verdict for machines: one JSON object, of the types in ``shapes``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from keys.errors import CellbookError
from ledger.custody.rules import Finding
from ledger.custody.rules.listing import CATEGORY_FOR, Work
from ledger.proof.report.explaining import explain
from ledger.proof.report.shapes import (
    BatteryFacts,
    EventFacts,
    FindingFacts,
    LabelFacts,
    ListedFacts,
    LogBefore,
    PublisherFacts,
    RecordFacts,
    RequiredFacts,
    VerdictFacts,
)
from ledger.proof.report.vouched_words import vouched_facts
from ledger.proof.verdict.values import NOT_CHECKED, LifeEvent, Verdict
from ledger.wire.base64text import encode_base64url


def verdict_facts(verdict: Verdict, *, strict: bool = False) -> dict[str, Any]:
    """The JSON object of ``verdict``, without the command line's ``ok``."""
    label = verdict.label
    facts = VerdictFacts(
        subject=verdict.subject,
        identifiers=list(verdict.identifiers),
        at=verdict.at,
        record=_record(verdict),
        battery=_battery(verdict),
        label=None if label is None else LabelFacts(label.typed, label.matches, label.why),
        health=verdict.health,
        life=[_event(event) for event in verdict.life],
        breaches=_findings(verdict, verdict.breaches),
        remarks=_findings(verdict, verdict.remarks),
        required=[RequiredFacts(**msgspec.structs.asdict(item)) for item in verdict.required],
        lists=[listed for work in verdict.works for listed in _listed(work)],
        not_checked=list(verdict.unchecked),
        operators=list(verdict.operators),
        strict=strict,
    )
    found: dict[str, Any] = msgspec.to_builtins(facts)
    return found


def refusal_facts(error: CellbookError) -> dict[str, Any]:
    """The JSON object of a record that was refused or could not be judged."""
    undecided = error.exit_code == 3
    record = {"genuine": None if undecided else False, "completeness": NOT_CHECKED}
    return {"record": record, "error": error.as_dict()}


def _record(verdict: Verdict) -> RecordFacts:
    record = verdict.record
    return RecordFacts(
        genuine=True,
        completeness=record.completeness,
        **vouched_facts(record.vouched),
        origin=record.origin,
        genesis=encode_base64url(record.genesis),
        family=record.family,
        size=record.size,
        root=record.root.hex(),
        log_key=record.signed_by,
        time=record.time,
        age_s=verdict.at - record.time,
        policy=record.policy,
        policy_profiles=dict(record.profiles),
        entries=record.entries,
        events=record.events,
        file_sha256=record.file_sha256.hex(),
        before=[LogBefore(origin, size) for origin, size in record.before],
    )


def _battery(verdict: Verdict) -> BatteryFacts:
    battery, stated = verdict.battery, msgspec.structs.asdict(verdict.profile)
    return BatteryFacts(
        meets_rules=not verdict.breaches,
        profiles=dict(verdict.profiles),
        physical=battery.physical,
        status=battery.status,
        record=battery.record,
        waste=list(battery.waste),
        quarantined=battery.quarantine is not None,
        missing=battery.missing is not None,
        part_of=battery.parent,
        possessor=battery.possessor,
        owner=battery.owner,
        responsible=battery.responsible,
        **{**stated, "predecessors": list(verdict.profile.predecessors)},
    )


def _event(event: LifeEvent) -> EventFacts:
    return EventFacts(
        index=event.index,
        entry=encode_base64url(event.entry_id),
        kind=event.kind,
        battery=event.battery,
        of=event.of,
        occurred_at=event.occurred_at,
        log_time=event.log_time,
        signer=event.signer,
        what=event.what,
        remarks=list(event.remarks),
    )


def _listed(work: Work) -> Iterator[ListedFacts]:
    for answer in dict.fromkeys((work.happened, work.logged)):
        yield ListedFacts(
            index=work.index,
            scheme=answer.scheme,
            identifier=answer.identifier,
            day=answer.day,
            wanted=CATEGORY_FOR[work.kind],
            publishers=[
                PublisherFacts(
                    publisher=item.publisher,
                    then=None if item.then is None else list(item.then.categories(answer.day)),
                    now=None if item.now is None else list(item.now.categories(answer.day)),
                )
                for item in answer.publishers
            ],
        )


def _findings(verdict: Verdict, findings: tuple[Finding, ...]) -> list[FindingFacts]:
    return [
        FindingFacts(
            rule=finding.rule,
            battery=finding.uri,
            index=finding.index,
            detail=finding.detail,
            dates=words.chain or None,
            entries=list(words.entries),
            basis=words.basis or None,
            repair=words.repair or None,
            unconfirmed=words.unconfirmed or None,
            allowed_then=words.allowed_then,
        )
        for finding, words in zip(findings, explain(verdict, findings), strict=True)
    ]
