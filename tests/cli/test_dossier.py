"""``cellbook dossier``: from a service, from a folder, and never half a file."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.monitor.source import stated_checkpoint
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.proof.dossier import Dossier, decode_dossier, encode_dossier
from ledger.wire.note import sign_note
from ledger.wire.statement import parse_statement
from tests.cli.answering import Answering, Reply
from tests.cli.running import refused, run, run_json
from tests.log.building import World
from tests.log.writers import now
from tests.service import Service, running_service


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture
def pack(world: World) -> str:
    pack = world.battery()
    world.live(pack, "manufacture", "install")
    return pack


@pytest.mark.parametrize("source", ["--url", "--home"])
@pytest.mark.parametrize("form", ["uri", "code", "lower"])
def test_it_is_fetched_and_verifies(
    source: str, form: str, world: World, service: Service, pack: str, tmp_path: Path
) -> None:
    code = pack.rpartition(":")[2]
    name = {"uri": pack, "code": code, "lower": code.lower()}[form]
    place = service.url if source == "--url" else world.home.path
    out = tmp_path / "pack.dossier"
    facts = run_json("dossier", name, source, place, "--out", out)
    data = out.read_bytes()
    assert facts["subject"] == pack
    assert (facts["bytes"], facts["sha256"]) == (len(data), sha256(data).hexdigest())
    entries = decode_dossier(data).entries
    assert facts["entries"] == len(entries)
    assert facts["tree_size"] > max(entry.index for entry in entries)
    assert sum(parse_statement(entry.leaf).sub == pack for entry in entries) == 2
    result = run("verify", out, "--trust", world.home.trust_path, "--label", code)
    assert "GENUINE" in result.stdout


def test_it_says_what_to_do_next(world: World, pack: str, tmp_path: Path) -> None:
    out = tmp_path / "my pack.dossier"
    text = run("dossier", pack, "--home", world.home.path, "--out", out).stdout
    code = pack.rpartition(":")[2]
    assert f"next        cellbook verify '{out}' --trust TRUST --label {code}\n" in text
    assert f"battery     {pack}\n" in text


def test_a_file_is_replaced_only_when_asked(world: World, pack: str, tmp_path: Path) -> None:
    out = tmp_path / "pack.dossier"
    out.write_bytes(b"mine")
    args = ("dossier", pack, "--home", world.home.path, "--out", out)
    refused("usage.file.write", *args, code=2)
    assert out.read_bytes() == b"mine"
    run(*args, "--overwrite")
    assert decode_dossier(out.read_bytes()).subject == pack
    assert list(tmp_path.iterdir()) == [out]


def test_stdout_holds_the_dossier_and_nothing_else(world: World, pack: str) -> None:
    result = run("dossier", pack, "--home", world.home.path, "--out", "-")
    assert decode_dossier(result.stdout_bytes).subject == pack


def test_where_it_comes_from_is_said_once(world: World, service: Service, tmp_path: Path) -> None:
    out = tmp_path / "no"
    refused("usage.dossier.source", "dossier", "X", "--out", out, code=2)
    both = ("--home", world.home.path, "--url", service.url)
    refused("usage.dossier.source", "dossier", "X", *both, "--out", out, code=2)
    refused("usage.home.missing", "dossier", "X", "--home", tmp_path, "--out", out, code=2)
    assert not out.exists()


def test_an_unknown_battery_gives_no_file(world: World, service: Service, tmp_path: Path) -> None:
    name, out = world.battery(), tmp_path / "no"
    for source in (("--url", service.url), ("--home", world.home.path)):
        refused("missing.battery", "dossier", name, *source, "--out", out, code=3)
    assert not out.exists()


def test_a_folder_without_a_service_is_enough(tmp_path: Path) -> None:
    with World(tmp_path, clock=now, operators=("owner",)) as world:
        pack = world.battery()
        world.live(pack, "manufacture")
    out = tmp_path / "pack.dossier"
    run("dossier", pack, "--home", world.home.path, "--out", out)
    assert "GENUINE" in run("verify", out, "--trust", world.home.trust_path).stdout


FOUND = Reply(200, b'{"subject": "urn:cellbook:gbt34014:X"}')


@pytest.mark.parametrize(
    ("replies", "code", "exit_code"),
    [
        ([FOUND, Reply(200, b"<html>")], "malformed.", 1),
        ([FOUND, Reply(200, encode_dossier(Dossier("urn:other", b"", (), ())))], "malformed.", 1),
        ([Reply(200, b"{}")], "unavailable.service.answer", 3),
        ([Reply(404, b"<html>")], "unavailable.service.answer", 3),
    ],
)
def test_what_is_no_dossier_is_not_kept(
    replies: list[Reply], code: str, exit_code: int, tmp_path: Path
) -> None:
    out = tmp_path / "no"
    with Answering(*replies) as server:
        args = ("dossier", "X", "--url", server.url, "--out", out)
        error = run_json(*args, code=exit_code)["error"]
    assert error["code"].startswith(code)
    assert not out.exists()


def test_the_dossier_of_another_battery_is_not_kept(
    world: World, pack: str, tmp_path: Path
) -> None:
    other = world.ledger.dossier(pack)
    out = tmp_path / "no"
    with Answering(FOUND, Reply(200, other)) as server:
        args = ("dossier", "X", "--url", server.url, "--out", out)
        error = run_json(*args, code=3)["error"]
    assert error["code"] == "unavailable.service.dossier"
    assert not out.exists()


def test_with_a_state_the_log_must_be_the_one_that_was_seen(
    world: World, service: Service, pack: str, tmp_path: Path
) -> None:
    """The service that gives the dossier gives the proof as well."""
    state, trust = tmp_path / "seen", world.home.trust_path
    asked = ("dossier", pack, "--url", service.url, "--state", state, "--trust", trust)
    run(*asked, "--out", tmp_path / "first")
    (kept,) = state.glob("*/checkpoint")
    first = kept.read_bytes()
    world.live(pack, "decommission")
    run(*asked, "--out", tmp_path / "second")
    second = kept.read_bytes()
    assert stated_checkpoint(second).size > stated_checkpoint(first).size
    assert decode_dossier((tmp_path / "second").read_bytes()).checkpoint == second
    # Who has only the files, and no log, cannot be told that one follows from the other.
    older = tmp_path / "first"
    refused("undecided.state.unproven", "verify", older, "--trust", trust, "--state", state, code=3)
    run("verify", older, "--trust", trust, "--state", state, "--log", service.url)


def test_what_another_log_signed_is_neither_kept_nor_written(
    world: World, service: Service, pack: str, tmp_path: Path
) -> None:
    state, out = tmp_path / "seen", tmp_path / "out"
    asked = ("dossier", pack, "--url", service.url, "--out", out, "--state", state)
    run(*asked, code=2)
    run(*asked[:-2], "--trust", world.home.trust_path, code=2)
    run(*asked[:-2], "--log", service.url, code=2)
    seen = stated_checkpoint(world.ledger.checkpoint())
    folder = state / sha256(seen.origin.encode()).hexdigest()[:32]
    folder.mkdir(parents=True)
    forked = Checkpoint(seen.origin, seen.size, bytes(32))
    signer = world.home.signers().in_force(world.ledger.log(), "checkpoint", seen.size)
    note = sign_note(format_body(forked), seen.origin, signer)
    (folder / "checkpoint").write_bytes(note)
    refused("failed.audit.fork", *asked, "--trust", world.home.trust_path, code=1)
    assert (folder / "checkpoint").read_bytes() == note
    assert not out.exists()
    changed = world.home.trust_bytes().replace(b"origin = ", b"origin = 'x' #")
    (tmp_path / "other.toml").write_bytes(changed)
    run(*asked, "--trust", tmp_path / "other.toml", code=3)
    assert not out.exists()
