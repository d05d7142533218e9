"""How workers share one listening socket: who has fewest connections takes the next.

The kernel wakes every worker for a new connection. Whoever is first would take it, and all that
wait behind it, so that one worker could end up with all clients and the others idle. Here a worker
takes one at a time, and the more connections it has the longer it waits before it does; what
another has taken meanwhile is not there any more. A socket for each worker (SO_REUSEPORT) would
spread connections by chance, and leave those of a dead worker hanging.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

PAUSE_SECONDS = 0.001
"""For each connection that a worker has, up to ``MANY`` of them."""
MANY = 6
_TROUBLE_SECONDS = 0.2

_log = logging.getLogger("cellbook.api")


class SharedListener:
    """Accepts connections from ``listener`` for one event loop.

    ``connections`` counts those that the process has. Has what uvicorn asks of a server: ``close``
    and ``wait_closed``.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[Any]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._woken)

    def close(self) -> None:
        """Take no more connections. Those that are open stay so."""
        self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _woken(self) -> None:
        count = self._connections() + len(self._opening)
        if count == 0:
            self._accept()
        else:
            self._wait(min(count, MANY) * PAUSE_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._loop.add_reader(self._listener, self._woken)
        # A worker with many connections takes several at once: they come faster than it pauses.
        for _ in range(max(1, min(self._connections() // MANY, MANY))):
            if not self._accept():
                break

    def _accept(self) -> bool:
        """Take one connection; whether there was one."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            # No descriptors are left, most likely; some will be given back.
            _log.error("no connection can be accepted: %s", error.strerror)
            self._wait(_TROUBLE_SECONDS)
            return False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:
            connection.close()
