"""A log of a hundred thousand entries, and an auditor that is killed on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ledger.monitor.copying.mirror import mirror
from tests.bench import inprocess
from tests.bench.statements import Source
from tests.cli.running import SCRIPT
from tests.log.building import World, operator_uri
from tests.log.writers import now
from tests.monitor.publishing import LedgerSource

ENTRIES = 100_000
KILLS = 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_ten_times_on_the_way(tmp_path: Path) -> None:
    with World(tmp_path / "world", clock=now, operators=("owner",)) as world:
        owner = world.operators["owner"]
        occurred = "2026-01-01T00:00:00+08:00"
        source = Source(owner.signer, operator_uri("owner"), world.family, now(), occurred)
        inprocess.grow(world.ledger, source, ENTRIES, 1_000, lambda size: None)
        world.ledger.close()
        mirror(LedgerSource(world.ledger), tmp_path / "copy")
        trust = world.home.trust_path
    begun = time.monotonic()
    whole = audit(tmp_path, trust, "whole")
    took = time.monotonic() - begun
    progress = []
    for _ in range(KILLS):
        kill_after(took / KILLS + 0.5, tmp_path, trust)
        progress.append(known(tmp_path / "killed"))
    assert progress == sorted(progress)
    assert len(set(progress)) > KILLS // 3, "each one goes on from where the last one was"
    killed = audit(tmp_path, trust, "killed")
    assert {**killed, "before": 0, "replayed": whole["size"]} == whole


def command(folder: Path, trust: Path, state: str) -> list[str]:
    args = ("audit", folder / "copy", "--state", folder / state, "--trust", trust, "--json")
    return [str(SCRIPT), *map(str, args)]


def audit(folder: Path, trust: Path, state: str) -> dict[str, object]:
    done = subprocess.run(command(folder, trust, state), check=True, capture_output=True)
    report: dict[str, object] = json.loads(done.stdout)
    return report


def known(state: Path) -> int:
    """How many entries the state knows."""
    marks = [state / name for name in ("audited.json", "progress.json")]
    sizes = [json.loads(mark.read_bytes())["size"] for mark in marks if mark.exists()]
    return max(sizes, default=0)


def kill_after(seconds: float, folder: Path, trust: Path) -> None:
    process = subprocess.Popen(command(folder, trust, "killed"), stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
