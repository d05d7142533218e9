"""The lines of cosigners on a checkpoint's note: whose they are, and how more come to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from keys.errors import declare
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.governance.policy import log_key
from ledger.custody.states import LogState
from ledger.proof.checkpoint import Checkpoint, parse_body
from ledger.wire.note import NoteSignature, open_note
from ledger.wire.tlog_policy import TlogPolicy
from ledger.wire.verifier import Verifier

STRANGERS = declare(
    "rejected.cosignature.unknown",
    "No line of the note is by a witness or an auditor that this log names.",
    "Have the policy name the key as a witness's or an auditor's first: `cellbook policy publish`.",
)
OTHER = declare(
    "rejected.cosignature.checkpoint",
    "The note is not over a checkpoint that this log has signed.",
    "Cosign what `GET /checkpoint` gives. If the log's key has signed this one, keep it: the log "
    "has forked.",
)
UNTIMELY = declare(
    "rejected.cosignature.time",
    "A cosignature is from before the head of its checkpoint, or from the future.",
    "Set the cosigner's clock, and cosign again. If it is right, the log's clock is wrong.",
)
FUTURE_S = 300
"""Seconds by which a cosigner's clock may be ahead of the service's."""

Identity = tuple[str, bytes]
"""Name and key id: which key a line is by."""


class Cosigners(msgspec.Struct, frozen=True):
    """Who may cosign a log's checkpoints: those of its newest policy, and the service's witnesses.
    All of them as verifiers, the log's own key for a tree size too."""

    log: LogState
    witnesses: TlogPolicy | None = None

    def own(self, size: int) -> Verifier:
        """The key with which the log signs the checkpoint of ``size``."""
        return Verifier.from_key(self.log.origin, log_key(self.log, "checkpoint", size))

    def others(self) -> tuple[Verifier, ...]:
        """Witnesses and auditors, each once."""
        asked = () if self.witnesses is None else self.witnesses.witnesses.values()
        named = cosigners((*self.log.witnesses, *self.log.auditors))
        return tuple(dict.fromkeys((*named, *(verifier for verifier, _ in asked))))

    def auditors(self) -> frozenset[Identity]:
        """The auditors that the policy names."""
        return frozenset(map(identity, cosigners(self.log.auditors)))

    def is_quorum(self, lines: Iterable[NoteSignature]) -> bool:
        """Whether ``lines``, all verified, are by enough witnesses for the checkpoint to be
        published."""
        if self.witnesses is None:
            return True
        there = {(line.name, line.key_id) for line in lines}
        seen = {
            name
            for name, (verifier, _) in self.witnesses.witnesses.items()
            if identity(verifier) in there
        }
        return self.witnesses.quorum.is_met(seen)


def identity(verifier: Verifier) -> Identity:
    """Which key it is, as a line says it."""
    return verifier.name, verifier.key_id


def stated(note: bytes) -> Checkpoint:
    """The checkpoint in a note whose signatures are not checked here. Raises
    ``malformed.checkpoint`` and ``unsupported.checkpoint``."""
    return parse_body(note.rpartition(b"\n\n")[0] + b"\n")


def verified_lines(note: bytes, known: Cosigners) -> tuple[NoteSignature, ...]:
    """The lines of ``note`` by witnesses and auditors, verified; strangers' lines are left out.

    Raises ``malformed.note.*``, ``failed.note.signature``, ``rejected.cosignature.unknown``.
    """
    own, others = known.own(stated(note).size), known.others()
    opened = open_note(note, [own, *others]) if others else open_note(note, [own])
    lines = tuple(line for line in opened.signatures if (line.name, line.key_id) != identity(own))
    if not lines:
        raise STRANGERS.at("note", f"{len(opened.unknown)} lines by other keys")
    return lines


def check_time(line: NoteSignature, head_time: int, now: int) -> None:
    """That a verified line can stand on a checkpoint whose head is of ``head_time``.

    Whoever verifies a file refuses it for one line from before the head: a cosigner whose clock is
    slow must not spoil what the others have cosigned. Raises ``rejected.cosignature.time``.
    """
    if not head_time <= _time(line) <= now + FUTURE_S:
        raise UNTIMELY.at(line.name, f"{_time(line)}, the head is of {head_time}, now it is {now}")


def lines_on(note: bytes, own: Verifier) -> tuple[NoteSignature, ...]:
    """The cosigners' lines on a stored note. Only the log's own signature is verified: the others
    were, when they came."""
    return open_note(note, [own]).unknown


def times_on(note: bytes, own: Verifier) -> dict[Identity, int]:
    """When cosigners have signed a stored note, in Unix seconds; as ``lines_on``."""
    return {(line.name, line.key_id): _time(line) for line in lines_on(note, own)}


def merged(
    note: bytes, own: Verifier, more: Sequence[NoteSignature]
) -> tuple[bytes, int, tuple[NoteSignature, ...]]:
    """``note`` with ``more`` verified lines: the new note, how many lines are new, and all lines.

    Of two lines by one key the later one stays: it says that the tree was the newest for longer.
    """
    opened = open_note(note, [own])
    lines = {(line.name, line.key_id): line for line in opened.unknown}
    new = 0
    for line in more:
        before = lines.get((line.name, line.key_id))
        new += before is None
        if before is None or _time(line) > _time(before):
            lines[line.name, line.key_id] = line
    ordered = tuple(lines[key] for key in sorted(lines))
    text = b"".join(line.line for line in (*opened.signatures, *ordered))
    return opened.text + b"\n" + text, new, ordered


def only(note: bytes, own: Verifier, allowed: Iterable[Verifier]) -> bytes:
    """``note`` with the log's own line and those of ``allowed`` alone."""
    opened = open_note(note, [own])
    keys = set(map(identity, allowed))
    kept = [line for line in opened.unknown if (line.name, line.key_id) in keys]
    return opened.text + b"\n" + b"".join(line.line for line in (*opened.signatures, *kept))


def _time(line: NoteSignature) -> int:
    return int.from_bytes(line.signature[:8], "big")
