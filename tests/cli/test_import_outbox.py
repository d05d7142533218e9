"""The outbox of ``cellbook import``: killed, gone on with, damaged; many rows."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.sequence import byte_string
from cli.importing import outbox as outbox_module
from cli.importing.outbox import rows_in
from tests.cli.plant import Plant
from tests.cli.running import SCRIPT, clean_environment, refused, run, run_json
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


@pytest.mark.parametrize("when", ["signing", "sending"])
def test_killed_at_some_point_and_started_again(
    when: str, plant: Plant, world: World, service: Service
) -> None:
    table = plant.table("plant.csv", plant.rows(5_000))
    args = [SCRIPT, "import", table, *plant.signing, "--url", service.url]
    journal = plant.outbox / ".cellbook-submitted"

    def begun() -> bool:
        if when == "signing":
            return (plant.outbox / "000001.cbor-seq").exists()
        return journal.exists() and journal.stat().st_size > 0

    kill_when(begun, list(map(str, args)))
    early = plant.statements()
    facts = run_json("import", table, *plant.signing, "--url", service.url)
    assert facts["signed"] + facts["earlier"] == 5_000
    assert facts["earlier"] == len(early) >= 2_000
    assert plant.statements()[: len(early)] == early
    assert len(set(plant.source_refs())) == len(plant.statements()) == 5_000
    sent = facts["submitted"]
    assert sent["registered"] + sent["skipped"] == 5_000


def kill_when(begun: Callable[[], bool], args: list[str]) -> None:
    """Start a command and kill it as soon as it has ``begun``."""
    process = subprocess.Popen(
        args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment()
    )
    ends = time.monotonic() + 60
    while not begun() and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_rows_without_their_statements_do_not_count(plant: Plant) -> None:
    """Killed between the two files of a portion."""
    table = plant.table("plant.csv", plant.rows(3))
    run("import", table, *plant.signing)
    (plant.outbox / "000001.cbor-seq").unlink()
    assert run_json("import", table, *plant.signing)["signed"] == 3
    assert len(rows_in(plant.outbox)) == 3


def test_a_portion_of_which_nothing_is_left(plant: Plant, service: Service) -> None:
    rows = plant.rows(1)
    run("import", plant.table("plant.csv", rows), *plant.signing)
    rows[0]["batch"] = "B-8"
    facts = run_json("import", plant.table("plant.csv", rows), *plant.signing, "--url", service.url)
    assert (facts["replaced"], facts["submitted"]["registered"]) == (1, 1)
    assert [file.name for file in plant.outbox.glob("*.cbor-seq")] == ["000001.cbor-seq"]
    assert len(plant.statements()) == 1


def test_portions_are_files(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "PORTION", 4)
    run("import", plant.table("plant.csv", plant.rows(10)), *plant.signing)
    names = sorted(file.name for file in plant.outbox.glob("*.cbor-seq"))
    assert names == ["000001.cbor-seq", "000002.cbor-seq", "000003.cbor-seq"]
    assert len(plant.statements()) == 10


def test_an_outbox_belongs_to_one_issuer(plant: Plant, tmp_path: Path) -> None:
    table = plant.table("plant.csv", plant.rows(1))
    run("import", table, *plant.signing)
    about = plant.outbox / "outbox.json"
    text = about.read_text()
    about.write_text(text.replace("owner", "other"))
    refused("usage.import.outbox", "import", table, *plant.signing, code=2)
    about.write_text("{")
    refused("damaged.import.outbox", "import", table, *plant.signing, code=1)
    about.write_text(text)
    sequence = plant.outbox / "000001.cbor-seq"
    sequence.write_bytes(sequence.read_bytes() + byte_string(b"else"))
    refused("damaged.import.outbox", "import", table, *plant.signing, code=1)
    about.unlink()
    refused("usage.import.outbox", "import", table, *plant.signing, code=2)


def test_two_imports_do_not_share_an_outbox(plant: Plant, world: World) -> None:
    table = plant.table("plant.csv", plant.rows(1))
    with outbox_module.Outbox(plant.outbox, plant.issuer, world.family):
        refused("busy.import.outbox", "import", table, *plant.signing, code=3)
    run("import", table, *plant.signing)


@pytest.mark.slow
def test_a_hundred_thousand_rows(plant: Plant, service: Service) -> None:
    rows = plant.rows(100_000)
    rows[56_789]["code"] = rows[56_789]["code"][1:]
    args = ("import", plant.table("plant.csv", rows), *plant.signing, "--url", service.url)
    facts = run_json(*args, code=1)
    assert (facts["signed"], facts["refused"]) == (99_999, 1)
    assert facts["submitted"]["registered"] == 99_999
    assert len(list(plant.outbox.glob("*.cbor-seq"))) == 50
