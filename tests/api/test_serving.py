"""The service as processes: how it starts, shares, replaces a dead worker, and ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from ledger.log.home import Home
from ledger.log.integrity.fsck import fsck
from tests.api.exchange import BATCH, COSE, location, outline, post_batch
from tests.log.building import World
from tests.log.test_bad_input import good
from tests.log.writers import now
from tests.service import Service, running_service


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """A ledger for one test."""
    with World(tmp_path, clock=now, operators=("owner",)) as made:
        yield made


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def check_log(home: Home, entries: int) -> None:
    """The log is whole, has ``entries`` of ours, and a checkpoint of all of it."""
    store = home.open_store()
    try:
        report = fsck(store)
        assert report.size == entries + report.heads + 2
        assert report.unpublished == 0
        assert store.head().epoch_time is None
    finally:
        store.close()


def test_it_ends_in_good_order(own: World) -> None:
    data = [good(own) for _ in range(20)]
    own.close()
    with running_service(own.home.path) as service:
        with httpx.Client(base_url=service.url, timeout=60) as client:
            assert outline(post_batch(client, *data)) == [None] * 20
        assert service.stop() == 0
        assert service.log == ""
    check_log(own.home, 20)


def test_a_request_at_hand_is_finished_first(own: World) -> None:
    data = [good(own) for _ in range(1500)]
    own.close()
    answers: list[httpx.Response] = []
    with (
        running_service(own.home.path, workers=2) as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        sender = threading.Thread(target=lambda: answers.append(post_batch(client, *data)))
        sender.start()
        wait_until(lambda: _size(own.home) > 20)
        assert service.stop() == 0
        sender.join()
    assert outline(answers[0]) == [None] * 1500
    check_log(own.home, 1500)


def _size(home: Home) -> int:
    store = home.open_store()
    try:
        return store.head().size
    finally:
        store.close()


def test_two_workers_write_one_log(own: World) -> None:
    batches = [[good(own) for _ in range(100)] for _ in range(8)]
    own.close()
    with running_service(own.home.path, workers=2) as service:
        assert len(service.workers()) == 2
        threads = [threading.Thread(target=_submit, args=(service, batch)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with httpx.Client(base_url=service.url, timeout=60) as client:
            assert outline(post_batch(client, *batches[0])) == [None] * 100
            assert client.get(location(batches[7][99])).status_code == 200
        assert service.stop() == 0
    check_log(own.home, 800)


def _submit(service: Service, batch: list[bytes]) -> None:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for start in range(0, len(batch), 25):
            assert set(outline(post_batch(client, *batch[start : start + 25]))) == {None}


def test_workers_share_the_connections(own: World) -> None:
    with running_service(own.home.path, workers=2) as service:
        before = [_sockets(pid) for pid in service.workers()]
        clients = [httpx.Client(base_url=service.url, timeout=60) for _ in range(8)]
        for client in clients:
            assert client.get("/healthz").status_code == 200
        taken = [_sockets(pid) - had for pid, had in zip(service.workers(), before, strict=True)]
        assert sum(taken) == 8
        assert min(taken) >= 2
        for client in clients:
            client.close()


def _sockets(pid: int) -> int:
    found = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += os.readlink(path).startswith("socket:")
    return found


def test_a_worker_that_dies_is_replaced(own: World) -> None:
    with running_service(own.home.path, workers=2) as service:
        first, second = service.workers()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(set(service.workers()) - {first, second}) == 1)
        assert second in service.workers()
        for _ in range(10):
            answer = httpx.post(
                f"{service.url}/entries", content=good(own), headers=COSE, timeout=60
            )
            assert answer.status_code == 201
        assert service.stop() == 0


def test_workers_that_keep_dying_end_the_service(own: World) -> None:
    with Service(own.home.path, workers=2) as service:
        while service.is_running():
            for pid in service.workers() if service.is_running() else ():
                _kill(pid)
            time.sleep(0.05)
        assert service.wait() != 0
        assert "unavailable.service.workers" in service.log or "do not stay alive" in service.log


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_workers_end_with_their_parent(own: World) -> None:
    with Service(own.home.path, workers=2) as service:
        workers = service.workers()
        os.kill(service.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, workers)))
    check_log(own.home, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_refuses_to_start_with_a_root_key_in_its_folder(own: World, workers: int) -> None:
    shutil.copy(own.path / "root" / "root.pem", own.home.path / "keys" / "spare.pem")
    shutil.copy(own.path / "root" / "passphrase", own.home.path / "passphrase")
    shutil.copy(own.path / "root" / "next-root.pem", own.home.path / "next-root.pem")
    with pytest.raises(RuntimeError, match="root key lies in the ledger's folder"):
        Service(own.home.path, workers)


def test_it_refuses_an_address_that_is_taken(own: World) -> None:
    with running_service(own.home.path) as service:
        port = int(service.url.rpartition(":")[2])
        with pytest.raises(RuntimeError, match="cannot listen on this address"):
            Service(own.home.path, port=port)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_refuses_a_ledger_without_its_keys(own: World, workers: int) -> None:
    (own.home.path / "keys" / "receipts.pem").unlink()
    with pytest.raises(RuntimeError, match="key file cannot be read"):
        Service(own.home.path, workers)


def test_what_was_answered_survives_a_kill(own: World) -> None:
    data = [good(own) for _ in range(300)]
    own.close()
    with Service(own.home.path) as service:
        with httpx.Client(base_url=service.url, timeout=60) as client:
            assert outline(post_batch(client, *data[:200])) == [None] * 200
        service.kill()
    with running_service(own.home.path) as service:
        with httpx.Client(base_url=service.url, timeout=60) as client:
            response = post_batch(client, *data)
            assert outline(response) == [None] * 300
            assert response.headers["cellbook-duplicates"] == "200"
        service.stop()
    check_log(own.home, 300)


def test_it_listens_on_ipv6_too(own: World) -> None:
    with Service(own.home.path, host="::1") as service:
        assert service.url.startswith("http://[::1]:")
        assert httpx.get(f"{service.url}/healthz").status_code == 200
        service.stop()


def test_what_a_worker_imports(tmp_path: Path) -> None:
    """Nothing that a service does not use: it would cost every start, and every worker's memory."""
    program = "import sys, api.worker; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in output.stdout.decode().split()}
    assert not loaded & {"httpx", "requests", "rich", "cli", "alembic", "pytest", "email_validator"}


def test_batches_of_several_clients_do_not_wait_for_each_other(own: World) -> None:
    """A slow client holds nobody up."""
    with running_service(own.home.path) as service:

        def slowly() -> Iterator[bytes]:
            yield b"\x41"
            assert httpx.get(f"{service.url}/readyz", timeout=60).status_code == 200
            yield b"a"

        response = httpx.post(f"{service.url}/batches", content=slowly(), headers=BATCH, timeout=60)
        assert outline(response) == ["malformed.cose.tag"]


@pytest.mark.postgres
def test_two_workers_write_one_log_on_postgres(tmp_path: Path, postgres_url: str) -> None:
    with World(tmp_path, database=postgres_url, clock=now, operators=("owner",)) as world:
        batches = [[good(world) for _ in range(50)] for _ in range(4)]
    with running_service(world.home.path, workers=2) as service:
        threads = [threading.Thread(target=_submit, args=(service, batch)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        assert httpx.get(f"{service.url}/batteries", params={"id": "\0"}).status_code == 404
        assert service.stop() == 0
    check_log(world.home, 200)
