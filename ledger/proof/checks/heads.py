"""The heads in a file: each is the log's own and stands where it says; they give entries their
log times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from keys.cose_key import Backend
from keys.errors import declare
from ledger.custody.governance.operators import signing_key
from ledger.custody.governance.statements import Head
from ledger.custody.names.naming import log_uri
from ledger.custody.states import LogState
from ledger.custody.values.times import parse_moment
from ledger.wire.statement import Statement, check_signature

HEAD = declare(
    "failed.dossier.head",
    "A head contradicts its place, the head before it, or the entries whose time it states.",
    "Get the dossier again; if it is the same, trust nothing in it.",
)

LATEST = parse_moment("2100-12-31T23:59:59+00:00")
"""The last second of the calendar that times are shown in."""


class Heads:
    """All heads of one file. Their places are what they state; ``take`` checks each in its turn."""

    def __init__(self, heads: Iterable[Head], backend: Backend | None) -> None:
        self._heads = sorted(heads, key=lambda head: head.tree_size)
        self._backend = backend
        self._last: Head | None = None
        self._others: set[int] = set()

    def pass_by(self, index: int) -> None:
        """The entry at ``index`` is none of the heads."""
        self._others.add(index)

    def take(self, index: int, statement: Statement, head: Head, log: LogState | None) -> None:
        """A head is signed by the log's statement key, stands where it says, and time goes on.

        Heads between it and the last one may be missing here, so the chain is not followed. Raises
        ``failed.dossier.head`` and ``failed.signature``.
        """
        last = self._last
        if log is None or statement.sub != log_uri(log.origin) or statement.aud != log.family:
            raise HEAD.at("sub", "it is not of this log")
        check_signature(statement, signing_key(statement, head, {}, log, index), self._backend)
        if log.frozen is not None and index != log.frozen + 1:
            raise HEAD.at("payload", f"entry {log.frozen} has ended the log")
        if head.tree_size != index or (head.previous or 0) >= index:
            raise HEAD.at("payload", f"it states tree size {head.tree_size}")
        if last is not None and (head.time < last.time or (head.previous or 0) < last.tree_size):
            raise HEAD.at("payload", f"it contradicts the head in entry {last.tree_size}")
        if head.previous in self._others or head.time > LATEST:
            raise HEAD.at("payload", "the head before it is none, or its time is in no calendar")
        self._last = head

    def time(self, index: int) -> int:
        """The log time of entry ``index``: that of the first head after it. Raises
        ``failed.dossier.head``."""
        place = bisect_right(self._heads, index, key=lambda head: head.tree_size)
        if place == len(self._heads):
            raise HEAD.at("log time", "no head after the entry")
        head = self._heads[place]
        if head.previous is not None and head.previous >= index:
            raise HEAD.at("log time", f"entry {head.tree_size} is not the first head after it")
        if head.time > LATEST:
            raise HEAD.at("log time", "it is in no calendar")
        return head.time
