"""Checkpoints (C2SP tlog-checkpoint): what the log says its tree is, as a signed note.

The body is three lines: origin, decimal size, base64 root. Extension lines are allowed by the
specification and have no meaning here, so they are refused: nothing unread looks accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from keys.errors import declare
from ledger.tree.merkle import EMPTY_ROOT
from ledger.wire.base64text import decode_base64, encode_base64
from ledger.wire.note import OpenNote, open_note
from ledger.wire.verifier import Verifier

BODY = declare(
    "malformed.checkpoint",
    "The text is not a checkpoint: origin, size and root, a line each.",
    "Get the checkpoint again as it was published.",
)
EXTENSION = declare(
    "unsupported.checkpoint",
    "The checkpoint has lines that this version does not know.",
    "Use a newer version of Cellbook.",
)
ORIGIN = declare(
    "failed.checkpoint.origin",
    "The checkpoint names another log than its signer.",
    "Get the checkpoint again; if it is the same, trust nothing in it.",
)

MAX_SIZE = (1 << 63) - 1


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree as its log states it: ``size`` entries under the 32-byte Merkle ``root``."""

    origin: str
    size: int
    root: bytes


def format_body(checkpoint: Checkpoint) -> bytes:
    """The text that is signed, with its last newline."""
    root = encode_base64(checkpoint.root)
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n".encode()


def parse_body(text: bytes) -> Checkpoint:
    """The checkpoint in the text of a note.

    Raises ``malformed.checkpoint`` and ``unsupported.checkpoint``. Signatures are not checked.
    """
    lines = text.decode("utf-8", "replace").split("\n")
    if len(lines) < 4 or lines[-1]:
        raise BODY.at("checkpoint", "fewer than three lines")
    if len(lines) > 4:
        raise EXTENSION.at("checkpoint", repr(lines[3])[:80])
    checkpoint = Checkpoint(lines[0], _size(lines[1]), _root(lines[2]))
    if not checkpoint.origin or (checkpoint.size == 0) != (checkpoint.root == EMPTY_ROOT):
        raise BODY.at("checkpoint", "an empty origin, or a root that does not fit size 0")
    return checkpoint


def open_checkpoint(
    note: bytes, log: Verifier, others: Iterable[Verifier] = ()
) -> tuple[Checkpoint, OpenNote]:
    """The checkpoint in ``note``, signed by ``log``; signatures of ``others`` are checked too.

    Raises what ``open_note`` and :func:`parse_body` raise, and ``failed.checkpoint.origin`` unless
    the log itself signed and the origin is its name. Signatures by unknown keys are in the note's
    ``unknown``. Whether the tree is the one that others see is not checked.
    """
    opened = open_note(note, [log, *others])
    checkpoint = parse_body(opened.text)
    signers = {(line.name, line.key_id) for line in opened.signatures}
    if checkpoint.origin != log.name or (log.name, log.key_id) not in signers:
        raise ORIGIN.at("checkpoint", f"{checkpoint.origin}, signed by others"[:120])
    return checkpoint, opened


def _size(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise BODY.at("checkpoint, size", "not a decimal number")
    if (digits[0] == "0" and digits != "0") or int(digits) > MAX_SIZE:
        raise BODY.at("checkpoint, size", "leading zeros, or too large")
    return int(digits)


def _root(text: str) -> bytes:
    try:
        root = decode_base64(text)
    except ValueError as error:
        raise BODY.at("checkpoint, root", str(error)) from None
    if len(root) != 32:
        raise BODY.at("checkpoint, root", f"{len(root)} bytes")
    return root
