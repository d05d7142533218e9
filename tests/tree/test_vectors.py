"""The vectors of this room: every case gives the code that it names, or ok."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.tree.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion

VECTORS = Path(__file__).parent.parent / "vectors"
CASES = json.loads((VECTORS / "merkle.json").read_text("utf-8"))["cases"]
BYTES = {"leaf_hash", "root", "root1", "root2"}
CHECKS = {"inclusion": verify_inclusion, "consistency": verify_consistency}


def value(name: str, field: Any) -> Any:
    if name == "path":
        return [bytes.fromhex(item) for item in field]
    return bytes.fromhex(field) if name in BYTES else field


def outcome(case: dict[str, Any]) -> str:
    said = {"name", "why", "check", "error"}
    arguments = {name: value(name, case[name]) for name in case.keys() - said}
    try:
        CHECKS[case["check"]](**arguments)
    except CellbookError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    if case["check"] == "root":
        leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in case["leaves"]]
        assert root_of(leaves).hex() == case["root"]
    else:
        assert outcome(case) == case["error"]


def test_the_manifest_counts_the_vectors() -> None:
    manifest = json.loads((VECTORS / "manifest.json").read_text("utf-8"))
    (row,) = [row for row in manifest["files"] if row["file"] == "merkle.json"]
    assert row["cases"] == len(CASES) == len({case["name"] for case in CASES})
    assert all(case["why"] for case in CASES)
