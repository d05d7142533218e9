"""The vectors of this room: every case gives the code, or the facts, that it names."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from keys.cose_key import from_cbor
from keys.errors import CellbookError
from ledger.wire.cbor import decode, encode
from ledger.wire.note import OpenNote, Verifier, open_note
from ledger.wire.statement import Statement, check_signature, locator_to_id, parse_statement

VECTORS = Path(__file__).parent.parent / "vectors"


def load(file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((VECTORS / file).read_text("utf-8"))
    return content


def cases(file: str) -> Any:
    return pytest.mark.parametrize("case", load(file)["cases"], ids=lambda case: case["name"])


def test_the_manifest_lists_every_file() -> None:
    listed = {row["file"]: row for row in load("manifest.json")["files"]}
    present = {path.name for path in VECTORS.glob("*.json")} - {"manifest.json"}
    assert present == set(listed)
    for file, row in listed.items():
        assert row["about"]
        assert row["cases"] == len(load(file)["cases"]), file


@pytest.mark.parametrize("file", ["cbor.json", "notes.json", "statements.json"])
def test_names_are_unique_and_say_why(file: str) -> None:
    rows = load(file)["cases"]
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(row["why"] and row["error"] for row in rows)


@cases("cbor.json")
def test_cbor(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["hex"])
    if case["error"] == "ok":
        assert encode(decode(data)) == data
        return
    with pytest.raises(CellbookError) as refused:
        decode(data)
    assert refused.value.code == case["error"]


KEY = from_cbor(bytes.fromhex(load("statements.json")["key"]))


def read_statement(data: bytes) -> Statement:
    statement = parse_statement(data)
    check_signature(statement, KEY)
    return statement


@cases("statements.json")
def test_statements(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["hex"])
    if case["error"] != "ok":
        with pytest.raises(CellbookError) as refused:
            read_statement(data)
        assert refused.value.code == case["error"]
        return
    statement = read_statement(data)
    for name in ("leaf", "entry_id", "content_id", "leaf_hash"):
        assert getattr(statement, name).hex() == case[name]
    assert statement.locator == case["locator"]
    assert locator_to_id(case["locator"]).hex() == case["entry_id"]


def read_note(case: dict[str, Any]) -> OpenNote:
    verifiers = [Verifier.parse(vkey) for vkey in case["vkeys"]]
    return open_note(b64decode(case["base64"]), verifiers)


@cases("notes.json")
def test_notes(case: dict[str, Any]) -> None:
    if case["error"] != "ok":
        with pytest.raises(CellbookError) as refused:
            read_note(case)
        assert refused.value.code == case["error"]
        return
    opened = read_note(case)
    assert [signature.name for signature in opened.signatures] == case["signed_by"]
    assert [signature.time for signature in opened.signatures] == case["times"]
    assert [signature.name for signature in opened.unknown] == case["unknown"]
