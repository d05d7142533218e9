"""Tables as files: encodings, ends of lines, quotes; rows that cannot be read, and come back."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.importing.encodings import Encoding, recognise
from cli.importing.returned import refused_table
from cli.importing.run import Refused
from cli.importing.sheet import Row, Sheet, open_sheet, rows
from keys.errors import CellbookError
from tests.cli.plant import MAPPING, Plant
from tests.cli.running import refused, run, run_json
from tests.log.building import World

CHINESE = "编码,车间\n1,一号\n2,二号\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), operators=("owner",)) as made:
        yield made


@pytest.fixture
def plant(tmp_path: Path, world: World) -> Plant:
    return Plant(tmp_path, world)


def read(data: bytes, name: str = "table.csv") -> tuple[Sheet, list[Row]]:
    sheet, lines = open_sheet(name, data)
    return sheet, list(rows(sheet, lines))


def cells(data: bytes) -> list[dict[str, object]]:
    _, found = read(data)
    assert [row.fault for row in found] == [None] * len(found)
    return [dict(row.cells) for row in found]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (CHINESE.encode(), Encoding("utf-8")),
        (CHINESE.encode("utf-8-sig"), Encoding("utf-8", mark=True)),
        (CHINESE.encode("gb18030"), Encoding("gb18030")),
        (CHINESE.encode("gb2312"), Encoding("gb18030")),
        (b"a,b\n1,2\n", Encoding("utf-8")),
    ],
)
def test_encodings_are_recognised(data: bytes, encoding: Encoding) -> None:
    sheet, found = read(data)
    assert sheet.encoding == encoding
    assert len(found) == 2 or encoding.name == "utf-8"
    assert found[0].line == 2


@pytest.mark.parametrize(
    "data", [CHINESE.encode("utf-16"), b"\xff\xff\n\xff\xff,\xff\n", b"PK\x03\x04\x14"]
)
def test_other_encodings_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CellbookError) as caught:
        open_sheet("table.csv", data)
    assert caught.value.code == "usage.import.encoding"


def test_a_stated_encoding_decides() -> None:
    encoding, _ = recognise("a,b\né,1\n".encode("gb18030", "replace"), "a.csv", "gb18030")
    assert encoding == Encoding("gb18030")
    with pytest.raises(CellbookError, match=r"'latin-1' is not utf-8 or gb18030"):
        recognise(b"a", "a.csv", "latin-1")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_broken_byte_spoils_its_own_line_only(encoding: str) -> None:
    lines = ["编码,车间", *(f"{n},车间一号" for n in range(50))]
    data = b"\n".join(
        line.encode(encoding)[:-1] + b"\xff" if n == 20 else line.encode(encoding)
        for n, line in enumerate(lines)
    )
    sheet, found = read(data)
    assert sheet.encoding.name == encoding
    faults = [row for row in found if row.fault is not None]
    assert [(row.line, row.fault.code) for row in faults if row.fault] == [
        (21, "malformed.row.encoding")
    ]
    # It goes back byte for byte.
    again = refused_table(sheet, [Refused(sheet, 21, tuple(faults[0].original), ())])
    assert b"\xff\r\n" in again


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(end: str) -> None:
    data = end.join(["a,b", "1,2", "", "3,4"]).encode()
    assert cells(data) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_quotes_commas_and_lines_in_cells() -> None:
    data = b'a,b\n"1,5","say ""no"""\n"two\nlines",4\n5,48" rack\n'
    assert cells(data) == [
        {"a": "1,5", "b": 'say "no"'},
        {"a": "two\nlines", "b": "4"},
        {"a": "5", "b": '48" rack'},
    ]


def test_an_open_quote_does_not_swallow_the_rest() -> None:
    data = b'a,b\n1,"2\n' + b"3,4\n" * 200
    _, found = read(data)
    assert [row.fault.code for row in found if row.fault] == ["malformed.row.quotes"]
    assert sum(row.fault is None for row in found) == 200


def test_rows_of_other_lengths() -> None:
    _, found = read(b"a,b\n1\n1,2,3\n1,2,,\n,,,,\n")
    assert [(row.line, row.fault and row.fault.code) for row in found] == [
        (2, "malformed.row.cells"),
        (3, "malformed.row.cells"),
        (4, None),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "usage.import.empty"),
        (b"\n \n", "usage.import.empty"),
        (b"a,b\n", "usage.import.empty"),
        (b"a,a\n1,2\n", "usage.import.header"),
        (b"a,,b\n1,2,3\n", "usage.import.header"),
        (b'a,"b\n1,2\n', "usage.import.header"),
    ],
)
def test_what_is_no_table(data: bytes, code: str) -> None:
    with pytest.raises(CellbookError) as caught:
        open_sheet("table.csv", data)
    assert caught.value.code == code


def test_json_lines() -> None:
    lines = [
        '{"a": 1, "b": 82.10, "c": true, "d": null, "e": [1], "f": {"g": 2}}',
        "[1]",
        "{",
        "",
        '{"a": "x"}',
    ]
    sheet, found = read("\n".join(lines).encode(), "table.json")
    assert (sheet.form, sheet.columns) == ("jsonl", ())
    expected = {"a": "1", "b": "82.10", "c": "true", "d": "", "e": [1], "f": {"g": 2}}
    assert found[0].cells == expected
    assert [(row.line, row.fault and row.fault.code) for row in found] == [
        (1, None),
        (2, "malformed.row.json"),
        (3, "malformed.row.json"),
        (5, None),
    ]


def test_refused_rows_keep_encoding_columns_and_cells(plant: Plant) -> None:
    rows = plant.rows(2, batch="1.2E+20")
    rows[1]["备注"] = "三号线"
    table = plant.table("plant.csv", rows, encoding="gb18030")
    facts = run_json("import", table, *plant.signing, code=1)
    (file,) = facts["refused_files"]
    found = list(csv.DictReader(io.StringIO(Path(file).read_bytes().decode("gb18030"))))
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    assert {row["refused_code"] for row in found} == {"malformed.cell.exponent"}
    assert [row["refused_line"] for row in found] == ["2", "3"]
    assert all("column 'batch'" in row["refused_because"] for row in found)
    # Refused once more, its first four columns are written anew, not doubled.
    facts = run_json("import", file, *plant.signing, code=1)
    again = Path(facts["refused_files"][0])
    assert again.name == "refused.csv"
    assert again.read_bytes().decode("gb18030").count("refused_code") == 1


def test_a_table_under_correction_is_not_overwritten(plant: Plant) -> None:
    rows = plant.rows(1, batch="1.2E+20")
    run("import", plant.table("plant.csv", rows), *plant.signing, code=1)
    first = plant.outbox / "refused.csv"
    run("import", plant.table("plant.csv", rows), *plant.signing, code=1)
    assert not (plant.outbox / "refused-2.csv").exists()
    first.write_text(first.read_text().replace("1.2E+20", "B-8"))
    run("import", plant.table("plant.csv", rows), *plant.signing, code=1)
    assert "B-8" in first.read_text()
    assert (plant.outbox / "refused-2.csv").exists()
    assert run_json("import", first, *plant.signing)["signed"] == 1


def test_a_line_that_cannot_be_read_comes_back_as_it_is(plant: Plant) -> None:
    table = plant.table("plant.csv", plant.rows(1))
    table.write_text(table.read_text() + 'W1,7,"open\n')
    facts = run_json("import", table, *plant.signing, code=1)
    lines = Path(facts["refused_files"][0]).read_bytes().split(b"\r\n")
    assert lines[1].endswith(b',W1,7,"open')
    assert (facts["signed"], facts["refused"]) == (1, 1)


def test_refused_json_lines_come_back_as_json_lines(plant: Plant) -> None:
    rows = [dict(row) for row in plant.rows(2, batch="1.2E+20")]
    table = plant.folder / "plant.jsonl"
    table.write_text("\n".join([*map(json.dumps, rows), "{"]))
    facts = run_json("import", table, *plant.signing, code=1)
    (file,) = facts["refused_files"]
    found = [json.loads(line) for line in Path(file).read_text().splitlines()]
    assert [row["refused"]["line"] for row in found] == [1, 2, 3]
    assert [{name: row[name] for name in rows[0]} for row in found[:2]] == rows
    assert found[2]["original"] == "{"
    text = Path(file).read_text().replace("1.2E+20", "B-9").splitlines()[:2]
    Path(file).write_text("\n".join(text))
    assert run_json("import", file, *plant.signing)["signed"] == 2


def test_a_column_that_is_not_there(plant: Plant) -> None:
    table = plant.table("plant.csv", plant.rows(1))
    table.write_text(table.read_text().replace("capacity", "kapazität", 1))
    printed = refused("usage.import.column", *plant.dry_run(table), code=2)
    assert "no 'capacity'" in printed
    assert "'kapazität'" in printed


def test_a_semicolon_is_stated(plant: Plant) -> None:
    table = plant.table("plant.csv", plant.rows(2))
    table.write_bytes(codecs.BOM_UTF8 + table.read_bytes().replace(b",", b";"))
    plant.mapping.write_text('delimiter = ";"\n' + MAPPING)
    assert run_json(*plant.dry_run(table))["signed"] == 2
