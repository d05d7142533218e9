"""Ed25519 by PyNaCl (libsodium) where it is installed: about twice as fast as OpenSSL.

A service may verify with it because it is never more lenient than :mod:`keys.ed25519`. That
depends on how the installed libsodium was built, so :func:`load` tries it on the known odd cases
before it is used at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keys.algorithms import SIGNATURE
from keys.errors import CellbookError

if TYPE_CHECKING:
    from keys.ed25519 import Backend

_ORDER = 2**252 + 27742317777372353535851937790883648493
_IDENTITY = bytes([1]) + bytes(31)
# Made by us with the seed 00 01 … 1f over the empty message.
_PUBLIC = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
_SIGNATURE = bytes.fromhex(
    "9ca53579530654d5c3df77089ef45eda613e2fedf670e96bedac4639504e5845"
    "ef4b95d5793077233dd16817b2532e9c5525872a73a4ad74b759369a9e05c102"
)


def load() -> Backend | None:
    """A verifier of Ed25519 signatures by PyNaCl, or None where there is none that is strict."""
    try:
        from nacl.bindings import crypto_sign_open
        from nacl.exceptions import CryptoError
    except ImportError:
        return None

    def verify(raw: bytes, message: bytes, signature: bytes) -> None:
        if len(raw) != 32 or len(signature) != 64:
            raise SIGNATURE.at("signature")
        try:
            crypto_sign_open(signature + message, raw)
        except CryptoError:
            raise SIGNATURE.at("signature") from None

    return verify if _is_strict(verify) else None


def _is_strict(verify: Callable[[bytes, bytes, bytes], None]) -> bool:
    """Whether the library accepts a good signature and refuses what a lenient build accepts."""
    response = int.from_bytes(_SIGNATURE[32:], "little")
    unreduced = _SIGNATURE[:32] + (response + _ORDER).to_bytes(32, "little")
    return (
        _accepts(verify, _PUBLIC, _SIGNATURE)
        and not _accepts(verify, _PUBLIC, unreduced)
        and not _accepts(verify, _IDENTITY, _IDENTITY + bytes(32))
    )


def _accepts(verify: Backend, raw: bytes, signature: bytes) -> bool:
    try:
        verify(raw, b"", signature)
    except CellbookError:
        return False
    return True
