"""COSE Key Thumbprints (RFC 9679): the ``kid`` of every key in Cellbook.

The hash is over the required parameters only, so a key has one kid whichever alg (-8 or -19),
kid or key_ops its COSE_Key map carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import cbor2

from keys.algorithms import AKP, EC2, OKP
from keys.errors import declare

THUMBPRINT = declare(
    "malformed.key.thumbprint",
    "The COSE_Key map lacks a parameter that its thumbprint is taken over.",
    "Give kty with crv and x (OKP), crv, x and y (EC2), or alg and pub (AKP).",
)

_REQUIRED = {OKP: (1, -1, -2), EC2: (1, -1, -2, -3), AKP: (1, 3, -1)}
"""Labels in the bytewise order of their encodings: 0x01, 0x03, 0x20, 0x21, 0x22."""


def thumbprint(key: Mapping[int, object]) -> bytes:
    """SHA-256 (32 bytes) over the deterministic COSE_Key with required parameters only.

    EC2's y must be the 32 bytes, not the sign bit (RFC 9679 section 4.2: a compressed point is
    expanded first; :func:`keys.cose_key.from_map` does). Nothing else about the key is checked.
    Raises ``malformed.key.thumbprint``.
    """
    kty = key.get(1)
    labels = _REQUIRED.get(kty) if type(kty) is int else None
    if labels is None:
        raise THUMBPRINT.at("kty")
    required = {label: key.get(label) for label in labels}
    for label, value in required.items():
        if type(value) not in (int, bytes):
            raise THUMBPRINT.at(f"label {label}")
    return sha256(cbor2.dumps(required)).digest()
