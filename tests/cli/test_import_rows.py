"""Cells as plants and spreadsheets write them: made plain, named where they are spoiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.importing.drafting import Drafted, Drafting
from cli.importing.mapping import load_mapping
from cli.importing.sheet import open_sheet, rows
from keys.errors import CellbookError
from ledger.custody.events import Event, parse_event
from tests.cli.plant import COLUMNS, MAPPING, ROW

ISSUER = "https://owner.example"
CODE = "4A6PBPM27KLPCLE740000001"
BEFORE = "[constants]"


def drafted(
    cells: dict[str, str], mapping: str = MAPPING, columns: tuple[str, ...] = COLUMNS
) -> tuple[Any, Drafting]:
    """What becomes of one row with ``cells``; the others are as a plant has them."""
    values = {"serial": "000001", "code": CODE, **ROW, **cells}
    columns = (*columns, *(name for name in cells if name not in columns))
    text = "\n".join((",".join(columns), ",".join(f'"{values[name]}"' for name in columns)))
    sheet, lines = open_sheet("table.csv", text.encode())
    drafting = Drafting(load_mapping(mapping.encode(), "m"), ISSUER, "m", lambda ref: None)
    (row,) = rows(sheet, lines)
    return drafting.draft(row), drafting


def event(cells: dict[str, str], mapping: str = MAPPING) -> Any:
    made, _ = drafted(cells, mapping)
    assert isinstance(made, Drafted), [error.describe() for error in made]
    found = parse_event(made.draft.payload)
    assert isinstance(found, Event)
    return found


def errors(cells: dict[str, str], mapping: str = MAPPING) -> list[CellbookError]:
    made, _ = drafted(cells, mapping)
    assert not isinstance(made, Drafted)
    return list(made)


def codes(cells: dict[str, str], mapping: str = MAPPING) -> list[str]:
    return [error.code for error in errors(cells, mapping)]


@pytest.mark.parametrize(
    ("cells", "code", "place"),
    [
        ({"batch": "1.2E+20"}, "malformed.cell.exponent", "column 'batch', batch_id"),
        ({"serial": "1.20000000000000E+17"}, "malformed.cell.exponent", "source_ref"),
        ({"code": "4.5E+23"}, "malformed.cell.exponent", "column 'code', battery"),
        ({"capacity": "2.8E+2"}, "malformed.cell.exponent", "rated_capacity_mah"),
        ({"batch": "17.0"}, "malformed.cell.decimal", "batch_id"),
        ({"serial": "123.00"}, "malformed.cell.decimal", "source_ref"),
        ({"batch": "3-Jan"}, "malformed.cell.date", "batch_id"),
        ({"batch": "Jan-03"}, "malformed.cell.date", "batch_id"),
        ({"batch": "1月3日"}, "malformed.cell.date", "batch_id"),
        ({"batch": "2026/1/3"}, "malformed.cell.date", "batch_id"),
        ({"batch": "1/3/2026"}, "malformed.cell.date", "batch_id"),
        ({"made": "46027"}, "malformed.cell.date", "occurred_at"),
        ({"made": "46027.604166"}, "malformed.cell.date", "occurred_at"),
        ({"batch": "#REF!"}, "malformed.cell.error", "batch_id"),
        ({"batch": "########"}, "malformed.cell.error", "batch_id"),
        ({"mass": "#N/A"}, "malformed.cell.error", "mass_g"),
        ({"code": CODE[:-1]}, "malformed.code.length", "battery"),
        ({"capacity": "280 V"}, "malformed.quantity.unit", "rated_capacity_mah"),
        ({"voltage": "51.2"}, "malformed.quantity.unit", "nominal_voltage_mv"),
        ({"capacity": "1,234"}, "malformed.quantity.separator", "rated_capacity_mah"),
        ({"made": "5.1.2026 14:30"}, "malformed.cell.time", "occurred_at"),
        ({"层级": "箱"}, "usage.event.value", "level"),
        ({"works": ""}, "malformed.row.source-ref", "source_ref"),
        ({"层级": ""}, "usage.event.missing", "manufacture"),
        ({"serial": "9" * 255}, "malformed.row.source-ref", "source_ref"),
    ],
)
def test_a_bad_cell_is_named(cells: dict[str, str], code: str, place: str) -> None:
    found = errors(cells)
    assert {error.code for error in found} == {code}
    assert any(place in error.where for error in found)
    assert all(error.remedy for error in found)


def test_lost_zeros_are_named_where_they_can_be_known() -> None:
    (error,) = errors({"code": "1CB240000003B3C0221953"})
    assert error.code == "malformed.cell.zeros"
    assert "00 more in front" in error.detail
    wide = MAPPING.replace('["works", "serial"]', '["works", { column = "serial", width = 6 }]')
    assert codes({"serial": "1"}, wide) == ["malformed.cell.zeros"]
    assert event({"serial": "000001"}, wide).source_ref == "W1/000001"


def test_codes_that_only_look_spoiled_are_taken() -> None:
    for batch in ("12E5", "B-7", "2026-01-03", "0017", "3-January-batch", "17.05", "E+20"):
        assert event({"batch": batch}).batch_id == batch
    as_is = MAPPING.replace('"batch"', '{ column = "batch", as_is = true }')
    assert event({"batch": "1.2E+20"}, as_is).batch_id == "1.2E+20"


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    found = codes({"code": "X", "capacity": "much", "made": "today", "works": ""})
    assert sorted(found) == [
        "malformed.cell.time",
        "malformed.cell.time",
        "malformed.code.length",
        "malformed.quantity.unit",
        "malformed.row.source-ref",
    ]


def test_full_width_characters_in_codes_and_numbers() -> None:
    cells = {
        "code": "４Ａ６ＰＢＰＭ２７ＫＬＰＣＬＥ７４００００００１　",
        "capacity": "２８０",
        "made": "２０２６／１／５　１４：３０",
        "batch": "Ｂ－７",
        "serial": "００００１",
    }
    made, drafting = drafted(cells)
    assert isinstance(made, Drafted), [error.describe() for error in made]
    found: Any = parse_event(made.draft.payload)
    assert made.draft.sub.endswith(CODE)
    assert (found.rated_capacity_mah, found.batch_id) == (280_000, "B-7")
    assert (found.occurred_at, found.source_ref) == ("2026-01-05T14:30:00+08:00", "W1/00001")
    assert drafting.normalised == 5


def test_sentences_keep_their_punctuation() -> None:
    assert event({"batch": "一号线（试产），Ａ班"}).batch_id == "一号线（试产），Ａ班"


def test_quantities_with_and_without_units() -> None:
    assert event({"capacity": "280.5"}).rated_capacity_mah == 280_500
    assert event({"capacity": "280500 mAh"}).rated_capacity_mah == 280_500
    assert event({"mass": "0.1 t"}).mass_g == 100_000


def test_an_empty_cell_is_not_stated() -> None:
    assert event({"mass": " "}).mass_g is None


def test_constants_and_parts() -> None:
    mapping = MAPPING + '"bms.model" = "bms"\n"bms.fw" = "fw"\n'
    found = event({"bms": "BMS-9", "fw": "1.2.3"}, mapping)
    assert (found.bms.model, found.bms.fw) == ("BMS-9", "1.2.3")
    assert codes({"bms": "", "fw": "1.2.3"}, mapping) == ["malformed.payload.field"]
    both = mapping.replace(BEFORE, BEFORE + '\nbms = { model = "B-1" }')
    found = event({"bms": "", "fw": "2"}, both)
    assert (found.bms.model, found.bms.fw) == ("B-1", "2")
    # What one row adds to a constant is not in the next one.
    assert event({"bms": "", "fw": ""}, both).bms.fw is None


def test_lists_of_codes_and_of_parts() -> None:
    children = [f"4A6MBPM27KLPCLE74000000{n}" for n in (1, 2)]
    mapping = MAPPING + 'children = { column = "modules", split = ";" }\n'
    mapping += '"epr_numbers.1.country" = "c1"\n"epr_numbers.1.number" = "n1"\n'
    found = event({"modules": "; ".join(children), "c1": "DE", "n1": "DE-1"}, mapping)
    assert found.children == tuple(f"urn:cellbook:gbt34014:{code}" for code in children)
    assert (found.epr_numbers[0].country, found.epr_numbers[0].number) == ("DE", "DE-1")
    as_json = MAPPING + 'epr_numbers = { column = "epr", json = true }\n'
    cell = '[{""country"": ""DE"", ""number"": ""DE-1""}]'
    assert event({"epr": cell}, as_json).epr_numbers[0].number == "DE-1"
    assert codes({"epr": "[{"}, as_json) == ["usage.event.json"]


def test_rows_of_other_issuers_are_not_signed() -> None:
    mapping = MAPPING.replace("battery =", 'issuer = { column = "owner" }\nbattery =')
    event({"owner": ISSUER}, mapping)
    assert codes({"owner": "https://else.example"}, mapping) == ["rejected.row.issuer"]


def test_the_kind_may_be_a_column() -> None:
    mapping = MAPPING.replace('kind = "manufacture"', 'kind = { column = "what" }')
    assert event({"what": "manufacture"}, mapping).batch_id == "B-7"
    assert codes({"what": "making"}, mapping) == ["malformed.row.kind"]
    # An installation has no mass: what is stated and cannot be signed is not dropped.
    found = errors({"what": "install"}, mapping)
    assert {error.code for error in found} == {"usage.event.value"}
    assert any("a install has no such field" in error.detail for error in found)


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ('kind = "manufacture"', 'kind = "making"', "is none of"),
        ('source_ref = ["works", "serial"]', "", "source_ref"),
        ("batch_id =", "batch =", "'batch' is no field"),
        ('unit = "Ah"', 'unit = "V"', "its units are mAh, Ah"),
        ('unit = "kg"', 'date = "%Y"', "it is no date"),
        ("batch_id =", "bms =", "it has several fields"),
        ("batch_id =", "children =", "it is a list"),
        ('batch_id = "batch"', 'batch_id = { column = "b", by_source_ref = true }', "reference"),
        ('batch_id = "batch"', 'batch_id = { colum = "b" }', "colum"),
        ('kind = "manufacture"', 'kind = "install"\nbattery2 = ""', "battery2"),
        ('battery = "code"', "format = 2", "format 2"),
        ('battery = "code"', 'delimiter = ";;"', "not one character"),
        ('kind = "manufacture"', "kind = manufacture", "line 2"),
    ],
)
def test_a_wrong_mapping_is_refused_before_any_row(old: str, new: str, detail: str) -> None:
    assert old in MAPPING
    with pytest.raises(CellbookError) as caught:
        load_mapping(MAPPING.replace(old, new, 1).encode(), "plant.toml")
    assert caught.value.code == "usage.import.mapping"
    assert detail in caught.value.describe()


def test_a_mapping_needs_the_battery_of_most_kinds() -> None:
    mapping = 'kind = "install"\nsource_ref = "id"\n'
    with pytest.raises(CellbookError, match="no column for the battery"):
        load_mapping(mapping.encode(), "m")
    load_mapping(mapping.replace("install", "model").encode(), "m")


def test_times_need_an_offset_from_somewhere() -> None:
    nowhere = MAPPING.replace('zone = "+08:00"\n', "")
    assert codes({}, nowhere) == ["malformed.cell.zone"]
    stated = nowhere.replace('%Y/%m/%d %H:%M" }\nmade_on', '%Y/%m/%d %H:%M %z" }\nmade_on')
    stated = stated.replace('made_on = { column = "made", date = "%Y/%m/%d %H:%M" }\n', "")
    stated = stated + 'made_on = "day"\n'
    found = event({"made": "2026/1/5 14:30 +0100", "day": "2026-01-05"}, stated)
    assert (found.occurred_at, found.time_precision) == ("2026-01-05T14:30:00+01:00", "minute")


@pytest.mark.parametrize(
    ("cell", "moment", "precision"),
    [
        ("2026-01-05T14:30:00+01:00", "2026-01-05T14:30:00+01:00", "second"),
        ("2026-01-05 14:30:59", "2026-01-05T14:30:59+08:00", "second"),
        ("2026-01-05 14:30", "2026-01-05T14:30:00+08:00", "minute"),
        ("2026-01-05", "2026-01-05T00:00:00+08:00", "day"),
    ],
)
def test_times_as_iso_8601_writes_them(cell: str, moment: str, precision: str) -> None:
    mapping = MAPPING.replace(
        'occurred_at = { column = "made", date = "%Y/%m/%d %H:%M" }', 'occurred_at = "when"'
    )
    found = event({"when": cell}, mapping)
    assert (found.occurred_at, found.time_precision) == (moment, precision)
    stated = mapping.replace(BEFORE, BEFORE + '\ntime_precision = "hour"')
    assert event({"when": cell}, stated).time_precision == "hour"


def test_a_real_table_of_templates_maps_itself(tmp_path: Path) -> None:
    """What ``schema --template`` writes can be filled in and imported as it is."""
    from tests.cli.running import run, run_json

    run("schema", "manufacture", "--template", "csv", "--out", tmp_path)
    table, mapping = tmp_path / "manufacture.csv", tmp_path / "manufacture.toml"
    names = table.read_text("utf-8-sig").strip().split(",")
    values = {
        "source_ref": "1",
        "battery": CODE,
        "occurred_at": "2026-01-05 14:30",
        "country": "CN",
        "facility_id": "F-1",
        "level": "pack",
        "batch_id": "B-7",
        "model_ref": "urn:cellbook:model:LF280K-48:3",
        "made_on": "2026-01-05",
        "rated_capacity_mah": "280000",
        "mass_g": "102.5 kg",
        "bms.model": "BMS-9",
    }
    assert values.keys() <= set(names)
    with table.open("a", encoding="utf-8") as file:
        file.write(",".join(values.get(name, "") for name in names) + "\n")
    facts = run_json("import", table, "--mapping", mapping, "--issuer", ISSUER, "--dry-run")
    assert (facts["signed"], facts["refused"]) == (1, 0)
    assert facts["encoding"] == "UTF-8 with byte order mark"
