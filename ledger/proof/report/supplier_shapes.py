"""The JSON of ``cellbook supplier verify``, as types: ``docs/supplier.schema.json`` is made of
them.

Hashes are lower-case hex, the genesis a locator (unpadded base64url), times Unix seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ledger.custody.governance.base import Facility
from ledger.custody.lists.listed import ListAnswer, Word
from ledger.custody.states import OperatorKey, OperatorState
from ledger.proof.quorum import Cosigned
from ledger.proof.report.shapes import AroundFacts, PublisherFacts, RefusalFacts
from ledger.proof.report.vouched_words import vouched_facts
from ledger.proof.verify_supplier import SupplierCheck
from ledger.wire.base64text import encode_base64url


class KeyFacts(msgspec.Struct, frozen=True):
    """A key, valid from the entry ``added`` until the entry ``revoked``."""

    kid: str
    purposes: list[str]
    added: int
    revoked: int | None
    compromised_since: int | None


class OperatorFacts(msgspec.Struct, frozen=True):
    """A registration."""

    name: str
    country: str
    roles: list[str]
    maker_codes: list[str]
    gs1_prefixes: list[str]
    facilities: list[Facility]
    registered: int
    removed: int | None
    keys: list[KeyFacts]


class StatementFacts(msgspec.Struct, frozen=True):
    """A statement about the operator."""

    index: int
    kind: str
    log_time: int


class AnswerFacts(msgspec.Struct, frozen=True):
    """What the lists of a scheme say on a day: each publisher as known then, and as known now."""

    scheme: str
    identifier: str
    day: str
    publishers: list[PublisherFacts]


class SupplierRecord(msgspec.Struct, frozen=True):
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
    size: int
    root: str
    time: int
    policy: int
    entries: int
    file_sha256: str


class SupplierFacts(msgspec.Struct, frozen=True):
    """A genuine file."""

    operator: str
    day: str
    at: int
    registered_then: bool
    registered_now: bool
    then: OperatorFacts | None
    now: OperatorFacts
    statements: list[StatementFacts]
    lists: list[AnswerFacts]
    record: SupplierRecord
    not_checked: list[str]


def supplier_facts(found: SupplierCheck) -> dict[str, Any]:
    """The JSON object, without what the command line adds."""
    facts: dict[str, Any] = msgspec.to_builtins(_facts(found))
    return facts


def supplier_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what ``cellbook supplier verify --json`` prints."""
    (around, check, refusal), parts = msgspec.json.schema_components(
        (AroundFacts, SupplierFacts, RefusalFacts), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cellbook supplier verify --json",
        "allOf": [around, {"anyOf": [check, refusal]}],
        "$defs": parts,
    }


def is_registered(state: OperatorState | None) -> bool:
    """Whether there is a registration that was not ended."""
    return state is not None and state.removed is None


def _facts(found: SupplierCheck) -> SupplierFacts:
    statements = [StatementFacts(item.index, item.kind, item.time) for item in found.statements]
    return SupplierFacts(
        operator=found.operator,
        day=found.day,
        at=found.at,
        registered_then=is_registered(found.then),
        registered_now=is_registered(found.now),
        then=None if found.then is None else _operator(found.then),
        now=_operator(found.now),
        statements=statements,
        lists=[_answer(answer) for pair in found.lists for answer in pair],
        record=_record(found),
        not_checked=list(found.unchecked),
    )


def _record(found: SupplierCheck) -> SupplierRecord:
    record = found.record
    return SupplierRecord(
        genuine=True,
        completeness=record.completeness,
        **vouched_facts(record.vouched),
        origin=record.origin,
        genesis=encode_base64url(record.genesis),
        size=record.size,
        root=record.root.hex(),
        time=record.time,
        policy=record.policy,
        entries=record.entries,
        file_sha256=record.file_sha256.hex(),
    )


def _operator(state: OperatorState) -> OperatorFacts:
    return OperatorFacts(
        name=state.name,
        country=state.country,
        roles=list(state.roles),
        maker_codes=list(state.maker_codes),
        gs1_prefixes=list(state.gs1_prefixes),
        facilities=list(state.facilities),
        registered=state.registered,
        removed=state.removed,
        keys=[_key(key) for key in state.keys],
    )


def _key(key: OperatorKey) -> KeyFacts:
    kid, purposes = key.kid.hex(), list(key.purposes)
    return KeyFacts(kid, purposes, key.added, key.revoked, key.compromised_since)


def _answer(answer: ListAnswer) -> AnswerFacts:
    publishers = [
        PublisherFacts(
            item.publisher, _categories(item.then, answer.day), _categories(item.now, answer.day)
        )
        for item in answer.publishers
    ]
    return AnswerFacts(answer.scheme, answer.identifier, answer.day, publishers)


def _categories(word: Word | None, day: str) -> list[str] | None:
    return None if word is None else list(word.categories(day))
