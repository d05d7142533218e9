"""Other ``cellbook`` processes: the service while the story runs, and the buyer afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from keys.errors import declare

NOT_STARTED = declare(
    "unavailable.demo.service",
    "The service of the demo did not start.",
    "Read service.log in the demo's folder.",
)

# With -P no folder of the user's can stand in for ours.
CELLBOOK = (sys.executable, "-P", "-c", "from cli.main import main; main()")
"""``cellbook`` as this process runs it."""

_START_SECONDS, _STOP_SECONDS = 60.0, 30.0
_URL = re.compile(r'"url": "([^"]+)"')
_NAMESPACES = (("unshare", "-n"), ("unshare", "-rn"))
"""A network namespace without network, for root and for others."""


class Service:
    """``cellbook serve`` in a process of its own, on a free port, from construction on."""

    def __init__(self, folder: Path, log: Path) -> None:
        """Raises ``unavailable.demo.service``."""
        with open(log, "wb") as file:
            self._process = subprocess.Popen(
                [*CELLBOOK, "serve", str(folder), "--host", "127.0.0.1", "--port", "0", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        self.url = self._announced(log)

    def stop(self) -> None:
        """End it in good order, and wait until it is gone."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _announced(self, log: Path) -> str:
        if self._process.stdout is None:
            raise NOT_STARTED.at(str(log))
        watch = threading.Timer(_START_SECONDS, self._process.kill)
        watch.start()
        try:
            for line in self._process.stdout:
                found = _URL.search(line.decode(errors="replace"))
                if found:
                    return found[1]
        finally:
            watch.cancel()
        self.stop()
        raise NOT_STARTED.at(str(log), f"exit code {self._process.returncode}")


def without_network() -> tuple[str, ...]:
    """How to start a command without any network here; empty where that is not permitted."""
    for prefix in _NAMESPACES:
        try:
            done = subprocess.run([*prefix, "true"], capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return prefix
    return ()


def run_cellbook(arguments: Sequence[str], prefix: Sequence[str] = ()) -> tuple[int, str]:
    """Run ``cellbook`` to its end; its exit code, and what it printed."""
    done = subprocess.run(
        [*prefix, *CELLBOOK, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")
