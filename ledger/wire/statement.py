"""Signed Statements (RFC 9943 section 6) as Cellbook writes and reads them.

A Statement is *parsed*: its form is right and its bytes are fixed. Whether the signature is
genuine is :func:`check_signature`; whether the key was the issuer's, and whether the statement
may enter the log, is decided by ``ledger.custody``.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from keys.errors import declare
from ledger.wire import cose
from ledger.wire.base64text import encode_base64url
from ledger.wire.cbor import Key, Value
from ledger.wire.cwt import AUD, ISS, SUB, claims_map, parse_claims
from ledger.wire.hash_envelope import LABELS, HashEnvelope, envelope_headers, parse_envelope
from ledger.wire.limits import Limits
from ledger.wire.locators import locator_to_id as locator_to_id

if TYPE_CHECKING:
    from keys.cose_key import Backend, CoseKey
    from keys.signer import Signer

TYP_EVENT = "application/vnd.cellbook.event+cose"
TYP_GOVERNANCE = "application/vnd.cellbook.governance+cose"
TYP_HEAD = "application/vnd.cellbook.head+cose"
TYP_MANDATE = "application/vnd.cellbook.mandate+cose"
TYP_GRANT = "application/vnd.cellbook.grant+cose"
TYP_ENVELOPE = "application/vnd.cellbook.hash-envelope+cose"
TYP_RECEIPT = "application/vnd.cellbook.receipt+cose"
CONTENT_EVENT = "application/vnd.cellbook.event+cbor"
CONTENT_GOVERNANCE = "application/vnd.cellbook.governance+cbor"
CONTENT_MANDATE = "application/vnd.cellbook.mandate+cbor"

CONTENT_OF = {
    TYP_EVENT: CONTENT_EVENT,
    TYP_GOVERNANCE: CONTENT_GOVERNANCE,
    TYP_HEAD: CONTENT_GOVERNANCE,
    TYP_MANDATE: CONTENT_MANDATE,
    TYP_ENVELOPE: "",
}
"""The content type of each typ that is a statement in this version; a hash envelope has none."""

MAX_ENTRY = 65_535
"""Bytes of the longest leaf: entry bundles have 16-bit lengths (C2SP tlog-tiles)."""

SUBMISSION = Limits(size=2 * MAX_ENTRY, depth=8, items=1_024, total=8_192)
"""A submission may carry receipts in its unprotected header, so it may be twice an entry."""

KID_SIZE = 32

TOO_LARGE = declare(
    "malformed.statement.size",
    f"The statement's leaf is larger than {MAX_ENTRY} bytes.",
    "Put large content into a file and state its digest.",
)
NO_PAYLOAD = declare(
    "malformed.statement.payload",
    "The statement carries no payload.",
    "Sign with the payload attached and not empty.",
    title="Payload Missing",
)
BAD_KID = declare(
    "malformed.statement.kid",
    "The kid is missing or is not a key thumbprint of 32 bytes.",
    "Put the RFC 9679 thumbprint of the key into kid (label 4) of the protected header.",
)
BAD_TYP = declare(
    "malformed.statement.typ",
    "The typ is missing or is not the typ of a statement.",
    "Put the typ of the statement into header 16 as text.",
)
UNKNOWN_TYP = declare(
    "unsupported.typ",
    "This version does not know the typ of the statement.",
    "Use a newer version.",
)
BAD_CONTENT_TYPE = declare(
    "malformed.statement.content-type",
    "The content type is missing or does not fit the typ.",
    "Put the content type that belongs to the typ into header 3 as text.",
)
NO_CLAIMS = declare(
    "malformed.statement.claims",
    "The CWT Claims are missing.",
    "Put iss, sub, aud and iat into header 15 (RFC 9597).",
)
NO_ISS = declare("malformed.statement.iss", "The issuer is missing or empty.", "Put iss (claim 1).")
NO_SUB = declare(
    "malformed.statement.sub", "The subject is missing or empty.", "Put sub (claim 2)."
)
NO_AUD = declare(
    "malformed.statement.aud",
    "The audience is missing or empty.",
    "Put the log family's id into aud (claim 3).",
)
NO_IAT = declare(
    "malformed.statement.iat",
    "The time of issue is missing.",
    "Put the Unix time in seconds into iat (claim 6).",
)
UNKNOWN_HEADER = declare(
    "unsupported.header",
    "A protected header is used that this version does not know.",
    "Use alg, crit, content type, kid, CWT Claims and typ only; in a hash envelope 258 to 260, and "
    "no content type.",
)
WRONG_KEY = declare(
    "failed.statement.kid",
    "The statement names another key than the one it is checked with.",
    "Check it with the key whose thumbprint is its kid.",
)

_CLAIMS = "CWT Claims"
_UNDERSTOOD = cose.UNDERSTOOD | LABELS
_IN_ENVELOPE = _UNDERSTOOD - {cose.CONTENT_TYPE}
_TEXTS = ((ISS, NO_ISS), (SUB, NO_SUB), (AUD, NO_AUD))


class Statement(msgspec.Struct, frozen=True):
    """A parsed Signed Statement; its signature is not verified.

    ``leaf`` are the bytes that enter the log: the deterministic tag-18 encoding
    ``[protected, {}, payload, signature]`` with the issuer's own byte strings. ``content_id`` is
    SHA-256 of the Sig_structure: the same for every signature over the same content. ``iat`` is
    in Unix seconds and is the issuer's word. ``envelope`` is what a hash envelope says of a
    document; its content type is empty.
    """

    leaf: bytes
    protected: bytes
    payload: bytes
    signature: bytes
    alg: int
    kid: bytes
    content_type: str
    typ: str
    iss: str
    sub: str
    aud: str
    iat: int
    content_id: bytes
    envelope: HashEnvelope | None = None

    @property
    def entry_id(self) -> bytes:
        """SHA-256 of the leaf bytes."""
        return sha256(self.leaf).digest()

    @property
    def locator(self) -> str:
        """The entry id as it stands in URLs: unpadded base64url."""
        return encode_base64url(self.entry_id)

    @property
    def leaf_hash(self) -> bytes:
        """The Merkle leaf hash (RFC 9162 section 2.1.1)."""
        return sha256(b"\x00" + self.leaf).digest()

    @property
    def sig_structure(self) -> bytes:
        """The bytes that the issuer signed."""
        return cose.sig_structure(self.protected, self.payload)


def parse_statement(data: bytes) -> Statement:
    """The Statement in a submission or a leaf.

    The unprotected header may hold anything within :data:`SUBMISSION` and is dropped: it is not
    signed. In the protected header every label must be one that is read here, since what nobody
    interprets must not look as if the log had accepted it. Raises ``malformed.*`` and
    ``unsupported.*``. Checks neither signature, nor key, nor what payload and names mean.
    """
    message = cose.parse_sign1(data, limits=SUBMISSION, understood=_UNDERSTOOD)
    payload = message.payload
    if not payload:
        raise NO_PAYLOAD.at("payload", "detached" if payload is None else "empty")
    leaf = cose.encode_sign1(message.protected, {}, payload, message.signature)
    if len(leaf) > MAX_ENTRY:
        raise TOO_LARGE.at("statement", f"{len(leaf)} bytes")
    return _statement(leaf, message, payload)


def sign_statement(
    signer: Signer, *, typ: str, iss: str, sub: str, aud: str, iat: int, payload: bytes
) -> bytes:
    """Leaf bytes of a new statement: :func:`make_statement`'s."""
    made = make_statement(signer, typ=typ, iss=iss, sub=sub, aud=aud, iat=iat, payload=payload)
    return made.leaf


def make_statement(
    signer: Signer, *, typ: str, iss: str, sub: str, aud: str, iat: int, payload: bytes
) -> Statement:
    """A new statement; the content type follows from ``typ``.

    ``iat`` is in Unix seconds. The result is parsed from its bytes, so it raises what
    :func:`parse_statement` raises. Does not check what ``payload`` holds.
    """
    headers: dict[Key, Value] = {
        cose.CONTENT_TYPE: CONTENT_OF.get(typ, ""),
        cose.CWT_CLAIMS: claims_map(iss, sub, aud, iat),
        cose.TYP: typ,
    }
    return parse_statement(cose.sign1(signer, headers, payload))


def sign_envelope(
    signer: Signer, envelope: HashEnvelope, *, iss: str, sub: str, aud: str, iat: int
) -> bytes:
    """Leaf bytes of a new hash-envelope statement; as :func:`sign_statement`."""
    headers: dict[Key, Value] = {
        cose.CWT_CLAIMS: claims_map(iss, sub, aud, iat),
        cose.TYP: TYP_ENVELOPE,
        **envelope_headers(envelope),
    }
    return parse_statement(cose.sign1(signer, headers, envelope.sha256)).leaf


def check_signature(statement: Statement, key: CoseKey, backend: Backend | None = None) -> None:
    """Check the issuer's signature with ``key``.

    Raises ``failed.statement.kid``, ``failed.algorithm`` or ``failed.signature``. Does not check
    that ``key`` belongs to the issuer, is valid at that point of the log, or may sign this.
    """
    if statement.kid != key.kid:
        raise WRONG_KEY.at("kid", f"{statement.kid.hex()}, the key's is {key.kid.hex()}")
    if statement.alg != key.alg:
        raise cose.WRONG_ALG.at("alg", f"{statement.alg}, the key's is {key.alg}")
    key.verify(statement.sig_structure, statement.signature, backend)


def _statement(leaf: bytes, message: cose.Sign1, payload: bytes) -> Statement:
    headers = message.headers
    in_envelope = headers.get(cose.TYP) == TYP_ENVELOPE
    understood = _IN_ENVELOPE if in_envelope else cose.UNDERSTOOD
    for label in headers:
        if label not in understood:
            raise UNKNOWN_HEADER.at("header", f"label {label!r:.80}")
    kid = message.kid
    if kid is None or len(kid) != KID_SIZE:
        raise BAD_KID.at("kid", "missing" if kid is None else f"{len(kid)} bytes")
    typ = _typ(headers)
    iss, sub, aud, iat = _claims(headers)
    return Statement(
        leaf=leaf,
        protected=message.protected,
        payload=payload,
        signature=message.signature,
        alg=message.alg,
        kid=kid,
        content_type="" if in_envelope else _content_type(headers, typ),
        typ=typ,
        iss=iss,
        sub=sub,
        aud=aud,
        iat=iat,
        content_id=sha256(cose.sig_structure(message.protected, payload)).digest(),
        envelope=parse_envelope(headers, payload) if in_envelope else None,
    )


def _typ(headers: dict[Key, Value]) -> str:
    typ = headers.get(cose.TYP)
    if type(typ) is not str or not typ or typ == TYP_RECEIPT:
        raise BAD_TYP.at("typ", repr(typ)[:80])
    if typ not in CONTENT_OF:
        raise UNKNOWN_TYP.at("typ", repr(typ)[:80])
    return typ


def _content_type(headers: dict[Key, Value], typ: str) -> str:
    content_type = headers.get(cose.CONTENT_TYPE)
    if type(content_type) is not str or content_type != CONTENT_OF[typ]:
        raise BAD_CONTENT_TYPE.at("content type", repr(content_type)[:80])
    return content_type


def _claims(headers: dict[Key, Value]) -> tuple[str, str, str, int]:
    raw = headers.get(cose.CWT_CLAIMS)
    if raw is None:
        raise NO_CLAIMS.at(_CLAIMS)
    if type(raw) is dict:
        for label, error in _TEXTS:
            if raw.get(label) == "":
                raise error.at(_CLAIMS, "empty")
    claims = parse_claims(raw, _CLAIMS)
    if claims.iss is None:
        raise NO_ISS.at(_CLAIMS)
    if claims.sub is None:
        raise NO_SUB.at(_CLAIMS)
    if claims.aud is None:
        raise NO_AUD.at(_CLAIMS)
    if claims.iat is None:
        raise NO_IAT.at(_CLAIMS)
    return claims.iss, claims.sub, claims.aud, claims.iat
