"""``cellbook import``: from a plant's table to registered events, and again after every failure."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.custody.events import Manufacture, parse_event
from ledger.wire.statement import check_signature, parse_statement
from tests.cli.plant import MAPPING, Plant
from tests.cli.running import refused, run, run_json
from tests.log.building import World
from tests.log.writers import now
from tests.service import Service, running_service


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now, operators=("owner",)) as made:
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture
def plant(tmp_path: Path, world: World) -> Plant:
    return Plant(tmp_path, world)


def test_a_table_becomes_signed_events(plant: Plant, world: World) -> None:
    rows = plant.rows(3)
    facts = run_json("import", plant.table("plant.csv", rows), *plant.signing)
    assert (facts["rows"], facts["signed"], facts["refused"]) == (3, 3, 0)
    assert facts["columns_not_used"] == ["备注"]
    for data, row in zip(plant.statements(), rows, strict=True):
        statement = parse_statement(data)
        check_signature(statement, world.operators["owner"].signer.key)
        assert statement.iss == plant.issuer
        assert statement.sub == f"urn:cellbook:gbt34014:{row['code']}"
        event = parse_event(statement.payload)
        assert isinstance(event, Manufacture)
        assert event.source_ref == f"W1/{row['serial']}"
        assert event.occurred_at == "2026-01-05T14:30:00+08:00"
        assert (event.time_precision, event.made_on) == ("minute", "2026-01-05")
        assert (event.level, event.batch_id) == ("pack", "B-7")
        assert (event.rated_capacity_mah, event.nominal_voltage_mv) == (280_000, 51_200)
        assert event.mass_g == 102_500


def test_the_outbox_can_be_looked_at_and_submitted(plant: Plant, service: Service) -> None:
    printed = run("import", plant.table("plant.csv", plant.rows(2)), *plant.signing).stdout
    assert f"next            cellbook submit {plant.outbox} --url URL" in printed
    lines = (plant.outbox / "000001.rows.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines[1:]] == [2, 3]
    about = json.loads((plant.outbox / "outbox.json").read_text())
    assert about["issuer"] == plant.issuer
    assert "urn:cellbook:family:" in run("inspect", plant.outbox / "000001.cbor-seq").stdout
    assert run_json("submit", plant.outbox, "--url", service.url)["registered"] == 2


def test_again_signs_and_registers_nothing(plant: Plant, service: Service) -> None:
    table = plant.table("plant.csv", plant.rows(4))
    args = ("import", table, *plant.signing, "--url", service.url)
    assert run_json(*args)["submitted"]["registered"] == 4
    before = plant.statements()
    facts = run_json(*args)
    assert (facts["signed"], facts["earlier"]) == (0, 4)
    assert facts["submitted"]["skipped"] == 4
    assert plant.statements() == before


def test_signed_again_it_is_recognised_by_its_source_ref(plant: Plant, service: Service) -> None:
    table = plant.table("plant.csv", plant.rows(3))
    args = ("import", table, *plant.signing, "--url", service.url)
    run_json(*args)
    # The next second: otherwise the signatures are the same, too.
    time.sleep(1.1)
    shutil.rmtree(plant.outbox)
    facts = run_json(*args)
    assert facts["signed"] == 3
    assert (facts["submitted"]["registered"], facts["submitted"]["duplicates"]) == (3, 3)
    assert run_json("submit", plant.outbox, "--url", service.url)["skipped"] == 3


def test_a_record_that_says_something_else_now(plant: Plant, service: Service) -> None:
    rows = plant.rows(2)
    args = (*plant.signing, "--url", service.url)
    run_json("import", plant.table("plant.csv", rows), *args)
    rows[0]["batch"] = "other"
    facts = run_json("import", plant.table("plant.csv", rows), *args, code=1)
    (found,) = facts["refused_rows"]
    assert [error["code"] for error in found["errors"]] == ["conflict.import.registered"]
    # Without the outbox only the service knows.
    shutil.rmtree(plant.outbox)
    facts = run_json("import", plant.table("plant.csv", rows), *args, code=1)
    (error,) = facts["submitted"]["refused"]
    assert error["code"] == "conflict.source-ref.changed"
    assert error["location"].startswith("/entries/")


def test_what_the_service_refuses_comes_back_as_rows(plant: Plant, service: Service) -> None:
    rows = plant.rows(3)
    rows[1]["code"] = rows[0]["code"]
    printed = run(
        *("import", plant.table("plant.csv", rows), *plant.signing, "--url", service.url), code=1
    ).stdout
    assert "REFUSED rejected.ID-4 (1)" in printed
    table = plant.outbox / "refused.csv"
    assert f"refused rows    {table}" in printed
    header, row = table.read_text().splitlines()
    assert header.startswith("refused_line,refused_code,refused_because,refused_what_to_do,works,")
    assert row.startswith("3,rejected.ID-4,")
    # Corrected in place, it goes in with the same mapping.
    table.write_text(table.read_text().replace(rows[1]["code"], rows[1]["code"][:-1] + "X"))
    facts = run_json("import", table, *plant.signing, "--url", service.url)
    assert (facts["signed"], facts["replaced"]) == (1, 1)
    assert facts["columns_not_used"] == ["备注"]
    assert (facts["submitted"]["registered"], facts["submitted"]["skipped"]) == (1, 2)
    assert len(set(plant.source_refs())) == len(plant.statements()) == 3


def test_submit_gives_rows_back_too(plant: Plant, service: Service) -> None:
    rows = plant.rows(2, code="4A6PBPM27KLPCLE760000001")
    run("import", plant.table("plant.csv", rows), *plant.signing)
    facts = run_json("submit", plant.outbox, "--url", service.url, code=1)
    assert facts["refused_files"] == [str(plant.outbox / "refused.csv")]
    assert "3,rejected.ID-4," in (plant.outbox / "refused.csv").read_text()


def test_one_bad_line_does_not_stop_the_rest(plant: Plant) -> None:
    rows = plant.rows(2_000)
    rows[1_234]["capacity"] = "1.2E+20"
    facts = run_json("import", plant.table("plant.csv", rows), *plant.signing, code=1)
    assert (facts["signed"], facts["refused"]) == (1_999, 1)
    assert facts["refused_rows"][0]["line"] == 1_236
    assert len(plant.statements()) == 1_999


def test_another_row_of_the_same_record(plant: Plant) -> None:
    rows = plant.rows(2)
    rows += [dict(rows[0]), {**rows[1], "batch": "other"}]
    facts = run_json("import", plant.table("plant.csv", rows), *plant.signing, code=1)
    assert (facts["signed"], facts["repeated"], facts["refused"]) == (2, 1, 1)
    assert facts["refused_rows"][0]["errors"][0]["code"] == "malformed.row.repeated"


def test_rows_refer_to_rows_before(tmp_path: Path, world: World, service: Service) -> None:
    """An installation and its end, in one table with a column for the kind."""
    mapping = """
    kind = { column = "event", values = { "装车" = "install", "拆除" = "decommission" } }
    source_ref = "id"
    battery = "code"
    zone = "+08:00"
    [constants]
    country = "CN"
    host_kind = "vehicle"
    [fields]
    occurred_at = "when"
    installed_on = "installed"
    first_installation = "first"
    application = "use"
    removed_on = "removed"
    reason = "reason"
    install_ref = { column = "ends", by_source_ref = true }
    "bms_access.result" = "bms"
    soc_permille = { column = "soc", unit = "%" }
    visual_damage = "damage"
    transport_condition = "transport"
    """
    plant = Plant(tmp_path, world, mapping)
    pack = world.battery()
    world.live(pack, "manufacture")
    code = pack.rpartition(":")[2]
    table = tmp_path / "life.jsonl"
    lines: list[dict[str, Any]] = [
        {"event": "装车", "id": 1, "when": "2026-09-01 10:00", "installed": "2026-09-01"},
        {"event": "拆除", "id": 2, "when": "2026-09-08 10:00", "removed": "2026-09-08"},
    ]
    lines[0] |= {"first": True, "use": "bus"}
    lines[1] |= {"ends": 1, "reason": "range", "bms": "ok", "soc": 30.5, "damage": "none"}
    lines[1] |= {"transport": "normal"}
    table.write_text("\n".join(json.dumps({**line, "code": code}) for line in lines))
    dry = ("import", table, "--mapping", plant.mapping, "--issuer", plant.issuer, "--dry-run")
    assert run_json(*dry)["signed"] == 2
    facts = run_json("import", table, *plant.signing, "--url", service.url)
    assert facts["submitted"]["registered"] == 2
    first, second = map(parse_statement, plant.statements())
    event = parse_event(second.payload)
    assert (event.install_ref, event.soc_permille) == (first.entry_id, 305)  # type: ignore[attr-defined]
    lines[1] |= {"ends": 7, "id": 3}
    table.write_text(json.dumps({**lines[1], "code": code}))
    facts = run_json("import", table, *plant.signing, code=1)
    assert facts["refused_rows"][0]["errors"][0]["code"] == "undecided.import.reference"


def test_a_dry_run_writes_nothing(plant: Plant) -> None:
    rows = plant.rows(3)
    rows[0]["mass"] = "heavy"
    before = set(plant.folder.iterdir())
    table = plant.table("plant.csv", rows)
    facts = run_json(*plant.dry_run(table), code=1)
    assert (facts["signed"], facts["refused"], facts["refused_files"]) == (2, 1, [])
    assert set(plant.folder.iterdir()) == before | {table}
    again = plant.folder / "again.csv"
    run_json(*plant.dry_run(table), "--refused", again, code=1)
    assert again.read_text().count("\n") == 2


def test_options_that_do_not_fit(plant: Plant) -> None:
    table = plant.table("plant.csv", plant.rows(1))
    usage = "usage.command-line"
    refused(usage, "import", table, "--mapping", plant.mapping, code=2)
    refused(usage, *plant.dry_run(table), "--url", "http://127.0.0.1:1", code=2)
    refused(usage, "import", table, "--mapping", plant.mapping, "--dry-run", code=2)
    refused("usage.file.write", *plant.dry_run(table), "--refused", plant.mapping, code=2)
    plant.mapping.write_text(MAPPING.replace("kind =", 'issuer = "https://else.example"\nkind ='))
    refused("usage.import.mapping", *plant.dry_run(table), code=2)
