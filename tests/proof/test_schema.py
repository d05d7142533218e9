"""The JSON Schema of the verdict: real outputs fit it, and what is wrong does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.proof.report.export import refusal_facts, verdict_facts
from ledger.proof.report.shapes import verdict_schema
from ledger.proof.verify import verify_dossier
from tests.proof.fitting import check_fits
from tests.proof.lying import PACK, SECOND, LyingLog, told

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/verdict.schema.json").read_text("utf-8"))
AROUND = {"ok": True, "trust": {"sha256": "00", "origin": "log.example", "name": "Mine"}}
LIFE = ("manufacture", "install", "decommission", "assessment")


def output(log: LyingLog, subject: str = PACK, **options: Any) -> dict[str, Any]:
    verdict = verify_dossier(log.dossier(subject), log.trust(), log.now + 9, **options)
    value: dict[str, Any] = json.loads(json.dumps({**AROUND, **verdict_facts(verdict)}))
    return value


def full() -> dict[str, Any]:
    log = told(*LIFE, "incident", "repurpose")
    return output(log, SECOND, label="x", required=("ROL-1", "ORD-4", "CUS-1"))


def test_the_file_is_what_the_code_says() -> None:
    assert verdict_schema() == SCHEMA


@pytest.mark.parametrize("kinds", [("manufacture",), LIFE, (*LIFE, "install")])
def test_verdicts_fit(kinds: tuple[str, ...]) -> None:
    check_fits(output(told(*kinds), profiles=(("core", 2),)), SCHEMA)


def test_refusals_fit() -> None:
    log = told("manufacture")
    for data, trust in (
        (b"", log.trust()),
        (log.dossier(), log.trust(origin="log.example/other")),
    ):
        with pytest.raises(CellbookError) as refused:
            verify_dossier(data, trust, log.now)
        check_fits({**AROUND, **refusal_facts(refused.value)}, SCHEMA)


def without(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        for name in names[:-1]:
            value = value[name] if not isinstance(value, list) else value[int(name)]
        del value[names[-1]]

    return change


def other(to: Any, *names: str) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        for name in names[:-1]:
            value = value[int(name)] if isinstance(value, list) else value[name]
        value[names[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        without("ok"),
        without("trust", "sha256"),
        without("record", "root"),
        without("battery", "waste"),
        other("yes", "ok"),
        other(False, "record", "genuine"),
        other(None, "breaches"),
        other("1", "breaches", "0", "index"),
        other({"core": "1"}, "battery", "profiles"),
        other("perhaps", "required", "0", "outcome"),
        other(1.5, "health", "soh_permille"),
        other([1], "not_checked"),
    ],
)
def test_what_is_no_verdict_does_not_fit(change: Callable[[dict[str, Any]], None]) -> None:
    value = full()
    check_fits(value, SCHEMA)
    change(value)
    with pytest.raises(AssertionError):
        check_fits(value, SCHEMA)
