"""Entries that statements are about (corrections, disputes, resolutions), loaded with their own.

A dispute of a correction concerns the batteries of what was corrected: so a cited entry is read
together with what it cites, down to a fixed depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from keys.errors import declare
from ledger.custody.decision import Content, Needed, needed
from ledger.custody.subjects import CitedEntry, cite
from ledger.wire.statement import Statement

MAX_DEPTH = 4

TOO_DEEP = declare(
    "rejected.entry.depth",
    f"The statement is about a statement about statements, more than {MAX_DEPTH} deep.",
    "Name the entry of the event itself.",
)


class Registered(msgspec.Struct, frozen=True):
    """An entry of the log, read."""

    index: int
    entry_id: bytes
    statement: Statement
    content: Content


Find = Callable[[bytes], Registered | None]
"""The entry with this entry id, among those before the statement that is decided."""


def cited_entries(wanted: Needed, find: Find) -> dict[bytes, CitedEntry]:
    """What a decision needs to know of the entries that a statement is about.

    Entries that ``find`` does not have are left out; ``decide`` refuses for want of them. Raises
    ``rejected.entry.depth``.
    """
    return _cited(wanted.entries, find, MAX_DEPTH)


def _cited(entry_ids: Iterable[bytes], find: Find, depth: int) -> dict[bytes, CitedEntry]:
    cited: dict[bytes, CitedEntry] = {}
    for entry_id in entry_ids:
        if depth == 0:
            raise TOO_DEEP.at("payload.entry_ref")
        entry = find(entry_id)
        if entry is None:
            continue
        statement = entry.statement
        about = _cited(needed(statement, entry.content).entries, find, depth - 1)
        cited[entry_id] = cite(
            entry_id, entry.index, statement.iss, statement.sub, entry.content, about
        )
    return cited
