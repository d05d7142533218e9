"""Receipts (RFC 9942): what a bare one shows, and what it never does."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from keys.cose_key import CoseKey
from keys.errors import CellbookError, FailedError, MalformedError
from keys.signer import Signer, generate
from ledger.proof.receipt import ReceiptIssuer, parse_receipt, verify_receipt
from ledger.tree.merkle import leaf_hash
from ledger.wire.cbor import Tag, encode
from ledger.wire.cose import sig_structure
from tests.proof.lying import signer
from tests.tree.reference import Tree

ENTRIES = [f"entry {n}".encode() for n in range(6)]
TREE = Tree([leaf_hash(entry) for entry in ENTRIES])
ROOT = TREE.root(0, 6)
KEY = signer("receipts")
LOG = "urn:cellbook:log:log.example"
PLAIN = {1: -19, 4: KEY.key.kid, 395: 1}


def issued(index: int, size: int = 6, by: Signer = KEY) -> bytes:
    root = TREE.root(0, size)
    return ReceiptIssuer(by, LOG).issue(
        size, 1_780_000_000, root, [(index, TREE.path(index, size))]
    )[0]


def by_hand(
    protected: dict[Any, Any] | None = None,
    proofs: Any = None,
    *,
    root: bytes = ROOT,
    payload: bytes | None = None,
    unprotected: dict[Any, Any] | None = None,
    by: Signer = KEY,
) -> bytes:
    """A receipt made from the CDDL of RFC 9942 with nothing of ours but the signature."""
    header = encode(PLAIN if protected is None else protected)
    inclusion = cbor2.dumps([6, 5, TREE.path(5, 6)])
    body = {396: {-1: [inclusion]} if proofs is None else proofs}
    signature = by.sign(sig_structure(header, root))
    return encode(Tag(18, [header, {**body, **(unprotected or {})}, payload, signature]))


def refusal(receipt: bytes, entry: bytes = ENTRIES[5], key: CoseKey = KEY.key) -> str:
    with pytest.raises(CellbookError) as refused:
        verify_receipt(receipt, entry, key)
    return refused.value.code


@pytest.mark.parametrize("size", range(1, 7))
def test_every_entry_of_every_tree(size: int) -> None:
    for index in range(size):
        facts = verify_receipt(issued(index, size), ENTRIES[index], KEY.key)
        assert facts.root == TREE.root(0, size)
        assert (facts.log, facts.time, facts.tree_size) == (LOG, 1_780_000_000, size)


def test_the_tree_of_one_leaf_has_an_empty_path() -> None:
    _, proofs = parse_receipt(issued(0, 1))
    assert (proofs[0].size, proofs[0].index, proofs[0].path) == (1, 0, [])


@pytest.mark.parametrize("alg", [-9, -48, -49])
def test_logs_may_sign_receipts_with_other_algorithms(alg: int) -> None:
    other = generate(alg)
    assert verify_receipt(issued(5, by=other), ENTRIES[5], other.key).root == ROOT
    assert refusal(issued(5, by=other)) == "failed.algorithm"


def test_one_made_by_hand_without_our_labels() -> None:
    facts = verify_receipt(by_hand(), ENTRIES[5], KEY.key)
    assert (facts.root, facts.log, facts.time, facts.tree_size) == (ROOT, None, None, None)


def test_another_entry_and_another_key() -> None:
    assert refusal(issued(5), ENTRIES[4]) == "failed.signature"
    assert refusal(issued(5), ENTRIES[5] + b"!") == "failed.signature"
    assert refusal(issued(5), key=signer("checkpoint").key) == "failed.signature"


def test_a_bare_receipt_shows_neither_size_nor_index() -> None:
    """The trap: the signature covers the root only, and other pairs lead to the same root."""
    path = TREE.path(5, 6)
    pairs = set()
    for size in range(1, 9):
        for index in range(size):
            receipt = by_hand(proofs={-1: [cbor2.dumps([size, index, path])]})
            try:
                facts = verify_receipt(receipt, ENTRIES[5], KEY.key)
            except (FailedError, MalformedError):
                continue
            assert facts.tree_size is None
            pairs.add((size, index))
    assert (6, 5) in pairs
    assert len(pairs) > 1


def test_with_the_size_under_the_signature_other_pairs_are_refused() -> None:
    path = TREE.path(5, 6)
    protected = cbor2.loads(cbor2.loads(issued(5)).value[0])
    for size in (1, 2, 3, 4, 5, 7, 8):
        for index in range(size):
            receipt = by_hand(protected, {-1: [cbor2.dumps([size, index, path])]})
            assert refusal(receipt) == "failed.receipt.size"


@pytest.mark.parametrize(
    ("protected", "code"),
    [
        ({1: -19, 4: b"k"}, "unsupported.receipt.structure"),
        ({1: -19, 395: 2}, "unsupported.receipt.structure"),
        ({1: -19, 395: True}, "unsupported.receipt.structure"),
        ({1: -19, 395: "1"}, "unsupported.receipt.structure"),
        ({4: b"k", 395: 1}, "malformed.cose.alg-missing"),
        ({1: -19, 395: 1, -65537: 7}, "failed.receipt.size"),
        ({1: -19, 395: 1, -65537: "6"}, "malformed.receipt"),
        ({1: -19, 395: 1, -65537: None}, "malformed.receipt"),
        ({1: -19, 2: [4711], 395: 1, 4711: 0}, "unsupported.crit"),
        ({1: -19, 2: [396], 395: 1}, "unsupported.crit"),
        ({1: -37, 395: 1}, "unsupported.algorithm"),
        ({1: -19, 15: {1: 7}, 395: 1}, "malformed.claim.iss"),
    ],
)
def test_protected_headers(protected: dict[Any, Any], code: str) -> None:
    assert refusal(by_hand(protected)) == code


def test_labels_that_are_understood_may_be_critical() -> None:
    protected = {1: -19, 2: [395, -65537], 395: 1, -65537: 6}
    assert verify_receipt(by_hand(protected), ENTRIES[5], KEY.key).tree_size == 6


def test_alg_counts_under_the_signature_only() -> None:
    assert refusal(by_hand({395: 1}, unprotected={1: -19})) == "malformed.cose.alg-unprotected"
    assert refusal(by_hand({1: -19}, unprotected={395: 1})) == "unsupported.receipt.structure"


PATH = TREE.path(5, 6)
HUGE = 2**64 - 1


@pytest.mark.parametrize(
    ("proofs", "code"),
    [
        ({}, "unsupported.receipt.proof"),
        ({-1: []}, "malformed.receipt"),
        ({-1: b""}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, 5, PATH])] * 9}, "malformed.receipt"),
        ({-2: [cbor2.dumps([5, 6, PATH])]}, "unsupported.receipt.proof"),
        ({-1: [cbor2.dumps([6, 5, PATH])], -2: []}, "unsupported.receipt.proof"),
        ({-1: [cbor2.dumps([6, 5, PATH])], 7: []}, "unsupported.receipt.proof"),
        ([cbor2.dumps([6, 5, PATH])], "malformed.receipt"),
        ({-1: [[6, 5, PATH]]}, "malformed.receipt"),
        ({-1: [b""]}, "malformed.cbor.empty"),
        ({-1: [cbor2.dumps([6, 5, PATH]) + b"\x00"]}, "malformed.cbor.trailing"),
        ({-1: [cbor2.dumps([6, 5])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, 5, {}])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, 5, b"".join(PATH)])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps({0: 6, 1: 5, 2: PATH})]}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, 5, PATH, 0])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, True, PATH])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps(["6", 5, PATH])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, 5, [*PATH[:-1], PATH[-1][:31]]])]}, "malformed.receipt"),
        ({-1: [cbor2.dumps([6, 5, PATH[:-1]])]}, "malformed.proof.path"),
        ({-1: [cbor2.dumps([6, 5, [*PATH, PATH[0]]])]}, "malformed.proof.path"),
        ({-1: [cbor2.dumps([0, 0, []])]}, "malformed.proof.size"),
        ({-1: [cbor2.dumps([6, 6, PATH])]}, "malformed.proof.index"),
        ({-1: [cbor2.dumps([6, -1, PATH])]}, "malformed.proof.index"),
        ({-1: [cbor2.dumps([HUGE, HUGE - 1, PATH])]}, "malformed.proof.size"),
        ({-1: [cbor2.dumps([2**63 - 1, 2**62, PATH])]}, "malformed.proof.path"),
        ({-1: [cbor2.dumps([6, HUGE, PATH])]}, "malformed.proof.index"),
        ({-1: [cbor2.dumps([6, 5, PATH]), cbor2.dumps([6, 4, PATH])]}, "failed.receipt.size"),
    ],
)
def test_proofs(proofs: Any, code: str) -> None:
    assert refusal(by_hand(proofs=proofs)) == code


def test_two_proofs_of_one_root_are_one_fact() -> None:
    receipt = by_hand(proofs={-1: [cbor2.dumps([6, 5, PATH])] * 2})
    assert verify_receipt(receipt, ENTRIES[5], KEY.key).root == ROOT


def test_the_root_is_computed_never_read() -> None:
    assert refusal(by_hand(payload=ROOT)) == "malformed.receipt"


@pytest.mark.parametrize("unprotected", [None, {}, {396: None}])
def test_no_proofs_at_all(unprotected: dict[Any, Any] | None) -> None:
    header = cbor2.dumps(PLAIN)
    body = {} if unprotected is None else unprotected
    receipt = cbor2.CBORTag(18, [header, body, None, KEY.sign(sig_structure(header, ROOT))])
    assert refusal(cbor2.dumps(receipt)) == "malformed.receipt"


@pytest.mark.parametrize("data", [b"", b"\xd2", issued(5)[:-1], issued(5) + b"\x00", b"\x9f" * 99])
def test_broken_bytes(data: bytes) -> None:
    assert refusal(data).startswith("malformed.")


def test_a_receipt_is_bounded_before_it_is_read() -> None:
    assert refusal(by_hand(unprotected={99: bytes(20_000)})) == "malformed.cbor.size"
    assert refusal(by_hand(unprotected={99: [[[[[[[0]]]]]]]})) == "malformed.cbor.depth"
