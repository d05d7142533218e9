"""The JSON of a verdict, as types: ``export`` fills them, ``docs/verdict.schema.json`` is made of
them, and ``docs/verdict.md`` describes every field.

Hashes are lower-case hex, entry ids locators (unpadded base64url), times Unix seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ledger.proof.quorum import Cosigned
from ledger.proof.verdict.values import Health, Signer


class LogBefore(msgspec.Struct, frozen=True):
    """A log that ended, and with how many entries."""

    origin: str
    size: int


class RecordFacts(msgspec.Struct, frozen=True):
    """The record, which is genuine."""

    genuine: Literal[True]
    completeness: str
    witnessed: bool
    audited: bool
    witnesses: list[Cosigned]
    auditors: list[Cosigned]
    age_counts_from: int
    age_clock: Literal["service", "witnesses"]
    origin: str
    genesis: str
    family: str
    size: int
    root: str
    log_key: str
    time: int
    age_s: int
    policy: int
    policy_profiles: dict[str, int]
    entries: int
    events: int
    file_sha256: str
    before: list[LogBefore]


class BatteryFacts(msgspec.Struct, frozen=True):
    """Whether the history meets the rules, where the battery is, and what it is."""

    meets_rules: bool
    profiles: dict[str, int]
    physical: str
    status: str
    record: str
    waste: list[str]
    quarantined: bool
    missing: bool
    part_of: str | None
    possessor: str | None
    owner: str | None
    responsible: str | None
    level: str | None
    second_life: bool
    predecessors: list[str]
    category: str | None
    chemistry: str | None
    model: str | None
    model_issuer: str | None
    rated_capacity_mah: int | None
    rated_energy_wh: int | None
    nominal_voltage_mv: int | None
    mass_g: int | None


class LabelFacts(msgspec.Struct, frozen=True):
    """The code that was typed."""

    typed: str
    matches: bool
    why: str | None


class EventFacts(msgspec.Struct, frozen=True):
    """One event of the life."""

    index: int
    entry: str
    kind: str
    battery: str
    of: str
    occurred_at: str
    log_time: int
    signer: Signer
    what: str
    remarks: list[str]


class FindingFacts(msgspec.Struct, frozen=True):
    """What a rule found."""

    rule: str
    battery: str
    index: int
    detail: str
    dates: str | None
    entries: list[int]
    basis: str | None
    repair: str | None
    unconfirmed: str | None
    allowed_then: bool


class RequiredFacts(msgspec.Struct, frozen=True):
    """What became of a rule that was required."""

    rule: str
    outcome: Literal["holds", "broken", "undecided"]
    why: str
    code: str | None
    remedy: str | None


class PublisherFacts(msgspec.Struct, frozen=True):
    """In which categories one publisher lists the signer on the day. Null: no list says."""

    publisher: str
    then: list[str] | None
    now: list[str] | None


class ListedFacts(msgspec.Struct, frozen=True):
    """What the lists of a scheme say of an event's signer on a day."""

    index: int
    scheme: str
    identifier: str
    day: str
    wanted: str
    publishers: list[PublisherFacts]


class VerdictFacts(msgspec.Struct, frozen=True):
    """A genuine record."""

    subject: str
    identifiers: list[str]
    at: int
    record: RecordFacts
    battery: BatteryFacts
    label: LabelFacts | None
    health: Health | None
    life: list[EventFacts]
    breaches: list[FindingFacts]
    remarks: list[FindingFacts]
    required: list[RequiredFacts]
    lists: list[ListedFacts]
    not_checked: list[str]
    operators: list[Signer]
    strict: bool


class RefusedRecord(msgspec.Struct, frozen=True):
    """False: not genuine. Null: it could not be told."""

    genuine: Literal[False] | None
    completeness: str


class ErrorFacts(msgspec.Struct, frozen=True):
    """Why the record was refused."""

    code: str
    detail: str
    where: str
    remedy: str


class RefusalFacts(msgspec.Struct, frozen=True):
    """A record that was refused or could not be judged."""

    record: RefusedRecord
    error: ErrorFacts


class TrustFacts(msgspec.Struct, frozen=True):
    """The reader's own trust file."""

    sha256: str
    origin: str
    name: str


class AroundFacts(msgspec.Struct, frozen=True):
    """What the command line adds."""

    ok: bool
    trust: TrustFacts


def verdict_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what ``cellbook verify --json`` prints."""
    (around, verdict, refusal), parts = msgspec.json.schema_components(
        (AroundFacts, VerdictFacts, RefusalFacts), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cellbook verify --json",
        "allOf": [around, {"anyOf": [verdict, refusal]}],
        "$defs": parts,
    }
