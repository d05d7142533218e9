"""Witnesses and auditors of a test, and files that they have cosigned."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import msgspec

from keys.signer import SoftwareSigner, generate
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.wire.note import cosign
from ledger.wire.verifier import COSIGNATURE, Verifier


@cache
def key_of(name: str) -> SoftwareSigner:
    """The cosigner's key: made once in a test run."""
    return generate()


def verifier_of(name: str) -> Verifier:
    return Verifier.from_key(f"{name}.example", key_of(name).key, COSIGNATURE)


def vkeys(*names: str) -> tuple[str, ...]:
    return tuple(verifier_of(name).vkey for name in names)


def line(text: bytes, name: str, time: int, key: str = "") -> bytes:
    """The cosignature line of ``name``; with ``key`` it is made with another key, and bad."""
    good = cosign(text, f"{name}.example", key_of(key or name), time)
    return msgspec.structs.replace(good, key_id=verifier_of(name).key_id).line


def note_with(note: bytes, cosigned: Iterable[tuple[str, int]]) -> bytes:
    """The checkpoint with these cosignatures, each by (name, time)."""
    text = note.rpartition(b"\n\n")[0] + b"\n"
    return note + b"".join(line(text, name, time) for name, time in cosigned)


def cosigned_dossier(data: bytes, *cosigned: tuple[str, int]) -> bytes:
    """The dossier with these cosignatures on its checkpoint."""
    dossier = decode_dossier(data)
    note = note_with(dossier.checkpoint, cosigned)
    return encode_dossier(msgspec.structs.replace(dossier, checkpoint=note))
