"""A log with two histories, and requests to a witness."""

from __future__ import annotations

from collections.abc import Sequence

from keys.algorithms import ED25519
from keys.signer import generate
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.tree.merkle import leaf_hash, root_of
from ledger.wire.base64text import encode_base64
from ledger.wire.note import sign_note
from ledger.wire.verifier import Verifier

ORIGIN = "log.example/a"
LOG = generate(ED25519)
LOG_KEY = Verifier.from_key(ORIGIN, LOG.key)
NAME = "witness.example"
LEAVES = [leaf_hash(bytes([n])) for n in range(24)]
FORKED = [*LEAVES[:5], *(leaf_hash(b"fork" + bytes([n])) for n in range(5, 24))]


def checkpoint(size: int, leaves: Sequence[bytes] = LEAVES, origin: str = ORIGIN) -> bytes:
    body = format_body(Checkpoint(origin, size, root_of(leaves[:size])))
    return sign_note(body, origin, LOG)


def proof(old: int, new: int, leaves: Sequence[bytes] = LEAVES) -> list[bytes]:
    """RFC 9162 section 2.1.4.1, as it stands there."""
    return _subproof(old, leaves[:new], True) if 0 < old < new else []


def request(old: int, new: int, leaves: Sequence[bytes] = LEAVES) -> bytes:
    return body(old, proof(old, new, leaves), checkpoint(new, leaves))


def body(old: int, path: Sequence[bytes], note: bytes) -> bytes:
    lines = [f"old {old}", *map(encode_base64, path), "", ""]
    return "\n".join(lines).encode() + note


def _subproof(size: int, leaves: Sequence[bytes], is_whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if size <= half:
        return [*_subproof(size, leaves[:half], is_whole), root_of(leaves[half:])]
    return [*_subproof(size - half, leaves[half:], False), root_of(leaves[:half])]
