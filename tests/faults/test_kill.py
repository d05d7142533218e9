"""A service is killed by SIGKILL in the middle of a load, again and again: nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from ledger.log.home import Home
from tests.faults.load import Answers, Load, check_log, events, now
from tests.log.building import World
from tests.service import running_service

SEED = 20261125


def kill_often(folder: Path, times: int, statements: int) -> None:
    chance = random.Random(SEED)
    with World(folder, clock=now, operators=("owner",)) as world:
        home = world.home
        waiting = events(world, statements)
    answers = Answers({}, {})
    for _ in range(times):
        with running_service(home.path) as service:
            load = Load(service.url, waiting)
            load.start()
            assert load.has_begun.wait(60)
            time.sleep(chance.uniform(0, 0.3))
            os.kill(service.pid, signal.SIGKILL)
            load.join(60)
        answers.receipts |= load.answers.receipts
        assert load.answers.refused == {}
        # What was not acknowledged is sent again, with some of what was.
        again = chance.sample(sorted(answers.receipts), 20)
        waiting = again + [data for data in waiting if data not in answers.receipts]
    report = check_log(home, answers.receipts)
    assert report.size >= len(answers.receipts)
    finish(home.path, waiting, answers, statements)


def finish(folder: Path, waiting: list[bytes], answers: Answers, statements: int) -> None:
    """What is left is registered by a service that nobody kills; then everything is there once."""
    with running_service(folder) as service:
        load = Load(service.url, waiting)
        load.start()
        load.join(60)
    answers.receipts |= load.answers.receipts
    assert len(answers.receipts) == statements
    report = check_log(Home.open(folder), answers.receipts)
    # Policy and registration, each event once, and the heads.
    assert report.size == 2 + statements + report.heads
    assert report.unpublished == 0


def test_a_killed_service_loses_nothing(tmp_path: Path) -> None:
    kill_often(tmp_path, times=3, statements=2_000)


@pytest.mark.slow
def test_a_service_killed_twenty_times_loses_nothing(tmp_path: Path) -> None:
    kill_often(tmp_path, times=20, statements=20_000)
