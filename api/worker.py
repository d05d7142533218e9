"""One process of the service: a ledger, its application, and a server on a socket.

``python -m api.worker FOLDER SOCKET LINE`` is what ``api.serving`` starts where it wants several.
SOCKET and LINE are file descriptors. The worker writes one byte to LINE once it serves; when LINE
ends, its parent is gone, and it stops as on SIGTERM.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn

from api.app import create_app
from api.listening import SharedListener
from api.protocol import BoundedProtocol
from api.serving import GRACE_SECONDS, REFUSED, set_up_log
from keys import pynacl
from keys.errors import CellbookError
from ledger.log.home import Home
from ledger.log.ledger import Ledger
from ledger.log.predecessor import PastLogs

KEEP_SECONDS = 30
"""How long a connection may be idle between requests."""
GARBAGE_THRESHOLD = 10_000
"""Python looks for cycles once there are so many new objects. A batch makes thousands that are no
cycles and live until it is answered: at Python's own 700 it would go through them again and again.
"""


class _Server(uvicorn.Server):
    """A server that says when it serves, and may share its socket with other processes."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], *, is_alone: bool
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._is_alone = is_alone

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._is_alone:
            await super().startup(sockets)
        else:
            await super().startup([])
            connections = self.server_state.connections
            for listener in sockets or []:
                shared = SharedListener(listener, self._protocol, connections.__len__)
                self.servers.append(shared)  # type: ignore[arg-type]
        self._on_ready()

    def _protocol(self) -> BoundedProtocol:
        return BoundedProtocol(self.config, self.server_state, self.lifespan.state)


def run(
    folder: Path, listener: socket.socket, on_ready: Callable[[], None], line: int | None = None
) -> None:
    """Serve the ledger in ``folder`` on ``listener`` until SIGTERM or SIGINT, or until ``line``
    ends. Then finish what was begun, end the epoch, and close.

    Raises ``usage.home.*``, ``usage.keyfile.*``, ``unavailable.*``, and ``damaged.log.*`` where
    the database is not what was signed or witnessed, before it serves.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    home = Home.open(folder)
    store, past, client = home.open_store(), None, None
    try:
        past, signers = PastLogs.of(home), home.signers()
        if signers.witnesses is not None:
            # Only here: a service without witnesses needs no HTTP client.
            from api.witness_client import WitnessClient

            client = WitnessClient()
        ask = None if client is None else client.ask
        ledger = Ledger(store, signers, clock=_now, backend=pynacl.load(), past=past, ask=ask)
        ledger.compare()
        server = _Server(_config(ledger), on_ready, is_alone=line is None)
        if line is not None:
            _stop_with(server, line)
        _stop_on_signals(server)
        server.run([listener])
    finally:
        store.close()
        if past is not None:
            past.close()
        if client is not None:
            client.close()


def main(arguments: list[str]) -> int:
    """What a worker process does; gives its exit code."""
    folder, listener, line = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    set_up_log()
    try:
        run(folder, socket.socket(fileno=listener), lambda: _report(line), line)
    except CellbookError as error:
        logging.getLogger("cellbook.api").error("%s: %s", error.code, error.describe())
        return REFUSED
    return 0


def _config(ledger: Ledger) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(ledger),
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _now() -> int:
    return int(time.time())


def _report(line: int) -> None:
    os.write(line, b".")


def _stop_with(server: uvicorn.Server, line: int) -> None:
    """Stop ``server`` when the other end of ``line`` is closed, by whatever death."""

    def wait() -> None:
        while os.read(line, 1):
            pass
        server.should_exit = True

    threading.Thread(target=wait, name="cellbook-parent", daemon=True).start()


def _stop_on_signals(server: uvicorn.Server) -> None:
    # For the moment before uvicorn listens to them itself. It raises a signal again after it has
    # stopped; here that has no further effect, and the process ends with exit code 0.
    def stop(number: int, frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
