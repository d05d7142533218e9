"""Entries that statements are about (corrections, disputes, resolutions), loaded with their own.

A dispute of a correction concerns the batteries of what was corrected: so a cited entry is read
together with what it cites, down to a fixed depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from keys.errors import declare
from ledger.custody.content import Needed, needed
from ledger.custody.content import Registered as Registered
from ledger.custody.governance.past_entries import cited_before, past_entry_uri
from ledger.custody.states import State
from ledger.custody.subjects import CitedEntry, cite

MAX_DEPTH = 4

TOO_DEEP = declare(
    "rejected.entry.depth",
    f"The statement is about a statement about statements, more than {MAX_DEPTH} deep.",
    "Name the entry of the event itself.",
)


Find = Callable[[bytes], Registered | None]
"""The entry with this entry id, among those before the statement that is decided."""
View = Callable[[Sequence[str]], Mapping[str, State]]
"""The states of these names."""


def cited_entries(
    wanted: Needed, find: Find, view: View = lambda uris: {}
) -> dict[bytes, CitedEntry]:
    """What a decision needs to know of the entries that a statement is about.

    Those that ``find`` does not have may be of a log before this one: then ``view`` knows what was
    taken over of them. Others are left out; ``decide`` refuses for want of them. Raises
    ``rejected.entry.depth``.
    """
    return _cited(wanted.entries, find, view, MAX_DEPTH)


def _cited(
    entry_ids: Iterable[bytes], find: Find, view: View, depth: int
) -> dict[bytes, CitedEntry]:
    cited: dict[bytes, CitedEntry] = {}
    for entry_id in entry_ids:
        if depth == 0:
            raise TOO_DEEP.at("payload.entry_ref")
        entry = find(entry_id)
        if entry is None:
            before = cited_before(entry_id, view([past_entry_uri(entry_id)]))
            if before is not None:
                cited[entry_id] = before
            continue
        statement = entry.statement
        about = _cited(needed(statement, entry.content).entries, find, view, depth - 1)
        cited[entry_id] = cite(
            entry_id, entry.index, statement.iss, statement.sub, entry.content, about
        )
    return cited
