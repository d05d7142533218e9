"""Two services on one database, both under load: one log, without a gap and without a double."""

from __future__ import annotations

from pathlib import Path

import pytest

from keys.signer import generate
from tests.faults.load import Answers, Load, check_log, events, now, post
from tests.log.building import World
from tests.service import running_service

COUNT = 600


def both_write_one_log(folder: Path, database: str | None) -> None:
    with World(folder, clock=now, operators=("owner",), database=database) as world:
        home = world.home
        shared, first, second = (events(world, COUNT) for _ in range(3))
    with running_service(home.path) as one, running_service(home.path) as other:
        loads = [
            Load(one.url, [*first, *shared]),
            Load(other.url, [*second, *reversed(shared)]),
        ]
        for load in loads:
            load.start()
        for load in loads:
            load.join(90)
    for load in loads:
        assert load.answers.refused == {}
        assert len(load.answers.receipts) == 2 * COUNT
    report = check_log(home, *(load.answers.receipts for load in loads))
    assert report.size == 2 + 3 * COUNT + report.heads
    assert report.unpublished == 0


def test_on_sqlite(tmp_path: Path) -> None:
    both_write_one_log(tmp_path, None)


@pytest.mark.postgres
def test_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    both_write_one_log(tmp_path, postgres_url)


def test_a_key_that_one_revokes_is_refused_by_the_other_at_once(tmp_path: Path) -> None:
    """Over and over: the other service has verified with the key a moment before."""
    with World(tmp_path, clock=now, operators=("owner",)) as world:
        with running_service(world.home.path) as one, running_service(world.home.path) as other:
            for _ in range(10):
                signer, answers = generate(), Answers({}, {})
                post(one.url, [world.add_key("owner", signer)], answers)
                before = world.event("manufacture", world.battery(), signer=signer)
                post(other.url, [before], answers)
                post(one.url, [world.revoke_key("owner", signer)], answers)
                assert answers.refused == {}
                after = world.event("manufacture", world.battery(), signer=signer)
                post(other.url, [after], answers)
                assert answers.refused == {after: "rejected.KEY-1"}
        home = world.home
    check_log(home)
