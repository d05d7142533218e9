"""Base64 that has one text for one value.

Python's decoders accept spare bits in the last character and skip characters that they do not
know, so two texts can stand for the same bytes. Here a text counts only when it is what the
encoder would write.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def encode_base64(data: bytes) -> str:
    """Padded base64 (RFC 4648 section 4) on one line."""
    return b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes of canonical padded base64. Raises ``ValueError`` for every other text."""
    try:
        data = a2b_base64(text.encode("ascii"))
    except (Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if encode_base64(data) != text:
        raise ValueError("not canonical base64")
    return data


def encode_base64url(data: bytes) -> str:
    """Unpadded base64url (RFC 4648 section 5)."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """The bytes of canonical unpadded base64url. Raises ``ValueError`` for every other text."""
    try:
        data = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4))
    except (Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if encode_base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data
