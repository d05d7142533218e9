"""Several processes and threads on one database."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keys.errors import UnavailableError
from ledger.store.sql import SqlStore
from tests.store.writers import HASHES, append_groups, create, grow

GROUPS = 40


def run(target: Callable[..., None], *arguments: tuple[object, ...]) -> None:
    """Run ``target`` in one new process for each tuple of arguments; all must succeed."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def expect_unbroken(store: SqlStore, names: tuple[str, ...]) -> None:
    size = sum(1 + number % 5 for number in range(GROUPS)) * len(names)
    assert store.head().size == size
    entries = store.entries(0, size)
    assert [entry.index for entry in entries] == list(range(size))
    indexes: list[int] = []
    for name in names:
        own = store.subject_entries(f"urn:{name}", size)
        assert store.state(f"urn:{name}") == str(len(own)).encode()
        assert all(f" {name}".encode() in entries[index].leaf for index in own)
        indexes += own
    assert sorted(indexes) == list(range(size))


def test_two_processes_write_one_unbroken_log(url: str, store: SqlStore) -> None:
    run(append_groups, (url, "one", GROUPS), (url, "two", GROUPS))
    expect_unbroken(store, ("one", "two"))


def test_threads_of_one_store_write_one_unbroken_log(store: SqlStore) -> None:
    names = ("one", "two", "three")

    def write(name: str) -> None:
        for number in range(GROUPS):
            with store.writing() as writing:
                entries = grow(writing, 1 + number % 5, name)
                uri = f"urn:{name}"
                seen = int(writing.states([uri]).get(uri, b"0"))
                writing.put_subjects({uri: str(seen + len(entries)).encode()})
                writing.put_subjects({}, [(uri, entry.index) for entry in entries], HASHES)
            assert store.head().size >= entries[-1].index

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, names))
    expect_unbroken(store, names)


def test_two_processes_may_create_one_log(url: str) -> None:
    run(create, (url,), (url,))
    store = SqlStore.open(url)
    store.check_schema()
    assert store.head().size == 0
    store.close()


def test_a_writer_waits_for_the_head_row_and_not_for_ever(url: str, store: SqlStore) -> None:
    other = SqlStore.open(url, lock_timeout=0.3)
    with store.writing() as writing:
        grow(writing)
        with pytest.raises(UnavailableError) as caught, other.writing():
            pytest.fail("two writers at once")
        assert caught.value.code == "unavailable.store.locked"
        assert other.head().size == 0
    with other.writing() as writing:
        assert writing.head.size == 1
    other.close()


def test_a_second_thread_waits_for_the_writer_of_its_own_store(url: str) -> None:
    store = SqlStore.open(url, lock_timeout=0.3)
    store.create()
    with (
        store.writing(),
        pytest.raises(UnavailableError) as caught,
        store.writing(),
    ):
        pytest.fail("two writers at once")
    assert caught.value.code == "unavailable.store.locked"
    store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing)
    assert store.head().size == 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with store.writing() as writing:
                grow(writing, 2)
            status = 0 if store.head().size == 3 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.head().size == 3
    with store.writing() as writing:
        grow(writing)
    assert store.head().size == 4


def test_the_file_of_a_log_is_private(sqlite_path: Path) -> None:
    assert sqlite_path.stat().st_mode & 0o777 == 0o600
