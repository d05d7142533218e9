"""Present, absent, withheld; and the table of who may see which field."""

from __future__ import annotations

from msgspec.structs import replace

from ledger.custody.events import EVENTS, kind_of
from ledger.custody.fields import (
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


STATE_READS = {
    "manufacture": ("ids", "level", "children", "responsible_operator"),
    "decommission": ("install_ref",),
    "install": ("assessment_ref",),
    "assessment": ("units",),
    "repurpose": ("operation", "inputs", "outputs", "responsible_operator"),
    "recycle": ("stage", "units"),
    "release": ("moves", "giver", "receiver", "units"),
    "accept": ("release_ref", "units"),
    "refuse": ("release_ref", "units"),
    "intake": ("units",),
    "waste": ("action", "jurisdiction", "responsible_operator"),
    "incident": ("kind", "units"),
    "relabel": ("new_ids",),
    "correction": ("entry_ref", "kind"),
    "dispute": ("entry_ref",),
    "resolution": ("entry_ref",),
}


def test_what_state_and_subjects_read_is_public() -> None:
    rules = field_rules()
    for kind, names in STATE_READS.items():
        for name in (*names, "occurred_at"):
            assert rules[kind, name].shown == "P", (kind, name)


def test_kinds_of_readings_do_not_get_mixed_up() -> None:
    assert kind_of(READING) == "reading"
