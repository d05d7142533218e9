"""Registration without HTTP, while the log grows; and what a grown log gives back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from ledger.log.ledger import Ledger
from ledger.log.outcome import Outcome
from ledger.tree.proofs import Proofs
from tests.bench.statements import Source
from tests.log.building import World

CHUNK = 256
GROUPS_IN_FLIGHT = 4


class Cost(msgspec.Struct, frozen=True):
    """Registration of ``count`` entries in a log of ``size``: seconds, and seconds of CPU."""

    size: int
    count: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.count * 1e6


def grow(ledger: Ledger, source: Source, to: int, window: int, note: Callable[[int], None]) -> Cost:
    """Register until the log has about ``to`` entries; the cost is that of the last ``window``."""
    with ThreadPoolExecutor(2) as threads:
        while (size := _size(ledger)) < to - window:
            register(ledger, threads, source.take(min(10_000, to - window - size)))
            note(size)
        return measured(ledger, threads, source.take(window))


def measured(ledger: Ledger, threads: ThreadPoolExecutor, statements: Sequence[bytes]) -> Cost:
    """Register ``statements``; what that cost."""
    begun, cpu = time.perf_counter(), time.process_time()
    register(ledger, threads, statements)
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
    return Cost(_size(ledger), len(statements), seconds, cpu_seconds)


def register(ledger: Ledger, threads: ThreadPoolExecutor, statements: Sequence[bytes]) -> None:
    """Prepare in ``threads`` while commits are under way; every statement must be new."""
    waiting: list[Future[list[Outcome]]] = []
    for prepared in threads.map(ledger.prepare, _chunks(statements)):
        waiting.append(ledger.register(prepared))
        if len(waiting) > GROUPS_IN_FLIGHT:
            _check(waiting.pop(0))
    for future in waiting:
        _check(future)


def receipts_per_second(world: World, count: int) -> tuple[float, float, float]:
    """Inclusion proofs per second for entries among the newest 200,000 (whose tiles are in the
    cache after a first round), receipts per second for many at once, and one by one."""
    head = world.store.head()
    chance = random.Random(1)
    newest = max(0, head.size - 200_000)
    indexes = [chance.randrange(newest, head.size) for _ in range(count)]
    proofs = Proofs(world.store)
    for index in indexes:
        proofs.inclusion(index, head.size)
    begun = time.perf_counter()
    for index in indexes:
        proofs.inclusion(index, head.size)
    warm = count / (time.perf_counter() - begun)
    entry_ids = [_entry_id(world, index) for index in indexes[:1000]]
    world.ledger.receipts(entry_ids)
    begun = time.perf_counter()
    world.ledger.receipts(entry_ids)
    together = len(entry_ids) / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for entry_id in entry_ids[:300]:
        world.ledger.receipt(entry_id)
    return warm, together, 300 / (time.perf_counter() - begun)


def _entry_id(world: World, index: int) -> bytes:
    entry = world.store.entry(index)
    assert entry is not None
    return entry.entry_id


def _size(ledger: Ledger) -> int:
    return ledger._store.head().size


def _chunks(statements: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(statements), CHUNK):
        yield statements[start : start + CHUNK]


def _check(future: Future[list[Outcome]]) -> None:
    for outcome in future.result():
        if outcome.error is not None:
            raise outcome.error
