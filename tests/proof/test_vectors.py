"""The vectors of this room: dossiers that every later version must judge as this one did."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from tests.proof.make_vectors import CASES, FILE, facts_of, made_case, vouched_of

CONTENT: dict[str, Any] = json.loads(Path(FILE).read_text("utf-8"))


@pytest.mark.parametrize("case", CONTENT["cases"], ids=lambda case: case["name"])
def test_dossiers(case: dict[str, Any]) -> None:
    data, trust = b64decode(case["base64"]), load_trust(case["trust"].encode())
    if case["error"] == "ok":
        verdict = verify_dossier(data, trust, case["at"], label=case["label"])
        assert facts_of(verdict) == case["facts"]
        assert case.get("vouched") in (None, vouched_of(verdict))
        return
    with pytest.raises(CellbookError) as refused:
        verify_dossier(data, trust, case["at"], label=case["label"])
    assert refused.value.code == case["error"]


def test_names_are_unique_and_say_why() -> None:
    rows = CONTENT["cases"]
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(row["why"] and row["error"] for row in rows)
    assert {name for name, _, _ in CASES} <= {row["name"] for row in rows}


def test_what_this_version_writes_is_judged_the_same() -> None:
    """Bytes may change with versions; what they establish may not."""
    rows = {row["name"]: row for row in CONTENT["cases"]}
    for name, why, make in CASES:
        assert made_case(name, why, make())["error"] == rows[name]["error"]
