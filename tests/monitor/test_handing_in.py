"""An auditor and a running service: what it asks to be audited, and the word that it then shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.wire.note import open_note
from ledger.wire.verifier import Verifier
from tests.cli.running import run, run_json
from tests.log.building import World
from tests.log.writers import now
from tests.monitor.test_service import published_size
from tests.service import Service, running_service

NAME = "audits.example.net"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "world", clock=now, operators=("owner",)) as made:
        made.live(made.battery(), "manufacture")
        yield made


@pytest.fixture
def key(world: World, tmp_path: Path) -> str:
    """The vkey of an auditor whom the log's policy names, and whose key is in auditor.pem."""
    made = run_json("keygen", tmp_path / "auditor.pem", "--cosigner", NAME, "--save-passphrase")
    vkey: str = made["vkey"]
    return vkey


@pytest.fixture
def service(world: World, key: str) -> Iterator[Service]:
    size = world.store.head().size
    world.accepted(world.next_policy(auditors=(key,)))
    with running_service(world.home.path) as running:
        # The policy and a head after it, with maybe a head before.
        published_size(running, size + 1)
        yield running


def test_a_service_shows_its_auditors_word(
    world: World, key: str, service: Service, tmp_path: Path
) -> None:
    with_trust = ("--state", tmp_path / "state", "--trust", world.home.trust_path)
    cosign = ("--cosign", tmp_path / "auditor.pem", "--name", NAME)
    word = run_json("audit", service.url, *with_trust, *cosign)["cosigned"]
    assert (word["named"], word["handed_in"]) == (True, True)
    shown = httpx.get(f"{service.url}/checkpoint").content
    assert open_note(shown, [Verifier.parse(key)]).signatures[0].time == word["time"]
    # Another auditor finds the line good.
    other = ("--state", tmp_path / "other", "--trust", world.home.trust_path)
    assert f"cosigned by  {NAME}" in run("audit", service.url, *other).stdout
