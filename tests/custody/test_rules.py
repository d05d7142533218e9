"""The vectors of the rules: a history, an event, and what the decision about it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.decision import Decision
from ledger.custody.events import EVENTS
from ledger.custody.events.afterlife import RepurposeOutput
from ledger.custody.governance.operators import signing_key
from ledger.custody.governance.statements import Profile
from ledger.custody.profiles import parse_profile
from ledger.custody.rules import RULES, Rule
from ledger.wire.statement import parse_statement
from tests.custody.history import Log, genesis, identifier, operator_uri, signer_of
from tests.documents import cases_of
from tests.log.lives import DIGEST, repurpose_input

FILE = Path(__file__).parent.parent / "vectors" / "rules.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
BATTERIES: dict[str, str] = VECTORS["batteries"]
CASES: list[dict[str, Any]] = VECTORS["cases"]
OPERATORS = ("owner", "maker", "installer", "dismantler", "assessor", "recycler", "authority")


def run(case: dict[str, Any]) -> tuple[Log, bytes]:
    """The log after the history of ``case``, and its event, signed."""
    chosen = tuple(map(parse_profile, case.get("profiles", ["core@1"])))
    profiles = tuple(Profile(name=name, version=version) for name, version in chosen)
    log = Log(*OPERATORS, "buyer", policy=genesis(profiles=profiles))
    first = len(log.taken)
    for step in case["history"]:
        log.take(signed(log, step, first))
    return log, signed(log, case["event"], first)


def signed(log: Log, step: dict[str, Any], first: int) -> bytes:
    """The statement of one step; ``first`` is the index of the history's first entry."""
    values = {name: resolved(log, value, first) for name, value in step.items()}
    log.minute = values.pop("log", log.minute + 1)
    if "governance" in values:
        return governance(log, **values)
    kind, battery, key = values.pop("kind"), values.pop("battery"), values.pop("key", None)
    if kind == "correction" and "correction" in values:
        values |= {"kind": values.pop("correction"), "replacement": None}
    if kind == "incident":
        values["kind"] = values.pop("incident")
        if values["kind"] == "recovery":
            values.setdefault("recovered", {"identity_check": "code and serial"})
    if kind == "repurpose":
        values["outputs"] = tuple(map(output, values.get("outputs", (BATTERIES["second"],))))
    if "uris" in values:
        values["ids"] = tuple(map(identifier, values.pop("uris")))
    if "inputs" in values:
        values["inputs"] = tuple(repurpose_input(*pair) for pair in values["inputs"])
    if "new_ids" in values or kind == "relabel":
        values["new_ids"] = tuple(identifier(uri) for uri in values["new_ids"])
    if kind is not None:
        values = {name: converted(kind, name, value) for name, value in values.items()}
    values.setdefault("at", log.minute)
    signer = signer_of(key) if key else None
    return log.event(kind, BATTERIES[battery], signer=signer, **values)


def governance(log: Log, governance: str, operator: str, **values: Any) -> bytes:
    if governance == "register":
        return log.registration(operator, key_name=values["key"])
    if governance == "change":
        return log.change(operator, *values["roles"])
    if governance == "codes":
        return log.give_codes(operator, values["makers"], values.get("prefixes", ()))
    if governance == "add-key":
        return log.add_key(operator, values["key"])
    return {"revoke-key": log.revoke_key, "remove": log.remove}[governance](operator)


def resolved(log: Log, value: Any, first: int) -> Any:
    """``value`` with names in place of #, ~ and @, and tuples in place of lists."""
    if isinstance(value, list):
        return tuple(resolved(log, item, first) for item in value)
    if isinstance(value, dict):
        return {name: resolved(log, item, first) for name, item in value.items()}
    if value == "!":
        return DIGEST
    if not isinstance(value, str) or value[:1] not in ("#", "~", "@"):
        return value
    mark, name = value[0], value[1:]
    if mark == "@":
        return log.taken[first + int(name)].entry_id
    return BATTERIES[name] if mark == "#" else operator_uri(name)


def converted(kind: str, name: str, value: Any) -> Any:
    """``value`` as the field ``name`` of an event of ``kind``, where it is made of parts."""
    first = value[0] if isinstance(value, tuple) and value else value
    if not isinstance(first, dict):
        return value
    hints = get_type_hints(EVENTS[kind, 1], include_extras=True)
    return msgspec.convert(value, hints[name])


def output(stated: str | dict[str, Any]) -> RepurposeOutput:
    """An output with any name: rule ID-1 judges it."""
    values = {"id": stated} if isinstance(stated, str) else stated
    return RepurposeOutput(
        **{
            "level": "pack",
            "category_after": "industrial",
            "rated_capacity_mah": 220_000,
            "rated_energy_wh": 11_264,
            "nominal_voltage_mv": 51_200,
            "mass_g": 98_000,
            **values,
        }
    )


def judged(log: Log, data: bytes, **options: Any) -> Decision:
    """The decision alone: the key that must have signed, then ``decide``; no signature."""
    assert log.log is not None
    statement, content, occasion = log.read(data)
    signing_key(statement, content, log.gathered(statement, content)[0], log.log, occasion.index)
    return log.decided(data, **options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_rules(case: dict[str, Any]) -> None:
    log, data = run(case)
    if case["error"] == "ok":
        judged(log, data)
        found = judged(log, data, refuse=False).findings
        assert sorted({finding.rule for finding in found}) == case["findings"]
        assert not any(finding.breach for finding in found)
        return
    with pytest.raises(CellbookError) as refused:
        judged(log, data)
    assert refused.value.code == case["error"]
    if case["rule"] == "KEY-1":
        return
    decision = judged(log, data, refuse=False)
    assert case["rule"] in {finding.rule for finding in decision.findings if finding.breach}
    remarks = {finding.rule for finding in decision.findings if not finding.breach}
    assert sorted(remarks) == case["findings"]
    subject = parse_statement(data).sub
    assert subject in decision.subjects


def test_names_are_unique_and_say_why() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["why"] for case in CASES)


@pytest.mark.parametrize("rule_id", sorted({rule.id for rule in RULES if rule.kind == "R"}))
def test_every_refusing_rule_has_vectors_both_ways(rule_id: str) -> None:
    own = [case for case in CASES if case["rule"] == rule_id]
    assert sum(case["error"] == f"rejected.{rule_id}" for case in own) >= 2
    assert any(case["error"] == "ok" for case in own)


@pytest.mark.parametrize("rule_id", sorted({rule.id for rule in RULES if rule.kind == "F"}))
def test_every_finding_has_vectors_both_ways(rule_id: str) -> None:
    own = [case for case in CASES if case["rule"] == rule_id]
    assert any(rule_id in case["findings"] for case in own)
    assert any(rule_id not in case["findings"] and case["error"] == "ok" for case in own)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.id}-{rule.kind}-{rule.profile}")
def test_every_rule_of_every_profile_has_vectors_both_ways(rule: Rule) -> None:
    if rule.kind == "R":
        assert len(cases_of(rule, CASES, "refused")) >= 2
        assert cases_of(rule, CASES, "accepted")
    else:
        assert cases_of(rule, CASES, "found")
        assert cases_of(rule, CASES, "not found")


def test_no_vector_is_of_a_rule_that_does_not_exist() -> None:
    assert {case["rule"] for case in CASES} <= {rule.id for rule in RULES} | {"KEY-1"}
