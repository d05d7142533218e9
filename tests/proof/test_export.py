"""The JSON of a verdict: its shape is a promise (docs/verdict.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.proof.report.export import refusal_facts, verdict_facts
from ledger.proof.verify import verify_dossier
from tests.proof.lying import PACK, SECOND, LyingLog, told

PAGE = Path(__file__).parents[2] / "docs" / "verdict.md"

FINDING: dict[str, Any] = {
    "rule": str,
    "battery": str,
    "index": int,
    "detail": str,
    "dates": str,
    "entries": [int],
    "basis": str,
    "repair": str,
    "unconfirmed": None,
    "allowed_then": bool,
}
SHAPE: dict[str, Any] = {
    "subject": str,
    "identifiers": [str],
    "at": int,
    "record": {
        "genuine": bool,
        "completeness": str,
        "witnessed": bool,
        "audited": bool,
        "witnesses": [],
        "auditors": [],
        "age_counts_from": int,
        "age_clock": str,
        "origin": str,
        "genesis": str,
        "family": str,
        "size": int,
        "root": str,
        "log_key": str,
        "time": int,
        "age_s": int,
        "policy": int,
        "policy_profiles": {"core": int},
        "entries": int,
        "events": int,
        "file_sha256": str,
        "before": [],
    },
    "battery": {
        "meets_rules": bool,
        "profiles": {"core": int},
        "physical": str,
        "status": str,
        "record": str,
        "waste": [str],
        "quarantined": bool,
        "missing": bool,
        "part_of": None,
        "possessor": str,
        "owner": str,
        "responsible": str,
        "level": str,
        "second_life": bool,
        "predecessors": [str],
        "category": str,
        "chemistry": None,
        "model": str,
        "model_issuer": None,
        "rated_capacity_mah": int,
        "rated_energy_wh": int,
        "nominal_voltage_mv": int,
        "mass_g": int,
    },
    "label": {"typed": str, "matches": bool, "why": None},
    "health": {
        "battery": str,
        "index": int,
        "tested_to": str,
        "verdict": str,
        "soh_permille": int,
        "uncertainty_permille": int,
        "basis": str,
        "method": str,
        "ambient_temp_dc": int,
        "c_rate_milli": int,
        "measured_capacity_mah": int,
        "reference_capacity_mah": int,
        "usable_energy_wh": None,
        "valid_until": None,
        "scheme": str,
        "edition": str,
    },
    "life": [
        {
            "index": int,
            "entry": str,
            "kind": str,
            "battery": str,
            "of": str,
            "occurred_at": str,
            "log_time": int,
            "signer": {"uri": str, "name": str, "country": str},
            "what": str,
            "remarks": [str],
        }
    ],
    "breaches": [FINDING],
    "remarks": [{**FINDING, "dates": None}],
    "required": [{"rule": str, "outcome": str, "why": str, "code": None, "remedy": None}],
    "lists": [],
    "not_checked": [str],
    "operators": [{"uri": str, "name": str, "country": str}],
    "strict": bool,
}


def shape_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(value[-1])] if value else []
    return None if value is None else type(value)


def facts(log: LyingLog, subject: str = PACK, **options: Any) -> dict[str, Any]:
    verdict = verify_dossier(log.dossier(subject), log.trust(), log.now + 9, **options)
    found = verdict_facts(verdict)
    assert json.loads(json.dumps(found)) == found
    return found


def full() -> dict[str, Any]:
    log = told("manufacture", "install", "decommission", "assessment", "incident", "repurpose")
    log.event("waste", SECOND)
    log.event("incident", SECOND)
    log.head()
    return facts(log, SECOND, label=SECOND, required=("ROL-1",))


def test_the_shape() -> None:
    assert shape_of(full()) == SHAPE


def test_values() -> None:
    found = full()
    assert found["record"]["genuine"] is True
    assert found["record"]["completeness"] == "stated by the service"
    assert re.fullmatch("[0-9a-f]{64}", found["record"]["root"])
    assert re.fullmatch("[A-Za-z0-9_-]{43}", found["life"][0]["entry"])
    assert found["record"]["age_s"] == 9
    assert found["battery"]["meets_rules"] is False
    assert {item["rule"] for item in found["breaches"]} == {"ORD-4", "INC-1"}
    assert found["label"] == {"typed": SECOND, "matches": True, "why": None}


def test_what_is_unknown_is_null() -> None:
    found = facts(told("manufacture"))
    assert (found["label"], found["health"]) == (None, None)
    assert (found["breaches"], found["remarks"]) == ([], [])


def test_the_name_in_the_trust_file_is_no_fact_of_the_dossier() -> None:
    assert "Lies" not in json.dumps(full())


def test_refusals() -> None:
    log = told("manufacture")
    for data, trust, genuine in (
        (b"", log.trust(), False),
        (log.dossier(), log.trust(origin="log.example/other"), None),
    ):
        with pytest.raises(CellbookError) as refused:
            verify_dossier(data, trust, log.now)
        found = refusal_facts(refused.value)
        assert found["record"] == {"genuine": genuine, "completeness": "not checked"}
        assert found["error"]["code"] == refused.value.code
        assert set(found) == {"record", "error"}


def names(shape: Any) -> set[str]:
    if isinstance(shape, dict):
        return set(shape).union(*(names(item) for item in shape.values()))
    return names(shape[0]) if isinstance(shape, list) and shape else set()


def test_the_page_names_every_field() -> None:
    page = PAGE.read_text("utf-8")
    missing = {name for name in names(SHAPE) - {"core"} if f"`{name}`" not in page}
    assert missing == set()
