"""Receipts (RFC 9942): a log's word that an entry is in its tree.

The signature covers the root only. A genuine receipt for leaf 5 of 6 also verifies with other
pairs of size and index, so neither is ever a fact of a bare receipt: a dossier carries a checkpoint
that fixes both. Ours put the tree size into the protected header as well (label -65537).
"""

from __future__ import annotations

from collections.abc import Sequence

import cbor2
import msgspec

from keys.cose_key import CoseKey
from keys.errors import CellbookError, declare
from keys.signer import Signer
from ledger.tree.merkle import leaf_hash, root_from_path
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Value
from ledger.wire.cose import (
    ALG,
    CWT_CLAIMS,
    KID,
    TYP,
    UNDERSTOOD,
    Sign1,
    encode_sign1,
    parse_sign1,
    sig_structure,
    verify_parsed,
)
from ledger.wire.cwt import Claims, claims_map, parse_claims
from ledger.wire.statement import TYP_RECEIPT

VDS, VDP = 395, 396
RFC9162_SHA256 = 1
INCLUSION, CONSISTENCY = -1, -2
TREE_SIZE = -65537
"""Private-use label: the tree size, under the signature."""

SHAPE = declare(
    "malformed.receipt",
    "This is not a receipt with one inclusion proof or more.",
    "Get the receipt again: `GET /entries/<id>`.",
)
STRUCTURE = declare(
    "unsupported.receipt.structure",
    "The receipt is for a kind of tree that this version does not know.",
    "Use a newer version of Cellbook; trees of RFC 9162 with SHA-256 are known.",
)
PROOF = declare(
    "unsupported.receipt.proof",
    "The receipt holds a kind of proof that this version does not know.",
    "Use a newer version of Cellbook; an inclusion proof is asked for here, or in a receipt of "
    "consistency a consistency proof.",
)
SIZES = declare(
    "failed.receipt.size",
    "The receipt states two tree sizes, or its proofs lead to different roots.",
    "Get the receipt again; if it is the same, trust nothing in it.",
)

# The one map of the unprotected header ends in the proof, so a receipt needs no map encoded.
_BEFORE_PROOF = cbor.encode({VDP: {INCLUSION: [b""]}})[:-1]

LIMITS = Limits(size=16_384, depth=6, items=128, total=1_024)
_MAX_PROOFS = 8


class ReceiptFacts(msgspec.Struct, frozen=True):
    """What a verified receipt establishes: the key's holder signed ``root``, and the entry is in a
    tree with that root.

    ``log`` (iss) and ``time`` (iat, Unix seconds) are the log's signed word, where it gave them;
    ``tree_size`` only where it stands under the signature.
    """

    root: bytes
    log: str | None
    time: int | None
    tree_size: int | None


class InclusionProof(msgspec.Struct, frozen=True):
    """One proof of a receipt: where it says the entry stands. Nothing of it is signed."""

    size: int
    index: int
    path: list[bytes]


class ReceiptIssuer:
    """Issues receipts of the log ``log_uri`` with one signature for each tree size."""

    def __init__(self, signer: Signer, log_uri: str) -> None:
        self._signer = signer
        self._log_uri = log_uri

    def issue(
        self, size: int, time: int, root: bytes, paths: Sequence[tuple[int, list[bytes]]]
    ) -> list[bytes]:
        """Receipts for entries at (index, inclusion path), all under ``root`` at ``size``.

        ``time`` (Unix seconds) is the log time of the tree's last entry. That the paths lead to
        the root is not checked: the caller has made both from what is committed.
        """
        protected, signature = self.sign_root(size, time, root)
        return [encode_receipt(protected, signature, size, index, path) for index, path in paths]

    def issue_consistency(
        self, size1: int, size2: int, time: int, root: bytes, path: list[bytes]
    ) -> bytes:
        """A receipt of consistency: the tree of ``size1`` is the beginning of that of ``size2``,
        which has ``root``. As ``issue``, ``time`` is that of the newer tree."""
        protected, signature = self.sign_root(size2, time, root)
        return encode_proof(protected, signature, CONSISTENCY, [size1, size2, [*path]])

    def sign_root(self, size: int, time: int, root: bytes) -> tuple[bytes, bytes]:
        """The protected header and the signature of all receipts at ``size``."""
        protected = receipt_header(self._signer.key, self._log_uri, size, time)
        return protected, self._signer.sign(sig_structure(protected, root))


def receipt_header(key: CoseKey, log_uri: str, size: int, time: int) -> bytes:
    """The protected header of every receipt by ``key`` at tree size ``size``: one form only."""
    return cbor.encode(
        {
            ALG: key.alg,
            KID: key.kid,
            CWT_CLAIMS: claims_map(iss=log_uri, sub=log_uri, iat=time),
            TYP: TYP_RECEIPT,
            VDS: RFC9162_SHA256,
            TREE_SIZE: size,
        }
    )


def verify_receipt(receipt: bytes, entry: bytes, key: CoseKey) -> ReceiptFacts:
    """Verify that ``key`` signed the root of a tree that holds ``entry`` (the leaf's bytes).

    Raises ``malformed.*``, ``unsupported.receipt.*``, ``unsupported.crit``,
    ``failed.receipt.size``, ``failed.algorithm`` and ``failed.signature``. Does not check whose key
    it is, that kid names it, the entry's own signature, nor index and size, which a bare receipt
    cannot prove.
    """
    message, proofs = parse_receipt(receipt)
    leaf = leaf_hash(entry)
    roots = {root_from_path(leaf, proof.index, proof.size, proof.path) for proof in proofs}
    if len(roots) != 1:
        raise SIZES.at("receipt", f"{len(roots)} roots")
    (root,) = roots
    verify_parsed(message, key, root)
    claims = claims_of(message)
    return ReceiptFacts(root, claims.iss, claims.iat, signed_size(message))


def parse_receipt(receipt: bytes) -> tuple[Sign1, list[InclusionProof]]:
    """The message and its proofs; no signature and no path is checked.

    Raises as :func:`verify_receipt`, ``failed.receipt.size`` where the size under the signature is
    not that of a proof.
    """
    message, items = parse_proofs(receipt, INCLUSION)
    proofs = [InclusionProof(*parse_proof(item, "inclusion proof")) for item in items]
    size = signed_size(message)
    if size is not None and any(proof.size != size for proof in proofs):
        raise SIZES.at("receipt", f"{size} under the signature, {proofs[0].size} in the proof")
    return message, proofs


def parse_proofs(receipt: bytes, kind: int) -> tuple[Sign1, list[Value]]:
    """The message and its proofs, all of ``kind``, undecoded; nothing is checked of them.

    Raises ``malformed.*``, ``unsupported.receipt.*``, ``unsupported.crit``.
    """
    message = parse_sign1(receipt, limits=LIMITS, understood=UNDERSTOOD | {VDS, TREE_SIZE})
    structure = message.headers.get(VDS)
    if structure != RFC9162_SHA256 or type(structure) is not int:
        raise STRUCTURE.at("receipt, label 395", repr(structure)[:40])
    if message.payload is not None:
        raise SHAPE.at("receipt, payload", "it must be detached: the root is computed")
    return message, _proof_items(message, kind)


def encode_proof(protected: bytes, signature: bytes, kind: int, proof: Value) -> bytes:
    """A receipt with one proof of ``kind``."""
    unprotected = cbor.encode({VDP: {kind: [cbor.encode(proof)]}})
    return encode_sign1(protected, unprotected, None, signature)


def encode_receipt(
    protected: bytes, signature: bytes, size: int, index: int, path: list[bytes]
) -> bytes:
    """The one form in which this log writes a receipt; the proof is its unsigned part."""
    proof = cbor2.dumps(cbor2.dumps([size, index, path]))
    return encode_sign1(protected, _BEFORE_PROOF + proof, None, signature)


def _proof_items(message: Sign1, kind: int) -> list[Value]:
    proofs = message.unprotected.get(VDP)
    if type(proofs) is not dict:
        raise SHAPE.at("receipt, label 396", "no map of proofs in the unprotected header")
    if proofs.keys() != {kind}:
        raise PROOF.at("receipt, label 396", repr(sorted(map(str, proofs)))[:40])
    items = proofs[kind]
    if type(items) is not list or not 0 < len(items) <= _MAX_PROOFS:
        raise SHAPE.at("receipt, label 396", f"not an array of 1 to {_MAX_PROOFS} proofs")
    return items


def parse_proof(item: Value, where: str) -> tuple[int, int, list[bytes]]:
    """Two integers and a path: size and index, or two sizes. Raises ``malformed.*``."""
    if type(item) is not bytes:
        raise SHAPE.at(where, "not a byte string")
    try:
        value = cbor.decode(item, limits=LIMITS)
    except CellbookError as error:
        raise error.error.at(f"{where}, {error.where}", error.detail) from None
    if type(value) is not list or len(value) != 3:
        raise SHAPE.at(where, "not two integers and a path")
    first, second, path = value
    if type(first) is not int or type(second) is not int or type(path) is not list:
        raise SHAPE.at(where, "not two integers and a path")
    hashes = [value for value in path if type(value) is bytes and len(value) == 32]
    if len(hashes) != len(path):
        raise SHAPE.at(where, "the path is not of 32-byte values")
    return first, second, hashes


def signed_size(message: Sign1) -> int | None:
    """The tree size under the signature, where there is one. Raises ``malformed.receipt``."""
    size = message.headers.get(TREE_SIZE)
    if TREE_SIZE in message.headers and type(size) is not int:
        raise SHAPE.at("receipt, label -65537", "not an integer")
    return size if type(size) is int else None


def claims_of(message: Sign1) -> Claims:
    """The CWT claims under the signature, where there are any. Raises ``malformed.*``."""
    if CWT_CLAIMS not in message.headers:
        return Claims()
    return parse_claims(message.headers[CWT_CLAIMS], "receipt, CWT Claims")
