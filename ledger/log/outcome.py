"""What becomes of a statement that was handed in."""

from __future__ import annotations

import msgspec

from keys.errors import CellbookError, declare

FAULT = declare(
    "unavailable.log.fault",
    "A fault inside the service; it is not known whether the statement was registered.",
    "Submit the same bytes again, and report the fault with the service's log.",
)


class Placed(msgspec.Struct, frozen=True):
    """Where a statement stands in the log; ``is_new`` unless it stood there before."""

    index: int
    entry_id: bytes
    is_new: bool


class Outcome(msgspec.Struct, frozen=True):
    """What became of one statement.

    Registered: ``index``, ``entry_id`` and ``receipt``; ``duplicate`` if it was there before.
    ``log_time`` (Unix seconds) is that of its epoch where it is new, else None. Refused: ``error``
    alone. Both ``entry_id`` and ``error`` only where the statement is registered and durable but
    no receipt could be made; ask for it again.
    """

    index: int | None = None
    entry_id: bytes | None = None
    receipt: bytes | None = None
    duplicate: bool = False
    error: CellbookError | None = None
    log_time: int | None = None
