"""What makes a file genuine, whatever it tells of: its ledger, its checkpoint, its receipts.

Dossiers, participation files and supplier files are verified by the same functions; what they
hold, and what follows from it, is checked by ``verify``, ``verify_participation`` and
``verify_supplier``.
"""

from __future__ import annotations

from hashlib import sha256

from keys.cose_key import Backend
from keys.errors import CellbookError, declare
from ledger.custody.events import Model
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.governance.policy import log_key
from ledger.custody.governance.statements import Head, Policy
from ledger.custody.names.naming import log_uri
from ledger.custody.states import LogState
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_body
from ledger.proof.checks.heads import HEAD
from ledger.proof.checks.history import History, ReadEntry
from ledger.proof.checks.parts import MISSING
from ledger.proof.checks.vouching import CLOCK_SKEW, Vouched
from ledger.proof.dossier import DossierEntry
from ledger.proof.receipt import encode_receipt, parse_receipt, receipt_header
from ledger.proof.trust import Trust
from ledger.proof.verdict.values import Record
from ledger.tree.merkle import verify_inclusion
from ledger.wire.cose import verify_parsed
from ledger.wire.note import NoteSignature
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
FUTURE = declare(
    "undecided.time",
    "The dossier is from after the time for which it is to be checked.",
    "Check the clock, or give a later time with --at.",
)


def check_ledger(note: bytes, entries: tuple[DossierEntry, ...], trust: Trust) -> None:
    """That the file is of the ledger in ``trust``: the origin in its checkpoint, which is not
    verified yet, and its first entry. Raises ``undecided.trust.other-ledger``,
    ``failed.dossier.*``."""
    body = note.rpartition(b"\n\n")[0] + b"\n"
    origin = parse_body(body).origin
    if origin != trust.origin:
        detail = f"{origin!r:.99}, the trust file is for {trust.origin}"
        raise OTHER_LEDGER.at("checkpoint", detail, trusted=trust.origin, found=origin[:99])
    first = entries[0]
    if first.index != 0:
        raise MISSING.at("entry 0", "the ledger's first policy is missing")
    if sha256(first.leaf).digest() != trust.genesis:
        raise GENESIS.at("entry 0", "its first entry is not the ledger's")


def check_root(history: History, genesis: ReadEntry, trust: Trust) -> None:
    """That the trust file agrees with the genesis that it names, and with the newest policy.

    Raises ``failed.dossier.genesis`` and ``undecided.policy.old``.
    """
    policy = genesis.content
    if not isinstance(policy, Policy) or policy.root_key != trust.root_key.to_cbor():
        raise GENESIS.at("entry 0", "another root key than that of the trust file")
    if (history.log.family, history.log.origin) != (trust.family, trust.origin):
        raise GENESIS.at("entry 0", "another family or origin than that of the trust file")
    if history.log.number < trust.minimum_policy:
        raise OLD_POLICY.at(f"policy {history.log.number}", f"{trust.minimum_policy} is the least")


def verify_cosigned(
    signed: bytes, log: LogState, entries: tuple[ReadEntry, ...]
) -> tuple[Checkpoint, Head, tuple[NoteSignature, ...]]:
    """The checkpoint in the note ``signed``, its head: the last of ``entries``, and cosignatures.

    It is signed by the log's key for that size, and by nobody else but witnesses and auditors that
    the policy in ``log`` names; all signatures are verified. Raises ``failed.*`` and
    ``malformed.*``. What the cosignatures are worth is not checked.
    """
    claimed = parse_body(signed.rpartition(b"\n\n")[0] + b"\n")
    verifier = _log_verifier(log, claimed.size)
    named = cosigners((*log.witnesses, *log.auditors))
    checkpoint, note = open_checkpoint(signed, verifier, named)
    if note.unknown:
        raise CHECKPOINT.at("checkpoint", f"a signature by {note.unknown[0].name!r:.80}")
    last = entries[-1]
    if not isinstance(last.content, Head) or last.index != checkpoint.size - 1:
        raise HEAD.at(f"entry {last.index}", f"the checkpoint of size {checkpoint.size} ends in it")
    cosignatures = tuple(line for line in note.signatures if line.time is not None)
    return checkpoint, last.content, cosignatures


def verify_checkpoint(
    signed: bytes, log: LogState, entries: tuple[ReadEntry, ...]
) -> tuple[Checkpoint, Head]:
    """As :func:`verify_cosigned`, for who does not ask what cosigners say."""
    checkpoint, head, _ = verify_cosigned(signed, log, entries)
    return checkpoint, head


def verify_receipts(
    entries: tuple[ReadEntry, ...],
    log: LogState,
    checkpoint: Checkpoint,
    time: int,
    backend: Backend | None,
) -> None:
    """That every entry is in the tree of ``checkpoint``, at its index.

    One signature serves all, as protected header and root are the same for all. Raises
    ``failed.*`` and ``malformed.*``, with the entry in ``where``.
    """
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


def check_time(head: Head, at: int) -> None:
    """That the file is not from after the time of the check. Raises ``undecided.time``."""
    if head.time > at + CLOCK_SKEW:
        raise FUTURE.at("checkpoint", f"it is {head.time - at} s ahead")


def record_of(
    data: bytes,
    trust: Trust,
    checkpoint: Checkpoint,
    head: Head,
    history: History,
    entries: int,
    vouched: Vouched,
) -> Record:
    """What is established of a file once all of the above has passed.

    ``entries`` counts those in the file, which the caller has compared with the head's index.
    """
    return Record(
        ledger=trust.name,
        origin=trust.origin,
        genesis=trust.genesis,
        family=trust.family,
        size=checkpoint.size,
        root=checkpoint.root,
        time=head.time,
        policy=history.log.number,
        profiles=history.log.profiles,
        entries=entries,
        events=sum(not isinstance(decided.event, Model) for decided in history.events),
        file_sha256=sha256(data).digest(),
        completeness=vouched.completeness,
        vouched=vouched,
        signed_by=_log_verifier(history.log, checkpoint.size).vkey,
    )


def _log_verifier(log: LogState, size: int) -> Verifier:
    return Verifier.from_key(log.origin, log_key(log, "checkpoint", size))
