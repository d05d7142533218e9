"""Verification of a participation file, offline: bytes, a trust file and a time go in.

Nothing here reads a clock, an environment or a network. The steps, and the attack that each stops:

1. The bytes are one participation file in its one encoding              (two readings of one file)
2. It is of the ledger that the trust file names, at its checkpoint       (a ledger of the forger's)
3. It holds the policies, the scheme's snapshots and their heads alone   (padding, missing policies)
4. Every policy, snapshot and head is decided again, in order         (strangers that publish lists)
5. Every entry is in the tree of the checkpoint, at its index           (entries that never were in)
6. By the head's index, these are all policies and snapshots         (a newer list that is left out)
7. Witnesses, auditors and its age are as the trust file asks   (a lying index, an outdated file)
8. The leaves prove what each snapshot that counts says           (rows of another list, wrong days)

What no step checks stands in ``Participant.unchecked``.
"""

from __future__ import annotations

import msgspec

from keys.cose_key import Backend
from ledger.custody.governance.statements import AboutLog, Head, ListSnapshot
from ledger.custody.lists.listed import ListAnswer, answer
from ledger.custody.lists.schemes import list_uri
from ledger.custody.states import ListedSnapshot
from ledger.proof.checks.completeness import verify_complete
from ledger.proof.checks.genuine import (
    check_ledger,
    check_root,
    check_time,
    record_of,
    verify_cosigned,
    verify_receipts,
)
from ledger.proof.checks.history import ReadEntry, read_entries, replay
from ledger.proof.checks.parts import FOREIGN, check_heads, check_parts, held_chains
from ledger.proof.checks.vouching import vouch
from ledger.proof.participation import decode_participation
from ledger.proof.report.vouched_words import unvouched
from ledger.proof.trust import Trust
from ledger.proof.verdict.listed_works import stated_in
from ledger.proof.verdict.values import Record

UNCHECKED = (
    "that the publishers copied the list rightly: whose list it is has signed nothing",
    "that the list is sorted as a whole: only the leaves that the proof needs are here",
    "that whoever shows the file is the enterprise with this identifier",
)
"""What no participation file shows, in sentences."""


class Participant(msgspec.Struct, frozen=True):
    """What was established: the answer of the scheme's lists, by the publishers' word.

    ``at`` is the time of the check (Unix seconds); ``snapshots`` are all that the file holds.
    """

    answer: ListAnswer
    utc_offset_min: int | None
    snapshots: tuple[ListedSnapshot, ...]
    record: Record
    at: int
    unchecked: tuple[str, ...]


def verify_participation(
    data: bytes, trust: Trust, at: int, *, backend: Backend | None = None
) -> Participant:
    """What ``data`` establishes, by the word of the ledger in ``trust`` and of its publishers.

    ``at`` is the time of the check in Unix seconds. Raises ``malformed.*``, ``failed.*`` and
    ``rejected.*`` for a file that is not genuine, ``undecided.*`` and ``unsupported.*`` where a
    required check could not be made. Whether somebody is listed stands in the answer.
    """
    file = decode_participation(data)
    check_ledger(file.checkpoint, file.entries, trust)
    entries = read_entries(file.entries)
    _check_holdings(entries, list_uri(file.scheme))
    check_parts(entries, frozenset())
    history = replay(entries, frozenset(), backend)
    check_heads(history, entries)
    check_root(history, entries[0], trust)
    checkpoint, head, cosigned = verify_cosigned(file.checkpoint, history.log, entries)
    verify_receipts(entries, history.log, checkpoint, head.time, backend)
    held = held_chains(history, entries, (list_uri(file.scheme),))
    verify_complete(file.index, held, head.index_root, list_uri(file.scheme))
    check_time(head, at)
    vouched = vouch(cosigned, history.log, trust, head.time, at)
    snapshots = stated_in(history, list_uri(file.scheme))
    found = answer(file.scheme, file.identifier, file.day, snapshots, file.proofs)
    offsets = {item.content.utc_offset_min for item in history.snapshots}
    record = record_of(data, trust, checkpoint, head, history, len(entries), vouched)
    listed = tuple(item.snapshot for item in snapshots)
    unchecked = (*unvouched(record), *UNCHECKED)
    return Participant(found, next(iter(offsets), None), listed, record, at, unchecked)


def _check_holdings(entries: tuple[ReadEntry, ...], uri: str) -> None:
    """Step 3: policies, snapshots of the scheme, and heads."""
    for entry in entries:
        content = entry.content
        is_snapshot = isinstance(content, ListSnapshot) and entry.statement.sub == uri
        if not is_snapshot and not isinstance(content, AboutLog | Head):
            raise FOREIGN.at(f"entry {entry.index}", entry.statement.sub)
