"""The one thread of a process that writes: it groups what waits into one commit after the other.

Submissions wait in a bounded queue. While a commit is on its way to the disk, the next ones
gather, and become the next group: the busier the log, the larger its groups.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from keys.errors import CellbookError, declare
from ledger.log.outcome import FAULT, Outcome
from ledger.log.registration import Prepared, Submitted

BUSY = declare(
    "busy.queue",
    "More statements wait than this service takes at once.",
    "Submit them again after a moment, in smaller batches.",
)
STOPPED = declare(
    "unavailable.log.stopped",
    "The service is stopping, or has not started.",
    "Submit the statements again when it runs.",
)
GROUP = 1024
QUEUE_LIMIT = 16_384
RETRY_S = 1.0

_log = logging.getLogger("cellbook.sequencer")


CommitGroup = Callable[[Sequence[Prepared]], list[Outcome]]
"""Registers a group in one transaction. Raises what befell the whole group."""
Tick = Callable[[], float]
"""Does what is due, and says after how many seconds to call again."""


class _Submission:
    """A submission, filled with outcomes over one or more groups."""

    def __init__(self, items: Sequence[Submitted]) -> None:
        self.future: Future[list[Outcome]] = Future()
        # From here on it cannot be cancelled: its statements will be registered.
        self.future.set_running_or_notify_cancel()
        self.outcomes = [
            Outcome(error=item) if isinstance(item, CellbookError) else Outcome() for item in items
        ]
        self.waiting = deque(
            (position, item) for position, item in enumerate(items) if isinstance(item, Prepared)
        )

    def settle(self) -> None:
        if not self.waiting:
            self.future.set_result(self.outcomes)


_Place = tuple[_Submission, int, Prepared]


class Sequencer:
    """Runs ``commit`` on groups and ``tick`` between them, in a thread of its own."""

    def __init__(self, commit: CommitGroup, tick: Tick, *, queue_limit: int = QUEUE_LIMIT) -> None:
        self._commit = commit
        self._tick = tick
        self._limit = queue_limit
        self._wake = threading.Condition()
        self._queue: deque[_Submission] = deque()
        self._length = 0
        self._accepts = False
        self._trouble: CellbookError | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; once only."""
        self._accepts = True
        self._thread = threading.Thread(target=self._run, name="cellbook-sequencer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take nothing more, register what was taken, stop the thread."""
        with self._wake:
            self._accepts = False
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether submissions are taken and worked on."""
        return self._accepts and self._thread is not None and self._thread.is_alive()

    @property
    def trouble(self) -> CellbookError | None:
        """What went wrong between groups, the last time; None if nothing did."""
        return self._trouble

    def wake(self) -> None:
        """Do what is due now."""
        with self._wake:
            self._wake.notify()

    def submit(self, items: Sequence[Submitted]) -> Future[list[Outcome]]:
        """Outcomes of ``items``, in order, once all are durable or refused.

        Raises ``busy.queue`` and ``unavailable.log.stopped``; then nothing was taken.
        """
        submission = _Submission(items)
        count = len(submission.waiting)
        if count == 0:
            submission.settle()
            return submission.future
        with self._wake:
            if not self._accepts:
                raise STOPPED.at("sequencer")
            if self._length + count > self._limit:
                raise BUSY.at("queue", f"{self._length} wait, {count} more were submitted")
            self._queue.append(submission)
            self._length += count
            self._wake.notify()
        return submission.future

    def _run(self) -> None:
        pause = 0.0
        while self._wait(pause):
            pause = self._ticked()
            group = self._take()
            if group:
                self._register(group)
                pause = 0.0

    def _wait(self, seconds: float) -> bool:
        """Wait for work, at most ``seconds``; False once everything is done and we are closed."""
        with self._wake:
            if not self._queue and self._accepts and seconds > 0:
                self._wake.wait(seconds)
            return self._accepts or bool(self._queue)

    def _take(self) -> list[_Place]:
        """The next group: at most ``GROUP`` statements, in the order in which they came."""
        group: list[_Place] = []
        with self._wake:
            while self._queue and len(group) < GROUP:
                submission = self._queue[0]
                while submission.waiting and len(group) < GROUP:
                    position, item = submission.waiting.popleft()
                    group.append((submission, position, item))
                if not submission.waiting:
                    self._queue.popleft()
            self._length -= len(group)
        return group

    def _register(self, group: list[_Place]) -> None:
        try:
            outcomes = self._commit([item for _, _, item in group])
        except CellbookError as error:
            outcomes = [Outcome(error=error)] * len(group)
        except Exception as error:
            _log.exception("a fault in a commit of %d statements", len(group))
            failure = FAULT.at("sequencer", type(error).__name__)
            outcomes = [Outcome(error=failure)] * len(group)
        for (submission, position, _), outcome in zip(group, outcomes, strict=True):
            submission.outcomes[position] = outcome
        for submission in dict.fromkeys(submission for submission, _, _ in group):
            submission.settle()

    def _ticked(self) -> float:
        try:
            pause = self._tick()
        except CellbookError as error:
            # The store may be back the next time; ready() says what is wrong until then.
            self._trouble = error
            _log.warning("%s: %s", error.code, error.describe())
            return RETRY_S
        except Exception as error:
            self._trouble = FAULT.at("sequencer", type(error).__name__)
            _log.exception("a fault between commits")
            return RETRY_S
        self._trouble = None
        return pause
