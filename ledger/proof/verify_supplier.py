"""Verification of a supplier file, offline: bytes, a trust file and a time go in.

Nothing here reads a clock, an environment or a network. The steps, and the attack that each stops:

1. The bytes are one supplier file in its one encoding                  (two readings of one file)
2. It is of the ledger that the trust file names, at its checkpoint     (a ledger of the forger's)
3. It holds policies, statements about the operator, snapshots, heads   (padding, missing policies)
4. Every statement and head is decided again, in order                  (strangers as registrars)
5. Every entry is in the tree of the checkpoint, at its index           (entries that never were in)
6. By the head's index, these are all policies, statements and snapshots   (a hidden revocation)
7. Witnesses, auditors and its age are as the trust file asks        (a lying index, an old file)
8. The leaves prove what each snapshot that counts says                 (rows of another list)

What no step checks stands in ``SupplierCheck.unchecked``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from keys.cose_key import Backend
from keys.errors import declare
from ledger.custody.governance.statements import AboutLog, Head
from ledger.custody.lists.listed import FOREIGN as FOREIGN_PROOF
from ledger.custody.lists.listed import MISSING as MISSING_PROOF
from ledger.custody.lists.listed import ListAnswer, answer, wanted
from ledger.custody.lists.schemes import identifier_of, list_uri
from ledger.custody.lists.snapshots import day_of
from ledger.custody.states import OperatorState
from ledger.custody.values.times import parse_moment
from ledger.proof.checks.completeness import verify_complete
from ledger.proof.checks.genuine import (
    check_ledger,
    check_root,
    check_time,
    record_of,
    verify_cosigned,
    verify_receipts,
)
from ledger.proof.checks.heads import Heads
from ledger.proof.checks.history import History, ReadEntry, read_entries, replay
from ledger.proof.checks.parts import FOREIGN, check_parts, held_chains
from ledger.proof.checks.vouching import vouch
from ledger.proof.report.vouched_words import unvouched
from ledger.proof.supplier import Supplier, decode_supplier
from ledger.proof.trust import Trust
from ledger.proof.verdict.listed_works import stated_in
from ledger.proof.verdict.values import Record

NOBODY = declare(
    "failed.supplier.operator",
    "The file holds no registration of the operator that it names.",
    "Ask for the file of the operator that you mean.",
)
NOT_YET = declare(
    "undecided.supplier.day",
    "The day that is asked about is after the file's checkpoint.",
    "Ask for an earlier day, or for a newer file later.",
)


class OperatorStatement(msgspec.Struct, frozen=True):
    """A statement about the operator: its entry, its kind, and its log time (Unix seconds)."""

    index: int
    kind: str
    time: int


class SupplierCheck(msgspec.Struct, frozen=True):
    """What was established. ``then`` is the registration at the end of ``day`` (UTC), None where
    there was none; ``now`` that at the checkpoint. ``lists`` are answers for ``day`` and for the
    day of the checkpoint, in pairs. ``at`` is the time of the check (Unix seconds)."""

    operator: str
    day: str
    then: OperatorState | None
    now: OperatorState
    statements: tuple[OperatorStatement, ...]
    lists: tuple[tuple[ListAnswer, ListAnswer], ...]
    record: Record
    at: int
    unchecked: tuple[str, ...]


def verify_supplier(
    data: bytes, trust: Trust, at: int, *, backend: Backend | None = None
) -> SupplierCheck:
    """What ``data`` establishes about an operator, by the word of the ledger's registrar.

    ``at`` is the time of the check in Unix seconds. Raises ``malformed.*``, ``failed.*`` and
    ``rejected.*`` for a file that is not genuine, ``undecided.*`` and ``unsupported.*`` where a
    required check could not be made. Whether somebody is registered or listed stands in the answer.
    """
    file = decode_supplier(data)
    check_ledger(file.checkpoint, file.entries, trust)
    entries = read_entries(file.entries)
    _check_holdings(entries, file)
    check_parts(entries, frozenset())
    history = replay(entries, frozenset(), backend)
    times = _log_times(entries)
    check_root(history, entries[0], trust)
    checkpoint, head, cosigned = verify_cosigned(file.checkpoint, history.log, entries)
    verify_receipts(entries, history.log, checkpoint, head.time, backend)
    check_time(head, at)
    names = (file.operator, *map(list_uri, file.lists))
    held = held_chains(history, entries, names)
    verify_complete(file.index, held, head.index_root, file.operator)
    vouched = vouch(cosigned, history.log, trust, head.time, at)
    day_end = parse_moment(f"{file.day}T23:59:59+00:00")
    if day_end - 86_399 > head.time:
        raise NOT_YET.at("day", file.day)
    now = history.states.get(file.operator)
    if not isinstance(now, OperatorState):
        raise NOBODY.at("operator", file.operator)
    record = record_of(data, trust, checkpoint, head, history, len(entries), vouched)
    return SupplierCheck(
        operator=file.operator,
        day=file.day,
        then=_at_the_end(entries, day_end, file.operator, backend),
        now=now,
        statements=tuple(_statements(entries, file.operator, times)),
        lists=tuple(_answers(file, history, head.time)),
        record=record,
        at=at,
        unchecked=tuple(_unchecked(file, now, record)),
    )


def _check_holdings(entries: tuple[ReadEntry, ...], file: Supplier) -> None:
    """Step 3, but for the heads."""
    subjects = {file.operator, *(list_uri(scheme) for scheme in file.lists)}
    for entry in entries:
        is_common = isinstance(entry.content, AboutLog | Head)
        if not is_common and entry.statement.sub not in subjects:
            raise FOREIGN.at(f"entry {entry.index}", entry.statement.sub)


def _log_times(entries: tuple[ReadEntry, ...]) -> dict[int, int]:
    """The log times of all but policies and heads; no head is there that gives none.

    Raises ``failed.dossier.head`` and ``failed.dossier.foreign``.
    """
    by_index = {entry.index: entry.content for entry in entries}
    heads = [content for content in by_index.values() if isinstance(content, Head)]
    given = Heads(heads, None)
    times = {
        index: given.time(index)
        for index, content in by_index.items()
        if not isinstance(content, AboutLog | Head)
    }
    ascending = sorted(head.tree_size for head in heads)
    needed = {ascending[-1]}
    needed.update(ascending[bisect_right(ascending, index)] for index in times)
    for size in ascending:
        if size not in needed:
            raise FOREIGN.at(f"entry {size}", "a head that no entry needs")
    return times


def _at_the_end(
    entries: tuple[ReadEntry, ...], day_end: int, operator: str, backend: Backend | None
) -> OperatorState | None:
    """The registration by the last head of the day. All entries were verified before."""
    heads = [
        entry.index
        for entry in entries
        if isinstance(entry.content, Head) and entry.content.time <= day_end
    ]
    if not heads:
        return None
    known = tuple(entry for entry in entries if entry.index <= heads[-1])
    state = replay(known, frozenset(), backend).states.get(operator)
    return state if isinstance(state, OperatorState) else None


def _statements(
    entries: tuple[ReadEntry, ...], operator: str, times: dict[int, int]
) -> Iterator[OperatorStatement]:
    for entry in entries:
        if entry.statement.sub == operator:
            tag = str(type(entry.content).__struct_config__.tag or "document")
            yield OperatorStatement(entry.index, tag, times[entry.index])


def _answers(file: Supplier, history: History, now: int) -> Iterator[tuple[ListAnswer, ListAnswer]]:
    """What each scheme in the file says, on the day and on that of the checkpoint."""
    identifier = identifier_of(file.operator)
    for scheme, proofs in file.lists.items():
        snapshots = stated_in(history, list_uri(scheme))
        if not snapshots:
            raise MISSING_PROOF.at("supplier file, lists", f"no snapshot of {scheme}")
        offset = next(
            item.content.utc_offset_min
            for item in history.snapshots
            if item.entry.statement.sub == list_uri(scheme)
        )
        days = (file.day, day_of(now, offset))
        of_one = proofs.get(identifier, {})
        counting = {item.snapshot.index for day in days for item in wanted(snapshots, day)}
        if set(proofs) != {identifier} or set(of_one) - counting:
            raise FOREIGN_PROOF.at(f"list proofs of {scheme}")
        then, today = (
            answer(scheme, identifier, day, snapshots, of_one, others=True) for day in days
        )
        yield then, today


def _unchecked(file: Supplier, now: OperatorState, record: Record) -> Iterator[str]:
    """What the file does not show, in sentences."""
    yield from unvouched(record)
    yield "what was stated later: see the date after RECORD"
    yield "who the operator is, beyond the registrar's word"
    if not now.facilities:
        yield "its facilities: the registrar states none, events name them"
    yield "what it did: events are in the dossiers of batteries"
    if file.lists:
        yield "that the publishers copied the list rightly: whose list it is has signed nothing"
    else:
        yield "white lists: the file has none"
