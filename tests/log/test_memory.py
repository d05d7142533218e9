"""Signers remember outside the database what they have signed, and sign nothing beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.policy import log_key
from ledger.log.ledger import Ledger
from ledger.log.publishing.memory import MEMORY, MEMORY_IO, ROLLED_BACK, SignedMemory
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.tree.growth import Growth
from ledger.wire.note import Verifier
from tests.log.building import World

FILE = "last-signed"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, operators=("owner",))
    made.end_epoch()
    return made


def remembered(world: World) -> Checkpoint:
    found = SignedMemory(world.home.path).read()
    assert found is not None
    return found


def newest(world: World) -> Checkpoint:
    key = log_key(world.ledger.log(), "checkpoint", 0)
    note = world.store.checkpoint()
    assert note is not None
    return open_checkpoint(note[1], Verifier.from_key(world.home.config.origin, key))[0]


def copy_of(world: World) -> Path:
    """A copy of the database as it is now; nobody has it open meanwhile."""
    world.close()
    copy = world.path / "copy.db"
    shutil.copy(world.home.path / "ledger.db", copy)
    return copy


def put_back(world: World, copy: Path) -> None:
    world.close()
    for file in world.home.path.glob("ledger.db*"):
        file.unlink()
    shutil.copy(copy, world.home.path / "ledger.db")


def reopen(world: World) -> None:
    world.store, world.ledger = world.open()


def grow(world: World, count: int = 1) -> None:
    for _ in range(count):
        world.live(world.battery(), "manufacture")
        world.end_epoch()


def test_the_newest_signed_checkpoint_is_in_the_folder(world: World) -> None:
    assert remembered(world) == newest(world)
    grow(world)
    assert remembered(world) == newest(world)
    assert remembered(world).size == world.store.head().size
    world.close()


def test_a_service_does_not_start_on_an_old_copy_of_the_database(world: World) -> None:
    copy = copy_of(world)
    reopen(world)
    grow(world)
    put_back(world, copy)
    with pytest.raises(CellbookError) as refused:
        reopen(world)
    assert refused.value.code == ROLLED_BACK.code


def test_a_service_does_not_start_on_another_history_of_that_size(world: World) -> None:
    copy = copy_of(world)
    reopen(world)
    grow(world)
    signed = remembered(world)
    put_back(world, copy)
    memory = world.home.path / FILE
    kept = memory.read_bytes()
    memory.unlink()
    # Somebody who has the keys and not the memory goes on from the old copy.
    reopen(world)
    grow(world, 3)
    assert world.store.head().size > signed.size
    world.close()
    memory.write_bytes(kept)
    with pytest.raises(CellbookError) as refused:
        reopen(world)
    assert refused.value.code == ROLLED_BACK.code


def test_what_runs_while_the_database_goes_back_registers_and_signs_nothing(world: World) -> None:
    copy = copy_of(world)
    reopen(world)
    grow(world, 2)
    signed = remembered(world)
    entry = world.store.entry(signed.size - 2)
    assert entry is not None
    # The database is replaced under the process, which opens its connections anew.
    world.store.close()
    for file in world.home.path.glob("ledger.db*"):
        file.unlink()
    shutil.copy(copy, world.home.path / "ledger.db")
    before = world.store.head().size
    assert before < signed.size
    (outcome,) = world.register(world.event("manufacture", world.battery()))
    assert outcome.receipt is None
    assert outcome.error is not None
    assert outcome.error.code == ROLLED_BACK.code
    known = world.store.entry(0)
    assert known is not None
    with pytest.raises(CellbookError) as refused:
        world.ledger.receipt(known.entry_id)
    assert refused.value.code == ROLLED_BACK.code
    assert world.store.head().size == before
    assert remembered(world) == signed
    world.close()


def test_one_commit_that_leaps_over_the_remembered_size_is_refused(world: World) -> None:
    copy = copy_of(world)
    reopen(world)
    grow(world)
    put_back(world, copy)
    memory = SignedMemory(world.home.path)
    signed = memory.read()
    assert signed is not None
    # A tree larger than the remembered one that does not contain it.
    other = World(world.path / "other", operators=("owner",))
    grow(other, 3)
    assert other.store.head().size > signed.size
    larger = Checkpoint(signed.origin, other.store.head().size, other.store.head().root)
    with pytest.raises(CellbookError) as refused:
        memory.remember(larger, other.store)
    assert refused.value.code == ROLLED_BACK.code
    assert memory.read() == signed
    other.close()


def test_another_root_for_the_remembered_size_is_refused(world: World) -> None:
    memory, signed = SignedMemory(world.home.path), remembered(world)
    with pytest.raises(CellbookError) as refused:
        memory.remember(Checkpoint(signed.origin, signed.size, bytes(32)), world.store)
    assert refused.value.code == ROLLED_BACK.code
    world.close()


def test_a_smaller_checkpoint_is_signed_again_only_beside_the_greater_tree(world: World) -> None:
    memory, smaller = SignedMemory(world.home.path), remembered(world)
    grow(world)
    greater = remembered(world)
    assert Growth.load(smaller.size, world.store).root == smaller.root
    memory.remember(smaller, world.store)
    assert memory.read() == greater
    world.close()


@pytest.mark.parametrize("data", [b"", b"log\n1\n", b"\xff\xff", b"x" * 10_000])
def test_a_file_that_is_none_stops_everything(world: World, data: bytes) -> None:
    world.close()
    (world.home.path / FILE).write_bytes(data)
    with pytest.raises(CellbookError) as refused:
        reopen(world)
    assert refused.value.code == MEMORY.code


def test_the_memory_of_another_log_stops_the_signer(world: World) -> None:
    signed = remembered(world)
    with pytest.raises(CellbookError) as refused:
        SignedMemory(world.home.path).remember(
            Checkpoint("another.example/log", signed.size + 1, signed.root), world.store
        )
    assert refused.value.code == MEMORY.code
    world.close()


def test_a_folder_that_cannot_be_written_stops_the_signer(world: World) -> None:
    signed = remembered(world)
    lacking = SignedMemory(world.path / "nowhere")
    with pytest.raises(CellbookError) as refused:
        lacking.remember(signed, world.store)
    assert refused.value.code == MEMORY_IO.code
    world.close()


def test_processes_of_one_host_share_the_memory(world: World) -> None:
    _, other = world.open()
    grow(world, 3)
    other.register_now([world.event("manufacture", world.battery())])
    world.end_epoch()
    assert remembered(world) == newest(world)
    world.close()


_WRITER = """
import sys
from pathlib import Path
from ledger.log.publishing.memory import SignedMemory
from ledger.log.home import Home
from ledger.proof.checkpoint import Checkpoint
from ledger.tree.growth import Growth
home = Home.open(sys.argv[1])
store = home.open_store()
memory = SignedMemory(home.path)
print("go", flush=True)
while True:
    for size in range(1, store.head().size + 1):
        root = Growth.load(size, store).root
        memory.remember(Checkpoint(home.config.origin, size, root), store)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(world: World) -> None:
    grow(world, 2)
    expected = remembered(world)
    world.close()
    for round_ in range(4):
        (world.home.path / FILE).unlink()
        started = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(world.home.path)], stdout=subprocess.PIPE
            )
            for _ in range(2)
        ]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
        time.sleep(0.001 * round_)
        for process in started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        found = SignedMemory(world.home.path).read()
        assert found is None or found.size <= expected.size
        if found is None:
            (world.home.path / FILE).write_bytes(b"")
    # What is there opens the log, or is refused as a whole.
    (world.home.path / FILE).unlink(missing_ok=True)
    reopen(world)
    world.close()


def test_remembering_is_for_epochs(world: World) -> None:
    """Once for each epoch, never for a commit."""
    head = world.store.head()
    memory = SignedMemory(world.path)
    checkpoint = Checkpoint(world.home.config.origin, head.size, head.root)
    memory.remember(Checkpoint(checkpoint.origin, 1, Growth.load(1, world.store).root), world.store)
    memory.remember(checkpoint, world.store)
    written = (world.home.path / FILE).stat().st_mtime_ns
    world.ledger.register_now([world.event("manufacture", world.battery())])
    assert (world.home.path / FILE).stat().st_mtime_ns == written
    world.close()


def test_the_ledger_is_refused_as_a_whole(world: World) -> None:
    """Not only the service: whatever opens the folder to sign."""
    copy = copy_of(world)
    reopen(world)
    grow(world)
    put_back(world, copy)
    store = world.home.open_store()
    with pytest.raises(CellbookError) as refused:
        Ledger(store, world.home.signers(), clock=world.clock)
    assert refused.value.code == ROLLED_BACK.code
    store.close()
