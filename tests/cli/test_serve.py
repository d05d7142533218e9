"""``serve`` as the console script: where it listens, what it refuses, how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from cli.remote import Remote
from tests.cli.running import SCRIPT, clean_environment, refused, run


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("init", "shop")


def start(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPT, "serve", "shop", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )


@pytest.mark.parametrize(
    ("args", "number"), [((), signal.SIGTERM), (("--workers", "2"), signal.SIGINT)]
)
def test_it_says_where_and_ends_when_told(args: tuple[str, ...], number: signal.Signals) -> None:
    process = start("--port", "0", "--json", *args)
    assert process.stdout is not None
    lines = []
    while not lines or lines[-1] != "}\n":
        lines.append(process.stdout.readline())
    url = json.loads("".join(lines))["url"]
    with Remote(url) as remote:
        assert remote.is_ready()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_a_root_key_in_the_folder_is_refused() -> None:
    shutil.copy("shop-root/root.pem", "shop/root.pem")
    refused("usage.home.root-key", "serve", "shop", "--port", "0", code=2)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused("unavailable.service.address", "serve", "shop", "--port", port, code=3)


def test_what_is_no_ledger() -> None:
    refused("usage.home.missing", "serve", "none", code=2)
    refused("usage.command-line", "serve", "shop", "--workers", "0", code=2)
