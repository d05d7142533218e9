"""The way of statements from requests into the ledger.

Signatures are checked in threads, which release the interpreter's lock while they do. Statements
that come alone are gathered: while some are being checked the next ones wait, and are then checked
and registered together, as the sequencer does with commits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor

from keys.errors import CellbookError
from ledger.log.ledger import Ledger
from ledger.log.outcome import Outcome
from ledger.log.registration import Prepared, Submitted
from ledger.log.sequencer import BUSY, QUEUE_LIMIT

GROUP = 256
"""Statements that are checked in one go, and then handed to the sequencer."""

_Answer = asyncio.Future[Outcome]


class Intake:
    """Registers statements with ``ledger``; for one event loop. ``threads`` check signatures."""

    def __init__(self, ledger: Ledger, threads: Executor) -> None:
        self._ledger = ledger
        self._threads = threads
        self._waiting: deque[tuple[bytes, _Answer]] = deque()
        self._gathering: asyncio.Task[None] | None = None

    async def one(self, data: bytes) -> Outcome:
        """What becomes of one statement. Raises ``busy.queue`` and ``unavailable.*``."""
        if len(self._waiting) >= QUEUE_LIMIT:
            raise BUSY.at("queue", f"{len(self._waiting)} wait")
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((data, answer))
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._gather())
        return await answer

    async def many(self, data: Sequence[bytes]) -> list[Outcome]:
        """What becomes of each of ``data``, in order.

        The first group that cannot be taken ends it: the statements from there on carry its error,
        since none may be registered before those that stand ahead of it. Raises ``busy.queue``
        and ``unavailable.*`` where that is the first group, so that nothing was taken.
        """
        taken: list[asyncio.Future[list[Outcome]]] = []
        refused: list[Outcome] = []
        for start in range(0, len(data), GROUP):
            try:
                taken.append(await self._take(data[start : start + GROUP]))
            except CellbookError as error:
                if not taken:
                    raise
                refused = [Outcome(error=error)] * (len(data) - start)
                break
        return [outcome for future in taken for outcome in await future] + refused

    async def _take(self, group: Sequence[bytes]) -> asyncio.Future[list[Outcome]]:
        prepared = await self._prepare(group)
        future = asyncio.wrap_future(self._ledger.register(prepared))
        if any(_announces(item) for item in prepared):
            # The next group may stand on it: a key that is added here and signs there.
            await asyncio.wait([future])
        return future

    async def _prepare(self, group: Sequence[bytes]) -> list[Submitted]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ledger.prepare, group)

    async def _gather(self) -> None:
        try:
            while self._waiting:
                count = min(GROUP, len(self._waiting))
                await self._register([self._waiting.popleft() for _ in range(count)])
        finally:
            self._gathering = None

    async def _register(self, group: list[tuple[bytes, _Answer]]) -> None:
        answers = [answer for _, answer in group]
        try:
            prepared = await self._prepare([data for data, _ in group])
            future = asyncio.wrap_future(self._ledger.register(prepared))
        except Exception as error:
            _fail(answers, error)
        else:
            future.add_done_callback(lambda done: _settle(answers, done))


def _announces(item: Submitted) -> bool:
    return isinstance(item, Prepared) and item.announces


def _settle(answers: list[_Answer], done: asyncio.Future[list[Outcome]]) -> None:
    error = done.exception()
    if error is not None:
        _fail(answers, error)
        return
    for answer, outcome in zip(answers, done.result(), strict=True):
        # One whose client has gone away is cancelled; its statement is registered all the same.
        if not answer.done():
            answer.set_result(outcome)


def _fail(answers: list[_Answer], error: BaseException) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)
