"""What the index costs: a head over many changed subjects, and how much slower registration is.

The index is filled with subjects of which there are no entries, under one head, in the forms in
which registration leaves them: a million real entries would take minutes more and cost a head the
same.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256

import msgspec

from ledger.log import commit, index
from ledger.log.heads import read_head
from ledger.store.bulk import bulk
from ledger.store.records import NewEntry
from ledger.store.sql import SqlStore
from ledger.store.tables import SUBJECT, SUBJECT_ENTRY
from ledger.store.writing import Writing
from ledger.tree.growth import Growth
from ledger.tree.merkle import leaf_hash
from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change
from tests.bench.inprocess import register
from tests.bench.statements import Source
from tests.log.building import World

FIRST = 10_000_000
"""The id of the first made-up subject."""
_PART = 50_000
_STATE = bytes(300)


class HeadCost(msgspec.Struct, frozen=True):
    """One head's index with loads and stores: seconds of CPU, and those of them for the commit;
    seconds of time under the lock."""

    cpu: float
    locked: float
    commit_cpu: float


def fill(world: World, subjects: int, note: Callable[[int], None]) -> None:
    """Put ``subjects`` into the index under the next head."""

    def extend(writing: Writing, last_head: int | None, stop: int, ahead: object) -> bytes:
        honest(writing, last_head, stop)
        root = b""
        for start in range(0, subjects, _PART):
            root = _put(writing, range(start, min(start + _PART, subjects)), stop + 1)
            note(start)
        return root

    honest = commit.extend_index
    commit.extend_index = extend
    try:
        world.accepted(world.registration("filler"))
        wait_until_idle(world)
    finally:
        commit.extend_index = honest


def lengthen(world: World, entries: int) -> None:
    """Append entries that say nothing, about nobody, to a log that nobody else writes."""
    for _ in range(entries // _PART):
        with world.store.writing() as writing:
            head = writing.head
            numbers = range(head.size, head.size + _PART)
            leaves = [b"%d" % n for n in numbers]
            ids = [sha256(leaf).digest() for leaf in leaves]
            writing.append(list(map(NewEntry, numbers, ids, ids, leaves)))
            grown = Growth.load(head.size, writing).append(list(map(leaf_hash, leaves)))
            writing.put_tiles(grown.tiles)
            edge = grown.growth.to_bytes()
            changes = {"size": grown.size, "root": grown.root, "edge": edge}
            writing.put_head(msgspec.structs.replace(head, **changes))


def life(world: World) -> str:
    """A battery with six events, under a head of its own."""
    battery = world.battery()
    kinds = ("manufacture", "install", "incident", "decommission", "assessment", "reading")
    world.live(battery, *kinds)
    wait_until_idle(world)
    return battery


class DossierCost(msgspec.Struct, frozen=True):
    """A dossier; seconds to make it the first time, and the medians of many times, of CPU too."""

    data: bytes
    first: float
    warm: float
    warm_cpu: float


def dossier_cost(world: World, battery: str) -> DossierCost:
    """What it costs a service to make a dossier."""
    begun = time.perf_counter()
    data = world.ledger.dossier(battery)
    first = time.perf_counter() - begun
    walls, cpus = [], []
    for _ in range(51):
        begun, cpu = time.perf_counter(), time.thread_time()
        world.ledger.dossier(battery)
        walls.append(time.perf_counter() - begun)
        cpus.append(time.thread_time() - cpu)
    return DossierCost(data, first, sorted(walls)[25], sorted(cpus)[25])


def head_over_known(store: SqlStore, count: int, subjects: int, seed: int) -> HeadCost:
    """The index of a head over entries that concern ``count`` of the subjects that were put in.

    The transaction of the head, without the head: it is rolled forward, but no head is written.
    """
    head = store.head()
    assert head.last_head is not None
    start = head.size + seed * count
    with store.writing() as writing:
        _touch(writing, random.Random(seed).sample(range(subjects), count), start)
    begun = time.process_time()
    with _any_root():
        with store.looking() as view:
            ahead = index.look_ahead(view, start, start + count)
        with store.writing() as writing:
            taken = time.perf_counter()
            index.extend_index(writing, start, start + count, ahead)
            computed = time.process_time()
    locked, ended = time.perf_counter() - taken, time.process_time()
    return HeadCost(ended - begun, locked, ended - computed)


class Registration(msgspec.Struct):
    """Seconds, and seconds of CPU with the heads that follow."""

    seconds: float = 0.0
    cpu: float = 0.0


def with_and_without(
    world: World, source: Source, window: int, rounds: int
) -> tuple[Registration, Registration]:
    """To register ``rounds`` windows: with the index, and with its computation left out, in
    turn."""
    took = Registration(), Registration()
    with ThreadPoolExecutor(2) as threads:
        for number in range(2 * rounds):
            statements, kind = source.take(window), took[number % 2]
            with _without_index(world.store) if number % 2 else _as_it_is():
                begun, cpu = time.perf_counter(), time.process_time()
                register(world.ledger, threads, statements)
                kind.seconds += time.perf_counter() - begun
                wait_until_idle(world)
                kind.cpu += time.process_time() - cpu
    return took


def wait_until_idle(world: World) -> None:
    """Until the newest entry is a head with its checkpoint."""
    while (head := world.store.head()).checkpoint < head.size:
        world.ledger.wake()
        time.sleep(0.02)


def _uri(number: int) -> str:
    return f"urn:cellbook:gbt34014:4A6PBPM99KLPCZ{number:010d}"


def _chain(number: int, count: int) -> Chain:
    return Chain(count, sha256(b"%d %d" % (number, count)).digest())


def _put(writing: Writing, numbers: range, size: int) -> bytes:
    chains = [_chain(n, 1) for n in numbers]
    uris = [_uri(n) for n in numbers]
    ids = [FIRST + n for n in numbers]
    columns = [ids, uris, [_STATE] * len(ids), [1] * len(ids), [chain.hash for chain in chains]]
    with writing._using() as connection:
        bulk(connection).insert(connection, SUBJECT, columns)
    values = {key_of(uri): chain.value for uri, chain in zip(uris, chains, strict=True)}
    held = index._Held(writing)
    root = change(held, values)
    held.store(writing, size)
    return root


def _touch(writing: Writing, numbers: list[int], start: int) -> None:
    """What registration does to subjects that are there already."""
    ids = [FIRST + n for n in numbers]
    chains = [_chain(n, start) for n in numbers]
    counts, hashes = [chain.count for chain in chains], [chain.hash for chain in chains]
    with writing._using() as connection:
        bulk(connection).set_subjects(connection, [ids, [_STATE] * len(ids), counts, hashes])
        pairs = [ids, list(range(start, start + len(ids)))]
        bulk(connection).insert(connection, SUBJECT_ENTRY, pairs)


@contextmanager
def _any_root() -> Iterator[None]:
    """Indexes go on from whatever root there is: no head states that of the round before."""
    honest = index._stated
    index._stated = lambda writing, last_head: change(index._Held(writing), {})
    try:
        yield
    finally:
        index._stated = honest


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _without_index(store: SqlStore) -> Iterator[None]:
    """Heads state the root of the head before: what comes meanwhile is never in the index."""
    last_head = store.head().last_head
    assert last_head is not None
    root = read_head(store, last_head).index_root
    honest = commit.extend_index, commit.look_ahead
    commit.extend_index = lambda *arguments: root
    commit.look_ahead = lambda *arguments: None
    try:
        yield
    finally:
        commit.extend_index, commit.look_ahead = honest
