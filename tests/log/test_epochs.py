"""Epochs, heads and checkpoints: by a clock that a test moves, also backwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.policy import log_key
from ledger.custody.governance.statements import Head, parse_governance
from ledger.log.heads import IDLE_POLL, Epochs
from ledger.log.registration import Prepared
from ledger.proof.checkpoint import parse_body
from ledger.store.failures import LOCKED, uncertain
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing
from ledger.wire.note import Verifier, open_note
from ledger.wire.statement import TYP_HEAD, parse_statement
from tests.log.building import NOW, World


def heads(world: World) -> list[Head]:
    found = []
    for entry in world.store.iterate_entries(0, 10**6):
        statement = parse_statement(entry.leaf)
        if statement.typ == TYP_HEAD:
            content = parse_governance(statement.payload)
            assert isinstance(content, Head)
            assert content.tree_size == entry.index
            found.append(content)
    return found


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_log_begins_with_its_policy_a_head_and_a_checkpoint(tmp_path: Path) -> None:
    with World(tmp_path, operators=()) as world:
        assert world.store.head().size == 2
        assert [(h.tree_size, h.time) for h in heads(world)] == [(1, NOW)]
        assert parse_body(world.ledger.checkpoint().rpartition(b"\n\n")[0] + b"\n").size == 2
        world.fsck()


def test_an_epoch_ends_in_a_head_and_a_signed_checkpoint(world: World) -> None:
    world.clock.advance(10)
    world.accepted(world.event("manufacture", world.battery()))
    note = world.end_epoch()
    last, size = heads(world)[-1], world.store.head().size
    assert (last.tree_size, last.previous) == (size - 1, heads(world)[-2].tree_size)
    log = world.ledger.log()
    verifier = Verifier.from_key(log.origin, log_key(log, "checkpoint", size))
    checkpoint = parse_body(open_note(note, [verifier]).text)
    assert (checkpoint.size, checkpoint.root) == (size, world.store.head().root)


def test_every_entry_of_an_epoch_has_the_time_of_its_first(world: World) -> None:
    world.end_epoch()
    world.clock.advance(100)
    opened = world.clock.now
    battery = world.battery()
    (first,) = world.accepted(world.event("manufacture", battery))
    (second,) = world.accepted(world.event("install", battery))
    assert (first.log_time, second.log_time) == (opened, opened)
    assert world.ledger.battery(battery).entries[0].log_time is None
    world.end_epoch()
    assert [e.log_time for e in world.ledger.battery(battery).entries] == [opened, opened]
    world.clock.advance(5)
    (third,) = world.accepted(world.event("decommission", battery))
    assert third.log_time == opened + 6


def test_times_never_decrease_though_the_clock_does(world: World) -> None:
    world.end_epoch()
    latest = world.store.head().last_time
    world.clock.advance(-1000)
    (outcome,) = world.accepted(world.event("manufacture", world.battery()))
    assert outcome.log_time == latest
    until(
        lambda: world.store.head().checkpoint == world.store.head().size
    )  # by the monotonic clock
    assert heads(world)[-1].time == latest
    world.fsck()


def test_nothing_is_written_while_nothing_happens(world: World) -> None:
    world.end_epoch()
    size = world.store.head().size
    world.clock.advance(1000)
    world.ledger.wake()
    time.sleep(0.2)
    assert world.store.head().size == size


def test_an_epoch_ends_by_itself(world: World) -> None:
    world.accepted(world.event("manufacture", world.battery()))
    until(lambda: world.store.head().checkpoint == world.store.head().size)


def test_the_policy_says_how_long_an_epoch_is(tmp_path: Path) -> None:
    with World(tmp_path, epoch_s=600) as world:
        world.accepted(world.event("manufacture", world.battery()))
        world.clock.advance(599)
        world.ledger.wake()
        time.sleep(0.2)
        assert world.store.head().epoch_time is not None
        world.clock.advance(1)
        world.ledger.wake()
        until(lambda: world.store.head().epoch_time is None)


def test_another_process_ends_an_epoch_that_was_left_open(tmp_path: Path) -> None:
    with World(tmp_path, epoch_s=1) as world:
        world.end_epoch()
        _, other = world.open()
        abandon(world)
        world.clock.advance(30)
        assert world.store.head().epoch_time is not None
        other.wake()
        until(lambda: world.store.head().checkpoint == world.store.head().size, IDLE_POLL + 5)


def abandon(world: World) -> None:
    """Leave an epoch open, as a process that is killed does."""
    ledger = world.ledger
    ledger._sequencer.close()
    (prepared,) = ledger.prepare([world.event("manufacture", world.battery())])
    assert isinstance(prepared, Prepared)
    ledger._commit([prepared])


@contextmanager
def broken(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Iterator[list[int]]:
    """Every call of ``owner.name`` fails as a locked database does; counts the calls."""
    calls: list[int] = []

    def fails(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        raise LOCKED.at("database")

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fails)
        yield calls


def test_heads_without_checkpoints_get_them_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.end_epoch()
    published = world.store.head().checkpoint
    with broken(monkeypatch, Writing, "put_checkpoint") as calls:
        for _ in range(3):
            world.accepted(world.event("manufacture", world.battery()))
            open_until = len(calls)
            world.clock.advance(1)
            world.ledger.wake()
            until(lambda: world.store.head().epoch_time is None)
            until(lambda: len(calls) > open_until)  # noqa: B023
        assert world.store.head().checkpoint == published
        with pytest.raises(CellbookError) as trouble:
            world.ledger.ready()
        assert trouble.value.code == "unavailable.store.locked"
    until(lambda: world.store.head().checkpoint == world.store.head().size)
    sizes = [head.tree_size + 1 for head in heads(world)]
    assert all(world.store.checkpoint(size) for size in sizes)
    assert world.fsck().unpublished == 0
    world.ledger.ready()


def test_checkpoints_are_repaired_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(tmp_path) as world:
        world.end_epoch()
        with broken(monkeypatch, Writing, "put_checkpoint"):
            world.accepted(world.event("manufacture", world.battery()))
            world.ledger.close()
        assert world.store.head().checkpoint < world.store.head().size
        assert world.fsck().unpublished == 1
        world.open()
        until(lambda: world.store.head().checkpoint == world.store.head().size)


def test_a_failed_commit_leaves_everything_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.end_epoch()
    before = world.store.head()
    data = [world.event("manufacture", world.battery()) for _ in range(5)]
    for name in ("append", "put_subjects", "put_tiles", "put_head"):
        with broken(monkeypatch, Writing, name) as calls:
            codes = [o.error and o.error.code for o in world.register(*data)]
            assert codes == ["unavailable.store.locked"] * 5
            assert calls
        assert world.store.head() == before
    world.accepted(*data)
    world.fsck()


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_commit_of_unknown_outcome_is_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch, took_effect: bool
) -> None:
    data = [world.event("manufacture", world.battery()) for _ in range(3)]
    genuine = SqlStore.writing
    lost: list[int] = []

    @contextmanager
    def writing(store: SqlStore) -> Iterator[Writing]:
        if lost:
            with genuine(store) as transaction:
                yield transaction
            return
        lost.append(1)
        try:
            with genuine(store) as transaction:
                yield transaction
                if not took_effect:
                    raise InterruptedError
        except InterruptedError:
            pass
        raise uncertain("commit", "the connection was lost")

    world.end_epoch()
    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "writing", writing)
        outcomes = world.register(*data)
    assert lost
    if took_effect:
        assert all(o.receipt and not o.duplicate and o.error is None for o in outcomes)
    else:
        codes = [o.error and o.error.code for o in outcomes]
        assert codes == ["unavailable.store.uncertain"] * 3
    again = world.accepted(*data)
    assert [o.duplicate for o in again] == [took_effect] * 3
    world.fsck()


def test_a_fault_between_commits_does_not_end_the_thread(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.end_epoch()
    calls: list[int] = []

    def faulty(self: Epochs) -> float:
        calls.append(1)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(world.ledger._epochs, "tick", faulty)
        patched.setattr(world.ledger._sequencer, "_tick", faulty.__get__(world.ledger._epochs))
        world.accepted(world.event("manufacture", world.battery()))
        until(lambda: bool(calls))
        with pytest.raises(CellbookError) as trouble:
            world.ledger.ready()
        assert trouble.value.code == "unavailable.log.fault"
    world.end_epoch()
    world.ledger.ready()
