"""COSE_Key maps: what is read, what is refused by which code, and that a key has one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import algorithms
from keys.cose_key import CoseKey, from_cbor, from_map, from_raw
from keys.errors import CellbookError
from keys.signer import generate

ALGS = (-19, -9, -48, -49)
SIGNERS = {alg: generate(alg) for alg in ALGS}
OKP = SIGNERS[-19].key.to_map()
EC2 = SIGNERS[-9].key.to_map()
AKP = SIGNERS[-48].key.to_map()
X, Y = SIGNERS[-9].key.raw[1:33], SIGNERS[-9].key.raw[33:]


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(CellbookError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def changed(key: Mapping[Any, object], **changes: object) -> dict[Any, object]:
    """``key`` with labels replaced; ``p3`` stands for 3, ``n3`` for -3; None takes one out."""
    result: dict[Any, object] = dict(key)
    for name, value in changes.items():
        label = int(name[1:]) if name[0] == "p" else -int(name[1:])
        result.pop(label, None)
        if value is not None:
            result[label] = value
    return result


def test_algorithm_numbers_are_those_of_the_rfcs() -> None:
    assert (algorithms.ED25519, algorithms.ESP256) == (-19, -9)  # RFC 9864
    assert (algorithms.ML_DSA_44, algorithms.ML_DSA_65) == (-48, -49)  # RFC 9964
    assert {alg: algorithms.normalize(alg) for alg in (-19, -9, -8, -7, -48, -49)} == {
        -19: -19,
        -9: -9,
        -8: -19,
        -7: -9,
        -48: -48,
        -49: -49,
    }


@pytest.mark.parametrize("alg", [0, 1, -50, -53, -35, -257, pytest.param(1 << 20000, id="huge")])
def test_other_algorithms_are_unsupported(alg: int) -> None:
    assert code_of(algorithms.normalize, alg) == "unsupported.algorithm"
    assert code_of(from_raw, alg, bytes(32)) == "unsupported.algorithm"


@pytest.mark.parametrize("alg", ALGS)
def test_a_key_has_one_form(alg: int) -> None:
    key = SIGNERS[alg].key
    assert from_map(key.to_map()) == key
    assert from_cbor(key.to_cbor()) == key
    assert from_raw(alg, key.raw) == key
    assert len(key.raw) == algorithms.ALGORITHMS[alg].public_size
    assert len(key.kid) == 32
    assert hash(from_raw(alg, key.raw)) == hash(key)


def test_encodings_are_these_bytes() -> None:
    """Labels in bytewise order of their encodings: 01, 03, 20, 21, 22."""
    key = SIGNERS[-19].key
    assert key.to_cbor().hex() == "a4010103322006215820" + key.raw.hex()
    key = SIGNERS[-9].key
    x, y = key.raw[1:33].hex(), key.raw[33:].hex()
    assert key.to_cbor().hex() == f"a5010203282001215820{x}225820{y}"
    assert SIGNERS[-48].key.to_cbor().hex() == "a3010703382f20590520" + SIGNERS[-48].key.raw.hex()
    assert SIGNERS[-49].key.to_cbor().hex() == "a30107033830205907a0" + SIGNERS[-49].key.raw.hex()


@pytest.mark.parametrize(
    ("same", "alg"),
    [
        (changed(OKP, p3=-8), -19),
        (changed(OKP, p3=None), -19),
        (changed(EC2, p3=-7), -9),
        (changed(EC2, p3=None), -9),
        (changed(EC2, n3=bool(Y[-1] & 1)), -9),
        (changed(OKP, p2=b"any kid", p4=[1, 2], p5=b"iv"), -19),
        (changed(OKP, p4=["verify"]) | {"note": "text labels are not ours", 99: None}, -19),
    ],
)
def test_other_maps_of_the_same_key(same: dict[int, object], alg: int) -> None:
    assert from_map(same) == SIGNERS[alg].key


def test_sec1_forms_of_a_point_are_one_key() -> None:
    compressed = bytes([2 + (Y[-1] & 1)]) + X
    assert from_raw(-9, compressed) == from_raw(-7, b"\x04" + X + Y) == SIGNERS[-9].key


REFUSED = {
    "no kty": (changed(OKP, p1=None), "malformed.key.shape"),
    "kty is bytes": (changed(OKP, p1=b"\x01"), "malformed.key.shape"),
    "kty is true": (changed(OKP, p1=True), "malformed.key.shape"),
    "kty symmetric": ({1: 4, -1: bytes(32)}, "unsupported.key.type"),
    "kty RSA": ({1: 3, -1: bytes(256), -2: b"\1\0\1"}, "unsupported.key.type"),
    "kty huge": (changed(OKP, p1=1 << 20000), "malformed.key.shape"),
    "crv huge": (changed(OKP, n1=-1 << 20000), "malformed.key.shape"),
    "alg huge": (changed(OKP, p3=1 << 20000), "malformed.key.shape"),
    "label huge": (changed(OKP) | {-1 << 20000: b""}, "malformed.key.shape"),
    "crv X25519": (changed(OKP, n1=4), "unsupported.key.type"),
    "crv Ed448": (changed(OKP, n1=7), "unsupported.key.type"),
    "crv P-384": (changed(EC2, n1=2), "unsupported.key.type"),
    "OKP with P-256": (changed(OKP, n1=1), "unsupported.key.type"),
    "no crv": (changed(OKP, n1=None), "malformed.key.shape"),
    "crv is text": (changed(OKP, n1="Ed25519"), "malformed.key.shape"),
    "Ed25519 with ESP256": (changed(OKP, p3=-9), "malformed.key.algorithm"),
    "Ed25519 with ES256": (changed(OKP, p3=-7), "malformed.key.algorithm"),
    "Ed25519 with ML-DSA": (changed(OKP, p3=-48), "malformed.key.algorithm"),
    "P-256 with EdDSA": (changed(EC2, p3=-8), "malformed.key.algorithm"),
    "P-256 with Ed25519": (changed(EC2, p3=-19), "malformed.key.algorithm"),
    "AKP with Ed25519": (changed(AKP, p3=-19), "malformed.key.algorithm"),
    "AKP without alg": (changed(AKP, p3=None), "malformed.key.shape"),
    "AKP ML-DSA-87": (changed(AKP, p3=-50), "unsupported.algorithm"),
    "alg ECDH": (changed(EC2, p3=-25), "unsupported.algorithm"),
    "alg is text": (changed(OKP, p3="Ed25519"), "malformed.key.shape"),
    "alg is null": (changed(OKP) | {3: None}, "malformed.key.shape"),
    "OKP private": (changed(OKP, n4=bytes(32)), "rejected.key.private"),
    "EC2 private": (changed(EC2, n4=bytes(32)), "rejected.key.private"),
    "AKP private": (changed(AKP, n2=bytes(32)), "rejected.key.private"),
    "private null": (changed(OKP) | {-4: None}, "rejected.key.private"),
    "private only": ({1: 1, -1: 6, -4: bytes(32)}, "rejected.key.private"),
    "unknown parameter": (changed(OKP, n70=b""), "malformed.key.shape"),
    "OKP with y": (changed(OKP, n3=bytes(32)), "malformed.key.shape"),
    "AKP of a draft, seed in -3": (changed(AKP, n3=bytes(32)), "malformed.key.shape"),
    "no x": (changed(OKP, n2=None), "malformed.key.shape"),
    "x is text": (changed(OKP, n2="x" * 32), "malformed.key.shape"),
    "x short": (changed(OKP, n2=bytes(31)), "malformed.key.size"),
    "x long": (changed(OKP, n2=bytes(33)), "malformed.key.size"),
    "x small-order": (changed(OKP, n2=bytes(32)), "rejected.key.small-order"),
    "EC2 no y": (changed(EC2, n3=None), "malformed.key.shape"),
    "EC2 y is 1": (changed(EC2, n3=1), "malformed.key.shape"),
    "EC2 x short": (changed(EC2, n2=X[1:]), "malformed.key.size"),
    "EC2 y long": (changed(EC2, n3=b"\0" + Y), "malformed.key.size"),
    "EC2 x and y cut elsewhere": (changed(EC2, n2=X + Y[:1], n3=Y[1:]), "malformed.key.size"),
    "EC2 x long, compressed": (changed(EC2, n2=X + Y, n3=True), "malformed.key.size"),
    "EC2 off the curve": (changed(EC2, n3=Y[:-1] + bytes([Y[-1] ^ 1])), "malformed.key.point"),
    "EC2 zero": (changed(EC2, n2=bytes(32), n3=bytes(32)), "malformed.key.point"),
    "EC2 x at or above p": (changed(EC2, n2=b"\xff" * 32, n3=True), "malformed.key.point"),
    "AKP pub short": (changed(AKP, n1=bytes(1311)), "malformed.key.size"),
    "AKP pub of the other": (changed(AKP, p3=-49), "malformed.key.size"),
    "AKP pub missing": (changed(AKP, n1=None), "malformed.key.shape"),
    "kid is text": (changed(OKP, p2="kid"), "malformed.key.shape"),
    "Base IV is a number": (changed(OKP, p5=1), "malformed.key.shape"),
    "key_ops sign only": (changed(OKP, p4=[1]), "rejected.key.operations"),
    "key_ops 2.0": (changed(OKP, p4=[2.0]), "rejected.key.operations"),
    "key_ops empty": (changed(OKP, p4=[]), "malformed.key.shape"),
    "key_ops a number": (changed(OKP, p4=2), "malformed.key.shape"),
    "key_ops nested": (changed(OKP, p4=[[2], {}]), "rejected.key.operations"),
    "label true": ({True: 1, 3: -19, -1: 6, -2: OKP[-2]}, "malformed.key.shape"),
    "label 1.0": ({1.0: 1, 3: -19, -1: 6, -2: OKP[-2]}, "malformed.key.shape"),
    "label simple(1)": (
        {cbor2.CBORSimpleValue(1): 1, 3: -19, -1: 6, -2: OKP[-2]},
        "malformed.key.shape",
    ),
    "empty": ({}, "malformed.key.shape"),
}


@pytest.mark.parametrize(("key", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_maps(key: dict[int, object], code: str) -> None:
    assert code_of(from_map, key) == code


@pytest.mark.parametrize("value", [None, 1, b"", "x", [], [1, 2], set()])
def test_what_is_not_a_map_is_refused(value: object) -> None:
    assert code_of(from_map, value) == "malformed.key.shape"


def test_no_refusal_shows_a_private_key() -> None:
    secret = bytes(range(100, 132))
    with pytest.raises(CellbookError) as caught:
        from_map(changed(OKP, n4=secret))
    assert secret.hex() not in str(caught.value)
    assert repr(secret)[2:-1] not in str(caught.value)


@pytest.mark.parametrize(
    ("alg", "raw", "code"),
    [
        (-19, b"", "malformed.key.size"),
        (-19, "x" * 32, "malformed.key.shape"),
        ("-19", bytes(32), "malformed.key.shape"),
        (True, bytes(32), "malformed.key.shape"),
        (-9, b"", "malformed.key.size"),
        (-9, b"\0", "malformed.key.size"),
        (-9, X + Y, "malformed.key.size"),
        (-9, b"\x05" + X + Y, "malformed.key.point"),
        (-9, bytes([6 + (Y[-1] & 1)]) + X + Y, "malformed.key.point"),
        (-9, b"\x02" + X + Y, "malformed.key.point"),
        (-9, b"\x04" + X, "malformed.key.point"),
        (-48, bytes(1952), "malformed.key.size"),
        (-49, bytes(1312), "malformed.key.size"),
    ],
)
def test_refused_raw_keys(alg: int, raw: bytes, code: str) -> None:
    assert code_of(from_raw, alg, raw) == code


def test_only_its_own_encoding_is_read() -> None:
    key = SIGNERS[-19].key
    good = key.to_cbor()
    wrong: dict[str, bytes] = {
        "empty": b"",
        "trailing": good + b"\0",
        "truncated": good[:-1],
        "other order": cbor2.dumps({3: -19, 1: 1, -1: 6, -2: key.raw}),
        "alg -8": cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.raw}),
        "no alg": cbor2.dumps({1: 1, -1: 6, -2: key.raw}),
        "with kid": cbor2.dumps({1: 1, 2: key.kid, 3: -19, -1: 6, -2: key.raw}),
        "long integer": good.replace(b"\x01\x01", b"\x01\x18\x01", 1),
        "indefinite map": b"\xbf" + good[1:] + b"\xff",
        "twice the same": b"\xa5" + good[1:] + good[-35:],
        "a tag": b"\xc0" + good,
        "a tag inside": good.replace(b"\x21\x58", b"\x21\xc2\x58", 1),
        "deep": b"\x81" * 4000,
        "large": cbor2.dumps({**key.to_map(), 99: bytes(5000)}),
        "list": b"\x80",
        "regular expression": b"\xd8\x23\x61(",
        "compressed": cbor2.dumps({1: 2, 3: -9, -1: 1, -2: X, -3: bool(Y[-1] & 1)}),
    }
    assert from_cbor(good) == key
    for name, data in wrong.items():
        assert code_of(from_cbor, data).startswith("malformed.key."), name


@pytest.mark.parametrize("alg", ALGS)
def test_flipped_bits_never_give_the_same_key(alg: int) -> None:
    data = SIGNERS[alg].key.to_cbor()
    for position in range(min(len(data), 80)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            try:
                other: CoseKey | None = from_cbor(bytes(flipped))
            except CellbookError:
                continue
            assert other is not None
            assert other.kid != SIGNERS[alg].key.kid
            assert other.to_cbor() == flipped


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=70) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(
    base=st.sampled_from([OKP, EC2, AKP, {}]),
    changes=st.dictionaries(st.integers(-5, 6) | st.text(max_size=2) | st.none(), VALUES),
)
def test_any_map_gives_a_key_or_one_of_our_errors(
    base: dict[int, object], changes: dict[int, object]
) -> None:
    try:
        key = from_map({**base, **changes})
    except CellbookError:
        return
    assert from_cbor(key.to_cbor()) == key


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_give_one_of_our_errors(data: bytes) -> None:
    assert code_of(from_cbor, data)
