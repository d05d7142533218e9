"""Witnesses and auditors in policies: their vkeys, and keys that have another use."""

from __future__ import annotations

from typing import Any

import pytest

from keys.cose_key import from_cbor
from ledger.custody.governance.statements import encode_governance, parse_governance
from ledger.wire.verifier import COSIGNATURE, PLAIN, Verifier
from tests.custody.history import Log, genesis, signer_of


def vkey(name: str, key: str = "", kind: int = COSIGNATURE) -> str:
    return Verifier.from_key(f"{name}.example", signer_of(key or name).key, kind).vkey


W1, W2, A1 = vkey("w1"), vkey("w2"), vkey("a1")


def test_the_newest_policy_names_them() -> None:
    log = Log()
    assert log.log is not None
    assert log.log.witnesses == log.log.auditors == ()
    log.take(log.next_policy(witnesses=(W1, W2), auditors=(A1,)))
    assert (log.log.witnesses, log.log.auditors) == ((W1, W2), (A1,))
    log.take(log.next_policy(witnesses=(W2,), auditors=()))
    assert (log.log.witnesses, log.log.auditors) == ((W2,), ())


def test_what_is_empty_is_not_written() -> None:
    policy = genesis()
    written = encode_governance(policy)
    assert b"witnesses" not in written
    assert b"auditors" not in written
    named = genesis(witnesses=(W1,))
    assert parse_governance(encode_governance(named)) == named


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"witnesses": (W1, W1)}, "rejected.policy.cosigners"),
        ({"witnesses": (W1,), "auditors": (W1,)}, "rejected.policy.cosigners"),
        ({"witnesses": (W1,), "auditors": (vkey("other", "w1"),)}, "rejected.policy.cosigners"),
        ({"witnesses": (W1, vkey("w1", "w2"))}, "rejected.policy.cosigners"),
        ({"witnesses": (vkey("w1", kind=PLAIN),)}, "rejected.policy.cosigners"),
        ({"auditors": (vkey("a1", "checkpoint"),)}, "rejected.policy.cosigners"),
        ({"auditors": (vkey("a1", "root"),)}, "rejected.policy.cosigners"),
        ({"auditors": (vkey("a1", "registrar"),)}, "rejected.policy.cosigners"),
        ({"auditors": (vkey("a1", "next-root"),)}, "rejected.policy.cosigners"),
        ({"witnesses": (W1.replace("+", "+0", 1),)}, "malformed.note.vkey"),
        ({"witnesses": ("w1.example",)}, "malformed.note.vkey"),
    ],
)
def test_what_a_policy_may_not_name(changes: dict[str, Any], code: str) -> None:
    log = Log()
    assert log.refused(log.next_policy(**changes)) == code


def test_the_keys_are_what_the_tests_say() -> None:
    assert Verifier.parse(W1).key == from_cbor(signer_of("w1").key.to_cbor())
