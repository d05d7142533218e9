"""Verification of a dossier, offline: bytes, a trust file and a time go in, a Verdict comes out.

Nothing here reads a clock, an environment or a network. The steps, and the attack that each stops:

1. The bytes are one dossier in its one encoding                      (two readings of one file)
2. It is of the ledger that the trust file names                      (a ledger of the forger's own)
3. Every entry is a well-formed statement as leaves are               (unsigned additions)
4. It holds what belongs to this battery, and nothing else            (padding, missing parts)
5. Every policy, operator, head and event is decided again in order   (forged, unentitled signers)
6. The checkpoint is the log's, and ends in its own head              (another tree, a stale policy)
7. Every entry is in that tree, at its index                          (entries that never were in)
8. By the head's index, these are all entries of every name in it     (entries that are left out)
   All of that is done first for what the log's predecessor knew      (a log that forgets its past)
9. It is about the battery that it names, up to the time handed in    (another battery's file)
10. Witnesses, auditors and its age are as the trust file asks        (a lying index, an old file)

What no step checks stands in ``Verdict.unchecked``.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from keys.cose_key import Backend
from keys.errors import declare
from ledger.custody.lists.schemes import list_uri
from ledger.custody.placing import NO_WHOLES
from ledger.custody.profiles import Profiles, check_known
from ledger.custody.states import BatteryState
from ledger.proof.checks.carried import carried_by
from ledger.proof.checks.completeness import verify_complete
from ledger.proof.checks.genuine import (
    check_ledger,
    check_root,
    check_time,
    record_of,
    verify_cosigned,
    verify_receipts,
)
from ledger.proof.checks.history import History, read_entries, replay
from ledger.proof.checks.parts import (
    NOWHERE,
    check_assessments,
    check_belongs,
    check_parts,
    held_chains,
    rests_on_names,
)
from ledger.proof.checks.predecessor import read_levels, recall, spanning, vouch_before
from ledger.proof.checks.vouching import vouch
from ledger.proof.dossier import Dossier, decode_dossier
from ledger.proof.trust import Trust
from ledger.proof.verdict.facts import match_label, tell
from ledger.proof.verdict.listed_works import without_lists, works_in
from ledger.proof.verdict.required import check_rules
from ledger.proof.verdict.values import Verdict

SUBJECT = declare(
    "failed.dossier.subject",
    "The dossier does not tell the life of the battery that it names.",
    "Ask for the dossier of the battery that you mean.",
)


def verify_dossier(
    data: bytes,
    trust: Trust,
    at: int,
    *,
    label: str | None = None,
    profiles: Profiles | None = None,
    required: Iterable[str] = (),
    backend: Backend | None = None,
) -> Verdict:
    """What ``data`` establishes about its battery, by the word of the ledger in ``trust``.

    ``at`` is the time of the check in Unix seconds; ``label`` is the code on the battery, if
    somebody read it. ``profiles`` are those by which the buyer judges the whole history; without,
    each event is judged by the policy at its place in the log. ``required`` are ids of rules that
    must have been judged and hold. Raises ``malformed.*``, ``failed.*`` and ``rejected.*`` for a
    record that is not genuine, ``undecided.*`` and ``unsupported.*`` where a required check could
    not be made.
    Breaches of rules, remarks, what became of required rules, and a label that does not match are
    in the Verdict.

    Not checked: that the index, by which nothing was left out of the file, is that of all entries
    of the log, unless the trust file asks for auditors; that signers told the truth; that the label
    is on the right box.
    """
    required = tuple(required)
    check_rules(required)
    check_known(profiles or ())
    dossier = decode_dossier(data)
    check_ledger(dossier.checkpoint, dossier.entries, trust)
    entries = read_entries(dossier.entries)
    levels = read_levels(entries, dossier.past)
    known = ((entry.entry_id, entry.content) for level in levels for entry in level)
    carried = carried_by(dossier.subject, known)
    past = recall(dossier.past, levels, carried, backend, profiles)
    elsewhere = NOWHERE if past is None else past.elsewhere
    check_parts(entries, carried, elsewhere)
    before = NO_WHOLES if past is None else past.history.wholes
    history = replay(entries, carried, backend, profiles, before)
    check_root(history, entries[0], trust)
    check_assessments(history, elsewhere)
    check_belongs(history, without_lists(entries, dossier.lists), carried)
    checkpoint, head, cosigned = verify_cosigned(dossier.checkpoint, history.log, entries)
    verify_receipts(entries, history.log, checkpoint, head.time, backend)
    names = carried | rests_on_names(entries, carried) | set(map(list_uri, dossier.lists))
    held = held_chains(history, entries, names)
    verify_complete(dossier.index, held, head.index_root, dossier.subject)
    history = msgspec.structs.replace(history, works=works_in(history, dossier.lists))
    history = spanning(past, history)
    battery = _battery(dossier, history)
    check_time(head, at)
    vouched = vouch(cosigned, history.log, trust, head.time, at)
    record = record_of(data, trust, checkpoint, head, history, len(entries), vouched)
    record = msgspec.structs.replace(record, before=vouch_before(past, trust, at))
    typed = None if label is None else match_label(label, dossier.subject, history.states)
    judged_by = history.log.profiles if profiles is None else profiles
    return tell(dossier.subject, battery, history, carried, record, at, typed, judged_by, required)


def _battery(dossier: Dossier, history: History) -> BatteryState:
    """Step 9."""
    battery = history.states.get(dossier.subject)
    if not isinstance(battery, BatteryState):
        raise SUBJECT.at("subject", dossier.subject)
    return battery
