"""Verifiers: public keys of C2SP notes, and their text form, the vkey.

A *Verifier* is a name and a public key for one type of signature. Name and key id together say
which key signed; the id is four bytes of a hash, so only the key itself is ever trusted.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from keys.algorithms import ED25519, ML_DSA_44
from keys.cose_key import CoseKey, from_raw
from keys.errors import declare
from ledger.wire.base64text import decode_base64, encode_base64

PLAIN, COSIGNATURE, ML_DSA_COSIGNATURE = 0x01, 0x04, 0x06
"""Signature types: Ed25519 over the text; timestamped cosignatures by Ed25519 and ML-DSA-44."""
_ALGORITHM = {PLAIN: ED25519, COSIGNATURE: ED25519, ML_DSA_COSIGNATURE: ML_DSA_44}

MAX_NAME = 255
"""Bytes of a key's name: ML-DSA cosignatures write its length in one byte."""

VKEY = declare(
    "malformed.note.vkey",
    "This is not a verifier key.",
    "Give <name>+<key id in 8 hex digits>+<base64 of type and key> on one line.",
)
KEY_TYPE = declare(
    "unsupported.note.key-type",
    "This version does not know the signature type of the verifier key.",
    "Use type 01 (Ed25519), 04 or 06 (cosignatures by Ed25519, ML-DSA-44).",
)
NAME = declare(
    "malformed.note.name",
    "A key's name is empty, too long, or has a space, a plus or a control character.",
    "Use a URL without scheme, such as example.org/log.",
)


class Verifier(msgspec.Struct, frozen=True):
    """A public key that signs notes under ``name``, in one ``type`` of signature.

    ``key_id`` is 4 bytes. Make it by :meth:`parse` or :meth:`from_key` only: they compute or
    check the key id.
    """

    name: str
    key_id: bytes
    type: int
    key: CoseKey

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """The verifier of a ``<name>+<key id>+<base64>`` text.

        Raises ``malformed.note.vkey``, ``malformed.note.name``, ``unsupported.note.key-type`` and
        what :func:`keys.cose_key.from_raw` raises. Does not check whose key it is.
        """
        if not isinstance(vkey, str) or len(vkey) > 4096 or vkey.count("+") < 2:
            raise VKEY.at("vkey")
        name, key_id, encoded = vkey.split("+", 2)
        try:
            data = decode_base64(encoded)
        except ValueError as error:
            raise VKEY.at("vkey", str(error)) from None
        verifier = _verifier(name, data[0] if data else -1, data[1:])
        if verifier.key_id.hex() != key_id:
            raise VKEY.at("vkey", f"the key id is {verifier.key_id.hex()}")
        return verifier

    @classmethod
    def from_key(cls, name: str, key: CoseKey, type: int = PLAIN) -> Verifier:
        """The verifier for signatures of ``type`` by ``key``; raises as :meth:`parse` does."""
        return _verifier(name, type, key.raw)

    @property
    def vkey(self) -> str:
        """The verifier as text on one line."""
        encoded = encode_base64(bytes((self.type,)) + self.key.raw)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


def _verifier(name: str, kind: int, raw: bytes) -> Verifier:
    check_name(name)
    if kind not in _ALGORITHM:
        raise KEY_TYPE.at("verifier key", f"type {kind}")
    key = from_raw(_ALGORITHM[kind], raw)
    key_id = sha256(b"%s\n%c%s" % (name.encode("utf-8"), kind, raw)).digest()[:4]
    return Verifier(name, key_id, kind, key)


def check_name(name: str) -> None:
    """Raise ``malformed.note.name`` for what cannot stand in a signature line."""
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise NAME.at("name") from None
    bad = any(char.isspace() or char == "+" or char < " " for char in name)
    if not 0 < size <= MAX_NAME or bad:
        raise NAME.at("name", repr(name)[:80])
