"""How long ``cellbook verify`` takes from nothing, beside the imports that it cannot do without."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

BARE = "import cbor2; from cryptography.hazmat.primitives.asymmetric import ed25519"
RUNS = 15


def bare_import_seconds() -> float:
    """The two libraries under every verification, imported and nothing done."""
    return _median([sys.executable, "-c", BARE])


def verify_seconds(dossier: Path, trust: Path) -> float:
    """The whole command, which must verify."""
    command = Path(sys.executable).with_name("cellbook")
    return _median([str(command), "verify", str(dossier), "--trust", str(trust)])


def _median(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begun)
    return sorted(times)[RUNS // 2]
