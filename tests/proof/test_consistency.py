"""Receipts of consistency (RFC 9942, type -2): a later tree that begins with the one at hand."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import cbor2
import pytest

from keys.cose_key import from_cbor
from keys.errors import CellbookError
from keys.signer import Signer
from ledger.proof.checkpoint import Checkpoint
from ledger.proof.consistency import verify_consistency_receipt
from ledger.proof.receipt import ReceiptIssuer, parse_receipt
from ledger.tree.merkle import leaf_hash
from ledger.wire.cbor import Tag, encode
from ledger.wire.cose import sig_structure
from tests.proof.lying import signer
from tests.tree.reference import Tree

TREE = Tree([leaf_hash(b"%d" % n) for n in range(20)])
ORIGIN, KEY, TIME = "log.example", signer("receipts"), 1_780_000_000
LOG = f"urn:cellbook:log:{ORIGIN}"


def checkpoint(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, TREE.root(0, size))


def issued(size1: int, size2: int, by: Signer = KEY, log: str = LOG) -> bytes:
    path = TREE.proof(size1, size2)
    return ReceiptIssuer(by, log).issue_consistency(size1, size2, TIME, TREE.root(0, size2), path)


def refused(receipt: bytes, older: Checkpoint, key: Signer = KEY) -> str:
    with pytest.raises(CellbookError) as found:
        verify_consistency_receipt(receipt, key.key, older)
    return found.value.code


@pytest.mark.parametrize("size1", range(1, 20))
def test_every_pair_of_sizes(size1: int) -> None:
    for size2 in range(size1 + 1, 21):
        facts = verify_consistency_receipt(issued(size1, size2), KEY.key, checkpoint(size1))
        assert (facts.newer, facts.time) == (checkpoint(size2), TIME)
        for other in {1, 2, 3, 7, 19} - {size1}:
            assert refused(issued(size1, size2), checkpoint(other)) == "failed.receipt.older"


def test_as_another_program_reads_it() -> None:
    _, unprotected, payload, _ = cbor2.loads(issued(6, 20)).value
    assert payload is None
    (kind,) = unprotected[396]
    assert kind == -2
    assert cbor2.loads(unprotected[396][-2][0]) == [6, 20, TREE.proof(6, 20)]


def test_a_forked_tree() -> None:
    forked = Checkpoint(ORIGIN, 6, bytes(32))
    assert refused(issued(6, 20), forked) == "failed.consistency"
    perfect = Checkpoint(ORIGIN, 8, bytes(32))
    # There the path begins at the older root itself: another newer root follows from it.
    assert refused(issued(8, 20), perfect) == "failed.signature"


def test_other_keys_and_logs() -> None:
    assert refused(issued(6, 20), checkpoint(6), signer("statements")) == "failed.signature"
    assert refused(issued(6, 20, log="urn:cellbook:log:b.example"), checkpoint(6)) == (
        "failed.receipt.older"
    )


@pytest.mark.parametrize(
    ("proofs", "code"),
    [
        ({-1: [cbor2.dumps([20, 6, []])]}, "unsupported.receipt.proof"),
        ({-2: [], -1: []}, "unsupported.receipt.proof"),
        ({-2: []}, "malformed.receipt"),
        ({-2: [cbor2.dumps([6, 20, TREE.proof(6, 20)])] * 2}, "malformed.receipt"),
        ({-2: [[6, 20, []]]}, "malformed.receipt"),
        ({-2: [cbor2.dumps([6, 20])]}, "malformed.receipt"),
        ({-2: [cbor2.dumps([6, 20, [b"short"]])]}, "malformed.receipt"),
        ({-2: [cbor2.dumps([6, 19, TREE.proof(6, 19)])]}, "failed.receipt.size"),
        ({-2: [cbor2.dumps([6, 20, []])]}, "malformed.proof.path"),
    ],
)
def test_bad_proofs(proofs: Any, code: str) -> None:
    protected, _, _, signature = cbor2.loads(issued(6, 20)).value
    receipt = encode(Tag(18, [protected, {396: proofs}, None, signature]))
    assert refused(receipt, checkpoint(6)) == code


@pytest.mark.parametrize(("size1", "size2"), [(0, 20), (20, 20), (20, 6)])
def test_equal_sizes_and_size_0(size1: int, size2: int) -> None:
    issuer = ReceiptIssuer(KEY, LOG)
    receipt = issuer.issue_consistency(size1, size2, TIME, TREE.root(0, size2), [])
    assert refused(receipt, checkpoint(size1)).startswith("malformed.proof.")


def test_without_the_size_under_the_signature() -> None:
    header = encode({1: -19, 4: KEY.key.kid, 395: 1})
    signature = KEY.sign(sig_structure(header, TREE.root(0, 20)))
    proof = cbor2.dumps([6, 20, TREE.proof(6, 20)])
    receipt = encode(Tag(18, [header, {396: {-2: [proof]}}, None, signature]))
    assert refused(receipt, checkpoint(6)) == "failed.receipt.size"


def test_it_is_no_receipt_of_an_entry() -> None:
    with pytest.raises(CellbookError) as found:
        parse_receipt(issued(6, 20))
    assert found.value.code == "unsupported.receipt.proof"


VECTORS = Path(__file__).parents[1] / "vectors" / "consistency.json"
WRITTEN = json.loads(VECTORS.read_text("utf-8"))


@pytest.mark.parametrize("case", WRITTEN["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    root = bytes.fromhex(case["older_root"])
    older = Checkpoint(WRITTEN["origin"], case["older_size"], root)
    key, receipt = from_cbor(bytes.fromhex(WRITTEN["key"])), b64decode(case["receipt"])
    if case["error"] == "ok":
        assert verify_consistency_receipt(receipt, key, older).time == WRITTEN["time"]
        return
    with pytest.raises(CellbookError) as found:
        verify_consistency_receipt(receipt, key, older)
    assert found.value.code == case["error"]


def test_the_manifest_counts_the_vectors() -> None:
    manifest = json.loads(VECTORS.with_name("manifest.json").read_text("utf-8"))
    (row,) = [row for row in manifest["files"] if row["file"] == VECTORS.name]
    assert row["cases"] == len(WRITTEN["cases"])
