"""Whatever a table holds: each row is a draft or refused with codes, and refused rows come back."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.importing.drafting import Drafted, Drafting
from cli.importing.mapping import load_mapping
from cli.importing.returned import refused_table
from cli.importing.run import Refused
from cli.importing.sheet import open_sheet, rows
from keys.errors import CellbookError
from tests.cli.plant import COLUMNS, MAPPING, ROW

SPOILED = [
    "1.2E+20",
    "#REF!",
    '"',
    '""',
    "１２３",
    "2026/13/45 99:99",
    "\ud800",
    "\x00",
    "-0",
    "，",
]
CELL = st.one_of(st.text(max_size=12), st.sampled_from(SPOILED), st.integers().map(str))
VALUES = st.dictionaries(st.sampled_from(COLUMNS), CELL, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
GOOD = {"serial": "000001", "code": "4A6PBPM27KLPCLE740000001", **ROW}


def take(name: str, data: bytes) -> int:
    """How many rows are drafts or come back; only declared errors leave."""
    try:
        sheet, lines = open_sheet(name, data)
    except CellbookError:
        return 0
    drafting = Drafting(load_mapping(MAPPING.encode(), "m"), "https://a.example", "m", _no_entry)
    refused = []
    count = 0
    for row in rows(sheet, lines):
        count += 1
        made = drafting.draft(row)
        if not isinstance(made, Drafted):
            assert made, "refused without a reason"
            refused.append(Refused(sheet, row.line, tuple(row.original), tuple(made)))
    assert refused_table(sheet, refused) is not None
    return count


def _no_entry(source_ref: str) -> bytes | None:
    return None


@settings(deadline=None)
@given(
    values=st.lists(VALUES, min_size=1, max_size=4), encoding=st.sampled_from(["utf-8", "gb18030"])
)
def test_cells(values: list[dict[str, str]], encoding: str) -> None:
    lines = [",".join(COLUMNS)]
    lines += [",".join({**GOOD, **changes}[name] for name in COLUMNS) for changes in values]
    take("table.csv", "\n".join(lines).encode(encoding, "replace"))


@settings(deadline=None)
@given(tail=st.binary(max_size=200))
def test_bytes(tail: bytes) -> None:
    take("table.csv", ",".join(COLUMNS).encode() + b"\n" + tail)
    take("table.jsonl", b"{}\n" + tail)


@settings(deadline=None)
@given(values=st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=5))
def test_json(values: dict[str, object]) -> None:
    assert take("table.jsonl", json.dumps({**GOOD, **values}).encode()) == 1
