"""What the service refuses before it looks at statements, and how it says that it is busy.

Most of it on the service's process; what a running service is not made to do on demand (a full
queue, a fault) on the same application in this one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
import uvicorn

from api.app import Settings, create_app
from api.protocol import HEAD_BYTES, BoundedProtocol
from api.sequence import byte_string
from keys.signer import generate
from ledger.log.ledger import Ledger
from tests.api.exchange import BATCH, COSE, items, location, outline, post, problem
from tests.log.building import World
from tests.log.test_bad_input import good
from tests.service import Service

WRONG_TYPES = [
    {},
    {"Content-Type": ""},
    {"Content-Type": "application/json"},
    {"Content-Type": "application/cose-key"},
    {**COSE, "Content-Encoding": "gzip"},
]


@pytest.mark.parametrize("headers", WRONG_TYPES)
@pytest.mark.parametrize("path", ["/entries", "/batches"])
def test_another_media_type_is_refused(
    world: World, client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    response = client.post(path, content=good(world), headers=headers)
    assert response.status_code == 415
    assert problem(response)["code"] == "usage.http.media-type"


@pytest.mark.parametrize("path", ["/", "/entries/", "/nothing", "/tile", "/batteries/a/b"])
def test_an_unknown_path_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert problem(response)["code"] == "missing.route"


def test_another_method_is_refused_and_the_right_one_named(client: httpx.Client) -> None:
    response = client.get("/entries")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert problem(response)["code"] == "usage.http.method"
    response = client.post("/checkpoint", headers={"Accept": "application/json"})
    assert response.status_code == 405
    assert response.json()["code"] == "usage.http.method"


def test_head_is_answered_where_get_is(client: httpx.Client) -> None:
    for path in ("/checkpoint", "/healthz", "/.well-known/scitt-keys"):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
    assert client.head(f"/entries/{'A' * 43}").status_code == 404


def test_health_and_readiness(client: httpx.Client) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ready\n"


def connect(service: Service) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname, address.port or 0), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("path", "media", "size"),
    [
        ("/entries", "application/cose", (1 << 20) + 1),
        ("/batches", "application/cbor-seq", (32 << 20) + 1),
        ("/batches", "application/cbor-seq", 10**30),
    ],
)
def test_a_body_that_says_that_it_is_too_large_is_not_read(
    service: Service, path: str, media: str, size: int
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\n"
    with connect(service) as connection:
        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
        answer = read_all(connection)
    # Lengths beyond 64 bits are refused by the HTTP parser itself.
    status = b"400" if size > 1 << 64 else b"413"
    assert answer.startswith(b"HTTP/1.1 " + status)
    if size < 1 << 64:
        assert b"usage.http.body-size" in answer


def test_a_body_that_grows_too_large_is_not_read_to_its_end(service: Service) -> None:
    head = b"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with connect(service) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 17)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"usage.http.body-size" in answer


@pytest.mark.parametrize("name", [b"X: ", b"GET /"])
def test_an_endless_head_is_cut_off(service: Service, name: bytes) -> None:
    start = b"" if name == b"GET /" else b"GET /healthz HTTP/1.1\r\n"
    with connect(service) as connection:
        connection.sendall(start + name)
        sent = 0
        try:
            while sent < 100 * HEAD_BYTES:
                connection.sendall(b"a" * 4096)
                sent += 4096
            raise AssertionError("it took everything")
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert httpx.get(f"{service.url}/healthz").status_code == 200


def test_what_is_no_http_is_refused(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_a_client_that_goes_away_in_the_middle_harms_nobody(
    world: World, service: Service, client: httpx.Client
) -> None:
    data = good(world)
    head = f"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n"
    with connect(service) as connection:
        connection.sendall(f"{head}Content-Type: application/cose\r\n\r\n".encode() + data[:99])
    assert post(client, data).headers["cellbook-duplicates"] == "0"
    assert "Traceback" not in service.log


# The same application in this process

Use = Callable[[httpx.AsyncClient], Awaitable[Any]]


def ask(ledger: Ledger, use: Use, **settings: Any) -> Any:
    """What ``use`` gives for a client of an application of ``ledger``."""

    async def run() -> Any:
        app = create_app(ledger, Settings(**settings))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await use(client)

    return asyncio.run(run())


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner",)) as made:
        yield made


@pytest.mark.parametrize("line", [b"", b"\r\n", b"\n", b"GET /healthz HTTP/1.1\r\n"])
def test_what_follows_an_answer_and_is_no_request_holds_no_connection(
    small: World, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    """An empty line before a request is allowed, and begins none."""
    monkeypatch.setattr("api.protocol.HEAD_SECONDS", 0.2)
    config = uvicorn.Config(
        create_app(small.ledger), http=BoundedProtocol, log_config=None, timeout_keep_alive=1
    )

    async def talk(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.readuntil(b"ok\n")
        writer.write(line)
        answer += await reader.read()
        writer.close()
        return answer

    async def run() -> bytes:
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = asyncio.create_task(server.serve([listening]))
            try:
                return await asyncio.wait_for(talk(listening.getsockname()[1]), 20)
            finally:
                server.should_exit = True
                await serving

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200")


def batch_of(world: World, count: int) -> bytes:
    return b"".join(byte_string(good(world)) for _ in range(count))


def test_a_full_queue_says_when_to_come_back(small: World) -> None:
    _, ledger = small.open(queue_limit=2)
    body = batch_of(small, 3)
    response = ask(ledger, lambda c: c.post("/batches", content=body, headers=BATCH))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert problem(response)["code"] == "busy.queue"
    assert problem(response)["title"] == "Too Many Requests"


def test_what_finds_no_room_in_the_middle_of_a_batch_is_left_for_later(small: World) -> None:
    _, ledger = small.open(queue_limit=20)
    # Groups of 256: in the first one ten statements need room, in the second all that are left.
    body = batch_of(small, 10) + b"\x40" * 246 + batch_of(small, 30)
    response = ask(ledger, lambda c: c.post("/batches", content=body, headers=BATCH))
    expected = [None] * 10 + ["malformed.cbor.empty"] * 246 + ["busy.queue"] * 30
    assert outline(response) == expected
    assert items(response)[-1]["status"] == 429


def test_what_is_registered_but_has_no_receipt_yet_says_where_it_is(small: World) -> None:
    signers = msgspec.structs.replace(small.home.signers(), receipts=generate())
    store = small.home.open_store()
    ledger = Ledger(store, signers, clock=small.clock)
    ledger.start()
    one, other = good(small), good(small)
    response = ask(ledger, lambda c: c.post("/entries", content=one, headers=COSE))
    assert (response.status_code, response.content) == (202, b"")
    assert response.headers["location"] == location(one)
    assert response.headers["retry-after"]
    answer = ask(ledger, lambda c: c.post("/batches", content=byte_string(other), headers=BATCH))
    (item,) = items(answer)
    assert (item["code"], item["status"]) == ("unavailable.log.signer", 503)
    assert item["location"] == location(other)
    ledger.close()
    store.close()
    assert ask(small.ledger, lambda c: c.get(location(one))).status_code == 200


def test_bodies_share_a_budget_of_memory(small: World) -> None:
    body = batch_of(small, 1)
    small_budget = {"bodies_bytes": len(body) - 1}
    response = ask(
        small.ledger, lambda c: c.post("/batches", content=body, headers=BATCH), **small_budget
    )
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert problem(response)["code"] == "busy.requests"


def test_the_budget_is_given_back(small: World) -> None:
    bodies = [batch_of(small, 2) for _ in range(5)]

    async def use(client: httpx.AsyncClient) -> list[list[str | None]]:
        return [
            outline(await client.post("/batches", content=body, headers=BATCH)) for body in bodies
        ]

    budget = {"bodies_bytes": max(map(len, bodies))}
    assert ask(small.ledger, use, **budget) == [[None, None]] * 5


def test_a_body_that_comes_too_slowly_is_given_up(small: World) -> None:
    async def drops() -> Any:
        yield b"\xd2"
        await asyncio.sleep(30)

    response = ask(
        small.ledger,
        lambda c: c.post("/entries", content=drops(), headers=COSE),
        body_seconds=0.05,
    )
    assert response.status_code == 408
    assert problem(response)["code"] == "usage.http.body-time"
    assert response.headers["connection"] == "close"


def test_a_service_that_stops_is_unavailable(small: World) -> None:
    _, ledger = small.open()
    ledger.close()
    data = good(small)
    for use in (
        lambda c: c.post("/entries", content=data, headers=COSE),
        lambda c: c.post("/batches", content=byte_string(data), headers=BATCH),
        lambda c: c.get("/readyz"),
    ):
        response = ask(ledger, use)
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert problem(response)["code"] == "unavailable.log.stopped"
    assert ask(ledger, lambda c: c.get("/healthz")).status_code == 200


def test_a_fault_shows_nothing_of_itself(
    small: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(small.ledger, "checkpoint", fail)
    monkeypatch.setattr(small.ledger, "prepare", fail)
    for use in (
        lambda c: c.get("/checkpoint"),
        lambda c: c.post("/entries", content=good(small), headers=COSE),
    ):
        response = ask(small.ledger, use)
        assert response.status_code == 500
        assert problem(response)["code"] == "unavailable.service.fault"
        assert b"secret" not in response.content
    assert "secret" in caplog.text
