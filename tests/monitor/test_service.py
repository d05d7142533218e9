"""The commands against a real service: audit over HTTP, a mirror, and what remains without it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.store.engine import sqlite_driver
from tests.bench.statements import Source
from tests.cli.running import SCRIPT, refused, run, run_json
from tests.log.building import World, operator_uri
from tests.log.writers import now
from tests.service import Service, running_service

AUDITOR = "audits.example.net"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        pack = made.battery()
        made.live(pack, "manufacture", "install", "decommission", "assessment", "repurpose")
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture(scope="module")
def entries(world: World, service: Service) -> int:
    """The log grows beyond a full tile; gives the size of a checkpoint after that."""
    owner = world.operators["owner"]
    occurred = "2026-01-01T00:00:00+08:00"
    source = Source(owner.signer, operator_uri("owner"), world.family, now(), occurred)
    world.accepted(*source.take(600))
    return published_size(service, 600)


def published_size(service: Service, least: int) -> int:
    deadline = time.monotonic() + 60
    while True:
        size = int(httpx.get(f"{service.url}/checkpoint").text.split("\n")[1])
        if size > least:
            return size
        assert time.monotonic() < deadline
        time.sleep(0.05)


def trust(world: World) -> Path:
    return world.home.trust_path


def test_a_service_is_audited(world: World, service: Service, entries: int, tmp_path: Path) -> None:
    args = ("audit", service.url, "--state", tmp_path / "state", "--trust", trust(world))
    report = run_json(*args)
    assert report["size"] >= entries
    assert (report["before"], report["withheld"]) == (0, 0)
    again = run(*args)
    assert "nothing is wrong" in again.stdout
    assert f"{report['size']}, {report['size']} of them audited before" in again.stdout


def test_with_processes(world: World, service: Service, entries: int, tmp_path: Path) -> None:
    args = ("audit", service.url, "--state", tmp_path / "state", "--trust", trust(world))
    done = subprocess.run(
        [SCRIPT, *map(str, args), "--processes", "2", "--json"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert json.loads(done.stdout)["size"] >= entries


def test_a_mirror_outlives_the_service(world: World, service: Service, tmp_path: Path) -> None:
    """Also behind a web server that knows nothing of it."""
    copy, state = tmp_path / "copy", tmp_path / "state"
    made = run_json("mirror", service.url, copy)
    assert made["written"] > 3
    assert run("mirror", service.url, copy).stdout.startswith("copied to")
    report = run_json("audit", copy, "--state", state, "--trust", trust(world))
    assert report["size"] == made["size"]
    with web_server(copy) as url:
        over_http = run_json("audit", url, "--state", tmp_path / "other", "--trust", trust(world))
        assert over_http["root"] == report["root"]
        assert run_json("mirror", url, tmp_path / "second")["root"] == report["root"]


class web_server:
    """A plain web server over a folder; ``taken`` gets what is sent to it, where it is a list."""

    def __init__(self, folder: Path, taken: list[tuple[str, bytes]] | None = None) -> None:
        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(folder))

            def do_POST(self) -> None:
                if taken is None:
                    self.send_error(501)
                    return
                taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_following(world: World, service: Service, entries: int, tmp_path: Path) -> None:
    """It tells of what is new, until it is interrupted."""
    args = ["audit", service.url, "--state", str(tmp_path / "state"), "--trust", str(trust(world))]
    process = subprocess.Popen(
        [SCRIPT, *args, "--follow", "--every", "1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "nothing is wrong" in first
        world.accepted(world.event("manufacture", world.battery()))
        line = next(line for line in process.stdout if "new entries" in line)
        assert "nothing is wrong" in line
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130


def test_a_decision_that_was_changed_in_the_database_is_found(tmp_path: Path) -> None:
    """The service signs whatever stands there; who audits sees it, and shows it to others."""
    with World(tmp_path / "world", operators=("owner",)) as world:
        world.live(world.battery(), "manufacture")
        world.end_epoch()
        copy, state = tmp_path / "copy", tmp_path / "state"
        home = world.home
    with running_service(home.path) as service:
        run("mirror", service.url, copy)
        run("audit", copy, "--state", state, "--trust", home.trust_path)
    connection = sqlite_driver().connect(str(home.path / "ledger.db"))
    row = connection.execute('SELECT leaf FROM entry WHERE "index" = 3').fetchone()
    leaf = bytes(row[0]).replace(b"manufacture", b"Manufacture")
    assert leaf != bytes(row[0])
    connection.execute('UPDATE entry SET leaf = ? WHERE "index" = 3', (leaf,))
    connection.commit()
    connection.close()
    with running_service(home.path) as service:
        args = ("audit", service.url, "--state", tmp_path / "new", "--trust", home.trust_path)
        printed = refused("failed.published.entry", *args, code=1)
        assert "entry 3" in printed
        assert str(tmp_path / "new" / "evidence") in printed
        refused("failed.published.entry", "mirror", service.url, tmp_path / "bad", code=1)
    assert not (tmp_path / "bad" / "checkpoint").exists()


def auditors_key(folder: Path) -> tuple[object, ...]:
    run("keygen", folder / "auditor.pem", "--cosigner", AUDITOR, "--save-passphrase")
    return ("--cosign", folder / "auditor.pem", "--name", AUDITOR)


def test_a_cosignature_is_handed_in(
    world: World, service: Service, entries: int, tmp_path: Path
) -> None:
    """To whoever takes it; from a mirror nobody does, and the output says so."""
    copy, state = tmp_path / "copy", tmp_path / "state"
    taken: list[tuple[str, bytes]] = []
    run("mirror", service.url, copy)
    with_trust = ("--state", state, "--trust", trust(world), *auditors_key(tmp_path))
    with web_server(copy) as url:
        found = run_json("audit", url, *with_trust)["cosigned"]
        assert not found["handed_in"]
        assert "; not handed in: " in run("audit", url, *with_trust).stdout
    with web_server(copy, taken) as url:
        found = run_json("audit", url, *with_trust)["cosigned"]
        assert found["handed_in"]
    assert taken == [("/checkpoint/cosignatures", found["note"].encode())]
    assert (state / "cosigned").read_bytes() == taken[0][1]


def test_what_cannot_be_decided(world: World, service: Service, tmp_path: Path) -> None:
    state = ("--state", tmp_path / "state")
    with_trust = (*state, "--trust", trust(world))
    refused("usage.log.source", "audit", tmp_path / "none", *with_trust, code=2)
    (tmp_path / "empty").mkdir()
    refused("missing.published", "audit", tmp_path / "empty", *with_trust, code=3)
    refused("missing.published", "mirror", tmp_path / "empty", tmp_path / "copy", code=3)
    (tmp_path / "trust").write_text("nothing")
    refused("usage.trust", "audit", service.url, *state, "--trust", tmp_path / "trust", code=2)
    run("init", tmp_path / "other")
    other = tmp_path / "other" / "trust.toml"
    refused("failed.checkpoint.origin", "audit", service.url, *state, "--trust", other, code=1)
    (tmp_path / "file").write_text("")
    bad = ("--state", tmp_path / "file", "--trust", trust(world))
    refused("unavailable.audit.state", "audit", service.url, *bad, code=3)


def test_an_auditor_killed_at_any_moment_goes_on(
    world: World, service: Service, entries: int, tmp_path: Path
) -> None:
    """And its processes end with it."""
    args = ["audit", service.url, "--state", str(tmp_path / "state"), "--trust", str(trust(world))]
    for tenth in range(6):
        process = subprocess.Popen(
            [SCRIPT, *args, "--processes", "2"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(0.3 + tenth * 0.15)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 60
        while group_runs(process.pid):
            assert time.monotonic() < deadline, "a process outlived the auditor"
            time.sleep(0.02)
    assert run_json(*args)["size"] >= entries


def group_runs(group: int) -> bool:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False
