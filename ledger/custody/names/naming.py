"""Names of a log and of its family: who speaks, and to which logs a statement may belong.

The *origin* is a log's name towards C2SP readers. The *family* binds statements to one root key
and family name, so that a clean half of a history cannot be replayed into a log of somebody else.
"""

from __future__ import annotations

import re
from hashlib import sha256

from keys.cose_key import CoseKey
from keys.errors import declare
from ledger.wire import cbor
from ledger.wire.base64text import encode_base64url

ORIGIN = declare(
    "malformed.origin",
    "The origin is not a name that a checkpoint and a URI can carry.",
    "Use a host and a path in small letters, such as log.example.org/batteries.",
)
FAMILY = declare(
    "malformed.family-name",
    "The name of a log family is empty, too long, or has control characters.",
    "Use 1 to 256 characters on one line.",
)

_ORIGIN = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)*")
_LONGEST = 200


def check_origin(origin: str) -> None:
    """Raise ``malformed.origin`` for what is not ``[a-z0-9.-]+(/[a-z0-9._-]+)*``, to 200 bytes."""
    if type(origin) is not str or len(origin) > _LONGEST or not _ORIGIN.fullmatch(origin):
        raise ORIGIN.at("origin", repr(origin)[:80])


def log_uri(origin: str) -> str:
    """The subject of policies and heads, and the issuer of heads and receipts."""
    return f"urn:cellbook:log:{origin}"


def family_uri(root_key: CoseKey, name: str) -> str:
    """The ``aud`` of every statement of a family: SHA-256 over its first root key and its name.

    The hash is over the deterministic CBOR of ``["cellbook-family", COSE_Key as bytes, name]``.
    Raises ``malformed.family-name``.
    """
    if not 0 < len(name) <= 256 or any(ord(character) < 32 for character in name):
        raise FAMILY.at("family name", repr(name)[:80])
    digest = sha256(cbor.encode(["cellbook-family", root_key.to_cbor(), name])).digest()
    return f"urn:cellbook:family:{encode_base64url(digest)}"
