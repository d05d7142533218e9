"""C2SP signed notes: text, an empty line, and one line for each signature.

Signatures by keys that the caller did not hand in are reported and never counted; a bad signature
by a key that it did hand in refuses the whole note.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from keys.algorithms import ED25519, ML_DSA_44
from keys.errors import FailedError, declare
from ledger.wire.base64text import decode_base64, encode_base64
from ledger.wire.cosignature import MAX_TIME, ed25519_message, ml_dsa_44_message
from ledger.wire.verifier import COSIGNATURE as COSIGNATURE
from ledger.wire.verifier import ML_DSA_COSIGNATURE as ML_DSA_COSIGNATURE
from ledger.wire.verifier import PLAIN as PLAIN
from ledger.wire.verifier import Verifier as Verifier
from ledger.wire.verifier import check_name

if TYPE_CHECKING:
    from keys.signer import Signer

MAX_NOTE = 1 << 20
MAX_SIGNATURES = 100
_DASH = "— "
_NOT_CONTROL = bytes([0x0A, *range(0x20, 0x100)])

TEXT = declare(
    "malformed.note.text",
    "The note is not UTF-8 text that ends in a newline and has no other control character.",
    "Hand in the note as it was published.",
)
SIZE = declare("malformed.note.size", "The note is too large.", "Drop signatures not needed.")
SHAPE = declare(
    "malformed.note.shape",
    "The note has no empty line with signature lines after it.",
    "Hand in the note as it was published.",
)
LINE = declare(
    "malformed.note.line",
    "A signature line is not '— <name> <base64>'.",
    "Hand in the note as it was published.",
)
TWICE = declare(
    "malformed.note.signed-twice",
    "One key signs the note twice.",
    "Keep one signature line of each key.",
)
AMBIGUOUS = declare(
    "usage.note.verifiers",
    "Two verifiers have the same name and key id, and different keys.",
    "Give one of the keys another name.",
)
SIGNATURE = declare(
    "failed.note.signature",
    "A signature by a known key does not fit the note.",
    "Get the note again from its source; if it is the same, trust nothing in it.",
)
UNSIGNED = declare(
    "failed.note.unsigned",
    "No given key has signed the note.",
    "Check that the verifier keys are those of this log.",
)
SIGNER = declare(
    "usage.note.signer",
    "Notes are not signed with keys of this algorithm.",
    "Sign notes with Ed25519; cosign with Ed25519 or ML-DSA-44.",
)


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line: ``key_id`` is 4 bytes, ``signature`` all bytes after it.

    ``time`` is that of a verified cosignature, in Unix seconds by the witness's word; otherwise
    None.
    """

    name: str
    key_id: bytes
    signature: bytes
    time: int | None = None

    @property
    def line(self) -> bytes:
        """The line as it stands in a note, with its newline."""
        encoded = encode_base64(self.key_id + self.signature)
        return f"{_DASH}{self.name} {encoded}\n".encode()


class OpenNote(msgspec.Struct, frozen=True):
    """A note whose signatures by known keys were all verified; there is at least one.

    ``text`` ends in a newline. ``unknown`` were not checked and mean nothing.
    """

    text: bytes
    signatures: tuple[NoteSignature, ...]
    unknown: tuple[NoteSignature, ...]


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> OpenNote:
    """The note's text, once every signature in it by one of ``verifiers`` was verified.

    Raises ``malformed.note.*``, ``failed.note.signature``, ``failed.note.unsigned``,
    ``usage.note.verifiers``. Counts no quorum and does not read the text; whether the signers are
    the ones that a policy asks for is for the caller, who finds them in ``signatures``.
    """
    known = _index(verifiers)
    text, lines = _split(note)
    signatures: dict[tuple[str, bytes], NoteSignature] = {}
    unknown = []
    for line in lines:
        signature = _parse_line(line)
        identity = (signature.name, signature.key_id)
        if identity not in known:
            unknown.append(signature)
            continue
        if identity in signatures:
            raise TWICE.at(signature.name)
        signatures[identity] = _verified(text, signature, known[identity])
    if not signatures:
        raise UNSIGNED.at("note", f"{len(unknown)} signatures by other keys")
    return OpenNote(text, tuple(signatures.values()), tuple(unknown))


def sign_note(text: bytes, name: str, signer: Signer) -> bytes:
    """A whole note: ``text`` and one Ed25519 signature line.

    Raises ``malformed.note.text``, ``malformed.note.name``, ``usage.note.signer``.
    """
    _check_text(text)
    if signer.key.alg != ED25519:
        raise SIGNER.at("signer", f"alg {signer.key.alg}")
    verifier = Verifier.from_key(name, signer.key)
    line = NoteSignature(name, verifier.key_id, signer.sign(text)).line
    return text + b"\n" + line


def cosign(text: bytes, name: str, signer: Signer, time: int) -> NoteSignature:
    """A witness's cosignature over the checkpoint ``text``; ``time`` in Unix seconds.

    The type follows from the signer's key. Does not check that the checkpoint is consistent with
    what the witness saw before. Raises ``malformed.note.*``, ``usage.note.signer``.
    """
    _check_text(text)
    kind = {ED25519: COSIGNATURE, ML_DSA_44: ML_DSA_COSIGNATURE}.get(signer.key.alg)
    if kind is None or not 0 <= time <= MAX_TIME:
        raise SIGNER.at("signer", f"alg {signer.key.alg}, time {time}")
    verifier = Verifier.from_key(name, signer.key, kind)
    signature = signer.sign(_message(text, verifier, time))
    return NoteSignature(name, verifier.key_id, time.to_bytes(8, "big") + signature, time)


def _index(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise AMBIGUOUS.at(verifier.name)
    return known


def _check_text(text: bytes) -> None:
    if not isinstance(text, bytes) or text[-1:] != b"\n" or text.translate(None, _NOT_CONTROL):
        raise TEXT.at("note")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TEXT.at("note", f"byte {error.start} is not UTF-8") from None


def _split(note: bytes) -> tuple[bytes, list[str]]:
    """The text with its last newline, and the signature lines after the last empty line."""
    if len(note) > MAX_NOTE:
        raise SIZE.at("note", f"{len(note)} bytes, {MAX_NOTE} allowed")
    _check_text(note)
    at = note.rfind(b"\n\n")
    if at < 0 or at + 2 == len(note):
        raise SHAPE.at("note")
    if note.count(b"\n", at + 2) > MAX_SIGNATURES:
        raise SIZE.at("note", f"more than {MAX_SIGNATURES} signatures")
    return note[: at + 1], note[at + 2 : -1].decode("utf-8").split("\n")


def _parse_line(line: str) -> NoteSignature:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:
        raise LINE.at("signature line", repr(line)[:80])
    name, encoded = parts
    check_name(name)
    try:
        data = decode_base64(encoded)
    except ValueError as error:
        raise LINE.at(f"signature line of {name}", str(error)) from None
    if len(data) < 5:
        raise LINE.at(f"signature line of {name}", "no signature after the key id")
    return NoteSignature(name, data[:4], data[4:])


def _verified(text: bytes, line: NoteSignature, verifier: Verifier) -> NoteSignature:
    signature, time = line.signature, None
    if verifier.type != PLAIN:
        time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        if time > MAX_TIME:
            raise SIGNATURE.at(line.name, f"time {time}")
    try:
        verifier.key.verify(_message(text, verifier, time or 0), signature)
    except FailedError as error:
        raise SIGNATURE.at(line.name, error.describe()) from error
    return NoteSignature(line.name, line.key_id, line.signature, time)


def _message(text: bytes, verifier: Verifier, time: int) -> bytes:
    if verifier.type == PLAIN:
        return text
    if verifier.type == COSIGNATURE:
        return ed25519_message(text, time)
    return ml_dsa_44_message(text, verifier.name, time)
