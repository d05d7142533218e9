"""``cellbook supplier``: from a service or a folder, and the file that is verified offline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.custody.values.times import format_moment
from tests.cli.answering import Answering, Reply
from tests.cli.running import clean_environment, console, refused, run, run_json
from tests.cli.test_modules import check_light, loaded
from tests.log.building import World, operator_uri
from tests.log.writers import now
from tests.service import Service, running_service

OWNER = operator_uri("owner")
DAY = format_moment(int(time.time()))[:10]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        pack = made.battery()
        made.live(pack, "manufacture", "install", "incident")
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture(params=["--url", "--home"])
def place(request: pytest.FixtureRequest, world: World, service: Service) -> tuple[object, ...]:
    where = service.url if request.param == "--url" else world.home.path
    return request.param, where


def trust_file(folder: Path, world: World) -> Path:
    trust = folder / "trust.toml"
    trust.write_bytes(world.home.trust_bytes())
    return trust


def test_an_operator_is_looked_at(place: tuple[object, ...], tmp_path: Path) -> None:
    out = tmp_path / "owner.supplier"
    printed = run("supplier", OWNER, "--at", DAY, *place, "--out", out).stdout
    assert "all of this is stated by the service, and not verified" in printed
    assert "roles       maker" in printed
    assert "held by it, QUARANTINED" in printed
    assert "0 taken in, 0 repurposed, 0 recycled, 0 in stock by calculation" in printed
    assert "open        1 quarantined, 0 missing, 0 with open disputes" in printed
    assert f"next  cellbook supplier verify {out} --trust TRUST" in printed
    found = run_json("supplier", "check", OWNER, "--at", DAY, *place)
    assert (found["operator"], found["units"], found["file"]) == (OWNER, 1, None)
    assert found["sample"][0]["quarantined"] is True


def test_the_file_is_verified_offline(
    world: World, place: tuple[object, ...], tmp_path: Path
) -> None:
    out, trust = tmp_path / "owner.supplier", trust_file(tmp_path, world)
    run("supplier", OWNER, "--at", DAY, *place, "--out", out)
    printed = run("supplier", "verify", out, "--trust", trust).stdout
    assert f"OPERATOR  REGISTERED on {DAY} (UTC)" in printed
    assert "SHA-256 of your trust file" in printed
    found = run_json("supplier", "verify", out, "--trust", trust)
    assert found["registered_now"] is True
    assert found["trust"]["origin"] == found["record"]["origin"]
    check_light(loaded(tmp_path, "supplier", "verify", out, "--trust", trust), "supplier")
    forged = tmp_path / "forged.supplier"
    forged.write_bytes(out.read_bytes().replace(b"CN", b"DE", 1))
    done = console("supplier", "verify", forged, "--trust", trust, env=clean_environment())
    assert done.returncode == 1
    assert done.stdout.startswith("RECORD NOT GENUINE: ")
    later = ("--at", "2020-01-01T00:00:00+00:00")
    answer = run_json("supplier", "verify", out, "--trust", trust, *later, code=3)
    assert answer["error"]["code"] == "undecided.time"


def test_what_is_refused(world: World, place: tuple[object, ...], tmp_path: Path) -> None:
    asked = ("--at", DAY, *place)
    refused("missing.operator.log", "supplier", "https://nobody.example", *asked, code=3)
    refused("usage.command-line", "supplier", OWNER, *place, code=2)
    refused("usage.command-line", "supplier", OWNER, "--at", "soon", *place, code=2)
    refused("usage.command-line", "supplier", OWNER, "--at", DAY, code=2)
    kept = trust_file(tmp_path, world)
    refused("usage.file.write", "supplier", OWNER, *asked, "--out", kept, code=2)


def test_answers_that_are_none() -> None:
    kind = {"Content-Type": "application/json"}
    shown, file = Reply(200, json.dumps({"operator": "x"}).encode(), kind), Reply(200, b"\x00")
    with Answering(shown, file, shown, file) as service:
        args = ("supplier", "https://x.example", "--at", DAY, "--url", service.url)
        refused("unavailable.service.operator", *args, code=3)


def test_a_ledger_that_was_seen_before(world: World, service: Service, tmp_path: Path) -> None:
    state, out, trust = tmp_path / "seen", tmp_path / "owner.supplier", trust_file(tmp_path, world)
    checked = ("supplier", "verify", out, "--trust", trust, "--state", state)
    run("supplier", OWNER, "--at", DAY, "--url", service.url, "--out", out)
    run(*checked)
    (kept,) = state.glob("*/checkpoint")
    first = kept.read_bytes()
    world.live(world.battery(), "manufacture")
    world.accepted(world.change("owner", ("maker",)))
    out.unlink()
    run("supplier", OWNER, "--at", DAY, "--url", service.url, "--out", out)
    refused("undecided.state.unproven", *checked, code=3)
    assert kept.read_bytes() == first
    run(*checked, "--log", service.url)
    assert kept.read_bytes() != first
    run("supplier", "verify", out, "--trust", trust, "--log", service.url, code=2)
