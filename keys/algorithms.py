"""The signature algorithms that Cellbook knows, by their COSE numbers.

Fully specified algorithms only are emitted (RFC 9864, RFC 9964). The older polymorphic numbers
EdDSA (-8) and ES256 (-7) are read, and mean Ed25519 and ESP256; with another curve they are
refused.
"""

from __future__ import annotations

import msgspec

from keys.errors import declare

ED25519 = -19
ESP256 = -9
ML_DSA_44 = -48
ML_DSA_65 = -49

OKP, EC2, AKP = 1, 2, 7
"""COSE key types: RFC 9053 section 7, RFC 9964 section 3."""
CRV_P256, CRV_ED25519 = 1, 6

UNSUPPORTED = declare(
    "unsupported.algorithm",
    "This version does not know the signature algorithm, or cannot compute it here.",
    "Use Ed25519 (-19), ESP256 (-9), ML-DSA-44 (-48) or ML-DSA-65 (-49).",
)
SIGNATURE = declare(
    "failed.signature",
    "The signature is not one by this key over these bytes.",
    "Get the bytes again from their source; if they are the same, trust nothing in them.",
)


class Algorithm(msgspec.Struct, frozen=True):
    """One algorithm. ``crv`` is None where the key type has no curve; sizes are in bytes.

    ``public_size`` is the size of ``CoseKey.raw``.
    """

    id: int
    name: str
    kty: int
    crv: int | None
    public_size: int
    signature_size: int


ALGORITHMS: dict[int, Algorithm] = {
    algorithm.id: algorithm
    for algorithm in (
        Algorithm(ED25519, "Ed25519", OKP, CRV_ED25519, 32, 64),
        Algorithm(ESP256, "ESP256", EC2, CRV_P256, 65, 64),
        Algorithm(ML_DSA_44, "ML-DSA-44", AKP, None, 1312, 2420),
        Algorithm(ML_DSA_65, "ML-DSA-65", AKP, None, 1952, 3309),
    )
}

_POLYMORPHIC = {-8: ED25519, -7: ESP256}


def normalize(alg: int) -> int:
    """The fully specified number of ``alg``: -8 gives -19, -7 gives -9, known ones themselves.

    That the key fits the algorithm is for the caller to check. Raises ``unsupported.algorithm``.
    """
    number = _POLYMORPHIC.get(alg, alg)
    if number not in ALGORITHMS:
        # Python refuses to print integers of thousands of digits.
        raise UNSUPPORTED.at("alg", str(alg) if abs(alg) < 1 << 64 else "beyond 64 bits")
    return number
