"""Ed25519 (RFC 8032) with what the libraries leave open decided: which points are keys.

OpenSSL takes small-order public keys, with which one signature fits any message, and encodings
that are not canonical, with which one key has two thumbprints. Both are refused when a key is
read, and a signature whose R has small order is refused as libsodium does, so that a log verified
with PyNaCl and an auditor who has only cryptography decide every entry alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys.algorithms import SIGNATURE
from keys.errors import declare

Backend: TypeAlias = Callable[[bytes, bytes, bytes], None]
"""Verifies (raw public key, message, signature); raises ``failed.signature``."""

SMALL_ORDER = declare(
    "rejected.key.small-order",
    "The Ed25519 public key is a point of small order: signatures by it prove nothing.",
    "Make a new key with `cellbook keygen`.",
)
NON_CANONICAL = declare(
    "malformed.key.non-canonical",
    "The Ed25519 public key is not the canonical encoding of its point (RFC 8032 section 5.1.3).",
    "Encode the key again, or make a new one with `cellbook keygen`.",
)
POINT = declare(
    "malformed.key.point",
    "The public key is not a point on its curve.",
    "Compare it with the original; if it is the same, make a new key with `cellbook keygen`.",
)

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
"""The y of a point of order 8; the other one is its negative."""
_SIGN = 1 << 255
SMALL_ORDER_ENCODINGS = frozenset(
    (y | sign).to_bytes(32, "little")
    for y in (0, 1, _P - 1, _Y8, _P - _Y8, _P, _P + 1)
    for sign in (0, _SIGN)
)
"""All encodings of the eight points of small order: with either sign bit, and y at or above p."""


def check_point(raw: bytes) -> None:
    """Check that ``raw`` (32 bytes) is a public key that can bind a signer to a message.

    Raises ``rejected.key.small-order``, ``malformed.key.non-canonical`` and
    ``malformed.key.point``. Not checked: that the point has no small-order part beside its large
    one. Such a key harms only its owner, since verification here is without cofactor.
    """
    if raw in SMALL_ORDER_ENCODINGS:
        raise SMALL_ORDER.at("public key")
    y = int.from_bytes(raw, "little") & (_SIGN - 1)
    if y >= _P:
        raise NON_CANONICAL.at("public key")
    # x^2 = (y^2 - 1) / (d y^2 + 1) is a square exactly when the product of the two is.
    squared = y * y % _P
    if pow((squared - 1) * (_D * squared + 1), (_P - 1) // 2, _P) != 1:
        raise POINT.at("public key")


def verify(raw: bytes, message: bytes, signature: bytes) -> None:
    """Verify with cryptography. Raises ``failed.signature``.

    ``raw`` must have passed :func:`check_point`; that is not checked again here.
    """
    if signature[:32] in SMALL_ORDER_ENCODINGS:
        raise SIGNATURE.at("signature")
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SIGNATURE.at("signature") from None
