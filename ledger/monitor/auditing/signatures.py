"""Signatures of many entries, verified by other processes while decisions are replayed in this one.

Decisions follow one another, signatures do not: so the replay notes who must have signed what, and
goes on. Nothing counts as checked before ``settle`` has returned.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

import msgspec

from keys import ed25519, pynacl
from keys.algorithms import SIGNATURE
from keys.cose_key import Backend
from keys.errors import CellbookError, FailedError, declare

PROCESSES = declare(
    "unavailable.audit.processes",
    "A process that verifies signatures has ended.",
    "Run the audit again: it goes on from where it was. Give it more memory if it happens again.",
)

CHUNK = 512
_IN_FLIGHT = 8
"""Chunks for each process that wait or are under way: more would only be memory."""

Job = tuple[bytes, bytes, bytes]
"""(raw Ed25519 key, message, signature)."""


class BadSignature(msgspec.Struct, frozen=True):
    """The first entry whose signature is not its issuer's."""

    index: int
    error: CellbookError


class Signatures:
    """Verifies what is given to ``backend``, in ``processes`` of their own; 1 means in this one.

    They are started when there is work for them. ``at`` is the entry that is replayed. Memory is
    bounded: whoever is too fast waits.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.at = 0
        self._count = processes or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._jobs: list[Job] = []
        self._indexes: list[int] = []
        self._running: deque[tuple[list[int], Future[int | None]]] = deque()

    def close(self) -> None:
        """End the processes."""
        self.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def clear(self) -> None:
        """Forget what was noted and is not verified."""
        self._jobs, self._indexes = [], []
        self._running.clear()

    def backend(self, raw: bytes, message: bytes, signature: bytes) -> None:
        """A ``Backend`` that takes note and raises nothing."""
        self._jobs.append((raw, message, signature))
        self._indexes.append(self.at)

    def advance(self) -> BadSignature | None:
        """Hand on what has come together; the first bad signature that is known by now."""
        if len(self._jobs) < CHUNK:
            return None
        if self._pool is None and self._count > 1:
            self._pool = _pool(self._count)
        self._submit()
        return self._collect(self._count * _IN_FLIGHT)

    def settle(self) -> BadSignature | None:
        """Wait for all that was noted; the first bad signature among them, if any is.

        Raises ``unavailable.audit.processes``.
        """
        self._submit()
        return self._collect(0)

    def _submit(self) -> None:
        if not self._jobs:
            return
        try:
            future = _now(self._jobs) if self._pool is None else self._pool.submit(_bad, self._jobs)
        except BrokenExecutor as error:
            raise self._broken(error) from None
        self._running.append((self._indexes, future))
        self._jobs, self._indexes = [], []

    def _collect(self, most: int) -> BadSignature | None:
        while self._running and (len(self._running) > most or self._running[0][1].done()):
            indexes, future = self._running.popleft()
            try:
                place = future.result()
            except BrokenExecutor as error:
                raise self._broken(error) from None
            if place is not None:
                return BadSignature(indexes[place], SIGNATURE.at("signature"))
        return None

    def _broken(self, error: BrokenExecutor) -> CellbookError:
        self._pool = None
        return PROCESSES.at("signatures", str(error)[:120])


def _pool(count: int) -> ProcessPoolExecutor:
    # Not forked: this process has threads that fetch.
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A process of the pool does not notice by itself that its parent was killed."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for, args=(parent.sentinel,), daemon=True).start()


def _wait_for(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _now(jobs: list[Job]) -> Future[int | None]:
    done: Future[int | None] = Future()
    done.set_result(_bad(jobs))
    return done


def _bad(jobs: list[Job]) -> int | None:
    """The place of the first job whose signature fails."""
    verify = _backend()
    for place, (raw, message, signature) in enumerate(jobs):
        try:
            verify(raw, message, signature)
        except FailedError:
            return place
    return None


_loaded: list[Backend] = []


def _backend() -> Backend:
    if not _loaded:
        _loaded.append(pynacl.load() or ed25519.verify)
    return _loaded[0]
