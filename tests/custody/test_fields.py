"""Present, absent, withheld; and the table of who may see which field."""

from __future__ import annotations

import ast
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, get_type_hints

import pytest
from msgspec.structs import replace

from ledger.custody.events import EVENTS, Identifier, kind_of
from ledger.custody.events.afterlife import Remainder, RepurposeInput, RepurposeOutput
from ledger.custody.events.base import unfolded
from ledger.custody.events.scalars import Shown
from ledger.custody.rules import RULES, Rule
from ledger.custody.values.fields import (
    ABSENT,
    WITHHELD,
    EventView,
    FieldRule,
    Present,
    field_rules,
    read,
)
from tests.custody.samples import ASSESSMENT, DECOMMISSION, INSTALL, READING, RELEASE, REPURPOSE


def test_a_field_is_present_absent_or_withheld() -> None:
    assert read(INSTALL, "host_kind") == Present("vehicle")
    assert read(replace(INSTALL, host_id=None), "host_id") == ABSENT
    assert read(INSTALL, "no_such_field") == ABSENT
    shown = EventView(INSTALL, frozenset({"host_id", "application"}))
    assert read(shown, "host_id") == WITHHELD
    assert read(shown, "host_kind") == Present("vehicle")
    assert read(EventView(INSTALL), "host_id") == read(INSTALL, "host_id")


def test_the_three_are_never_equal() -> None:
    assert Present(None) != ABSENT
    assert ABSENT != WITHHELD
    assert Present(0) != Present(None)


def test_zero_and_false_are_present() -> None:
    assert read(replace(DECOMMISSION, overcharge_count=0), "overcharge_count") == Present(0)
    assert read(replace(INSTALL, first_installation=False), "first_installation") == Present(False)


def test_an_empty_list_is_present_where_it_must_be_stated() -> None:
    assert read(ASSESSMENT, "negative_events") == Present(())
    assert read(replace(RELEASE, units=()), "units") == ABSENT


def test_methods_and_properties_are_no_fields() -> None:
    assert read(RELEASE, "__post_init__") == ABSENT
    assert read(RELEASE, "__class__") == ABSENT


def test_parts_are_read_in_the_same_way() -> None:
    assert read(REPURPOSE.inputs[0], "assessment_ref") == Present(bytes(range(32)))


def test_the_table_has_every_field_of_every_kind() -> None:
    rules = field_rules()
    for (kind, _), struct in EVENTS.items():
        assert {name for of, name in rules if of == kind} == set(struct.__struct_fields__)


def test_rows_of_the_table() -> None:
    rules = field_rules()
    assert rules["install", "host_id"] == FieldRule("C", "T", "host_id", None)
    assert rules["install", "host_odometer_km"] == FieldRule("O", "I", "host_odometer_km", "km")
    assert rules["assessment", "soh_permille"] == FieldRule("R", "I", "soh_permille", "permille")
    assert rules["decommission", "soh_permille"].need == "C"
    assert rules["decommission", "install_ref"].shown == "P"
    assert rules["manufacture", "country"].shown == "P"
    assert rules["install", "country"].shown == "I"
    assert rules["release", "giver"] == FieldRule("R", "P", "from", None)
    assert rules["recycle", "recovery"].shown == "A"
    assert rules["reading", "version"].need == "R"


CUSTODY = Path(__file__).parents[2] / "ledger" / "custody"
DECIDING = (
    *("fold.py", "beginnings.py", "subjects.py", "decision.py", "rules/*.py"),
    *("guests.py", "mandates.py", "speaking.py", "documents.py"),
)
INSIDE = (Identifier, RepurposeInput, RepurposeOutput, Remainder)
"""Parts of events into which decisions look."""
OF_ANOTHER_KIND = {
    *(("install", "operation"), ("recycle", "outputs"), ("waste", "scheme")),
    *((kind, "reason") for kind in ("decommission", "intake", "refuse", "repair", "withdrawal")),
    *(("relabel", "label_photo_sha256"), ("remainder", "destination")),
}
"""Fields that bear the name of one that is read of another kind of event or part."""
GATED = {
    *("regulatory_report", "scope", "limits", "seller", "soce_permille", "across_border"),
    *("ended", "mass_g", "tested_to"),
}
"""Fields that may be withheld: gate rules alone read them, and say what that gives."""
LAST_VALUES = {"soh_permille", "soh_basis", "full_cycles", "bms_action"}
"""Fields that may be withheld: states keep them for remarks alone."""


def read_by_decisions() -> set[str]:
    """Every name that deciding code takes from anything: ``event.x``, ``read(event, "x")``."""
    names: set[str] = set()
    for pattern in DECIDING:
        for file in CUSTODY.glob(pattern):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    names.add(node.attr)
                elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "read":
                    names.add(str(getattr(node.args[1], "value", "")))
    return names


def test_what_decisions_read_is_public() -> None:
    names = read_by_decisions()
    assert {"verdict", "valid_until", "moves", "install_ref", "onboarding", "remainder"} <= names
    for (kind, name), rule in field_rules().items():
        if name in names - GATED - LAST_VALUES and (kind, name) not in OF_ANOTHER_KIND:
            assert rule.shown == "P", (kind, name)
    for part in INSIDE:
        hints = get_type_hints(part, include_extras=True)
        for name in names.intersection(part.__struct_fields__):
            if (part.__name__.lower(), name) in OF_ANOTHER_KIND:
                continue
            assert Shown("P") in unfolded(hints[name])[1], (part, name)


NO_FIELDS = {("INC-2", "recovery"), ("ORD-7", "ended")}
"""Words that are a value in the code of a rule, and elsewhere the name of a field."""


def texts_in(check: Any, seen: set[str]) -> set[str]:
    """The texts in the code of a function, and of those of its module that it calls."""
    code = check.__code__
    seen.add(code.co_name)
    found = {text for text in code.co_consts if isinstance(text, str)}
    for inner in (item for item in code.co_consts if isinstance(item, CodeType)):
        found |= {text for text in inner.co_consts if isinstance(text, str)}
    for name in code.co_names:
        called = check.__globals__.get(name)
        if isinstance(called, FunctionType) and called.__module__ == check.__module__:
            found |= texts_in(called, seen) if name not in seen else set()
        elif isinstance(called, tuple):
            found |= {text for text in called if isinstance(text, str)}
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.id}-{rule.kind}-{rule.profile}")
def test_who_reads_what_may_be_withheld_says_what_that_gives(rule: Rule) -> None:
    texts = {text for text in texts_in(rule.check, set()) if (rule.id, text) not in NO_FIELDS}
    table = field_rules()
    read = {(kind, text) for kind in rule.kinds for text in texts if (kind, text) in table}
    withheld = {field for field in read - OF_ANOTHER_KIND if table[field].shown != "P"}
    assert not withheld or rule.gate is not None, withheld


def test_kinds_of_readings_do_not_get_mixed_up() -> None:
    assert kind_of(READING) == "reading"
