"""``cellbook mirror`` and ``cellbook audit`` of a log, as commands of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.log.building import World
from tests.service import running_service


class Costs(msgspec.Struct, frozen=True):
    """Seconds, and MiB of memory at the most, of the commands on a log of ``size``."""

    size: int
    mirror_seconds: float
    audit_seconds: float
    audit_mib: int
    again_seconds: float


def costs(world: World, folder: Path) -> Costs:
    """Copy the log of a running service, audit the copy, and audit it again."""
    copy = folder / f"copy-{world.store.head().size}"
    audit = ("audit", str(copy), "--state", f"{copy}-state", "--trust", str(world.home.trust_path))
    with running_service(world.home.path) as service:
        mirror_seconds, _ = _run("mirror", service.url, str(copy))
    audit_seconds, mib = _run(*audit)
    again_seconds, _ = _run(*audit)
    size = world.store.head().size
    return Costs(size, mirror_seconds, audit_seconds, mib, again_seconds)


def _run(*args: str) -> tuple[float, int]:
    """How long a command took, which must succeed, and the most memory of its first process."""
    command = Path(sys.executable).with_name("cellbook")
    begun = time.perf_counter()
    process = subprocess.Popen([str(command), *args], stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, _peak(process.pid))
        time.sleep(0.01)
    if process.returncode != 0:
        raise RuntimeError(f"cellbook {args[0]} ended with {process.returncode}")
    return time.perf_counter() - begun, most


def _peak(pid: int) -> int:
    """MiB that a process has used at the most. Not ru_maxrss: that begins with its parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = [line.split()[1] for line in status.split("\n") if line.startswith("VmHWM")]
    return int(peak[0]) >> 10 if peak else 0
