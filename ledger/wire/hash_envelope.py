"""Hash-envelope statements (RFC 9995): the payload is the digest of a document.

The protected header says by which hash (label 258), of which media type the document is (259), and
where it may be (260). The content type (3) is absent: the payload has none.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from keys.errors import declare
from ledger.wire.cbor import Key, Value

HASH_ALG, PREIMAGE_TYPE, LOCATION = 258, 259, 260
LABELS: frozenset[Key] = frozenset({HASH_ALG, PREIMAGE_TYPE, LOCATION})
SHA_256 = -16
DIGEST_SIZE = 32
LONGEST_TYPE, LONGEST_LOCATION = 256, 1_024

LABEL = declare(
    "malformed.envelope.header",
    "A header of a hash envelope is missing, or has another type or length.",
    "Put 258 (hash) and 259 (media type) into the protected header, 260 (location) where there is "
    "one, and leave 3 out.",
)
HASH = declare(
    "unsupported.envelope.hash",
    "This version does not know the hash of the envelope.",
    "Use SHA-256: -16 in label 258.",
)
DIGEST = declare(
    "malformed.envelope.digest",
    "The payload of the hash envelope is not a digest of its hash.",
    "Put the 32 bytes of the document's SHA-256 into the payload.",
)


class HashEnvelope(msgspec.Struct, frozen=True):
    """A document by its SHA-256, media type, and where it may be had, if that is said."""

    sha256: bytes
    media_type: str
    location: str | None = None


def parse_envelope(headers: Mapping[Key, Value], payload: bytes) -> HashEnvelope:
    """What the protected ``headers`` and ``payload`` say of a document.

    Raises ``malformed.envelope.*`` and ``unsupported.envelope.hash``.
    """
    alg = headers.get(HASH_ALG)
    if type(alg) is not int:
        raise LABEL.at("label 258", repr(alg)[:80])
    if alg != SHA_256:
        raise HASH.at("label 258", str(alg))
    if len(payload) != DIGEST_SIZE:
        raise DIGEST.at("payload", f"{len(payload)} bytes")
    media_type = _text(headers.get(PREIMAGE_TYPE), LONGEST_TYPE, PREIMAGE_TYPE)
    location = None
    if LOCATION in headers:
        location = _text(headers[LOCATION], LONGEST_LOCATION, LOCATION)
    return HashEnvelope(payload, media_type, location)


def envelope_headers(envelope: HashEnvelope) -> dict[Key, Value]:
    """The protected headers that ``parse_envelope`` reads."""
    headers: dict[Key, Value] = {HASH_ALG: SHA_256, PREIMAGE_TYPE: envelope.media_type}
    if envelope.location is not None:
        headers[LOCATION] = envelope.location
    return headers


def _text(value: Value, longest: int, label: int) -> str:
    """Printable ASCII: what is shown of a document must not disguise itself."""
    if type(value) is not str or not 0 < len(value) <= longest:
        raise LABEL.at(f"label {label}", repr(value)[:80])
    if not (value.isascii() and value.isprintable()):
        raise LABEL.at(f"label {label}", "not printable ASCII")
    return value
