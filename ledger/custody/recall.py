"""The whole chain of a battery over several logs, as far as this log holds it.

A battery that was taken over has a state where its chain here begins. To fold it again its entries
in the logs before are needed: they stand in this log as ``carried-history``, and are those that
count where they are all that the chain hash which was taken over commits to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ledger.custody.content import Registered, read_content
from ledger.custody.governance.carrying import brought_over
from ledger.custody.governance.handover import (
    CarriedEntry,
    CarriedHistory,
    CarriedOver,
    CarriedSubject,
)
from ledger.custody.governance.past_entries import logs_before, read_past
from ledger.custody.states import PredecessorState
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import parse_statement

Leaves = Mapping[int, Mapping[int, bytes]]
"""Leaves by index, of each log by how many logs before the predecessor it is."""


def whole_chain(
    uri: str, chain: Sequence[Registered], newest: PredecessorState | None
) -> list[Registered]:
    """``chain`` of the battery ``uri`` in a log after ``newest``, with its entries there in place
    of what was taken over, where ``chain`` holds all of them; their indexes are below 0."""
    return _with_past(uri, chain, newest, _leaves(uri, chain))


def _with_past(
    uri: str, chain: Sequence[Registered], newest: PredecessorState | None, leaves: Leaves
) -> list[Registered]:
    whole: list[Registered] = []
    for entry in chain:
        past = _past(uri, _taken_over(uri, entry), newest, leaves)
        whole += past or [entry]
    return whole


def cited_in(chain: Iterable[Registered]) -> dict[bytes, Registered]:
    """The entries of earlier logs that statements in ``chain`` show. Their indexes are those of
    their own logs."""
    found = {}
    for entry in chain:
        if isinstance(entry.content, CarriedEntry):
            statement, event = read_past(entry.content.entry)
            index = entry.content.entry.index
            found[statement.entry_id] = Registered(index, statement.entry_id, statement, event)
    return found


def _past(
    uri: str, item: CarriedSubject | None, newest: PredecessorState | None, leaves: Leaves
) -> list[Registered]:
    """The entries behind ``item``; none where they are not all at hand."""
    if item is None or item.count is None:
        return []
    log = len(item.proofs) - 1
    before, size = logs_before(newest, log)
    there = leaves.get(log, {})
    if len(there) != item.count:  # before anything of it is parsed: a file may say what it likes
        return []
    chain, entries = Chain(), []
    for index, leaf in sorted(there.items()):
        statement = parse_statement(leaf)
        chain = chain.after(index, statement.leaf_hash)
        entries.append(Registered(index, statement.entry_id, statement, read_content(statement)))
    if before is None or (chain.count, chain.hash) != (item.count, item.chain):
        return []
    older = {one - log - 1: others for one, others in leaves.items() if one > log}
    for one, others in _leaves(uri, entries).items():
        older[one] = {**older.get(one, {}), **others}
    return [_brought(entry, size) for entry in _with_past(uri, entries, before.older, older)]


def _leaves(uri: str, chain: Iterable[Registered]) -> dict[int, dict[int, bytes]]:
    leaves: dict[int, dict[int, bytes]] = {}
    for entry in chain:
        if isinstance(entry.content, CarriedHistory) and entry.content.uri == uri:
            for past in entry.content.entries:
                leaves.setdefault(past.log, {})[past.index] = past.leaf
    return leaves


def _taken_over(uri: str, entry: Registered) -> CarriedSubject | None:
    if not isinstance(entry.content, CarriedOver):
        return None
    return next((item for item in entry.content.subjects if item.uri == uri), None)


def _brought(entry: Registered, size: int) -> Registered:
    """``entry`` as a log sees it that begins ``size`` entries after its own; a state in it too."""
    content = entry.content
    if isinstance(content, CarriedOver):
        subjects = tuple(
            item
            if item.state is None
            else msgspec.structs.replace(item, state=brought_over(item.state, size))
            for item in content.subjects
        )
        content = msgspec.structs.replace(content, subjects=subjects)
    return Registered(entry.index - size, entry.entry_id, entry.statement, content)
