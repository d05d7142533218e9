"""Public keys: COSE_Key maps (RFC 9052 section 7) to and from one checked value.

Whatever form a key comes in, ``CoseKey`` holds it in one form under one kid, so that two keys are
equal exactly when they verify the same signatures. Private keys never pass here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cbor2
import msgspec

from keys import ed25519, mldsa, p256
from keys.algorithms import AKP, ALGORITHMS, CRV_P256, EC2, ED25519, ESP256, OKP, normalize
from keys.ed25519 import Backend as Backend
from keys.errors import declare
from keys.thumbprint import thumbprint

SHAPE = declare(
    "malformed.key.shape",
    "This is not a COSE_Key map: a parameter is missing or has another type.",
    "Encode the key by RFC 9052 section 7.",
)
SIZE = declare(
    "malformed.key.size",
    "The public key has not the size of its algorithm.",
    "Give the raw public key: Ed25519 32 bytes, P-256 33 or 65, ML-DSA-44 1312, ML-DSA-65 1952.",
)
ALGORITHM = declare(
    "malformed.key.algorithm",
    "The key's alg does not fit its type and curve.",
    "Ed25519 is -19 (or -8), P-256 is -9 (or -7); ML-DSA keys must state their alg.",
)
ENCODING = declare(
    "malformed.key.encoding",
    "The bytes are not the deterministic encoding of a public COSE_Key.",
    "Encode kty, alg and the public parameters only, by RFC 8949 section 4.2.1.",
)
PRIVATE = declare(
    "rejected.key.private",
    "The COSE_Key holds a private key.",
    "Treat that key as known to others; make a new one and hand out its public part only.",
)
OPERATIONS = declare(
    "rejected.key.operations",
    "The key's key_ops do not allow it to verify.",
    "Put 2 (verify) into key_ops, or leave key_ops out.",
)
TYPE = declare(
    "unsupported.key.type",
    "This version does not know the key's type or curve.",
    "Use an Ed25519, P-256, ML-DSA-44 or ML-DSA-65 key.",
)

_KTY, _KID, _ALG, _KEY_OPS, _BASE_IV = 1, 2, 3, 4, 5
_VERIFY = (2, "verify")
_CURVES = {(a.kty, a.crv): a.id for a in ALGORITHMS.values() if a.crv is not None}
_PUBLIC = {OKP: {-1, -2}, EC2: {-1, -2, -3}, AKP: {-1}}
_PRIVATE = {OKP: -4, EC2: -4, AKP: -2}
_MAX_ENCODED = 4096


class CoseKey(msgspec.Struct, frozen=True):
    """A checked public key. Make it by ``from_map``, ``from_raw`` or ``from_cbor`` only.

    ``alg`` is fully specified; ``raw`` is 32 bytes (Ed25519), 65 bytes 04 ‖ x ‖ y (ESP256) or the
    ML-DSA public key; ``kid`` is the RFC 9679 thumbprint, 32 bytes.
    """

    alg: int
    raw: bytes
    kid: bytes

    def to_map(self) -> dict[int, int | bytes]:
        """The COSE_Key with its required parameters and alg, in deterministic order."""
        return _to_map(self.alg, self.raw)

    def to_cbor(self) -> bytes:
        """The one encoding of this key: labels in the order 1, 3, -1, -2, -3."""
        return cbor2.dumps(self.to_map())

    def verify(self, message: bytes, signature: bytes, backend: Backend | None = None) -> None:
        """Verify ``signature`` over ``message``. ``backend`` verifies Ed25519 in our stead.

        Raises ``failed.signature``; ``unsupported.algorithm`` for ML-DSA where it is not installed.
        What the message means, and whether the key may sign it, are not checked.
        """
        if self.alg == ED25519:
            (backend or ed25519.verify)(self.raw, message, signature)
        elif self.alg == ESP256:
            p256.verify(self.raw, message, signature)
        else:
            mldsa.verify(self.alg, self.raw, message, signature)


def from_raw(alg: int, raw: bytes) -> CoseKey:
    """A key from its raw public bytes: Ed25519 32, P-256 SEC 1 33 or 65, ML-DSA as FIPS 204.

    Raises ``unsupported.algorithm``, ``malformed.key.*`` and ``rejected.key.small-order``.
    """
    if type(alg) is not int or not isinstance(raw, bytes):
        raise SHAPE.at("public key", "alg is an integer, the key is bytes")
    alg = normalize(alg)
    sizes = (33, 65) if alg == ESP256 else (ALGORITHMS[alg].public_size,)
    if len(raw) not in sizes:
        raise SIZE.at("public key", f"{len(raw)} bytes")
    if alg == ED25519:
        ed25519.check_point(raw)
    elif alg == ESP256:
        raw = p256.uncompressed(raw)
    return CoseKey(alg, raw, thumbprint(_to_map(alg, raw)))


def from_map(key: Mapping[Any, object]) -> CoseKey:
    """A key from a decoded COSE_Key map with integer labels.

    alg may be missing where type and curve fix it. The map's kid and Base IV are not used, nor
    are text labels and unknown positive ones; the kid is computed. Raises ``malformed.key.*``,
    ``rejected.key.private``, ``rejected.key.operations``, ``rejected.key.small-order``,
    ``unsupported.key.type`` and ``unsupported.algorithm``.
    """
    if not isinstance(key, Mapping) or not all(map(_is_label, key)):
        raise SHAPE.at("COSE_Key", "not a map with integer or text labels")
    alg = _algorithm(key)
    _check_common(key)
    kty = ALGORITHMS[alg].kty
    if kty == EC2:
        return from_raw(alg, _point(key))
    return from_raw(alg, _bytes(key, -2 if kty == OKP else -1))


def from_cbor(data: bytes) -> CoseKey:
    """A key from the bytes that :meth:`CoseKey.to_cbor` gives, and from no others.

    Raises what :func:`from_map` raises, and ``malformed.key.encoding``.
    """
    if not isinstance(data, bytes) or not 0 < len(data) <= _MAX_ENCODED:
        raise ENCODING.at("COSE_Key")
    try:
        value = cbor2.loads(
            data,
            max_depth=2,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            semantic_decoders=_NoTags(),
        )
    except Exception:
        # cbor2 raises errors of its own, and others out of what it builds.
        raise ENCODING.at("COSE_Key") from None
    key = from_map(value)
    if key.to_cbor() != data:
        raise ENCODING.at("COSE_Key")
    return key


def _algorithm(key: Mapping[int, object]) -> int:
    """The algorithm that type and curve fix, or that an AKP key states; alg must agree."""
    kty = _integer(key, _KTY)
    if kty not in _PUBLIC:
        raise TYPE.at("kty", str(kty))
    _refuse_private(key, kty)
    stated = normalize(_integer(key, _ALG)) if kty == AKP or _ALG in key else None
    fixed = stated if kty == AKP else _fixed_by_curve(kty, _integer(key, -1))
    if fixed is None or stated not in (None, fixed) or ALGORITHMS[fixed].kty != kty:
        raise ALGORITHM.at("alg", str(stated))
    return fixed


def _fixed_by_curve(kty: int, crv: int) -> int:
    if (kty, crv) not in _CURVES:
        raise TYPE.at("crv", str(crv))
    return _CURVES[kty, crv]


def _refuse_private(key: Mapping[int, object], kty: int) -> None:
    if _PRIVATE[kty] in key:
        raise PRIVATE.at(f"label {_PRIVATE[kty]}")
    for label in key:
        if type(label) is int and label < 0 and label not in _PUBLIC[kty]:
            raise SHAPE.at(f"label {label}", "the key type has no such parameter")


def _check_common(key: Mapping[int, object]) -> None:
    for label in (_KID, _BASE_IV):
        if label in key:
            _bytes(key, label)
    if _KEY_OPS not in key:
        return
    operations = key[_KEY_OPS]
    if not isinstance(operations, list | tuple) or not operations:
        raise SHAPE.at("key_ops", "not a list of operations")
    if not any(type(operation) in (int, str) and operation in _VERIFY for operation in operations):
        raise OPERATIONS.at("key_ops")


def _point(key: Mapping[int, object]) -> bytes:
    """SEC 1 bytes of an EC2 key; y may be the sign bit of a compressed point."""
    x, y = _bytes(key, -2), key.get(-3)
    if len(x) != 32:
        raise SIZE.at("x", f"{len(x)} bytes")
    if type(y) is bool:
        return (b"\x03" if y else b"\x02") + x
    y = _bytes(key, -3)
    if len(y) != 32:
        raise SIZE.at("y", f"{len(y)} bytes")
    return b"\x04" + x + y


def _to_map(alg: int, raw: bytes) -> dict[int, int | bytes]:
    algorithm = ALGORITHMS[alg]
    key: dict[int, int | bytes] = {_KTY: algorithm.kty, _ALG: alg}
    if algorithm.crv is None:
        return {**key, -1: raw}
    key[-1] = algorithm.crv
    return {**key, -2: raw[1:33], -3: raw[33:]} if algorithm.crv == CRV_P256 else {**key, -2: raw}


def _is_label(label: object) -> bool:
    # In Python True and simple values equal integers: as labels they would pass for them.
    return type(label) is str or (type(label) is int and abs(label) < 1 << 64)


def _integer(key: Mapping[int, object], label: int) -> int:
    value = key.get(label)
    if type(value) is not int or abs(value) >= 1 << 64:
        raise SHAPE.at(f"label {label}", "missing" if value is None else "not a 64-bit integer")
    return value


def _bytes(key: Mapping[int, object], label: int) -> bytes:
    value = key.get(label)
    if type(value) is not bytes:
        raise SHAPE.at(f"label {label}", "missing" if value is None else "not a byte string")
    return value


class _NoTags(dict[int, Callable[[Any, bool], Any]]):
    """Takes tags away from cbor2, which would make Python objects of them."""

    def __missing__(self, number: int) -> Callable[[Any, bool], Any]:
        raise ValueError("tag")
