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
9. It is about the battery that it names, up to the time handed in    (another battery's file)

What no step checks stands in ``Verdict.unchecked``.
"""

from __future__ import annotations

from hashlib import sha256

from keys.cose_key import Backend
from keys.errors import CellbookError, declare
from ledger.custody.events import Model
from ledger.custody.governance import Head, Policy
from ledger.custody.naming import log_uri
from ledger.custody.policy import log_key
from ledger.custody.states import BatteryState, LogState
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_body
from ledger.proof.completeness import verify_complete
from ledger.proof.contents import carried_by
from ledger.proof.dossier import Dossier, decode_dossier
from ledger.proof.facts import match_label, tell
from ledger.proof.history import HEAD, History, ReadEntry, read_entries, replay
from ledger.proof.parts import (
    MISSING,
    check_assessments,
    check_belongs,
    check_parts,
    held_chains,
)
from ledger.proof.receipt import encode_receipt, parse_receipt, receipt_header
from ledger.proof.trust import Trust
from ledger.proof.verdict import Record, Verdict
from ledger.tree.merkle import verify_inclusion
from ledger.wire.cose import verify_parsed
from ledger.wire.verifier import Verifier

OTHER_LEDGER = declare(
    "undecided.trust.other-ledger",
    "The trust file is for another ledger than the dossier.",
    "Get the trust file of that ledger from somebody whom you trust. This is no sign of forgery.",
)
GENESIS = declare(
    "failed.dossier.genesis",
    "The dossier uses the name of the ledger that you trust, and is not of it.",
    "Trust nothing in it, and tell whoever runs the ledger.",
)
OLD_POLICY = declare(
    "undecided.policy.old",
    "The dossier's newest policy is older than the trust file allows.",
    "Ask for a newer dossier.",
)
CHECKPOINT = declare(
    "failed.dossier.checkpoint",
    "The checkpoint is not one of this log right after a head.",
    "Get the dossier again; if it is the same, trust nothing in it.",
)
RECEIPT = declare(
    "failed.dossier.receipt",
    "A receipt is not this log's receipt for its entry at the checkpoint.",
    "Get the dossier again; if it is the same, trust nothing in it.",
)
SUBJECT = declare(
    "failed.dossier.subject",
    "The dossier does not tell the life of the battery that it names.",
    "Ask for the dossier of the battery that you mean.",
)
FUTURE = declare(
    "undecided.time",
    "The dossier is from after the time for which it is to be checked.",
    "Check the clock, or give a later time with --at.",
)

CLOCK_SKEW = 300
"""Seconds by which the log's clock may be ahead of the time that is handed in."""


def verify_dossier(
    data: bytes,
    trust: Trust,
    at: int,
    *,
    label: str | None = None,
    backend: Backend | None = None,
) -> Verdict:
    """What ``data`` establishes about its battery, by the word of the ledger in ``trust``.

    ``at`` is the time of the check in Unix seconds; ``label`` is the code on the battery, if
    somebody read it. Raises ``malformed.*``, ``failed.*`` and ``rejected.*`` for a record that is
    not genuine, ``undecided.*`` and ``unsupported.*`` where a required check could not be made.
    Breaches of rules, remarks and a label that does not match are in the Verdict.

    Not checked: that the index, by which nothing was left out of the file, is that of all entries
    of the log; that signers told the truth; that the label is on the right box.
    """
    dossier = decode_dossier(data)
    _check_ledger(dossier, trust)
    entries = read_entries(dossier)
    carried = carried_by(dossier.subject, (entry.content for entry in entries))
    check_parts(entries, carried)
    history = replay(entries, carried, backend)
    _check_root(history, entries[0], trust)
    check_assessments(history)
    check_belongs(history, entries, carried)
    checkpoint, head = _checkpoint(dossier, history.log, entries)
    _check_receipts(entries, history.log, checkpoint, head.time, backend)
    held = held_chains(history, entries, carried)
    verify_complete(dossier.index, held, head.index_root, dossier.subject)
    battery = _battery(dossier, history)
    if head.time > at + CLOCK_SKEW:
        raise FUTURE.at("checkpoint", f"it is {head.time - at} s ahead")
    record = Record(
        ledger=trust.name,
        origin=trust.origin,
        genesis=trust.genesis,
        family=trust.family,
        size=checkpoint.size,
        root=checkpoint.root,
        time=head.time,
        policy=history.log.number,
        profiles=history.log.profiles,
        entries=len(entries),
        events=sum(not isinstance(decided.event, Model) for decided in history.events),
        file_sha256=sha256(data).digest(),
    )
    typed = None if label is None else match_label(label, dossier.subject, history.states)
    return tell(dossier.subject, battery, history, carried, record, at, typed)


def _check_ledger(dossier: Dossier, trust: Trust) -> None:
    """Step 2. The origin is not verified yet: it tells whose file this claims to be."""
    body = dossier.checkpoint.rpartition(b"\n\n")[0] + b"\n"
    origin = parse_body(body).origin
    if origin != trust.origin:
        detail = f"{origin!r:.99}, the trust file is for {trust.origin}"
        raise OTHER_LEDGER.at("checkpoint", detail, trusted=trust.origin, found=origin[:99])
    first = dossier.entries[0]
    if first.index != 0:
        raise MISSING.at("entry 0", "the ledger's first policy is missing")
    if sha256(first.leaf).digest() != trust.genesis:
        raise GENESIS.at("entry 0", "its first entry is not the ledger's")


def _check_root(history: History, genesis: ReadEntry, trust: Trust) -> None:
    """Steps 2 and 5: the trust file agrees with the genesis that it names."""
    policy = genesis.content
    if not isinstance(policy, Policy) or policy.root_key != trust.root_key.to_cbor():
        raise GENESIS.at("entry 0", "another root key than that of the trust file")
    if (history.log.family, history.log.origin) != (trust.family, trust.origin):
        raise GENESIS.at("entry 0", "another family or origin than that of the trust file")
    if history.log.number < trust.minimum_policy:
        raise OLD_POLICY.at(f"policy {history.log.number}", f"{trust.minimum_policy} is the least")


def _checkpoint(
    dossier: Dossier, log: LogState, entries: tuple[ReadEntry, ...]
) -> tuple[Checkpoint, Head]:
    """Step 6: signed by the log's key for that size alone; its last entry is the file's last."""
    claimed = parse_body(dossier.checkpoint.rpartition(b"\n\n")[0] + b"\n")
    verifier = Verifier.from_key(log.origin, log_key(log, "checkpoint", claimed.size))
    checkpoint, note = open_checkpoint(dossier.checkpoint, verifier)
    if note.unknown:
        raise CHECKPOINT.at("checkpoint", f"a signature by {note.unknown[0].name!r:.80}")
    last = entries[-1]
    if not isinstance(last.content, Head) or last.index != checkpoint.size - 1:
        raise HEAD.at(f"entry {last.index}", f"the checkpoint of size {checkpoint.size} ends in it")
    return checkpoint, last.content


def _check_receipts(
    entries: tuple[ReadEntry, ...],
    log: LogState,
    checkpoint: Checkpoint,
    time: int,
    backend: Backend | None,
) -> None:
    """Step 7: one signature serves all, as protected header and root are the same for all."""
    key = log_key(log, "receipts", checkpoint.size)
    header = receipt_header(key, log_uri(log.origin), checkpoint.size, time)
    signature = b""
    for entry in entries:
        where = f"entry {entry.index}, receipt"
        try:
            message, proofs = parse_receipt(entry.receipt)
            proof = proofs[0]
            form = encode_receipt(header, message.signature, proof.size, proof.index, proof.path)
            if form != entry.receipt or proof.index != entry.index:
                raise RECEIPT.at(where, "another tree size, index, time, key or form")
            verify_inclusion(
                entry.statement.leaf_hash, entry.index, checkpoint.size, proof.path, checkpoint.root
            )
            if message.signature != signature:
                verify_parsed(message, key, checkpoint.root, backend=backend)
                signature = message.signature
        except CellbookError as error:
            raise error.error.at(where, error.detail) from error


def _battery(dossier: Dossier, history: History) -> BatteryState:
    """Step 9."""
    battery = history.states.get(dossier.subject)
    if not isinstance(battery, BatteryState):
        raise SUBJECT.at("subject", dossier.subject)
    return battery
