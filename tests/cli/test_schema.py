"""``cellbook schema``: the schema of a kind, an empty table, and a mapping that reads it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from cli.event import KINDS
from cli.event_fields import fields_of
from cli.importing.mapping import check_columns, load_mapping
from cli.importing.template import columns_of, csv_template, mapping_template
from tests.cli.running import refused, run, run_json


def test_the_schema_is_json() -> None:
    schema = json.loads(run("schema", "install").stdout)
    assert schema["title"] == "install, version 1"
    assert run_json("schema", "install")["schema"] == schema


@pytest.mark.parametrize("kind", dict.fromkeys(KINDS))
def test_a_template_has_every_required_field_and_a_mapping_for_it(kind: str) -> None:
    header = csv_template(kind).strip().split(",")
    mapping = load_mapping(mapping_template(kind).encode(), "template")
    check_columns(mapping, header, "template")
    assert set(header) == set(mapping.columns())
    assert ("battery" in header) is (kind != "model")
    covered = {name.partition(".")[0] for name in mapping.fields}
    filled = {"type", "time_precision", "ids"}
    required = {field.wire for field in fields_of(kind) if field.need == "R"} - filled
    assert required <= covered


def test_units_of_a_template_are_those_of_the_names() -> None:
    """A number from a table in the field's own unit is not taken for one in another."""
    stated = tomllib.loads(mapping_template("assessment"))["fields"]
    assert stated["soh_permille"]["unit"] == "‰"
    assert stated["measured_capacity_mah"]["unit"] == "mAh"
    # Nobody writes tenths of a degree: such cells carry their unit.
    assert stated["ambient_temp_dc"] == "ambient_temp_dc"


def test_the_parts_of_a_list() -> None:
    columns = {column.name: column.need for column in columns_of("repurpose")}
    assert columns["outputs.1.level"] == "R"
    assert columns["remainder.1.mass_g"] in ("C", "O")


def test_both_files_are_written_once(tmp_path: Path) -> None:
    args = ("schema", "install", "--template", "csv", "--out", tmp_path / "new")
    facts = run_json(*args)
    assert [Path(name).name for name in facts["files"]] == ["install.csv", "install.toml"]
    assert (tmp_path / "new" / "install.csv").read_text("utf-8-sig") == csv_template("install")
    refused("usage.file.write", *args, code=2)
    (tmp_path / "file").write_text("")
    refused("usage.file.write", *args[:-1], tmp_path / "file", code=2)


def test_templates_on_stdout() -> None:
    printed = run("schema", "install", "--template", "csv").stdout
    assert printed.startswith("source_ref,battery,")
    assert run("schema", "install", "--template", "mapping").stdout == mapping_template("install")
    assert run_json("schema", "install", "--template", "csv")["csv"] == csv_template("install")


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    refused("usage.command-line", "schema", "making", code=2)
    refused("usage.command-line", "schema", "install", "--out", tmp_path, code=2)
