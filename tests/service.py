"""A real service for tests: ``cellbook serve``'s code in processes of its own, on a free port.

    with running_service(folder, workers=2) as service:
        httpx.get(f"{service.url}/healthz")
        os.kill(service.workers()[0], signal.SIGKILL)

``folder`` is a ledger's folder that ``Home.create`` has made. The database is written by the
service then; a test that has the ledger open as well is just another process on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_PROGRAM = (
    "import sys; from api.serving import serve;"
    "serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]),"
    " announce=lambda url: print(url, flush=True))"
)


class Service:
    """A running service. ``url`` has no slash at its end; ``pid`` is the first process: the
    parent of the workers, or the only process where there is one worker."""

    def __init__(self, folder: Path, workers: int = 1, host: str = "127.0.0.1", port: int = 0):
        """Start it and wait until it can be reached. Raises ``RuntimeError`` with what it wrote
        where it does not start."""
        self._workers = workers
        self._log = bytearray()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(folder), host, str(port), str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            # A group of its own, so that kill() ends its workers and nobody else.
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        self.url = self._announced()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """What it wrote to standard error so far; all of it once it has ended."""
        return self._log.decode(errors="replace")

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        if self._workers == 1:
            return [self.pid]
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def is_running(self) -> bool:
        """Whether the first process runs."""
        return self._process.poll() is None

    def stop(self, timeout: float = _STOP_SECONDS) -> int:
        """End it as a supervisor does, by SIGTERM; gives the exit code."""
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = _STOP_SECONDS) -> int:
        """Wait until it has ended; gives the exit code."""
        code = self._process.wait(timeout)
        self._finish()
        return code

    def kill(self) -> None:
        """End it and its workers by SIGKILL, in the middle of whatever they do."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._finish()

    def _finish(self) -> None:
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _announced(self) -> str:
        assert self._process.stdout is not None
        watch = threading.Timer(_START_SECONDS, self._process.kill)
        watch.start()
        line = self._process.stdout.readline().decode().strip()
        watch.cancel()
        if not line:
            self.kill()
            raise RuntimeError(f"the service did not start:\n{self.log}")
        return line

    def _collect(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            while data := os.read(stream.fileno(), 65536):
                self._log += data


@contextmanager
def running_service(folder: Path, workers: int = 1) -> Iterator[Service]:
    """A service that is ended in good order, if the test has not ended it."""
    with Service(folder, workers) as service:
        yield service
        if service.is_running():
            service.stop()
