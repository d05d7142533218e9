"""A witness over HTTP (C2SP tlog-witness): ``POST /add-checkpoint``, and errors in plain text."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.protocol import BoundedProtocol
from api.refusals import BODY_SIZE, BODY_TIME
from api.serving import listen, set_up_log, url_of
from keys.errors import CellbookError
from ledger.monitor.witnessing.witness import CLOCK, CONSISTENCY, MAX_BODY, SIGNATURE, SIZE, Witness

BODY_SECONDS = 20.0
CONNECTIONS = 256
"""Open at once; with ``MAX_BODY`` they bound what requests can hold in memory."""
GRACE_SECONDS = 10
KEEP_SECONDS = 30
_STATUS = {
    SIGNATURE.code: 403,
    CONSISTENCY.code: 422,
    CLOCK.code: 503,
    BODY_SIZE.code: 413,
    BODY_TIME.code: 408,
}
_log = logging.getLogger("cellbook.witness")


def create_witness_app(witness: Witness, clock: Callable[[], int] | None = None) -> Starlette:
    """The application; ``clock`` gives Unix seconds."""
    now = clock or _now

    async def add_checkpoint(request: Request) -> Response:
        try:
            body = await _body(request)
            line = await run_in_threadpool(lambda: witness.add_checkpoint(body, now()))
        except CellbookError as error:
            return _refusal(error)
        return PlainTextResponse(line)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])


def serve_witness(witness: Witness, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` gets the URL once it can be reached.

    Raises ``unavailable.service.address``.
    """
    set_up_log()
    with listen(host, port) as listener:
        config = uvicorn.Config(
            create_witness_app(witness),
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = _Server(config, lambda: announce(url_of(listener)))
        _stop_on_signals(server)
        server.run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise BODY_SIZE.at("body", f"at most {MAX_BODY} bytes are taken")
    except TimeoutError:
        raise BODY_TIME.at("body", f"{len(body)} bytes in {BODY_SECONDS:g} s") from None
    return bytes(body)


def _refusal(error: CellbookError) -> Response:
    if error.code == SIZE.code:
        # As a header: Starlette would add a charset to the type.
        headers = {"Content-Type": "text/x.tlog.size"}
        return Response(f"{error.facts['size']}\n", 409, headers)
    status = _STATUS.get(error.code, error.http_status)
    if status >= 500:
        _log.error("%s: %s", error.code, error.describe())
    return PlainTextResponse(f"{error.code}: {error.describe()}\n", status)


def _now() -> int:
    return int(time.time())


def _stop_on_signals(server: uvicorn.Server) -> None:
    # uvicorn raises a signal again after it has stopped; here that has no further effect.
    def stop(number: int, frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
