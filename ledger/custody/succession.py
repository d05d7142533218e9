"""The end of a log: the statement that freezes it, and what may follow."""

from __future__ import annotations

from msgspec.structs import replace

from keys.errors import declare
from ledger.custody.governance import Freeze, Head
from ledger.custody.naming import check_origin
from ledger.custody.states import LogState

FROZEN = declare(
    "rejected.log.frozen",
    "The root has ended this log: it takes no more statements.",
    "Register it in the log that follows, which the error names; what is here stays readable.",
)
SUCCESSOR = declare(
    "rejected.freeze.successor",
    "The freeze names a successor that cannot be one.",
    "Name another origin than the log's own, and as root the next root key that the policy names.",
)


def check_open(log: LogState | None, content: object, index: int) -> None:
    """That the log takes ``content`` as entry ``index``: all but the closing head is refused once
    it is frozen. Raises ``rejected.log.frozen``, with the successor's origin as a fact."""
    if log is None or log.frozen is None:
        return
    if isinstance(content, Head) and index == log.frozen + 1:
        return
    detail = f"by entry {log.frozen}"
    if log.successor is None:
        raise FROZEN.at("log", f"{detail}; no log follows")
    origin, _ = log.successor
    raise FROZEN.at("log", f"{detail}; {origin} follows", successor=origin)


def apply_freeze(log: LogState, freeze: Freeze, index: int) -> LogState:
    """The log's state after ``freeze`` at ``index``. Raises ``rejected.freeze.successor``.

    That the successor's root is the next root, which lies elsewhere, keeps a thief of the root in
    force from founding it.
    """
    named = freeze.successor
    if named is None:
        return replace(log, frozen=index)
    check_origin(named.origin)
    if named.origin == log.origin or named.root != log.next_root:
        raise SUCCESSOR.at("payload.successor", named.origin)
    return replace(log, frozen=index, successor=(named.origin, named.root))
