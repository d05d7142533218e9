"""An auditor's word: its cosignature (C2SP, type 04) on a checkpoint whose whole tree it audited.

A witness says that it saw one history; an auditor that every decision and every index root was
recomputed. So an auditor's key is its own: never the log's, and never a witness's.

The cosigned note is written into the state folder before anybody gets it, and no checkpoint is
cosigned that is smaller than the last one that was, or another one of its size.
"""

from __future__ import annotations

import msgspec

from keys.algorithms import ED25519
from keys.errors import CellbookError, declare
from keys.signer import Signer
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.governance.policy import log_key
from ledger.custody.states import LogState
from ledger.monitor.auditing.state import StateFolder
from ledger.monitor.source import stated_checkpoint
from ledger.wire.note import UNSIGNED, OpenNote, cosign, open_note
from ledger.wire.verifier import COSIGNATURE, Verifier

KEY = declare(
    "usage.audit.cosigner",
    "An auditor does not cosign with this key.",
    "Make an Ed25519 key of its own with `cellbook keygen --cosigner NAME`: not one of the log, "
    "and not a witness's.",
)
AGAIN = declare(
    "conflict.audit.cosigned",
    "This state has cosigned a larger tree, or another one of the same size.",
    "Keep the state folder as evidence: both checkpoints are signed by the log.",
)
CLOCK = declare(
    "undecided.audit.clock",
    "The time to be cosigned is before the head's, or before the last cosignature on it.",
    "Set this machine's clock. If it is right, the log's clock is fast: cosign later.",
)


class Cosigner(msgspec.Struct, frozen=True):
    """Who cosigns: a key for nothing else, and its name, such as ``audits.example.org``."""

    name: str
    signer: Signer

    @property
    def verifier(self) -> Verifier:
        """What others know it by. Raises ``malformed.note.name``, ``usage.audit.cosigner``."""
        if self.signer.key.alg != ED25519:
            raise KEY.at("key", f"algorithm {self.signer.key.alg}")
        return Verifier.from_key(self.name, self.signer.key, COSIGNATURE)


class Cosigned(msgspec.Struct, frozen=True):
    """A checkpoint with the log's signature and the auditor's, and whether the log's policy names
    this auditor: nobody counts it otherwise. ``time`` is the cosignature's, in Unix seconds."""

    note: bytes
    vkey: str
    size: int
    time: int
    is_named: bool


def check_cosigner(cosigner: Cosigner, log: LogState) -> None:
    """That the key is for nothing else in this log. Raises ``usage.audit.cosigner``."""
    verifier = cosigner.verifier
    keys = {log.root_key, *(key.key for key in log.log_keys)}
    keys |= {authority.key for authority in log.authorities}
    if verifier.key.to_cbor() in keys:
        raise KEY.at("key", "it is one of the log's or of its authorities")
    if any(witness.key == verifier.key for witness in cosigners(log.witnesses)):
        raise KEY.at("key", "it is a witness's")


def cosign_audited(
    folder: StateFolder, note: bytes, log: LogState, cosigner: Cosigner, time: int
) -> Cosigned:
    """Cosign the checkpoint in ``note`` at ``time``, and write it down.

    Only after a whole audit of it, whose ``log`` is: that is not checked here. Raises
    ``usage.audit.cosigner``, ``conflict.audit.cosigned``, ``undecided.audit.clock``,
    ``unavailable.audit.state``.
    """
    check_cosigner(cosigner, log)
    checkpoint = stated_checkpoint(note)
    opened = signed_by(note, log)
    verifier = cosigner.verifier
    earliest = max(log.head_time, _check_before(folder.cosigned(), opened, verifier))
    if time < earliest:
        raise CLOCK.at("cosignature", f"{time}, not before {earliest}")
    line = cosign(opened.text, cosigner.name, cosigner.signer, time).line
    whole = b"".join([opened.text, b"\n", *(each.line for each in opened.signatures), line])
    folder.keep_cosigned(whole)
    is_named = verifier.vkey in log.auditors
    return Cosigned(whole, verifier.vkey, checkpoint.size, time, is_named)


def signed_by(note: bytes, log: LogState) -> OpenNote:
    """A checkpoint that the log's key for its size has signed. Raises as ``open_note``, and
    ``rejected.policy.log-keys``."""
    key = log_key(log, "checkpoint", stated_checkpoint(note).size)
    return open_note(note, [Verifier.from_key(log.origin, key)])


def _check_before(before: bytes | None, opened: OpenNote, verifier: Verifier) -> int:
    """The time of the cosignature that is there already; 0 for none on this checkpoint."""
    if before is None:
        return 0
    older, newer = stated_checkpoint(before), stated_checkpoint(opened.text + b"\n")
    if older.size > newer.size or (older.size == newer.size and older.root != newer.root):
        raise AGAIN.at("cosigned", f"tree size {older.size}, now {newer.size}")
    if older.size < newer.size:
        return 0
    try:
        lines = open_note(before, [verifier]).signatures
    except CellbookError as error:
        if error.error != UNSIGNED:
            raise
        return 0
    return max(line.time or 0 for line in lines)
