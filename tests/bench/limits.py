"""What the machine itself can do, measured in the same run as everything else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from keys import pynacl
from keys.signer import generate

VERIFICATIONS = 10_000


def verifications_per_second(processes: int, message_size: int, *, with_pynacl: bool) -> float:
    """Ed25519 verifications per second over all ``processes``, by cryptography or PyNaCl."""
    message = os.urandom(message_size)
    signer = generate()
    job = (signer.key.raw, message, signer.sign(message), with_pynacl)
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_verify_many, [(*job, 200)] * processes))
        begun = time.perf_counter()
        list(pool.map(_verify_many, [(*job, VERIFICATIONS)] * processes))
        return processes * VERIFICATIONS / (time.perf_counter() - begun)


def fsync_seconds(folder: Path) -> float:
    """How long it takes to make 4 KiB durable in ``folder``; the median of a hundred."""
    path, times = folder / "fsync", []
    with path.open("wb") as file:
        for _ in range(100):
            file.write(bytes(4096))
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - begun)
    path.unlink()
    return sorted(times)[50]


def _verify_many(job: tuple[bytes, bytes, bytes, bool, int]) -> None:
    raw, message, signature, with_pynacl, count = job
    verify: Callable[[bytes, bytes], object]
    if with_pynacl:
        backend = pynacl.load()
        assert backend is not None

        def verify(signature: bytes, message: bytes) -> object:
            return backend(raw, message, signature)
    else:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        verify = Ed25519PublicKey.from_public_bytes(raw).verify
    for _ in range(count):
        verify(signature, message)
