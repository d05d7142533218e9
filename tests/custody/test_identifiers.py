"""Identifiers: the vectors, what parsers say they established, and no input that crashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.identifiers import (
    battery_uri,
    is_model_uri,
    model_uri,
    parse_gbt34014,
    parse_gbt45565,
    parse_gs1,
    parse_lei,
    parse_operator_uri,
    parse_subject,
    parse_uscc,
)
from ledger.custody.names.labels import parse_label

VECTORS = Path(__file__).parent.parent / "vectors"
CASES = json.loads((VECTORS / "identifiers.json").read_text(encoding="utf-8"))["cases"]
PARSERS: dict[str, Callable[[Any], object]] = {
    "gbt34014": parse_gbt34014,
    "gbt45565": parse_gbt45565,
    "gs1": parse_gs1,
    "label": parse_label,
    "uscc": parse_uscc,
    "lei": parse_lei,
    "subject": parse_subject,
    "operator": parse_operator_uri,
}
CELL = "001CB240000003B3C0221953"
SECOND_LIFE = "4A6PBPMG630000001RP"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['parser']}-{case['name']}")
def test_vector(case: dict[str, Any]) -> None:
    parse = PARSERS[case["parser"]]
    if case["error"] == "ok":
        parsed = parse(case["input"])
        if "dates" in case:
            assert list(parsed.dates) == case["dates"]  # type: ignore[attr-defined]
        if "uri" in case:
            assert parsed.uri == case["uri"]  # type: ignore[attr-defined]
        return
    with pytest.raises(CellbookError) as caught:
        parse(case["input"])
    assert caught.value.code == case["error"]
    assert caught.value.facts.get("canonical") == case.get("canonical")
    if "canonical" in case:
        assert case["canonical"] in caught.value.describe()


def test_the_manifest_counts_the_vectors() -> None:
    manifest = json.loads((VECTORS / "manifest.json").read_text(encoding="utf-8"))
    rows = [row for row in manifest["files"] if row["file"] == "identifiers.json"]
    assert [row["cases"] for row in rows] == [len(CASES)]
    assert len({(case["parser"], case["name"]) for case in CASES}) == len(CASES)


def test_the_parts_of_a_code() -> None:
    parsed = parse_gbt34014(code=CELL)
    assert (parsed.maker, parsed.level, parsed.chemistry) == ("001", "C", "B")
    assert (parsed.specification, parsed.trace, parsed.serial) == ("24", "0000003", "0221953")
    assert (parsed.second_life, parsed.second_life_level) == (False, None)
    assert parsed.date_certain
    assert parsed.warnings == ()


def test_the_parts_of_a_second_life_code() -> None:
    parsed = parse_gbt34014(SECOND_LIFE)
    assert (parsed.maker, parsed.level, parsed.chemistry) == ("4A6", "P", "B")
    assert (parsed.specification, parsed.trace, parsed.serial) == ("PM", None, "0000001")
    assert (parsed.second_life, parsed.second_life_level) == (True, "P")
    assert parsed.dates == ("2026-06-03",)
    assert any("original code" in sentence for sentence in parsed.not_established)


def test_a_code_never_claims_to_be_genuine() -> None:
    parsed = parse_gbt34014(CELL)
    assert any("2021-03-12" in sentence for sentence in parsed.established)
    assert any("no check digit" in sentence for sentence in parsed.not_established)
    assert any("registered" in sentence for sentence in parsed.not_established)
    assert any(
        "registered" in sentence for sentence in parse_uscc("91350100M000100Y43").not_established
    )


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        ("4A6PCPM27KLPCLE742946319", "chemistry letter C"),
        ("001CB240000003B3J0221953", "2021-03-18 or 2021-03-19"),
        ("001CB240000003B3Y0221953", "2021-03-30 by"),
        ("001CB240000003B3C02219A3", "letters"),
        ("4A6PBPMG630000001RM", "M at position 19"),
    ],
)
def test_warnings(code: str, warning: str) -> None:
    warnings = parse_gbt34014(code).warnings
    assert len(warnings) == 1
    assert warning in warnings[0]


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("001cB240000003B3C0221953", "character 4 ('c') is a small letter; write C"),
        ("０01CB240000003B3C0221953", "character 1 ('０') is a full-width form; write '0'"),
        ("001CB240000003B3C022195 ", "character 24 (' ') is a space"),
        ("001CB240000003B3Z0221953", "character 17 is 'Z', which is no day of 2021-03"),
        ("001CB240000003Q3C0221953", "character 15 is 'Q', which is no year"),
        ("4A6PBPMG690000001XP", "character 18 is 'X'"),
    ],
)
def test_the_refusal_names_the_position(code: str, detail: str) -> None:
    with pytest.raises(CellbookError) as caught:
        parse_gbt34014(code)
    assert caught.value.detail == detail
    assert caught.value.remedy


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("value", [None, 24, CELL.encode(), [CELL], list(CELL), "A" * 100_000])
def test_what_is_not_a_short_text(parser: str, value: object) -> None:
    with pytest.raises(CellbookError):
        PARSERS[parser](value)


@pytest.mark.parametrize("position", range(18))
def test_the_check_character_finds_every_wrong_character(position: int) -> None:
    code = "91350100M000100Y43"
    for character in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        if character != code[position]:
            with pytest.raises(CellbookError):
                parse_uscc(code[:position] + character + code[position + 1 :])


def test_battery_uris_are_subjects() -> None:
    subject = parse_subject(battery_uri(CELL))
    assert (subject.scheme, subject.code, subject.level) == ("gbt34014", CELL, "cell")
    assert parse_subject(battery_uri(SECOND_LIFE)).level == "pack"
    with pytest.raises(CellbookError):
        battery_uri(CELL.lower())


def test_model_uris() -> None:
    assert model_uri("LF280K-48", "3.1") == "urn:cellbook:model:LF280K-48:3.1"
    assert is_model_uri("urn:cellbook:model:LF280K-48:3.1")
    for wrong in ("urn:cellbook:model:", "urn:cellbook:model:a", "urn:cellbook:model:a:", "a:b"):
        assert not is_model_uri(wrong)
    assert not is_model_uri("urn:cellbook:model:a:b:c")
    assert not is_model_uri("urn:cellbook:model:a b:1")
    for part in ("", "a b", "a:b", "x" * 65, "é", "a\n"):
        with pytest.raises(CellbookError) as caught:
            model_uri(part, "1")
        assert caught.value.code == "malformed.model"


_NEAR_CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789PMCBR", min_size=19, max_size=24)
_TEXTS = st.text(max_size=80) | _NEAR_CODES


def code_of_refusal(parse: Callable[[Any], object], text: str) -> str:
    try:
        parse(text)
    except CellbookError as error:
        return error.code
    return "malformed."  # not refused, which is as good here


@given(_TEXTS)
def test_no_text_crashes_a_parser(text: str) -> None:
    for prefix in ("", "urn:cellbook:gbt34014:", "urn:uscc:", "https://", "did:"):
        for parse in PARSERS.values():
            code = code_of_refusal(parse, prefix + text)
            assert code.startswith(("malformed.", "rejected.", "unsupported."))


@given(
    st.sampled_from(["urn:cellbook:gbt34014:" + CELL, "urn:cellbook:gbt34014:" + SECOND_LIFE]),
    st.data(),
)
def test_a_subject_has_one_spelling(uri: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(uri) - 1))
    character = uri[position]
    other = data.draw(
        st.sampled_from(
            [f"%{ord(character):02x}", character.swapcase(), character + " ", character + "\u200b"]
        )
    )
    changed = uri[:position] + other + uri[position + 1 :]
    if changed != uri:
        with pytest.raises(CellbookError):
            parse_subject(changed)
