"""Witnesses that answer what they should not, or never end: over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from api.witness_client import WitnessClient
from keys.errors import CellbookError
from ledger.log.publishing.witness import MAX_ANSWER

SECONDS = 0.6
HEAD = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[[socket.socket], None]


@pytest.fixture
def client() -> Iterator[WitnessClient]:
    with closing(WitnessClient(SECONDS)) as made:
        yield made


def witness(answer: Serve) -> str:
    """The URL of one that answers one request."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with closing(listener), suppress(OSError):
            connection, _ = listener.accept()
            with closing(connection):
                connection.recv(65_536)
                answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def dripping(first: bytes, drop: bytes) -> Serve:
    """Never silent for long, and never done."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return answer


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def sending(data: bytes) -> Serve:
    return lambda connection: connection.sendall(data)


def whole(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, more, len(body), body)


@pytest.mark.parametrize(
    "answer",
    [
        dripping(HEAD, b"X-More: y\r\n"),
        dripping(b"", b"H"),
        dripping(HEAD + b"Content-Length: 99999\r\n\r\n", b"x"),
        dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        silent,
    ],
    ids=["headers", "status line", "body", "chunks", "silence"],
)
def test_an_answer_that_never_ends(client: WitnessClient, answer: Serve) -> None:
    with pytest.raises(CellbookError) as found:
        client.ask(witness(answer), b"old 0\n")
    assert found.value.code == "unavailable.witness.unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        sending(HEAD + b"Content-Length: 1000000000\r\n\r\n" + b"x" * (MAX_ANSWER + 1)),
        sending(b"\x00\x01 no HTTP\r\n\r\n"),
        sending(HEAD + b"Content-Length: 99\r\n\r\ncut off"),
        sending(b""),
    ],
    ids=["large", "another protocol", "cut off", "closed"],
)
def test_an_answer_that_is_none(client: WitnessClient, answer: Serve) -> None:
    with pytest.raises(CellbookError) as found:
        client.ask(witness(answer), b"old 0\n")
    assert found.value.code == "unavailable.witness.unreachable"


def test_what_is_not_followed_or_unpacked(client: WitnessClient) -> None:
    other = witness(sending(whole(b"another place")))
    moved = client.ask(
        witness(sending(whole(b"", b"302 Found", b"Location: %s\r\n" % other.encode()))), b""
    )
    assert (moved.status, moved.body) == (302, b"")
    packed = whole(b"\x1f\x8b packed", more=b"Content-Encoding: gzip\r\n")
    assert client.ask(witness(sending(packed)), b"").body == b"\x1f\x8b packed"
    for url in ("http://127.0.0.1:1", "ftp://127.0.0.1", "http://[", "no URL"):
        with pytest.raises(CellbookError) as found:
            client.ask(url, b"")
        assert found.value.code == "unavailable.witness.unreachable"


def test_whoever_stops_waits_for_no_witness() -> None:
    client = WitnessClient(60.0)
    errors: list[CellbookError] = []

    def ask(url: str) -> None:
        with pytest.raises(CellbookError) as found:
            client.ask(url, b"old 0\n")
        errors.append(found.value)

    asked = threading.Event()

    def answer(connection: socket.socket) -> None:
        asked.set()
        silent(connection)

    url = witness(answer)
    asking = threading.Thread(target=ask, args=(url,))
    asking.start()
    assert asked.wait(60)
    client.close()
    asking.join(60)
    ask(url)
    assert [error.code for error in errors] == ["unavailable.witness.unreachable"] * 2


def test_one_address_is_asked_one_request_after_the_other(client: WitnessClient) -> None:
    """As a witness with two keys wants it, which refuses a second request about the same log."""
    listener = socket.create_server(("127.0.0.1", 0))
    overtaken: list[bool] = []

    def serve() -> None:
        waiting = threading.Event()
        for _ in range(3):
            connection, _ = listener.accept()
            overtaken.append(waiting.is_set())
            waiting.set()
            threading.Thread(target=reply, args=(connection, waiting), daemon=True).start()

    def reply(connection: socket.socket, waiting: threading.Event) -> None:
        with closing(connection), suppress(OSError):
            connection.recv(65_536)
            time.sleep(0.05)
            waiting.clear()
            connection.sendall(whole(b"a line\n", more=b"Connection: close\r\n"))

    threading.Thread(target=serve, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with closing(listener), ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda place: client.ask(place, b""), (url, url, f"{url}/")))
    assert [answer.body for answer in answers] == [b"a line\n"] * 3
    assert overtaken == [False] * 3


def test_an_address_that_hangs_holds_up_no_other(client: WitnessClient) -> None:
    hangs = witness(silent)
    with ThreadPoolExecutor(2) as threads:
        lost = [threads.submit(client.ask, hangs, b"") for _ in range(2)]
        assert client.ask(witness(sending(whole(b"a line\n"))), b"").body == b"a line\n"
    for each in lost:
        error = each.exception()
        assert isinstance(error, CellbookError)
        assert error.code == "unavailable.witness.unreachable"
