"""Trust files: what is written is read back, and nothing unread is passed over."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from keys.algorithms import ED25519
from keys.cose_key import from_raw
from keys.errors import CellbookError
from keys.signer import generate
from ledger.proof.quorum import panel_of
from ledger.proof.trust import MAX_FILE, Trust, dump_trust, load_trust, trust_digest
from ledger.wire.verifier import Verifier
from tests.proof.cosigning import key_of, verifier_of, vkeys

TRUST = Trust("蓄电池 \"A\" \\ 'B'", "log.example/a", b"\x07" * 32, "urn:f", generate().key, 3)


def refusal(data: bytes) -> str:
    with pytest.raises(CellbookError) as refused:
        load_trust(data)
    return refused.value.code


def changed(field: str, value: str) -> bytes:
    """The file with another value for ``field``, as TOML."""
    lines = dump_trust(TRUST).decode().splitlines()
    assert any(line.startswith(f"{field} = ") for line in lines)
    return "\n".join(
        f"{field} = {value}" if line.startswith(f"{field} = ") else line for line in lines
    ).encode()


def test_what_is_written_is_read_back() -> None:
    data = dump_trust(TRUST)
    assert load_trust(data) == TRUST
    assert dump_trust(load_trust(data)) == data
    assert trust_digest(data) == sha256(data).digest()


@pytest.mark.parametrize("alg", [-9, -48, -49])
def test_the_root_key_may_be_of_every_algorithm(alg: int) -> None:
    trust = Trust("a", "a", bytes(32), "f", generate(alg).key, 0)
    assert load_trust(dump_trust(trust)) == trust


@pytest.mark.parametrize("field", Trust.__struct_fields__[:6])
def test_no_field_may_be_missing(field: str) -> None:
    lines = dump_trust(TRUST).decode().splitlines()
    kept = [line for line in lines if not line.startswith(f"{field} = ")]
    assert len(kept) == len(lines) - 1
    assert refusal("\n".join(kept).encode()) == "malformed.trust"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("type", '"cellbook-dossier"', "malformed.trust"),
        ("version", "2", "unsupported.trust"),
        ("version", "true", "malformed.trust"),
        ("version", '"1"', "malformed.trust"),
        ("name", '""', "malformed.trust"),
        ("name", '"a\\u001b[2J"', "malformed.trust"),
        ("name", '"a\\u202eb"', "malformed.trust"),
        ("name", '"a\\nRECORD GENUINE"', "malformed.trust"),
        ("name", f'"{"n" * 257}"', "malformed.trust"),
        ("origin", '"Log.example"', "malformed.origin"),
        ("origin", '"log.example/"', "malformed.origin"),
        ("origin", '""', "malformed.origin"),
        ("genesis", '"AAAA"', "malformed.trust"),
        ("genesis", f'"{"A" * 42}B"', "malformed.trust"),
        ("genesis", f'"{"A" * 43}="', "malformed.trust"),
        ("family", '""', "malformed.trust"),
        ("root_key", '"AAAA"', "malformed.key.shape"),
        ("root_key", '"!"', "malformed.trust"),
        ("minimum_policy", "-1", "malformed.trust"),
        ("minimum_policy", "1.5", "malformed.trust"),
        ("minimum_policy", "true", "malformed.trust"),
        ("minimum_policy", str(2**31), "malformed.trust"),
        ("minimum_policy", "9" * 60, "malformed.trust"),
    ],
)
def test_refused_values(field: str, value: str, code: str) -> None:
    assert refusal(changed(field, value)) == code


def test_a_root_key_on_which_any_signature_fits_is_refused() -> None:
    with pytest.raises(CellbookError) as refused:
        from_raw(ED25519, bytes(32))
    assert refused.value.code.startswith("rejected.key.")


@pytest.mark.parametrize(
    "line", ['quorum = "2 of 3"', "monitors = []", "[extra]", '"" = 1', '[["a"]]']
)
def test_a_condition_that_this_version_does_not_know_is_never_passed_over(line: str) -> None:
    assert refusal(dump_trust(TRUST) + line.encode() + b"\n") == "unsupported.trust"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"\xff\xfe",
        b"a = " + b"[" * 20_000,
        b"a" + b".a" * 2_000 + b" = 1",
        b"type = 1\ntype = 2\n",
        dump_trust(TRUST)[:-5],
        dump_trust(TRUST) + b"#" * MAX_FILE,
    ],
)
def test_what_is_no_trust_file(data: bytes) -> None:
    assert refusal(data) == "malformed.trust"


ASKING = msgspec.structs.replace(
    TRUST,
    completeness="audited",
    witnesses=panel_of(map(verifier_of, ("w1", "w2", "w3")), 2),
    auditors=panel_of([verifier_of("a1")], 1),
    max_age_days=30,
)


def test_what_a_file_asks_for_is_read_back() -> None:
    data = dump_trust(ASKING)
    assert load_trust(data) == ASKING
    assert b"\nwitness_quorum = 2\n" in data
    old = dump_trust(TRUST).replace(b'completeness = "stated"\n', b"")
    assert load_trust(old) == TRUST


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("witness_quorum = 2", "witness_quorum = 4", "malformed.trust.quorum"),
        ("witness_quorum = 2", "witness_quorum = 0", "malformed.trust"),
        ("witness_quorum = 2\n", "", "malformed.trust.quorum"),
        ("auditor_quorum = 1", "auditor_quorum = 2", "malformed.trust.quorum"),
        ('completeness = "audited"', 'completeness = "all"', "malformed.trust"),
        ("max_age_days = 30", "max_age_days = 0", "malformed.trust"),
        ("max_age_days = 30", "max_age_days = 36501", "malformed.trust"),
        (vkeys("a1")[0], vkeys("w1")[0], "malformed.trust.quorum"),
        (vkeys("a1")[0], "a1.example", "malformed.trust.quorum"),
        (vkeys("w2")[0], vkeys("w1")[0], "malformed.trust.quorum"),
        (
            vkeys("w2")[0],
            Verifier.from_key("w2.example", key_of("w2").key).vkey,
            "malformed.trust.quorum",
        ),
    ],
)
def test_a_file_cannot_ask_for_what_cannot_be(old: str, new: str, code: str) -> None:
    data = dump_trust(ASKING).decode()
    assert old in data
    assert refusal(data.replace(old, new).encode()) == code


def test_audited_by_nobody() -> None:
    lines = dump_trust(ASKING).decode().splitlines(keepends=True)
    kept = "".join(line for line in lines if not line.startswith("auditor"))
    assert refusal(kept.encode()) == "malformed.trust.quorum"
