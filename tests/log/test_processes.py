"""Several processes write one log at once: on a SQLite file, and on a real PostgreSQL."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.log.integrity.fsck import fsck
from tests.log import writers
from tests.log.building import World

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A ledger on each database, by the machine's clock."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with World(tmp_path, database=url, clock=writers.now, operators=("owner",)) as made:
        yield made


def manufactures(world: World, count: int) -> list[bytes]:
    return [world.event("manufacture", world.battery()) for _ in range(count)]


def start(
    world: World, task: Callable[[Path, Path, Path], None], name: str, data: list[bytes]
) -> multiprocessing.process.BaseProcess:
    source = world.path / f"{name}.hex"
    source.write_text("\n".join(item.hex() for item in data))
    answer = world.path / f"{name}.json"
    process = SPAWN.Process(target=task, args=(world.home.path, source, answer))
    process.start()
    return process


def finish(world: World, process: multiprocessing.process.BaseProcess, name: str) -> list[Any]:
    process.join(60)
    assert process.exitcode == 0
    answer: list[Any] = json.loads((world.path / f"{name}.json").read_text())
    return answer


def wait_for(world: World, name: str) -> None:
    deadline = time.monotonic() + 60
    while not (world.path / name).exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_two_processes_and_this_one_make_one_log(world: World) -> None:
    mine, first, second, common = (manufactures(world, 300) for _ in range(4))
    # What all three submit is registered once.
    one = start(world, writers.register_all, "one", first + common)
    two = start(world, writers.register_all, "two", common + second)
    wait_for(world, "one.started")
    wait_for(world, "two.started")
    (world.path / "go").touch()
    outcomes = []
    for position in range(0, 300, 20):
        outcomes += world.accepted(*mine[position : position + 20])
    outcomes += world.accepted(*common)
    answers = [*finish(world, one, "one"), *finish(world, two, "two")]
    indexes = [o.index for o in outcomes] + [index for index, _ in answers]
    assert all(code is None for _, code in answers)
    assert len(indexes) == 1800
    assert len(set(indexes)) == 1200
    world.close()
    store = world.home.open_store()
    report = fsck(store)
    assert report.size == 1200 + 2 + 1 + (report.heads - 1)
    assert report.unpublished == 0
    store.close()


def test_a_key_revoked_by_one_process_is_refused_by_the_other_at_once(world: World) -> None:
    process = start(world, writers.register_until_refused, "other", manufactures(world, 20_000))
    wait_for(world, "other.started")
    (revocation,) = world.accepted(world.revoke_key("owner"))
    indexes, code = finish(world, process, "other")
    assert code == "rejected.KEY-1"
    assert indexes
    assert max(indexes) < (revocation.index or 0)
    fsck_closed(world)


def fsck_closed(world: World) -> None:
    world.close()
    store = world.home.open_store()
    fsck(store)
    store.close()


def test_two_ledgers_know_of_each_other_at_once(world: World) -> None:
    _, other = world.open()
    other.prepare(manufactures(world, 1))  # it has a snapshot of now
    newcomer = world.registration("maker")
    world.accepted(newcomer)
    event = world.event("manufacture", world.battery(), by="maker")
    (outcome,) = other.register_now([event])
    assert outcome.error is None
    world.accepted(world.revoke_key("maker"))
    (outcome,) = other.register_now([world.event("manufacture", world.battery(), by="maker")])
    assert outcome.error is not None
    assert outcome.error.code == "rejected.KEY-1"
    (outcome,) = other.register_now([event])
    assert outcome.duplicate
