"""A log in which nothing happens says so once a day, and all who read heads understand it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.lists.rows import encode_document
from ledger.log.commit import GroupCommit
from ledger.log.heads import IDLE_HEAD_S, QUIET_S, Epochs
from ledger.log.integrity.rebuild import rebuild
from ledger.monitor.auditing.audit import Auditor
from ledger.monitor.copying.mirror import mirror
from ledger.monitor.copying.offline import OfflineLog
from ledger.proof.assembly.dossier import assemble
from ledger.proof.trust import Trust, load_trust
from ledger.proof.verify import verify_dossier
from ledger.proof.verify_participation import verify_participation
from ledger.proof.verify_supplier import verify_supplier
from ledger.store.sql import SqlStore
from ledger.tree.proofs import Proofs
from tests.log.building import Clock, World, operator_uri
from tests.log.listing import BEFORE, GREEN, SCHEME, Publishers
from tests.log.test_epochs import heads
from tests.log.test_rebuild import digests
from tests.monitor.publishing import LedgerSource

DAY = 86_400
WEEK = 7 * DAY


class Process:
    """One more process of the service: its sequencer's epochs, with a monotonic clock of its own
    and the service's clock, unless it has another."""

    def __init__(self, world: World, clock: Clock | None = None) -> None:
        self.store: SqlStore = world.home.open_store()
        self.up = 0.0
        now, signers = clock or world.clock, world.home.signers()
        self.epochs = Epochs(
            self.store,
            GroupCommit(self.store, world.ledger.uri, now),
            signers,
            Proofs(self.store),
            now,
            monotonic=lambda: self.up,
        )

    def run(self, seconds: float) -> None:
        """Look what is due, and again after ``seconds`` by the monotonic clock."""
        self.epochs.tick()
        self.up += seconds
        self.epochs.tick()


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[World]:
    """A log at rest, for files of at most a week."""
    with World(tmp_path) as world:
        world.live(world.battery(), "manufacture", "install")
        world.end_epoch()
        yield world


def rest(world: World, days: int, process: Process | None = None) -> None:
    """Days in which nothing comes, and a service runs."""
    process = process or Process(world)
    for _ in range(days):
        world.clock.advance(DAY)
        process.run(QUIET_S)


def week(world: World) -> Trust:
    trust = load_trust(world.home.trust_bytes())
    return msgspec.structs.replace(trust, max_age_days=7)


def test_it_says_once_a_day_that_nothing_came(resting: World) -> None:
    before, process = heads(resting), Process(resting)
    resting.clock.advance(IDLE_HEAD_S - 1 - (resting.clock() - before[-1].time))
    process.run(QUIET_S)
    assert heads(resting) == before
    resting.clock.advance(1)
    process.run(QUIET_S)
    for _ in range(5):
        process.run(QUIET_S)
    rest(resting, 3, process)
    new = heads(resting)[len(before) :]
    assert [head.time - before[-1].time for head in new] == [DAY, 2 * DAY, 3 * DAY, 4 * DAY]
    assert [head.tree_size for head in new] == [before[-1].tree_size + i for i in range(1, 5)]
    assert [head.previous for head in new] == [head.tree_size - 1 for head in new]
    assert {head.index_root for head in new} == {before[-1].index_root}
    assert resting.store.head().checkpoint == resting.store.head().size
    resting.fsck()


def test_a_log_at_rest_stays_verifiable(resting: World) -> None:
    pack, at = resting.battery(), resting.clock
    resting.live(pack, "manufacture")
    resting.end_epoch()
    old = resting.ledger.dossier(pack)
    resting.clock.advance(WEEK + 100)
    with pytest.raises(CellbookError) as refused:
        verify_dossier(resting.ledger.dossier(pack), week(resting), at())
    assert refused.value.code == "undecided.age"
    rest(resting, 1)
    verdict = verify_dossier(resting.ledger.dossier(pack), week(resting), at())
    assert verdict.record.time == at()
    assert [entry.log_time for entry in verdict.life] == [
        entry.log_time for entry in verify_dossier(old, week(resting), at() - WEEK - DAY).life
    ]


def test_a_restart_after_two_idle_weeks_makes_one(resting: World) -> None:
    before = len(heads(resting))
    resting.clock.advance(2 * WEEK)
    process = Process(resting)
    process.run(QUIET_S - 1)
    assert len(heads(resting)) == before
    process.run(1)
    process.run(QUIET_S)
    assert len(heads(resting)) == before + 1
    assert heads(resting)[-1].time == resting.clock()


def test_two_processes_make_one(resting: World) -> None:
    before = len(heads(resting))
    processes = [Process(resting) for _ in range(2)]
    for process in processes:
        process.epochs.tick()
        process.up += QUIET_S
    resting.clock.advance(DAY)
    gate = threading.Barrier(2)

    def tick(process: Process) -> None:
        gate.wait()
        process.epochs.tick()

    threads = [threading.Thread(target=tick, args=(process,)) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.run(QUIET_S)
    assert len(heads(resting)) == before + 1
    resting.fsck()


def test_what_comes_puts_it_off(resting: World) -> None:
    process = Process(resting)
    process.epochs.tick()
    resting.clock.advance(DAY)
    process.up = QUIET_S
    resting.live(resting.battery(), "manufacture")
    resting.end_epoch()
    last = len(heads(resting))
    process.run(QUIET_S)
    assert len(heads(resting)) == last


def test_a_clock_that_goes_back_says_nothing(resting: World) -> None:
    before = heads(resting)
    resting.clock.advance(-10 * DAY)
    Process(resting).run(QUIET_S)
    assert heads(resting) == before


def test_a_frozen_log_says_nothing_more(resting: World) -> None:
    resting.accepted(resting.freeze())
    resting.end_epoch()
    before, process = heads(resting), Process(resting)
    rest(resting, 3, process)
    assert heads(resting) == before
    assert process.epochs._is_frozen, "it takes the lock at each look"
    resting.fsck()


def test_all_who_read_heads_take_an_empty_epoch(resting: World, tmp_path: Path) -> None:
    world, pack = resting, resting.battery()
    publishers = Publishers(world)
    world.accepted(publishers.snapshot(BEFORE, "2026-01-01"))
    rest(world, 3)
    world.live(pack, "manufacture", "install")
    world.end_epoch()
    rest(world, 2)
    world.live(pack, "decommission")
    world.end_epoch()
    rest(world, 2)
    ledger, trust, now = world.ledger, week(world), world.clock()
    verdict = verify_dossier(ledger.dossier(pack), trust, now)
    assert [entry.kind for entry in verdict.life] == ["manufacture", "install", "decommission"]
    ledger.lists.put_rows(SCHEME, BEFORE.root, encode_document(BEFORE))
    verify_participation(ledger.lists.participation(SCHEME, GREEN, "2026-09-25"), trust, now)
    verify_supplier(ledger.suppliers.file(operator_uri("owner"), "2026-09-25"), trust, now)
    report = world.fsck()
    tables = digests(world.store)
    assert rebuild(world.store).heads == report.heads
    assert digests(world.store) == tables
    with Auditor(trust, tmp_path / "state", processes=1) as auditor:
        assert auditor.run(LedgerSource(ledger)).heads == report.heads
    mirror(LedgerSource(ledger), tmp_path / "copy")
    with OfflineLog(tmp_path / "copy") as log:
        assert assemble(log, pack, log.documents) == ledger.dossier(pack)
