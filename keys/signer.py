"""Signers: whoever holds a private key, in this process or in a device.

A ``Signer`` shows its public key and signs bytes, nothing more, so that a hardware module can be
one. Nothing above this room sees a private key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import cose_key, mldsa, p256
from keys.algorithms import ED25519, ESP256, ML_DSA_44, ML_DSA_65, normalize
from keys.cose_key import CoseKey
from keys.errors import declare

if TYPE_CHECKING:
    from typing import TypeAlias

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey | mldsa.PrivateKey

KIND = declare(
    "unsupported.key.private",
    "This version cannot sign with a private key of this kind.",
    "Use an Ed25519, P-256, ML-DSA-44 or ML-DSA-65 key.",
)


class Signer(Protocol):
    """Holds a private key. ``sign`` gives the signature that ``key.verify`` accepts.

    Signing may raise ``CellbookError`` of class ``unavailable`` where a device does not answer.
    """

    @property
    def key(self) -> CoseKey: ...

    def sign(self, message: bytes) -> bytes: ...


class SoftwareSigner:
    """A private key in this process's memory. Its text form shows the kid only."""

    __slots__ = ("_private", "_sign", "key")

    def __init__(self, private: PrivateKey) -> None:
        """``private`` is a private key of cryptography. Raises ``unsupported.key.private``."""
        self._private = private
        self.key, self._sign = _parts(private)

    def sign(self, message: bytes) -> bytes:
        """The signature: Ed25519 and ESP256 64 bytes, deterministic; ML-DSA randomised."""
        return self._sign(message)

    def to_pkcs8(self, passphrase: bytes) -> bytes:
        """Encrypted PKCS#8 in PEM (PBES2; ML-DSA as its 32-byte seed).

        cryptography derives the key with 2,048 rounds of PBKDF2, so the passphrase itself must
        be strong: :mod:`keys.keyfile` sees to that, this method does not.
        """
        from cryptography.hazmat.primitives import serialization

        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase),
        )

    def __repr__(self) -> str:
        return f"SoftwareSigner(kid={self.key.kid.hex()})"


def generate(alg: int = ED25519) -> SoftwareSigner:
    """A signer with a new key for ``alg``. Raises ``unsupported.algorithm``."""
    alg = normalize(alg)
    if alg == ED25519:
        return SoftwareSigner(Ed25519PrivateKey.generate())
    if alg == ESP256:
        from cryptography.hazmat.primitives.asymmetric import ec

        return SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
    return SoftwareSigner(mldsa.generate(alg))


def _parts(private: object) -> tuple[CoseKey, Callable[[bytes], bytes]]:
    """The public key and the signing function of ``private``."""
    if isinstance(private, Ed25519PrivateKey):
        raw = private.public_key().public_bytes_raw()
        return cose_key.from_raw(ED25519, raw), private.sign
    return _ecdsa_parts(private) or _ml_dsa_parts(private)


def _ecdsa_parts(private: object) -> tuple[CoseKey, Callable[[bytes], bytes]] | None:
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(private, ec.EllipticCurvePrivateKey):
        return None
    if not isinstance(private.curve, ec.SECP256R1):
        raise KIND.at("private key", private.curve.name)
    numbers = private.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    return cose_key.from_raw(ESP256, point), lambda message: p256.sign(private, message)


def _ml_dsa_parts(private: object) -> tuple[CoseKey, Callable[[bytes], bytes]]:
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa as installed
    except ImportError:
        raise KIND.at("private key", type(private).__name__) from None
    for kind, alg in (
        (installed.MLDSA44PrivateKey, ML_DSA_44),
        (installed.MLDSA65PrivateKey, ML_DSA_65),
    ):
        if isinstance(private, kind):
            return cose_key.from_raw(alg, private.public_key().public_bytes_raw()), private.sign
    raise KIND.at("private key", type(private).__name__)
