"""What ``cellbook serve`` runs: one process, or a parent and several workers on one socket.

Each worker has a ledger and a sequencer of its own; the database orders what they write. With one
worker there is no parent: the process serves itself. With several, the parent only watches. A
worker that dies is started again, at most ``RESTARTS`` times in ``WINDOW_SECONDS``; a service whose
workers die faster, or refuse to work, ends with an error, so that whoever supervises it knows. If
the parent dies, by SIGKILL even, its workers notice and stop in good order.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from keys.errors import declare
from ledger.log.home import Home

LISTEN = declare(
    "unavailable.service.address",
    "The service cannot listen on this address.",
    "Choose another host or port, or end the process that has it.",
)
WORKERS = declare(
    "unavailable.service.workers",
    "The service's workers do not stay alive.",
    "Read what they wrote to the service's log.",
)

RESTARTS = 5
WINDOW_SECONDS = 60.0
START_SECONDS = 60.0
GRACE_SECONDS = 30
"""How long requests at hand may take once the service is told to stop."""
REFUSED = 3
"""The exit code of a worker that cannot work, whoever starts it again."""
_BACKLOG = 2048
_STOP_SECONDS = GRACE_SECONDS + 15.0
_POLL_SECONDS = 0.2


def serve(
    folder: str | os.PathLike[str],
    host: str,
    port: int,
    workers: int = 1,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve the ledger in ``folder`` until SIGTERM or SIGINT.

    ``announce`` gets the service's URL once, when it can be reached, and prints a line where none
    is given; with ``port`` 0 the system has chosen the port. Raises ``usage.home.*`` (a root key
    in the folder is one), ``usage.keyfile.*``, ``unavailable.store.*``, ``unavailable.service.*``.
    """
    home = Home.open(folder)
    home.refuse_root_inside()
    listener = listen(host, port)
    url = url_of(listener)
    tell = announce or _print
    set_up_log()
    with listener:
        if workers == 1:
            # A parent has no use for web libraries, and they are half of the time to start.
            from api import worker

            worker.run(home.path, listener, lambda: tell(url))
        else:
            # What every worker would refuse is said once, here.
            home.signers()
            home.open_store().close()
            _Parent(home.path, listener, workers).run(lambda: tell(url))


def set_up_log() -> None:
    """Warnings and errors to standard error. Requests are not logged."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    )


def _print(url: str) -> None:
    # At once: whoever started us may read it from a pipe.
    print(f"Cellbook listens on {url}", flush=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ``unavailable.service.address``."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise LISTEN.at(f"{host}:{port}", error.strerror or "") from None


def url_of(listener: socket.socket) -> str:
    """The address of a service on ``listener``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Worker:
    """A worker process. ``line`` joins it to this one: it ends when either does."""

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self.line, theirs = socket.socketpair()
        with theirs:
            descriptors = (listener.fileno(), theirs.fileno())
            self.process = subprocess.Popen(
                # -P: the folder that we are started in is no place to import from.
                [sys.executable, "-P", "-m", "api.worker", str(folder), *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
            )

    def wait_until_ready(self, deadline: float, is_stopping: Callable[[], bool]) -> bool:
        """Whether it serves; False if it dies, or time is up, or we are to stop."""
        while time.monotonic() < deadline and not is_stopping():
            if select.select([self.line], [], [], _POLL_SECONDS)[0]:
                return self.line.recv(1) == b"."
        return False

    def end(self) -> None:
        """Tell it to stop, if it runs."""
        self.process.send_signal(signal.SIGTERM)

    def reap(self, deadline: float) -> None:
        """Wait for its end; after ``deadline`` make it."""
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.line.close()


class _Parent:
    """Keeps ``count`` workers alive."""

    def __init__(self, folder: Path, listener: socket.socket, count: int) -> None:
        self._folder = folder
        self._listener = listener
        self._count = count
        self._workers: list[_Worker] = []
        self._deaths: deque[float] = deque(maxlen=RESTARTS + 1)
        self._is_stopping = False

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start the workers, watch them, stop them. Raises ``unavailable.service.workers``."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            self._workers = [self._start() for _ in range(self._count)]
            deadline = time.monotonic() + START_SECONDS
            for one in self._workers:
                if not one.wait_until_ready(deadline, lambda: self._is_stopping):
                    self._require_stopping("a worker did not start")
                    return
            on_ready()
            while not self._is_stopping:
                time.sleep(_POLL_SECONDS)
                self._replace_dead()
        finally:
            self._end_all()

    def _start(self) -> _Worker:
        return _Worker(self._folder, self._listener)

    def _stop(self, number: int, frame: object) -> None:
        self._is_stopping = True

    def _replace_dead(self) -> None:
        for position, one in enumerate(self._workers):
            code = one.process.poll()
            if code is None or self._is_stopping:
                continue
            self._deaths.append(time.monotonic())
            if code == REFUSED or self._die_too_fast():
                self._require_stopping(f"one ended with exit code {code}")
                return
            one.line.close()
            self._workers[position] = self._start()

    def _die_too_fast(self) -> bool:
        deaths = self._deaths
        return len(deaths) > RESTARTS and deaths[-1] - deaths[0] < WINDOW_SECONDS

    def _require_stopping(self, detail: str) -> None:
        if not self._is_stopping:
            raise WORKERS.at("workers", detail)

    def _end_all(self) -> None:
        for one in self._workers:
            if one.process.poll() is None:
                one.end()
        deadline = time.monotonic() + _STOP_SECONDS
        for one in self._workers:
            one.reap(deadline)
