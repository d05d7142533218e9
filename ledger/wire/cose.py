"""COSE_Sign1 (RFC 9052), always with CBOR tag 18, over the original bytes.

What is signed is never encoded again: the Sig_structure is built from the protected header and
the payload as they came. The algorithm is read from the protected header only, since an attacker
writes the unprotected one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import cbor2
import msgspec

from keys.algorithms import normalize
from keys.errors import CellbookError, declare
from ledger.wire.cbor import Key, Value, decode, encode
from ledger.wire.diagnosis import explain
from ledger.wire.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from keys.cose_key import Backend, CoseKey
    from keys.signer import Signer

ALG, CRIT, CONTENT_TYPE, KID, CWT_CLAIMS, TYP = 1, 2, 3, 4, 15, 16
UNDERSTOOD: frozenset[Key] = frozenset({ALG, CRIT, CONTENT_TYPE, KID, CWT_CLAIMS, TYP})
TAG_SIGN1 = 18
MAX_SIGNATURE = 4_627
"""Bytes of the longest signature that COSE names today, ML-DSA-87 (RFC 9964)."""

_PREFIX = b"\xd2\x84"
_CONTEXT = b"\x84" + cbor2.dumps("Signature1")
_NO_AAD = cbor2.dumps(b"")
_TAGS = frozenset({TAG_SIGN1})

NOT_TAGGED = declare(
    "malformed.cose.tag",
    "The message is not a COSE_Sign1 with CBOR tag 18.",
    "Encode it as a tagged COSE_Sign1 message.",
)
SHAPE = declare(
    "malformed.cose.shape",
    "The message is not [protected, unprotected, payload, signature].",
    "Encode it by RFC 9052 section 4.2.",
)
PROTECTED = declare(
    "malformed.cose.protected",
    "The protected header is not a byte string that holds a map.",
    "Encode the protected header by RFC 9052 section 3.",
)
BOTH = declare(
    "malformed.cose.label-twice",
    "A label is in the protected and in the unprotected header.",
    "Keep it in the protected header only.",
)
SIGNATURE = declare(
    "malformed.cose.signature",
    "The signature is not a byte string of a possible length.",
    "Sign the message again.",
)
ALG_MISSING = declare(
    "malformed.cose.alg-missing",
    "The protected header names no algorithm.",
    "Put alg (label 1) as an integer into the protected header.",
    title="Bad Signature Algorithm",
)
ALG_UNPROTECTED = declare(
    "malformed.cose.alg-unprotected",
    "The algorithm is only in the unprotected header.",
    "Put alg (label 1) into the protected header.",
    title="Bad Signature Algorithm",
)
ALG_TYPE = declare(
    "malformed.cose.alg",
    "The algorithm is not an integer.",
    "Use a number of the COSE Algorithms registry.",
    title="Bad Signature Algorithm",
)
KID_TYPE = declare(
    "malformed.cose.kid", "The kid is not a byte string.", "Put kid (label 4) as a byte string."
)
CRIT_SHAPE = declare(
    "malformed.cose.crit",
    "crit is not a non-empty array of labels of the protected header.",
    "List each critical label once, and put it into the protected header.",
)
CRIT_UNKNOWN = declare(
    "unsupported.crit",
    "The message demands a header that this version does not understand.",
    "Use a newer version, or sign without that critical header.",
)
PAYLOAD_MISSING = declare(
    "malformed.cose.payload-missing",
    "The payload is detached and was not given.",
    "Hand in the payload, or sign with the payload attached.",
    title="Payload Missing",
)
PAYLOAD_TWICE = declare(
    "malformed.cose.payload-twice",
    "A payload was given for a message that carries its own.",
    "Hand in a payload only for a detached message.",
)
WRONG_ALG = declare(
    "failed.algorithm",
    "The message names another algorithm than its key.",
    "Sign with the algorithm of the key.",
    title="Bad Signature Algorithm",
)
HEADER_ALG = declare(
    "usage.cose.alg",
    "The header names another algorithm than the signer's key.",
    "Leave alg out: the signer sets it.",
)


class Sign1(msgspec.Struct, frozen=True):
    """A parsed COSE_Sign1. Nothing in it is verified.

    ``protected`` are the original bytes inside the byte string, ``headers`` the map that they
    hold. ``payload`` is None when it is detached. ``alg`` is normalised (-8 to -19, -7 to -9).
    ``kid`` is that of the protected header. ``unprotected`` can be changed by anyone.
    """

    protected: bytes
    headers: dict[Key, Value]
    unprotected: dict[Key, Value]
    payload: bytes | None
    signature: bytes
    alg: int
    kid: bytes | None


def parse_sign1(
    data: bytes, *, limits: Limits = DEFAULT, understood: frozenset[Key] = UNDERSTOOD
) -> Sign1:
    """The parts of one tagged COSE_Sign1 in deterministic encoding, protected header included.

    ``understood`` are the labels that ``crit`` may list: those that the caller reads. Raises
    ``malformed.cbor.*``, ``malformed.cose.*``, ``unsupported.algorithm`` or ``unsupported.crit``.
    Checks no signature, and neither the types nor the presence of headers but alg, crit and kid.
    """
    protected, unprotected, payload, signature = _parts(data, limits)
    headers = _protected_map(protected, limits)
    if not unprotected.keys().isdisjoint(headers):
        raise BOTH.at("header", ", ".join(repr(key) for key in headers if key in unprotected))
    alg = _alg(headers, unprotected)
    if CRIT in headers or CRIT in unprotected:
        _check_crit(headers, understood)
    return Sign1(protected, headers, unprotected, payload, signature, normalize(alg), _kid(headers))


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes that are signed (RFC 9052 section 4.4), with an empty external_aad."""
    return b"".join((_CONTEXT, cbor2.dumps(protected), _NO_AAD, cbor2.dumps(payload)))


def encode_sign1(
    protected: bytes,
    unprotected: Mapping[Key, Value] | bytes,
    payload: bytes | None,
    signature: bytes,
) -> bytes:
    """The tagged message around the given byte strings; ``payload`` None makes it detached.

    ``unprotected`` is a map, or the bytes of one that the caller has encoded.
    """
    if not isinstance(unprotected, bytes):
        unprotected = encode(dict(unprotected)) if unprotected else b"\xa0"
    return b"".join(
        (
            _PREFIX,
            cbor2.dumps(protected),
            unprotected,
            cbor2.dumps(payload),
            cbor2.dumps(signature),
        )
    )


def sign1(
    signer: Signer,
    headers: Mapping[Key, Value],
    payload: bytes,
    *,
    unprotected: Mapping[Key, Value] | None = None,
    detached: bool = False,
) -> bytes:
    """A signed message; alg and kid are put into the protected header where they are absent.

    With ``detached`` the payload is signed and left out. Raises ``usage.cose.alg`` when
    ``headers`` names an algorithm that is not the signer's, and ``usage.cbor.value``.
    """
    if headers.get(ALG, signer.key.alg) != signer.key.alg:
        raise HEADER_ALG.at("header", f"alg {headers[ALG]!r}")
    protected = encode({ALG: signer.key.alg, KID: signer.key.kid, **headers})
    signature = signer.sign(sig_structure(protected, payload))
    return encode_sign1(protected, unprotected or {}, None if detached else payload, signature)


def verify_sign1(
    message: bytes, key: CoseKey, payload: bytes | None = None, *, backend: Backend | None = None
) -> Sign1:
    """The message, its signature checked with ``key``; its payload is part of what was signed.

    ``payload`` is handed in for a detached message, and only then. Raises what
    :func:`parse_sign1` raises, ``malformed.cose.payload-missing`` or ``.payload-twice``,
    ``failed.algorithm`` and ``failed.signature``. Does not check who owns ``key``, what ``kid``
    says, or what the headers mean.
    """
    parsed = parse_sign1(message)
    verify_parsed(parsed, key, payload, backend=backend)
    return parsed


def verify_parsed(
    parsed: Sign1, key: CoseKey, payload: bytes | None = None, *, backend: Backend | None = None
) -> None:
    """Check the signature of a parsed message; raises as :func:`verify_sign1` does."""
    if parsed.payload is not None and payload is not None:
        raise PAYLOAD_TWICE.at("payload")
    signed = parsed.payload if payload is None else payload
    if signed is None:
        raise PAYLOAD_MISSING.at("payload")
    if parsed.alg != key.alg:
        raise WRONG_ALG.at("alg", f"{parsed.alg}, the key's is {key.alg}")
    key.verify(sig_structure(parsed.protected, signed), parsed.signature, backend)


def _parts(data: bytes, limits: Limits) -> tuple[bytes, dict[Key, Value], bytes | None, bytes]:
    value = _untagged(data, limits)
    if type(value) is not list or len(value) != 4:
        raise SHAPE.at("message", "not an array of four")
    protected, unprotected, payload, signature = value
    if type(protected) is not bytes:
        raise PROTECTED.at("protected")
    if type(unprotected) is not dict:
        raise SHAPE.at("unprotected", "not a map")
    if payload is not None and type(payload) is not bytes:
        raise SHAPE.at("payload", "neither a byte string nor nil")
    if type(signature) is not bytes or not 0 < len(signature) <= MAX_SIGNATURE:
        raise SIGNATURE.at("signature")
    return protected, unprotected, payload, signature


def _untagged(data: bytes, limits: Limits) -> Value:
    if data and data[0] != _PREFIX[0]:
        raise NOT_TAGGED.at("byte 0", f"the first byte is 0x{data[0]:02x}")
    try:
        return decode(data[1:], limits=limits)
    except CellbookError:
        # Once more with the tag, so that the offset counts from the message's first byte.
        explain(bytes(data), limits, _TAGS)
        raise


def _protected_map(protected: bytes, limits: Limits) -> dict[Key, Value]:
    if not protected:
        return {}
    try:
        headers = decode(protected, limits=limits)
    except CellbookError as error:
        raise error.error.at(f"protected, {error.where}", error.detail) from None
    if type(headers) is not dict:
        raise PROTECTED.at("protected", "not a map")
    return headers


def _alg(headers: dict[Key, Value], unprotected: dict[Key, Value]) -> int:
    if ALG not in headers:
        raise (ALG_UNPROTECTED if ALG in unprotected else ALG_MISSING).at("alg")
    alg = headers[ALG]
    if type(alg) is not int:
        raise ALG_TYPE.at("alg", repr(alg)[:80])
    return alg


def _kid(headers: dict[Key, Value]) -> bytes | None:
    kid = headers.get(KID)
    if KID in headers and type(kid) is not bytes:
        raise KID_TYPE.at("kid")
    return kid if type(kid) is bytes else None


def _check_crit(headers: dict[Key, Value], understood: frozenset[Key]) -> None:
    """RFC 9052 section 3.1: protected, not empty, every label present, protected, understood."""
    labels = headers.get(CRIT)
    if type(labels) is not list or not labels:
        raise CRIT_SHAPE.at("crit")
    for at, label in enumerate(labels):
        if type(label) not in (int, str) or label in labels[:at]:
            raise CRIT_SHAPE.at("crit", repr(label)[:80])
        if label not in understood:
            raise CRIT_UNKNOWN.at("crit", f"label {label!r:.80}")
        if label not in headers:
            raise CRIT_SHAPE.at("crit", f"label {label!r:.80} is not in the protected header")
