"""ESP256: ECDSA on P-256 with SHA-256 (RFC 9053 section 2.1, RFC 9864 section 2.1).

The elliptic-curve module of cryptography is imported where it is used: who verifies Ed25519 only
does not pay for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from keys.algorithms import SIGNATURE
from keys.ed25519 import POINT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_LOADED = 1024


@lru_cache(maxsize=_LOADED)
def load(point: bytes) -> ec.EllipticCurvePublicKey:
    """The public key at ``point`` (SEC 1, 33 or 65 bytes). Raises ``malformed.key.point``."""
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise POINT.at("public key") from None


def uncompressed(point: bytes) -> bytes:
    """``point`` (SEC 1, 33 or 65 bytes) as the 65 bytes 04 ‖ x ‖ y, checked to be on the curve.

    Raises ``malformed.key.point``.
    """
    numbers = load(point).public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def verify(raw: bytes, message: bytes, signature: bytes) -> None:
    """Verify ``signature`` = r ‖ s (64 bytes); high s is accepted. Raises ``failed.signature``."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    if len(signature) != 64:
        raise SIGNATURE.at("signature")
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        encoded = utils.encode_dss_signature(r, s)
        load(raw).verify(encoded, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SIGNATURE.at("signature") from None


def sign(private: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """r ‖ s (64 bytes), deterministic (RFC 6979), with the lower of the two valid s.

    The same statement signed twice is then the same bytes, which a log takes as a repetition and
    not as a conflict.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    encoded = private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = utils.decode_dss_signature(encoded)
    return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")
