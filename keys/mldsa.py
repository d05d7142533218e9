"""ML-DSA-44 and ML-DSA-65 (FIPS 204; RFC 9964), pure, with the empty context.

An installed cryptography may lack ML-DSA, or its OpenSSL may: then the algorithm is unsupported
here, which is "could not be checked" and never "failed".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from keys.algorithms import ALGORITHMS, ML_DSA_44, SIGNATURE, UNSUPPORTED

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import mldsa

    PublicKey: TypeAlias = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey
    PrivateKey: TypeAlias = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey

_LOADED = 256


@lru_cache(maxsize=_LOADED)
def load(alg: int, raw: bytes) -> PublicKey:
    """The public key. Raises ``unsupported.algorithm`` where this machine has no ML-DSA.

    ``raw`` must have the size of ``alg``; every such string is a public key (FIPS 204).
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        kind = mldsa.MLDSA44PublicKey if alg == ML_DSA_44 else mldsa.MLDSA65PublicKey
        return kind.from_public_bytes(raw)
    except (ImportError, UnsupportedAlgorithm):
        raise UNSUPPORTED.at("alg", f"{ALGORITHMS[alg].name} is not installed here") from None


def verify(alg: int, raw: bytes, message: bytes, signature: bytes) -> None:
    """Verify with cryptography. Raises ``failed.signature``, ``unsupported.algorithm``."""
    try:
        load(alg, raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SIGNATURE.at("signature") from None


def generate(alg: int) -> PrivateKey:
    """A new private key from the operating system's randomness.

    Raises ``unsupported.algorithm``.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        kind = mldsa.MLDSA44PrivateKey if alg == ML_DSA_44 else mldsa.MLDSA65PrivateKey
        return kind.generate()
    except (ImportError, UnsupportedAlgorithm):
        raise UNSUPPORTED.at("alg", f"{ALGORITHMS[alg].name} is not installed here") from None
