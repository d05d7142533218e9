"""Policies of witnesses (C2SP tlog-policy)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.algorithms import ED25519, ML_DSA_44
from keys.errors import CellbookError
from keys.signer import generate
from ledger.wire.tlog_policy import MAX_DEPTH, MAX_LINES, MAX_POLICY, parse_tlog_policy
from ledger.wire.verifier import COSIGNATURE, ML_DSA_COSIGNATURE, PLAIN, Verifier

LOGS = [Verifier.from_key("log.example", generate(ED25519).key, PLAIN) for _ in range(2)]
KEYS = [generate(ED25519).key for _ in range(6)]
W = [Verifier.from_key(f"w{n}.example", key, COSIGNATURE) for n, key in enumerate(KEYS)]
SIX = "".join(f"witness {'XY'[n // 3]}{n % 3 + 1} {one.vkey}\n" for n, one in enumerate(W))


def policy(text: str) -> bytes:
    return text.encode()


def test_the_example_of_the_specification() -> None:
    text = (
        f"# logs\n \t\n\tlog  {LOGS[0].vkey}\thttps://log.example/ \nlog {LOGS[1].vkey}\n{SIX}"
        "group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\n # both\ngroup both all X Y\nquorum both\n"
    )
    found = parse_tlog_policy(policy(text))
    assert [(log.verifier, log.url) for log in found.logs] == [
        (LOGS[0], "https://log.example/"),
        (LOGS[1], None),
    ]
    assert found.witnesses["X2"] == (W[1], None)
    assert list(found.witnesses) == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    met = found.quorum.is_met
    assert met(frozenset({"X1", "X3", "Y2"}))
    assert not met(frozenset({"X1", "Y1", "Y2", "Y3"}))
    assert not met(frozenset({"X1", "X2", "X3"}))
    assert not met(frozenset({"X", "Y", "both"}))


def test_one_witness_and_none() -> None:
    one = parse_tlog_policy(policy(f"witness w {W[0].vkey} https://w.example\nquorum w\n"))
    assert one.witnesses == {"w": (W[0], "https://w.example")}
    assert one.quorum.is_met({"w"})
    assert not one.quorum.is_met(frozenset())
    none = parse_tlog_policy(b"# \xff is fine in a comment\nquorum none\n")
    assert none.logs == ()
    assert none.quorum.is_met(frozenset())


def test_keys_of_ml_dsa_are_logs_and_witnesses() -> None:
    """Type 06, which C2SP names for both."""
    log, witness = (
        Verifier.from_key(name, generate(ML_DSA_44).key, ML_DSA_COSIGNATURE)
        for name in ("log.example", "w.example")
    )
    found = parse_tlog_policy(policy(f"log {log.vkey}\nwitness w {witness.vkey}\nquorum w\n"))
    assert [one.verifier for one in found.logs] == [log]
    assert found.witnesses == {"w": (witness, None)}


@given(st.sets(st.sampled_from(["X1", "X2", "X3"])), st.integers(1, 3))
def test_a_group_counts_its_members(cosigned: set[str], threshold: int) -> None:
    found = parse_tlog_policy(policy(f"{SIX}group g {threshold} X1 X2 X3\nquorum g\n"))
    assert found.quorum.is_met(cosigned) == (len(cosigned) >= threshold)


ONE = f"witness a {W[0].vkey}\n"
TWO = f"{ONE}witness b {W[1].vkey}\n"
RENAMED = Verifier.from_key("other.example", KEYS[0], COSIGNATURE)
AS_LOG = Verifier.from_key("log.example", KEYS[0], PLAIN)
DEEP = ONE + "".join(f"group g{n} any {f'g{n - 1}' if n else 'a'}\n" for n in range(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "quorum"),
        (ONE, "quorum"),
        ("quorum none\nquorum none\n", "quorum"),
        ("quorum none", "line"),
        ("quorum none\r\n", "line"),
        ("quorum\n", "line"),
        ("quorum none none\n", "line"),
        ("quorum\u00a0none\n", "line"),
        ("Quorum none\n", "line"),
        (f"log {LOGS[0].vkey} a b\nquorum none\n", "line"),
        (f"{ONE}group g any\nquorum g\n", "line"),
        (f"{ONE}group g 0 a\nquorum g\n", "line"),
        (f"{ONE}group g 2 a\nquorum g\n", "line"),
        (f"{ONE}group g 01 a\nquorum g\n", "line"),
        (f"{ONE}group g \u0661 a\nquorum g\n", "line"),
        ("quorum a\n" + ONE, "name"),
        (f"{ONE}group g any g\nquorum g\n", "name"),
        (f"{ONE}group g any h\ngroup h any g\nquorum g\n", "name"),
        (f"{ONE}group g any none\nquorum g\n", "name"),
        (f"{ONE}group a any a\nquorum a\n", "name"),
        (f"{ONE}group none any a\nquorum none\n", "name"),
        (f"{TWO}group g 2 a a\nquorum g\n", "name"),
        (f"{TWO}group g any a\ngroup h any a b\nquorum h\n", "name"),
        (f"{ONE}witness a {W[1].vkey}\nquorum a\n", "name"),
        (f"{ONE}witness b {W[0].vkey}\nquorum a\n", "key"),
        (f"{ONE}witness b {RENAMED.vkey}\nquorum a\n", "key"),
        (f"{ONE}log {AS_LOG.vkey}\nquorum a\n", "key"),
        (f"log {W[0].vkey}\nquorum none\n", "key"),
        (f"witness a {LOGS[0].vkey}\nquorum a\n", "key"),
        (f"log {LOGS[0].vkey}\nlog {LOGS[0].vkey}\nquorum none\n", "key"),
        ("log nothing\nquorum none\n", "key"),
        (DEEP + f"quorum g{MAX_DEPTH}\n", "size"),
        ("\n" * (MAX_LINES + 1), "size"),
        ("#" * MAX_POLICY + "\n", "size"),
    ],
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises(CellbookError) as caught:
        parse_tlog_policy(policy(text))
    assert caught.value.code == f"malformed.tlog-policy.{code}"


def test_names_are_utf8() -> None:
    with pytest.raises(CellbookError) as caught:
        parse_tlog_policy(b"witness \xff " + W[0].vkey.encode() + b"\nquorum none\n")
    assert caught.value.code == "malformed.tlog-policy.line"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    code = "malformed.tlog-policy."
    try:
        parse_tlog_policy(data)
    except CellbookError as error:
        code = error.code
    assert code.startswith("malformed.tlog-policy.")
