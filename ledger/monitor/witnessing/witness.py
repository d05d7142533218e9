"""A witness (C2SP tlog-witness): it cosigns a checkpoint only where it follows all earlier ones.

Its cosignature says that as of a time this is the largest tree that it has seen of the log, and
that it has seen one history. It knows no entries and judges none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from keys.algorithms import ED25519, ML_DSA_44
from keys.errors import CellbookError, FailedError, declare
from keys.signer import Signer
from ledger.monitor.witnessing.state import Seen, WitnessState
from ledger.proof.checkpoint import Checkpoint, parse_body
from ledger.tree.merkle import EMPTY_ROOT, verify_consistency
from ledger.wire.base64text import decode_base64, encode_base64
from ledger.wire.note import OpenNote, cosign, open_note
from ledger.wire.verifier import COSIGNATURE, ML_DSA_COSIGNATURE, Verifier

MAX_BODY = 128 << 10
MAX_PROOF = 63
_TYPES = {ED25519: COSIGNATURE, ML_DSA_44: ML_DSA_COSIGNATURE}
_EMPTY = encode_base64(EMPTY_ROOT).encode()
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})")

KEY = declare(
    "usage.witness.key",
    "A witness does not cosign with this key.",
    "Give it an Ed25519 or ML-DSA-44 key of its own, which is no log's and no auditor's.",
)
REQUEST = declare(
    "malformed.witness.request",
    "The request is not an old size, proof lines, an empty line and a checkpoint.",
    "Send what C2SP tlog-witness says of add-checkpoint.",
)
UNKNOWN = declare(
    "missing.witness.log",
    "The witness does not know this log.",
    "Ask the witness's operator to add the log's verifier key.",
)
SIGNATURE = declare(
    "failed.witness.signature",
    "No key that the witness trusts for this log has signed the checkpoint.",
    "Sign with the log's checkpoint key, and tell the witness's operator of new keys.",
)
OLD_SIZE = declare(
    "usage.witness.old-size",
    "The old size is larger than the checkpoint's.",
    "Send the proof from the size that the witness has cosigned last.",
)
SIZE = declare(
    "conflict.witness.size",
    "The old size is not that of the checkpoint that the witness has cosigned last.",
    "Send the proof from the size in the answer; where it is larger, send a newer checkpoint.",
)
ROOT = declare(
    "conflict.witness.root",
    "The witness has cosigned another root at this size.",
    "Keep both checkpoints: if the log has signed both, they are evidence of a fork.",
)
CONSISTENCY = declare(
    "failed.witness.consistency",
    "The proof does not show that the checkpoint follows the one cosigned last.",
    "Make the proof again from the log's tiles. If it stays so, the log has another history.",
)
CLOCK = declare(
    "undecided.witness.clock",
    "The witness's clock is before its last cosignature for this log.",
    "Set the witness's clock, and ask again.",
)


class _Request(msgspec.Struct, frozen=True):
    old: int
    proof: tuple[bytes, ...]
    note: bytes


class Witness:
    """The witness ``name`` with its key, for ``logs``; a log may have several keys.

    ``state`` is the folder of this witness, and of no other.
    """

    def __init__(
        self, name: str, signer: Signer, logs: Iterable[Verifier], state: WitnessState
    ) -> None:
        """Raises ``usage.witness.key``, ``malformed.note.name``."""
        self._name = name
        self._signer = signer
        self._state = state
        self._logs: dict[str, tuple[Verifier, ...]] = {}
        verifier = witness_verifier(name, signer)
        for log in logs:
            if log.key.raw == verifier.key.raw:
                raise KEY.at(log.name, "the log has the same key")
            self._logs[log.name] = (*self._logs.get(log.name, ()), log)

    def add_checkpoint(self, body: bytes, now: int) -> bytes:
        """The cosignature line for the checkpoint in ``body``, at ``now`` in Unix seconds.

        The checkpoint is on the disk before this returns. Raises ``malformed.*``,
        ``missing.witness.log``, ``failed.witness.*``, ``usage.witness.old-size``,
        ``conflict.witness.size`` (``facts["size"]`` is the last one), ``conflict.witness.root``,
        ``undecided.witness.clock``, ``damaged.witness.state``, ``unavailable.witness.state``.
        """
        request = _parse(body)
        checkpoint, opened = self._open(request.note)
        if request.old > checkpoint.size:
            raise OLD_SIZE.at("old", f"{request.old}, the checkpoint has {checkpoint.size}")
        # One block from the comparison to the disk: two requests never see the same old size.
        with self._state.held():
            seen = self._state.seen(checkpoint.origin)
            _check_follows(request, checkpoint, seen)
            if seen is not None and now < seen.time:
                raise CLOCK.at("clock", f"{now}, not before {seen.time}")
            line = cosign(opened.text, self._name, self._signer, now).line
            lines = b"".join(each.line for each in opened.signatures)
            self._state.keep(checkpoint.origin, opened.text + b"\n" + lines + line)
        return line

    def _open(self, note: bytes) -> tuple[Checkpoint, OpenNote]:
        origin = note.partition(b"\n")[0].decode("utf-8", "replace")
        if origin not in self._logs:
            raise UNKNOWN.at("origin", repr(origin)[:200])
        try:
            opened = open_note(note, self._logs[origin])
        except FailedError as error:
            raise SIGNATURE.at("checkpoint", error.describe()) from error
        return _checkpoint(opened.text), opened


def witness_verifier(name: str, signer: Signer) -> Verifier:
    """What others know the witness by: a verifier of type 04, or with ML-DSA-44 of type 06.

    Raises ``usage.witness.key``, ``malformed.note.name``.
    """
    if signer.key.alg not in _TYPES:
        raise KEY.at("key", f"algorithm {signer.key.alg}")
    return Verifier.from_key(name, signer.key, _TYPES[signer.key.alg])


def _parse(body: bytes) -> _Request:
    if len(body) > MAX_BODY:
        raise REQUEST.at("body", f"{len(body)} bytes, {MAX_BODY} allowed")
    head, _, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if old is None or not note:
        raise REQUEST.at("old size line", repr(first)[:80])
    if len(lines) > MAX_PROOF:
        raise REQUEST.at("proof", f"{len(lines)} lines, {MAX_PROOF} allowed")
    return _Request(int(old[1]), tuple(_hash(line) for line in lines), note)


def _hash(line: bytes) -> bytes:
    try:
        value = decode_base64(line.decode("ascii"))
    except ValueError as error:
        raise REQUEST.at("proof", str(error)[:200]) from None
    if len(value) != 32:
        raise REQUEST.at("proof", f"a hash of {len(value)} bytes")
    return value


def _checkpoint(text: bytes) -> Checkpoint:
    """Lines after the third are the log's own: they are cosigned with the text, and not read.
    A cosignature by ML-DSA-44 would not cover them, and is refused later."""
    lines = text.split(b"\n")
    if b"" in lines[:-1]:
        raise REQUEST.at("checkpoint", "an empty line")
    if lines[1:2] == [b"0"] and lines[2:3] != [_EMPTY]:
        raise CONSISTENCY.at("root", "the tree of size 0 has another one")
    return parse_body(b"\n".join([*lines[:3], b""]) if len(lines) > 3 else text)


def _check_follows(request: _Request, checkpoint: Checkpoint, seen: Seen | None) -> None:
    size, root = (0, EMPTY_ROOT) if seen is None else (seen.checkpoint.size, seen.checkpoint.root)
    if request.old != size:
        raise SIZE.at("old", f"{request.old}, the last one is {size}", size=size)
    if checkpoint.size == size and checkpoint.root != root:
        raise ROOT.at("root", f"tree size {size}")
    if size == 0 and not request.proof:
        return
    try:
        verify_consistency(size, checkpoint.size, root, checkpoint.root, request.proof)
    except CellbookError as error:
        raise CONSISTENCY.at("proof", error.describe()) from error
