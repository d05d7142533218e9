"""That a checkpoint waits for its witnesses: since when, by whom, and when to ask again."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from ledger.custody.values.times import format_moment

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0

_log = logging.getLogger("cellbook.publishing")


class Delayed(msgspec.Struct, frozen=True):
    """The newest checkpoint waits for witnesses: ``since`` (Unix seconds), and why, for each that
    gave no line."""

    since: int
    by: dict[str, str]

    def __str__(self) -> str:
        names = ", ".join(f"{name} ({why})" for name, why in sorted(self.by.items()))
        moment = format_moment(self.since, 0)
        return f"witnessed checkpoint delayed since {moment}, by {names or 'no witness'}"


class Delay:
    """What one process knows of it. ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.failures = 0
        self.delayed: Delayed | None = None

    def begin(self, by: dict[str, str]) -> None:
        """Too few answered: ``by`` says why those gave no line that gave none."""
        before = self.delayed
        self.delayed = Delayed(self._clock() if before is None else before.since, by)
        if before is None or before.by.keys() != by.keys():
            _log.warning("%s", self.delayed)

    def end(self) -> None:
        """Nothing waits any more."""
        if self.delayed is not None:
            _log.warning("witnessed checkpoints are published again")
        self.forget()

    def forget(self) -> None:
        """Another process asks from now on."""
        self.failures, self.delayed = 0, None

    def pause(self) -> float:
        """How many seconds to wait after a failure; longer after each."""
        self.failures += 1
        return min(FIRST_PAUSE_S * float(1 << min(self.failures - 1, 10)), LONGEST_PAUSE_S)
