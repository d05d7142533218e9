"""The index of a head, computed before the lock: whatever happens in between, the head is right."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.algorithms import ED25519
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.governance.statements import Head, encode_governance
from ledger.log import commit, index
from ledger.log.heads import GRACE_S
from ledger.log.index import Ahead, extend_index, look_ahead
from ledger.log.integrity.fsck import fsck
from ledger.store import indexing
from ledger.store.indexing import IndexView
from ledger.store.records import NewEntry
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing
from ledger.tree.merkle import leaf_hash
from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import TYP_HEAD, sign_statement
from tests.log import writers
from tests.log.building import NOW, World
from tests.log.test_epochs import abandon, heads, until
from tests.log.test_fsck import query
from tests.log.test_idle import Process
from tests.log.test_processes import SPAWN
from tests.store.conftest import store, url  # noqa: F401 - an empty log on either database
from tests.tree import prefix_reference as reference

SIGNER = generate(ED25519)
URI = "https://log.example/test"
LOG = "urn:cellbook:test"


class Model:
    """A log of which only the index is real: entries that say nothing, heads that state roots, and
    what the index must be by its definition."""

    def __init__(self, made: SqlStore) -> None:
        self.store = made
        self.chains: dict[str, Chain] = {}
        self.stated: list[bytes] = []

    def append(self, *concerned: tuple[str, ...]) -> None:
        """An entry for each of ``concerned``, its subjects."""
        with self.store.writing() as writing:
            first = writing.head.size
            leaves = [b"%d" % n for n in range(first, first + len(concerned))]
            self._write(writing, leaves)
            pairs = [(uri, n) for n, uris in enumerate(concerned, first) for uri in uris]
            hashes = {n: leaf_hash(leaf) for n, leaf in enumerate(leaves, first)}
            writing.put_subjects({}, pairs, hashes)
            self._put_head(writing, len(leaves))
        for uri, n in pairs:
            self.chains[uri] = self.chains.get(uri, Chain()).after(n, hashes[n])

    def look(self) -> Ahead:
        with self.store.looking() as view:
            return look_ahead(view, view.head.last_head, view.head.size)

    def end(self, ahead: Ahead | None) -> None:
        """A head; it states what the dictionary says."""
        with self.store.writing() as writing:
            head = writing.head
            root = extend_index(writing, head.last_head, head.size, ahead)
            content = Head(tree_size=head.size, time=NOW, index_root=root, previous=head.last_head)
            leaf = sign_statement(
                SIGNER,
                typ=TYP_HEAD,
                iss=URI,
                sub=URI,
                aud=LOG,
                iat=NOW,
                payload=encode_governance(content),
            )
            self._write(writing, [leaf])
            self._put_head(writing, 1, last_head=head.size)
        self.stated.append(root)
        assert root == self.root()
        keys = [key_of(uri) for uri in self.chains]
        found = self.store.prove(keys)
        values = [chain.value for chain in self.chains.values()]
        assert [found[key].value for key in keys] == values

    def root(self) -> bytes:
        return reference.root({key_of(uri): chain.value for uri, chain in self.chains.items()})

    def _write(self, writing: Writing, leaves: list[bytes]) -> None:
        numbers = range(writing.head.size, writing.head.size + len(leaves))
        ids = [sha256(leaf).digest() for leaf in leaves]
        writing.append(list(map(NewEntry, numbers, ids, ids, leaves)))

    def _put_head(self, writing: Writing, count: int, **changes: Any) -> None:
        size = writing.head.size + count
        writing.put_head(msgspec.structs.replace(writing.head, size=size, **changes))


@pytest.fixture
def model(store: SqlStore) -> Model:  # noqa: F811
    """A model with subjects under one head: enough for blocks below the root's."""
    made = Model(store)
    for start in range(0, 1200, 100):
        made.append(*((name(n), LOG) for n in range(start, start + 100)))
    made.end(None)
    return made


def name(number: int) -> str:
    return f"urn:cellbook:test:{number}"


def test_new_and_changed_subjects_before_and_after_the_snapshot(model: Model) -> None:
    model.append((name(1),), (name(2), name(5000)), (name(1),))
    ahead = model.look()
    assert ahead.upto == (model.store.head().size - 1, ahead.upto[1])
    model.append((name(2),), (name(3), name(5000), name(6000)), (LOG,))
    model.end(ahead)


def test_what_was_computed_before_is_not_computed_again(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, asked = Writing.concerned, []

    def concerned(writing: Writing, after: indexing.Pair, stop: int) -> list[indexing.Pair]:
        asked.append(after)
        return honest(writing, after, stop)

    monkeypatch.setattr(Writing, "concerned", concerned)
    model.append((name(1),), (name(7000),))
    ahead = model.look()
    last_head = model.store.head().last_head
    model.end(ahead)
    assert asked == [ahead.upto]
    model.append((name(2),))
    model.end(ahead)
    assert asked[1] == (last_head + 3, -1)


def test_nothing_is_stored_before_the_lock(model: Model) -> None:
    before = model.store.iterate_blocks(limit=10_000)
    model.append((name(1),), (name(7000),))
    ahead = model.look()
    assert ahead.blocks
    assert model.store.iterate_blocks(limit=10_000) == before


def test_what_another_head_has_overtaken_is_thrown_away(model: Model) -> None:
    model.append((name(1),), (name(7000),))
    stale = model.look()
    model.append((name(2),))
    model.end(None)
    model.append((name(3),))
    model.end(stale)
    model.append((name(3),))
    model.end(None)


def test_what_belongs_to_another_index_is_thrown_away(model: Model, tmp_path: Path) -> None:
    made = SqlStore.open(f"sqlite:///{tmp_path}/other.db")
    made.create()
    other = Model(made)
    other.append(*((name(n), LOG) for n in range(2000, 3200)))
    other.end(None)
    other.append((name(2001),))
    foreign = other.look()
    made.close()
    assert foreign.last_head == model.store.head().last_head
    model.append((name(2),))
    model.end(foreign)


def test_more_than_is_taken_in_before_the_lock(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "PAGE", 300)
    monkeypatch.setattr(index, "CHUNK", 16)
    monkeypatch.setattr(index, "HELD", 100_000)
    monkeypatch.setattr(index, "_STORED", 3)
    model.append(*((name(n),) for n in range(1000, 1700)))
    ahead = model.look()
    assert sum(map(len, ahead.blocks.values())) < 150_000
    assert 0 < len(ahead.left) < 300
    model.append((min(name(n) for n in range(1000, 1700)),))
    model.end(ahead)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_gives_the_index_of_a_dictionary(
    model: Model, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(indexing, "PAGE", chance.choice((3, 50, 16_384)))
    monkeypatch.setattr(index, "CHUNK", chance.choice((1, 20, 1024)))
    monkeypatch.setattr(index, "HELD", chance.choice((1, 20_000, 2**26)))
    pinned = model.store.head().last_head + 1
    model.store.move_pins({"kept": pinned})
    kept = model.store.prove([key_of(name(n)) for n in range(50)], pinned)
    ahead: Ahead | None = None
    for _ in range(12):
        for _ in range(chance.randrange(4)):
            names = [name(chance.randrange(1500)) for _ in range(chance.randrange(1, 40))]
            model.append(*((uri, LOG) for uri in dict.fromkeys(names)))
            if chance.random() < 0.5:
                ahead = model.look()
        model.end(ahead)
    assert model.store.prove([key_of(name(n)) for n in range(50)], pinned) == kept


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x02" + bytes(60)])
def test_no_head_over_blocks_that_were_damaged_since(
    model: Model, tmp_path: Path, data: bytes
) -> None:
    model.append((name(1),))
    ahead = model.look()
    model.append((name(2),))
    with model.store.writing() as writing:
        writing.put_blocks({b"": data}, writing.head.size)
    with pytest.raises(CellbookError) as stopped:
        model.end(ahead)
    assert stopped.value.code in ("damaged.log.index", "damaged.tree.block")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A ledger on each database, with a battery under a head."""
    database = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with World(tmp_path, database=database, operators=("owner", "assessor")) as made:
        made.live(made.battery(), "manufacture", "install")
        made.end_epoch()
        yield made


def between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> list[Ahead]:
    """Once, when the next head's index is computed and before the lock: ``act``."""
    honest, done = commit.look_ahead, []

    def look(view: IndexView, last_head: int | None, stop: int) -> Ahead:
        found = honest(view, last_head, stop)
        done.append(found)
        if len(done) == 1:
            act()
        return found

    monkeypatch.setattr(commit, "look_ahead", look)
    return done


def test_another_process_appends_in_between(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other = world.open()
    battery = world.battery()
    world.live(battery, "manufacture")
    more = [world.event("install", battery), world.event("manufacture", world.battery())]
    outcomes = []
    looked = between(monkeypatch, lambda: outcomes.extend(other.register_now(more)))
    world.end_epoch()
    until(lambda: world.store.head().checkpoint == world.store.head().size)
    assert [outcome.error for outcome in outcomes] == [None, None]
    head = heads(world)[-1]
    assert looked[0].upto[0] < max(outcome.index or 0 for outcome in outcomes) < head.tree_size
    world.fsck()


def test_another_process_ends_the_epoch_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, other = world.open()
    battery, before = world.battery(), len(heads(world))
    world.live(battery, "manufacture")
    looked = between(monkeypatch, other._epochs.end)
    world.end_epoch()
    assert len(looked) == 2
    assert len(heads(world)) == before + 1
    world.live(battery, "install")
    world.end_epoch()
    assert len(heads(world)) == before + 2
    world.fsck()


def test_others_leave_an_epoch_to_the_process_that_has_opened_it(world: World) -> None:
    other = Process(world)
    abandon(world)
    before = len(heads(world))
    other.run(1)
    other.run(GRACE_S - 0.01)
    assert len(heads(world)) == before
    other.run(0.02)
    assert len(heads(world)) == before + 1


def test_who_has_opened_an_epoch_ends_it_when_it_is_due(world: World) -> None:
    battery = world.battery()
    events = [world.event(kind, battery) for kind in ("manufacture", "install")]
    world.ledger._sequencer.close()
    process = Process(world)
    before = len(heads(world))
    for prepared in world.ledger.prepare(events):
        process.epochs.note(process.epochs._commits.run([prepared]))
    process.run(0.99)
    assert len(heads(world)) == before
    process.run(0.02)
    assert len(heads(world)) == before + 1


def killed(folder: Path, source: Path, answer: Path) -> None:
    """Another process: it opens an epoch, and is killed when it has computed the index."""

    def look(view: IndexView, last_head: int | None, stop: int) -> None:
        look_ahead(view, last_head, stop)
        answer.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    commit.look_ahead = look
    writers.register_all(folder, source, answer)
    time.sleep(60)


def test_a_process_is_killed_in_between(world: World) -> None:
    source, answer = world.path / "killed.hex", world.path / "killed.json"
    source.write_text(world.event("manufacture", world.battery()).hex())
    (world.path / "go").touch()
    before, size = len(heads(world)), world.store.head().size
    process = SPAWN.Process(target=killed, args=(world.home.path, source, answer))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert answer.exists()
    until(lambda: world.store.head().checkpoint > size, 15)
    assert len(heads(world)) == before + 1
    world.fsck()


def test_a_service_with_a_damaged_index_signs_no_head(tmp_path: Path) -> None:
    with World(tmp_path, operators=("owner",)) as world:
        world.end_epoch()
        before = len(heads(world))
        sql = "UPDATE index_block SET data = ? WHERE id = 1"
        query(world.home.path / "ledger.db", sql, b"\x02" + bytes(70))
        world.live(world.battery(), "manufacture")
        world.clock.advance(5)
        world.ledger.wake()
        until(lambda: world.ledger._sequencer.trouble is not None)
        with pytest.raises(CellbookError) as trouble:
            world.ledger.ready()
        assert trouble.value.code in ("damaged.tree.block", "damaged.log.index")
        assert len(heads(world)) == before


def test_an_index_of_two_ledgers_is_one(world: World) -> None:
    _, other = world.open()
    for _ in range(3):
        battery = world.battery()
        world.live(battery, "manufacture")
        (outcome,) = other.register_now([world.event("install", battery)])
        assert outcome.error is None
        world.end_epoch()
    world.close()
    reopened = world.home.open_store()
    fsck(reopened)
    reopened.close()
