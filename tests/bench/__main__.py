"""``make bench``: the machine's limits and ours, in one run.

    python -m tests.bench [--quick] [--largest N] [index | dossier]

Signing and the making of requests are not measured. Traffic stays on loopback, and every load has
an end. Figures depend on the machine; the ratios to its limits are what counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography import __version__ as cryptography_version

from api.sequence import byte_string
from keys import pynacl
from ledger.custody.profiles import choose
from ledger.custody.values.times import format_moment
from ledger.store.engine import sqlite_driver
from tests.bench import (
    auditing,
    coldstart,
    histories,
    importing,
    indexing,
    inprocess,
    limits,
    traffic,
)
from tests.bench.statements import Source
from tests.log.building import World, operator_uri
from tests.service import running_service

BATCH = 512
PROFILES = choose(("core", "cn-2026", "eu-2023-1542"))
"""The rules by which everything is registered here."""
WORKERS = (1, 2)


def now() -> int:
    return int(time.time())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="A tenth of everything.")
    parser.add_argument("--largest", type=int, default=0, help="Entries of the largest log.")
    parser.add_argument("only", nargs="?", choices=["index", "dossier"], help="One part alone.")
    arguments = parser.parse_args()
    share = 10 if arguments.quick else 1
    largest = arguments.largest or 1_000_000 // share
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if arguments.only == "index":
            show_index(path, 1_000_000 // share)
            show_dossier(path, 1_000_000 // share)
            return
        if arguments.only == "dossier":
            show_dossier(path, 1_000_000 // share)
            return
        limit = show_machine(path)
        show_http(path, limit, 40_000 // share)
        show_import(path, limit, 100_000 // share)
        show_growth(path, limit, largest)
        show_histories(path, limit, 1_000 // share)
        show_index(path, 1_000_000 // share)
        show_dossier(path, 1_000_000 // share)
        show_audit(path, limit, 100_000 // share)
        show_cold_verify(path)


def show_machine(path: Path) -> float:
    """The machine's limits; gives THE limit."""
    heading("The machine")
    driver = sqlite_driver()
    row("Python, cores", f"{platform.python_version()}, {os.cpu_count()}")
    row("SQLite, WAL, synchronous=FULL", driver.sqlite_version)
    row("fsync of 4 KiB", f"{limits.fsync_seconds(path) * 1e3:.2f} ms")
    size = make_source(path / "sample")[1].size
    row("statement", f"{size} bytes")
    row("rules", ", ".join(f"{name} {version}" for name, version in PROFILES))
    limit = limits.verifications_per_second(2, size, with_pynacl=False)
    row(f"Ed25519 verify, cryptography {cryptography_version}, 2 processes", f"{limit:,.0f} /s")
    row("  that is THE LIMIT", "100 %")
    fast = limits.verifications_per_second(2, size, with_pynacl=True)
    row("Ed25519 verify, PyNaCl, 2 processes", f"{fast:,.0f} /s", fast / limit)
    return limit


def show_http(path: Path, limit: float, count: int) -> None:
    heading("Registration over HTTP, durable commits, receipts in the answers")
    for workers in WORKERS:
        world, source = make_source(path / f"http{workers}")
        world.close()
        with running_service(world.home.path, workers=workers) as service:
            bodies = list(batch_bodies(source, count))
            requests = [traffic.request("/batches", "application/cbor-seq", b) for b in bodies]
            traffic.send(service.url, requests[:4], 4, b"200")
            took = traffic.send(service.url, requests[4:], 8, b"200")
            done = len(requests[4:]) * BATCH
            report(f"batches of {BATCH}, 8 connections, {workers} worker(s)", took, done, limit)
            memory = resident(service.workers())
            singles = [
                traffic.request("/entries", "application/cose", statement)
                for statement in source.take(count // 4)
            ]
            took = traffic.send(service.url, singles, 64, b"201")
            report(f"one by one, 64 connections, {workers} worker(s)", took, len(singles), limit)
            after = resident(service.workers())
            row("  memory of a worker, before and after", f"{memory} MiB, {after} MiB")


def show_import(path: Path, limit: float, count: int) -> None:
    heading(f"cellbook import of {count:,} rows of CSV, and its steps alone, on one core")
    world, _ = make_source(path / "import")
    world.close()
    found = importing.rates(world, path, count)
    row("read, map and validate a row", f"{found.parsing:,.0f} /s", found.parsing / limit)
    row("build and sign a statement", f"{found.signing:,.0f} /s", found.signing / limit)
    whole = f"{found.importing:,.0f} /s, {count / found.importing:.0f} s"
    row("all of it, into an outbox on disk", whole, found.importing / limit)
    sent = f"{found.sending:,.0f} /s, {count / found.sending:.0f} s"
    row("submit the outbox to one worker", sent, found.sending / limit)


def show_growth(path: Path, limit: float, largest: int) -> None:
    heading("Registration in process, two threads, as the log grows")
    world, source = make_source(path / "growth")
    costs = []
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size <= largest]
    for size in sizes:
        cost = inprocess.grow(world.ledger, source, size, 10_000 if size > 10_000 else 5_000, note)
        costs.append(cost)
        text = f"{cost.per_second:,.0f} /s, {cost.cpu_us:.0f} us of CPU an entry"
        row(f"at {size:,} entries", text, cost.per_second / limit)
    note(0)
    row("memory of the process", f"{resident([os.getpid()])} MiB")
    if len(costs) > 1:
        ratio = costs[-1].seconds / costs[-1].count / (costs[-2].seconds / costs[-2].count)
        cpu = costs[-1].cpu_us / costs[-2].cpu_us
        row(f"cost at {sizes[-1]:,} over that at {sizes[-2]:,}", f"{ratio:.2f} (CPU {cpu:.2f})")
    warm, together, alone = inprocess.receipts_per_second(world, 20_000)
    row("inclusion proofs of recent entries, warm", f"{warm:,.0f} /s")
    row("receipts, 1,000 at once", f"{together:,.0f} /s")
    row("receipts, one by one", f"{alone:,.0f} /s")
    world.close()


def show_histories(path: Path, limit: float, events: int) -> None:
    heading("Registration in process, as the histories of 64 batteries grow")
    world, _ = make_source(path / "histories")
    window = max(10, events // 10)
    first, last = histories.costs(world, 64, events, window)
    for name, cost in (("first", first), ("last", last)):
        text = f"{cost.per_second:,.0f} /s, {cost.cpu_us:.0f} us of CPU an entry"
        row(f"the {name} {window} of {events:,} events of each", text, cost.per_second / limit)
    row("cost of the last over the first", f"{first.per_second / last.per_second:.2f}")
    world.close()


def show_index(path: Path, subjects: int) -> None:
    heading(f"The index: {subjects:,} subjects")
    world, source = make_source(path / "index")
    indexing.fill(world, subjects, note)
    note(0)
    with_index, without = indexing.with_and_without(world, source, 20_000, 3)
    wall, cpu = without.seconds / with_index.seconds - 1, without.cpu / with_index.cpu - 1
    row("batch registration with the index, beside none", f"{wall:+.1%} (by CPU {cpu:+.1%})")
    row("  microseconds of CPU an entry", f"{with_index.cpu / 0.06:.0f}, {without.cpu / 0.06:.0f}")
    world.close()
    store = world.home.open_store()
    costs = [indexing.head_over_known(store, 10_000, subjects, n) for n in range(1, 8)]
    store.close()
    cpu = sorted(cost.cpu for cost in costs)
    row("a head over 10,000 changed subjects, CPU", f"{cpu[0]:.2f} s, median {cpu[3]:.2f} s")
    locked = sorted(cost.locked for cost in costs)
    row("  under the lock", f"{locked[0]:.2f} s, median {locked[3]:.2f} s")
    commits = sorted(cost.commit_cpu for cost in costs)
    row("  of the CPU, the commit", f"{commits[0]:.2f} s, median {commits[3]:.2f} s")


def show_dossier(path: Path, entries: int) -> None:
    heading(f"A dossier of six events, of {entries:,} entries about {entries // 5:,} batteries")
    operators = ("owner", "assessor", "authority")
    with World(path / "dossier", clock=now, operators=operators) as world:
        indexing.fill(world, entries // 5, note)
        note(0)
        indexing.lengthen(world, entries)
        battery = indexing.life(world)
        cost = indexing.dossier_cost(world, battery)
        dossier = path / "six.dossier"
        dossier.write_bytes(cost.data)
        bare = coldstart.bare_import_seconds()
        took = coldstart.verify_seconds(dossier, world.home.trust_path)
    row("bytes", f"{len(cost.data):,}")
    row("made the first time", f"{cost.first * 1e3:.1f} ms")
    row("made warm", f"{cost.warm * 1e3:.1f} ms, CPU {cost.warm_cpu * 1e3:.1f} ms")
    row("cellbook verify, cold", f"{took * 1e3:.0f} ms, {took / bare:.2f} bare imports")


def show_audit(path: Path, limit: float, count: int) -> None:
    heading("cellbook audit of a static copy, on all cores")
    world, source = make_source(path / "audit")
    for size in (count // 4, count):
        inprocess.grow(world.ledger, source, size, 1_000, note)
        note(0)
        wait_until_published(world)
        found = auditing.costs(world, path)
        rate = found.size / found.audit_seconds
        row(f"mirror of {found.size:,} entries", f"{found.size / found.mirror_seconds:,.0f} /s")
        row("audit", f"{rate:,.0f} /s, {found.audit_mib} MiB", rate / limit)
        row("audit again, with nothing new", f"{found.again_seconds:.1f} s")
    world.close()


def wait_until_published(world: World) -> None:
    """Until the newest entry is a head with its checkpoint."""
    while (head := world.store.head()).checkpoint < head.size:
        time.sleep(0.05)


def show_cold_verify(path: Path) -> None:
    heading("cellbook verify, from nothing")
    from tests.proof.building import two_lives

    with World(path / "verify", clock=now, operators=("owner", "assessor")) as world:
        _, subject = two_lives(world)
        dossier = path / "battery.dossier"
        dossier.write_bytes(world.ledger.dossier(subject))
        bare = coldstart.bare_import_seconds()
        took = coldstart.verify_seconds(dossier, world.home.trust_path)
    row("the bare imports", f"{bare * 1e3:.0f} ms")
    row(f"a dossier of {dossier.stat().st_size:,} bytes", f"{took * 1e3:.0f} ms")
    row("ratio", f"{took / bare:.2f}")


def make_source(path: Path) -> tuple[World, Source]:
    """A ledger in a new folder, and statements for it."""
    backend = pynacl.load()
    world = World(path, clock=now, operators=("owner",), backend=backend, profiles=PROFILES)
    owner = world.operators["owner"]
    occurred = format_moment(now() - 86_400, 480)
    source = Source(owner.signer, operator_uri("owner"), world.family, now(), occurred)
    return world, source


def batch_bodies(source: Source, count: int) -> Iterator[bytes]:
    for _ in range(count // BATCH):
        yield b"".join(map(byte_string, source.take(BATCH)))


def report(name: str, took: traffic.Traffic, count: int, limit: float) -> None:
    client = f"client {took.cpu_seconds / took.seconds:.0%} of a core"
    row(name, f"{count / took.seconds:,.0f} /s ({client})", count / took.seconds / limit)


def resident(pids: list[int]) -> int:
    """MiB of memory in use, the largest of ``pids``."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return max(pages) * os.sysconf("SC_PAGE_SIZE") >> 20


def heading(text: str) -> None:
    print(f"\n{text}", flush=True)


def row(name: str, value: str, ratio: float | None = None) -> None:
    share = "" if ratio is None else f"{ratio:7.0%} of the limit"
    print(f"  {name:58} {value}{share}", flush=True)


def note(size: int) -> None:
    if sys.stderr.isatty():
        print(f"\r  {size:,} entries " if size else "\r" + " " * 30 + "\r", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
