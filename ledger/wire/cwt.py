"""CWT Claims in a protected header (RFC 9597): who says it, about what, to whom, when."""

from __future__ import annotations

import msgspec

from keys.errors import ErrorCode, declare
from ledger.wire.cbor import Key, Value

ISS, SUB, AUD, EXP, NBF, IAT = 1, 2, 3, 4, 5, 6
MAX_TEXT = 2_048

CLAIMS = declare(
    "malformed.claims", "The CWT Claims are not a map.", "Encode header 15 by RFC 9597."
)
CLAIM_ISS = declare(
    "malformed.claim.iss", "The issuer is not a usable URI.", "Give iss as a URI in ASCII."
)
CLAIM_SUB = declare(
    "malformed.claim.sub", "The subject is not a usable URI.", "Give sub as a URI in ASCII."
)
CLAIM_AUD = declare(
    "malformed.claim.aud", "The audience is not one usable URI.", "Give aud as one URI in ASCII."
)
CLAIM_IAT = declare(
    "malformed.claim.iat",
    "The time of issue is not an integer of Unix seconds.",
    "Give iat as an integer, not negative and below 2^53.",
)
UNKNOWN = declare(
    "unsupported.claim",
    "A claim is used that nothing here would check.",
    "Use iss, sub, aud and iat; exp and nbf have no meaning in a log that keeps everything.",
)

_KNOWN = frozenset({ISS, SUB, AUD, IAT})
_MAX_TIME = (1 << 53) - 1


class Claims(msgspec.Struct, frozen=True):
    """The claims that Cellbook uses. ``iat`` is in Unix seconds and is the issuer's word."""

    iss: str | None = None
    sub: str | None = None
    aud: str | None = None
    iat: int | None = None


def parse_claims(value: Value, where: str) -> Claims:
    """The claims of header 15; a claim that is absent is None.

    Text is 1 to 2,048 characters of printable ASCII without spaces, as URIs are (RFC 3986).
    Raises ``malformed.claims``, ``malformed.claim.*`` and, for every other claim, exp and nbf
    among them, ``unsupported.claim``. Does not check that text is a URI that means something.
    """
    if type(value) is not dict:
        raise CLAIMS.at(where)
    for label in value:
        if label not in _KNOWN:
            raise UNKNOWN.at(where, f"claim {label!r:.80}")
    return Claims(
        _text(value, ISS, CLAIM_ISS, where),
        _text(value, SUB, CLAIM_SUB, where),
        _text(value, AUD, CLAIM_AUD, where),
        _time(value, where),
    )


def claims_map(
    iss: str | None = None, sub: str | None = None, aud: str | None = None, iat: int | None = None
) -> dict[Key, Value]:
    """The map for header 15, of the claims that are given."""
    rows = ((ISS, iss), (SUB, sub), (AUD, aud), (IAT, iat))
    return {label: value for label, value in rows if value is not None}


def _text(claims: dict[Key, Value], label: int, error: ErrorCode, where: str) -> str | None:
    if label not in claims:
        return None
    text = claims[label]
    if type(text) is not str or not 0 < len(text) <= MAX_TEXT:
        raise error.at(where, f"not text of 1 to {MAX_TEXT} characters")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise error.at(where, "a character that no URI has")
    return text


def _time(claims: dict[Key, Value], where: str) -> int | None:
    if IAT not in claims:
        return None
    seconds = claims[IAT]
    if type(seconds) is not int or not 0 <= seconds <= _MAX_TIME:
        raise CLAIM_IAT.at(where, repr(seconds)[:80])
    return seconds
