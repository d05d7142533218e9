"""Receipts of consistency (RFC 9942, proof type -2): a log's word that it has only grown.

Whoever holds a checkpoint learns from one the root of a later tree that begins with his own. It is
the log's word about one history: that the log shows others the same, it does not say.
"""

from __future__ import annotations

import msgspec

from keys.cose_key import CoseKey
from keys.errors import declare
from ledger.custody.names.naming import log_uri
from ledger.proof.checkpoint import Checkpoint
from ledger.proof.receipt import (
    CONSISTENCY,
    SHAPE,
    SIZES,
    claims_of,
    parse_proof,
    parse_proofs,
    signed_size,
)
from ledger.tree.merkle import root_from_consistency
from ledger.wire.cose import verify_parsed

OLDER = declare(
    "failed.receipt.older",
    "The receipt of consistency begins with another tree than the checkpoint's.",
    "Ask for the receipt from the size of the checkpoint that you hold.",
)


class ConsistencyFacts(msgspec.Struct, frozen=True):
    """What is established: the key's holder signed ``newer``, and ``older`` is its beginning.

    ``time`` (iat, Unix seconds) is that of the newer tree, by the log's clock.
    """

    older: Checkpoint
    newer: Checkpoint
    time: int | None


def verify_consistency_receipt(receipt: bytes, key: CoseKey, older: Checkpoint) -> ConsistencyFacts:
    """Verify that ``key`` signed the root of a larger tree that begins with ``older``.

    The tree's size must stand under the signature, and the log in it must be that of ``older``.
    Raises ``malformed.*``, ``unsupported.receipt.*``, ``unsupported.crit``,
    ``failed.receipt.*``, ``failed.consistency``, ``failed.algorithm`` and ``failed.signature``.
    Whose key it is, and that ``older`` is genuine, is not checked.
    """
    message, items = parse_proofs(receipt, CONSISTENCY)
    if len(items) != 1:
        raise SHAPE.at("receipt, label 396", "not one consistency proof")
    size1, size2, path = parse_proof(items[0], "consistency proof")
    if size2 != signed_size(message):
        raise SIZES.at("receipt", f"{signed_size(message)} under the signature, {size2} in it")
    if size1 != older.size:
        raise OLDER.at("receipt", f"of size {size1}, the checkpoint is of {older.size}")
    root = root_from_consistency(size1, size2, older.root, path)
    verify_parsed(message, key, root)
    claims = claims_of(message)
    if claims.iss != log_uri(older.origin):
        raise OLDER.at("receipt", f"of the log {claims.iss!r}"[:120])
    return ConsistencyFacts(older, Checkpoint(older.origin, size2, root), claims.iat)
