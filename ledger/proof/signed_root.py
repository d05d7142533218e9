"""The signed root of a tree size: a receipt without its proof.

All receipts of one tree size have the same protected header and signature. Who keeps them beside
the tiles makes the receipt of any entry, the same bytes as the log's own, when the log is gone.
"""

from __future__ import annotations

import msgspec

from keys.cose_key import CoseKey
from keys.errors import declare
from ledger.proof.receipt import (
    LIMITS,
    RFC9162_SHA256,
    STRUCTURE,
    TREE_SIZE,
    VDS,
    encode_receipt,
    receipt_header,
)
from ledger.wire.cose import UNDERSTOOD, encode_sign1, parse_sign1, sig_structure

SHAPE = declare(
    "malformed.signed-root",
    "This is not a signed root: a receipt's header and signature, and nothing else.",
    "Get it again: `GET /signed-root`.",
)
OTHER = declare(
    "failed.signed-root",
    "The signed root is not that of this tree: it is of another size, time, log or key.",
    "Get the signed root of the checkpoint's size, or a newer copy of the log.",
)

MAX_SIGNED_ROOT = LIMITS.size


class SignedRoot(msgspec.Struct, frozen=True):
    """The protected header and the signature of all receipts at tree size ``size``."""

    size: int
    protected: bytes
    signature: bytes

    def receipt(self, index: int, path: list[bytes]) -> bytes:
        """The receipt of the entry at ``index`` with this inclusion path, which is not checked."""
        return encode_receipt(self.protected, self.signature, self.size, index, path)

    def encode(self) -> bytes:
        """The bytes that ``parse_signed_root`` takes."""
        return encode_sign1(self.protected, {}, None, self.signature)


def parse_signed_root(data: bytes) -> SignedRoot:
    """The signed root in ``data``; no signature is checked.

    Raises ``malformed.*``, ``unsupported.receipt.structure``, ``unsupported.crit``.
    """
    message = parse_sign1(data, limits=LIMITS, understood=UNDERSTOOD | {VDS, TREE_SIZE})
    structure = message.headers.get(VDS)
    if structure != RFC9162_SHA256 or type(structure) is not int:
        raise STRUCTURE.at("signed root, label 395", repr(structure)[:40])
    if message.payload is not None or message.unprotected:
        raise SHAPE.at("signed root", "it has a payload, or an unprotected header")
    size = message.headers.get(TREE_SIZE)
    if type(size) is not int or size < 1:
        raise SHAPE.at("signed root, label -65537", "no tree size")
    return SignedRoot(size, message.protected, message.signature)


def verify_signed_root(
    signed: SignedRoot, key: CoseKey, log_uri: str, size: int, time: int, root: bytes
) -> None:
    """Verify that ``key`` signed ``root`` for the log at ``log_uri``, so that receipts made from
    it are the log's own at ``size``, whose last head is of ``time`` (Unix seconds).

    Raises ``failed.signed-root`` and ``failed.signature``. Whose key it is, is not checked.
    """
    if signed.size != size:
        raise OTHER.at("signed root", f"of tree size {signed.size}, the checkpoint is of {size}")
    if signed.protected != receipt_header(key, log_uri, size, time):
        raise OTHER.at("signed root", "its header is not that of the receipts of this tree")
    key.verify(sig_structure(signed.protected, root), signed.signature)
