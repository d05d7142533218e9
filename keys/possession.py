"""Proof of possession: who asks that a key be added shows that he holds its private part.

Without it an operator could claim another's public key, and with it the events that the other one
signed. The proof names family, owner and purposes, so it serves for one request only.

The signed bytes are a CBOR array of five whose first element is our own context text. A COSE
Sig_structure begins with another text, and a signed note's text is UTF-8, which an array head is
not: no signature made for one purpose is one for the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import cbor2

from keys.cose_key import CoseKey
from keys.errors import FailedError, declare
from keys.signer import Signer

CONTEXT = "cellbook-possession/1"

POSSESSION = declare(
    "failed.possession",
    "The proof of possession is not by this key for this owner, these purposes and this log.",
    "Make the request again with `cellbook operator request`, with the key that is to be added.",
)
TERMS = declare(
    "malformed.possession",
    "A proof of possession is over family, owner and one or more different purposes, as text.",
    "State the family, the owner's URI, and each purpose once.",
)


def prove(signer: Signer, owner: str, purposes: Sequence[str], family: str) -> bytes:
    """The signature by ``signer`` that its key shall serve ``owner`` for ``purposes``.

    ``family`` is the log family's id. The order of the purposes does not matter. Raises
    ``malformed.possession``.
    """
    return signer.sign(_signed_bytes(signer.key, owner, purposes, family))


def verify_possession(
    key: CoseKey, proof: bytes, owner: str, purposes: Sequence[str], family: str
) -> None:
    """Verify a proof made by :func:`prove`.

    Raises ``failed.possession``, ``malformed.possession``, and ``unsupported.algorithm`` where the
    key's algorithm cannot be computed here. Whether the purposes may be granted is not checked.
    """
    signed = _signed_bytes(key, owner, purposes, family)
    try:
        key.verify(signed, proof)
    except FailedError:
        raise POSSESSION.at("possession") from None


def _signed_bytes(key: CoseKey, owner: str, purposes: Sequence[str], family: str) -> bytes:
    """Deterministic CBOR of [context, family, owner, sorted purposes, kid]."""
    if isinstance(purposes, str) or not purposes or len(set(purposes)) != len(purposes):
        raise TERMS.at("purposes")
    try:
        return cbor2.dumps([CONTEXT, family, owner, sorted(purposes), key.kid])
    except UnicodeEncodeError:
        raise TERMS.at("possession", "text that is not Unicode") from None
