"""Signed roots: what receipts are made from when the log is gone, and what is none."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from keys.errors import CellbookError
from ledger.proof.receipt import ReceiptIssuer
from ledger.proof.signed_root import SignedRoot, parse_signed_root, verify_signed_root
from tests.proof.lying import signer

KEY, OTHER_KEY = signer("receipts"), signer("other")
LOG, ROOT, SIZE, TIME = "urn:cellbook:log:log.example/test", bytes(range(32)), 6, 1_780_000_000
PROTECTED, SIGNATURE = ReceiptIssuer(KEY, LOG).sign_root(SIZE, TIME, ROOT)
GENUINE = SignedRoot(SIZE, PROTECTED, SIGNATURE)


def refusal(data: bytes) -> str:
    with pytest.raises(CellbookError) as refused:
        parse_signed_root(data)
    return refused.value.code


def message(header: dict[Any, Any], unprotected: object = None, payload: object = None) -> bytes:
    """A tagged COSE_Sign1 with this protected header."""
    parts = [cbor2.dumps(header), unprotected or {}, payload, SIGNATURE]
    return cbor2.dumps(cbor2.CBORTag(18, parts))


def test_it_is_read_as_it_was_written() -> None:
    assert parse_signed_root(GENUINE.encode()) == GENUINE
    verify_signed_root(GENUINE, KEY.key, LOG, SIZE, TIME, ROOT)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (message({1: -19, -65537: 6}), "unsupported.receipt.structure"),
        (message({1: -19, 395: 2, -65537: 6}), "unsupported.receipt.structure"),
        (message({1: -19, 395: True, -65537: 6}), "unsupported.receipt.structure"),
        (message({1: -19, 395: 1, -65537: 6}, payload=ROOT), "malformed.signed-root"),
        (message({1: -19, 395: 1, -65537: 6}, {396: {}}), "malformed.signed-root"),
        (message({1: -19, 395: 1}), "malformed.signed-root"),
        (message({1: -19, 395: 1, -65537: 0}), "malformed.signed-root"),
        (message({1: -19, 395: 1, -65537: -6}), "malformed.signed-root"),
        (message({1: -19, 395: 1, -65537: "6"}), "malformed.signed-root"),
        (message({1: -19, 395: 1, -65537: True}), "malformed.signed-root"),
    ],
)
def test_another_form(data: bytes, code: str) -> None:
    assert refusal(data) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": SIZE + 1}, "failed.signed-root"),
        ({"time": TIME + 1}, "failed.signed-root"),
        ({"log_uri": LOG + "-2"}, "failed.signed-root"),
        ({"key": OTHER_KEY.key}, "failed.signed-root"),
        ({"root": bytes(32)}, "failed.signature"),
    ],
)
def test_another_tree(changes: dict[str, Any], code: str) -> None:
    values = {"key": KEY.key, "log_uri": LOG, "size": SIZE, "time": TIME, "root": ROOT, **changes}
    with pytest.raises(CellbookError) as refused:
        verify_signed_root(GENUINE, **values)
    assert refused.value.code == code


def test_a_size_that_is_not_the_one_under_the_signature() -> None:
    """Who makes one up by hand cannot give the signature of one tree to another."""
    with pytest.raises(CellbookError) as refused:
        verify_signed_root(SignedRoot(7, PROTECTED, SIGNATURE), KEY.key, LOG, 7, TIME, ROOT)
    assert refused.value.code == "failed.signed-root"
