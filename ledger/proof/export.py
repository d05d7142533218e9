"""The verdict for machines: one JSON object. Its fields are described in ``docs/verdict.md``.

Hashes are lower-case hex, entry ids locators (unpadded base64url), times Unix seconds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from keys.errors import CellbookError
from ledger.custody.rules import Finding
from ledger.proof.findings import rule_of
from ledger.proof.verdict import LifeEvent, Verdict
from ledger.wire.base64text import encode_base64url


def verdict_facts(verdict: Verdict, *, strict: bool = False) -> dict[str, Any]:
    """The JSON object of ``verdict``, without the command line's ``ok``."""
    record, battery = verdict.record, verdict.battery
    return {
        "subject": verdict.subject,
        "identifiers": list(verdict.identifiers),
        "at": verdict.at,
        "record": {
            "genuine": True,
            "completeness": record.completeness,
            "origin": record.origin,
            "genesis": encode_base64url(record.genesis),
            "family": record.family,
            "size": record.size,
            "root": record.root.hex(),
            "time": record.time,
            "age_s": verdict.at - record.time,
            "policy": record.policy,
            "entries": record.entries,
            "events": record.events,
            "file_sha256": record.file_sha256.hex(),
        },
        "battery": {
            "meets_rules": not verdict.breaches,
            "profiles": dict(record.profiles),
            "physical": battery.physical,
            "status": battery.status,
            "record": battery.record,
            "waste": list(battery.waste),
            "quarantined": battery.quarantine is not None,
            "missing": battery.missing is not None,
            "part_of": battery.parent,
            "possessor": battery.possessor,
            "owner": battery.owner,
            "responsible": battery.responsible,
            **msgspec.to_builtins(verdict.profile),
            "predecessors": list(verdict.profile.predecessors),
        },
        "label": None
        if verdict.label is None
        else {
            "typed": verdict.label.typed,
            "matches": verdict.label.matches,
            "why": verdict.label.why,
        },
        "health": None if verdict.health is None else msgspec.to_builtins(verdict.health),
        "life": [_event(event) for event in verdict.life],
        "breaches": [_finding(finding) for finding in verdict.breaches],
        "remarks": [_finding(finding) for finding in verdict.remarks],
        "not_checked": list(verdict.unchecked),
        "operators": [msgspec.to_builtins(operator) for operator in verdict.operators],
        "strict": strict,
    }


def refusal_facts(error: CellbookError) -> dict[str, Any]:
    """The JSON object of a record that was refused or could not be judged."""
    undecided = error.exit_code == 3
    record = {"genuine": None if undecided else False, "completeness": "not checked"}
    return {"record": record, "error": error.as_dict()}


def _event(event: LifeEvent) -> dict[str, Any]:
    return {
        "index": event.index,
        "entry": encode_base64url(event.entry_id),
        "kind": event.kind,
        "battery": event.battery,
        "of": event.of,
        "occurred_at": event.occurred_at,
        "log_time": event.log_time,
        "signer": msgspec.to_builtins(event.signer),
        "what": event.what,
        "remarks": list(event.remarks),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    rule = rule_of(finding)
    return {
        "rule": finding.rule,
        "battery": finding.uri,
        "index": finding.index,
        "detail": finding.detail,
        "basis": rule.basis if rule else None,
        "repair": rule.repair if rule else None,
    }
