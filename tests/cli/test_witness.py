"""``witness`` as a process: what it answers over HTTP, and what it remembers when it is killed."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.proof.checkpoint import open_checkpoint
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.cli.running import SCRIPT, clean_environment, refused, run, run_json
from tests.monitor.witnessing import FORKED, LOG_KEY, NAME, body, checkpoint, request

GIVEN = ("--key", "witness.pem", "--name", NAME)
STARTED = ("--state", "state", "--policy", "logs.policy", "--port", "0")
DIES = """
import os
from cli.main import main
from ledger.monitor.witnessing import state as witness_state
class Dies(witness_state.WitnessState):
    def keep(self, origin, note):
        super().keep(origin, note)
        os._exit(9)
witness_state.WitnessState = Dies
main()
"""
Answer = tuple[int, str | None, bytes]


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("keygen", "witness.pem", "--save-passphrase")
    Path("logs.policy").write_text(f"# ours\nlog {LOG_KEY.vkey}\nquorum none\n")


@contextmanager
def serving(*program: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [*map(str, program or (SCRIPT,)), "witness", *GIVEN, *STARTED, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    try:
        assert process.stdout is not None
        lines = []
        while not lines or lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        yield json.loads("".join(lines))["url"], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def ask(url: str, data: bytes, method: str = "POST") -> Answer:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, "/add-checkpoint", data)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()
    finally:
        connection.close()


def test_what_it_answers() -> None:
    verifier = Verifier.parse(run_json("witness", *GIVEN, "--print-vkey")["vkey"])
    assert (verifier.name, verifier.type) == (NAME, COSIGNATURE)
    with serving() as (url, process):
        for old, new in ((0, 8), (8, 8), (8, 12)):
            status, _, line = ask(url, request(old, new))
            assert status == 200, line
            open_checkpoint(checkpoint(new) + line, LOG_KEY, [verifier])
        assert ask(url, request(0, 12)) == (409, "text/x.tlog.size", b"12\n")
        assert ask(url, request(3, 5)) == (409, "text/x.tlog.size", b"12\n")
        statuses = {
            400: body(13, [], checkpoint(12)),
            404: body(12, [], checkpoint(12, origin="other.example")),
            403: body(12, [], checkpoint(12).replace(b"\n12\n", b"\n13\n")),
            409: request(12, 12, FORKED),
            422: request(12, 23, FORKED),
            413: b"x" * (1 << 20),
        }
        for status, data in statuses.items():
            found, kind, _ = ask(url, data)
            assert (found, kind) == (status, "text/plain; charset=utf-8")
        assert ask(url, b"", "GET")[0] == 405
        assert ask(url, request(12, 23))[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_two_processes_at_once_on_one_folder() -> None:
    with serving() as (one, _), serving() as (other, _), ThreadPoolExecutor(8) as threads:
        asked = [(url, request(0, size)) for size in range(1, 9) for url in (one, other)]
        told = list(threads.map(lambda each: ask(*each), asked))
    won = {asked[at][1] for at, answer in enumerate(told) if answer[0] == 200}
    assert [answer[0] for answer in told].count(200) == 1
    assert len(won) == 1
    assert len({answer[2] for answer in told if answer[0] == 409}) == 1


def test_it_dies_between_the_disk_and_the_answer() -> None:
    with serving(sys.executable, "-c", DIES) as (url, process):
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask(url, request(0, 8))
        assert process.wait(60) == 9
    with serving() as (url, _):
        # What it had on the disk counts, though nobody got the cosignature.
        assert ask(url, request(0, 8, FORKED)) == (409, "text/x.tlog.size", b"8\n")
        assert ask(url, request(8, 8, FORKED))[0] == 409
        assert ask(url, request(0, 8)) == (409, "text/x.tlog.size", b"8\n")
        assert ask(url, request(8, 8))[0] == 200


def test_what_it_does_not_begin_with() -> None:
    started = (*GIVEN, "--port", "0", "--state", "state")
    refused("usage.witness.policy", "witness", *started, code=2)
    refused("usage.witness.policy", "witness", *started, "--policy", "none", code=2)
    vkey = run_json("witness", *GIVEN, "--print-vkey")["vkey"]
    refused("malformed.tlog-policy.key", "witness", *started, "--log", vkey, code=1)
    Path("state").mkdir()
    Path("state/begun").touch()
    given = (*started, "--log", LOG_KEY.vkey)
    refused("damaged.witness.state", "witness", *given, code=1)
