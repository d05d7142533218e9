"""COSE_Sign1: RFC 9052 figures, pinned bytes, headers, and what verification needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.algorithms import ED25519, ESP256, ML_DSA_44, ML_DSA_65
from keys.cose_key import CoseKey, from_map
from keys.errors import CellbookError
from keys.signer import generate
from ledger.wire.cbor import Limits
from ledger.wire.cose import (
    MAX_SIGNATURE,
    UNDERSTOOD,
    encode_sign1,
    parse_sign1,
    sig_structure,
    sign1,
    verify_parsed,
    verify_sign1,
)

RFC9052_C_2_1 = bytes.fromhex(
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac"
    "34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5"
    "a4c345cacb36"
)
RFC9052_KEY = from_map(
    {
        1: 2,
        -1: 1,
        -2: bytes.fromhex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"),
        -3: bytes.fromhex("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"),
    }
)
SIGNER = generate(ED25519)


def refused(code: str, call: Callable[..., object], *args: Any, **named: Any) -> CellbookError:
    with pytest.raises(CellbookError) as caught:
        call(*args, **named)
    assert caught.value.code == code
    return caught.value


def message(
    protected: object = None,
    unprotected: object = None,
    payload: object = b"p",
    signature: object = bytes(64),
) -> bytes:
    """A message from parts that may be wrong; a map for ``protected`` is wrapped."""
    if protected is None:
        protected = {1: -19}
    if isinstance(protected, dict):
        protected = cbor2.dumps(protected)
    parts = [protected, {} if unprotected is None else unprotected, payload, signature]
    return b"\xd2" + cbor2.dumps(parts)


def test_rfc_9052_example_verifies() -> None:
    parsed = verify_sign1(RFC9052_C_2_1, RFC9052_KEY)
    assert parsed.protected == bytes.fromhex("a10126")
    assert parsed.headers == {1: -7}
    assert parsed.alg == ESP256
    assert parsed.unprotected == {4: b"11"}
    assert parsed.kid is None
    assert parsed.payload == b"This is the content."
    refused("failed.signature", verify_sign1, RFC9052_C_2_1[:-1] + b"\x37", RFC9052_KEY)
    refused("failed.algorithm", verify_sign1, RFC9052_C_2_1, SIGNER.key)


def test_pinned_bytes() -> None:
    assert encode_sign1(b"\xa1\x01\x32", {}, b"p", b"s").hex() == "d28443a10132a041704173"
    assert encode_sign1(b"\xa1\x01\x32", {4: b"k"}, None, b"s").hex() == (
        "d28443a10132a104416bf64173"
    )
    assert sig_structure(bytes.fromhex("a10126"), b"This is the content.").hex() == (
        "846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e"
    )


@pytest.mark.parametrize("alg", [ED25519, ESP256, ML_DSA_44, ML_DSA_65])
def test_sign_and_verify(alg: int) -> None:
    signer = generate(alg)
    attached = sign1(signer, {3: "text/plain"}, b"payload", unprotected={"hint": 1})
    parsed = verify_sign1(attached, signer.key)
    assert parsed.headers == {1: alg, 3: "text/plain", 4: signer.key.kid}
    assert (parsed.alg, parsed.kid, parsed.payload) == (alg, signer.key.kid, b"payload")
    assert parsed.unprotected == {"hint": 1}
    refused("failed.signature", verify_sign1, attached, generate(alg).key)


def test_detached_payload() -> None:
    detached = sign1(SIGNER, {}, b"root", detached=True)
    assert verify_sign1(detached, SIGNER.key, b"root").payload is None
    missing = refused("malformed.cose.payload-missing", verify_sign1, detached, SIGNER.key)
    assert missing.title == "Payload Missing"
    refused("failed.signature", verify_sign1, detached, SIGNER.key, b"toor")
    refused("failed.signature", verify_sign1, detached, SIGNER.key, b"")
    attached = sign1(SIGNER, {}, b"root")
    refused("malformed.cose.payload-twice", verify_sign1, attached, SIGNER.key, b"root")
    refused("malformed.cose.payload-twice", verify_sign1, attached, SIGNER.key, b"")


def test_an_attached_empty_payload_is_a_payload() -> None:
    assert verify_sign1(sign1(SIGNER, {}, b""), SIGNER.key).payload == b""


def test_headers_given_to_the_signer_stay() -> None:
    parsed = parse_sign1(sign1(SIGNER, {4: b"own", 1: ED25519}, b"p"))
    assert parsed.kid == b"own"
    refused("usage.cose.alg", sign1, SIGNER, {1: ESP256}, b"p")


def test_the_original_protected_bytes_are_signed() -> None:
    protected = b"\xa1\x01\x27"
    signature = SIGNER.sign(sig_structure(protected, b"p"))
    data = encode_sign1(protected, {}, b"p", signature)
    parsed = verify_sign1(data, SIGNER.key)
    assert (parsed.protected, parsed.headers, parsed.alg) == (protected, {1: -8}, ED25519)


def test_polymorphic_eddsa_is_not_another_curve() -> None:
    signer = generate(ESP256)
    protected = b"\xa1\x01\x27"
    data = encode_sign1(protected, {}, b"p", signer.sign(sig_structure(protected, b"p")))
    refused("failed.algorithm", verify_sign1, data, signer.key)


def test_the_back_end_is_used() -> None:
    calls: list[tuple[bytes, bytes, bytes]] = []
    data = sign1(SIGNER, {}, b"p")
    parsed = parse_sign1(data)
    verify_parsed(parsed, SIGNER.key, backend=lambda *args: calls.append(args))
    assert calls == [(SIGNER.key.raw, sig_structure(parsed.protected, b"p"), parsed.signature)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed.cbor.empty"),
        (b"\xd2", "malformed.cbor.truncated"),
        (b"\x00", "malformed.cose.tag"),
        (b"\xd1\x80", "malformed.cose.tag"),
        (message()[1:], "malformed.cose.tag"),
        (b"\xd8\x12" + message()[1:], "malformed.cose.tag"),
        (b"\xd2\xd2" + message()[1:], "malformed.cbor.tag"),
        (message() + b"\x00", "malformed.cbor.trailing"),
        (b"\xd2\xa0", "malformed.cose.shape"),
        (b"\xd2\x83\x40\xa0\x40", "malformed.cose.shape"),
        (b"\xd2\x85\x40\xa0\x40\x40\x40", "malformed.cose.shape"),
        (message(unprotected=[]), "malformed.cose.shape"),
        (message(unprotected=b"\xa0"), "malformed.cose.shape"),
        (message(payload="p"), "malformed.cose.shape"),
        (message(payload=False), "malformed.cose.shape"),
        (message(protected=[]), "malformed.cose.protected"),
        (message(protected="a"), "malformed.cose.protected"),
        (message(protected=b"\x80"), "malformed.cose.protected"),
        (message(protected=b"\xa1\x01"), "malformed.cbor.truncated"),
        (message(protected=b"\xa1\x01\x38\x12"), "malformed.cbor.not-shortest"),
        (message(protected=b"\xa2\x01\x32\x01\x32"), "malformed.cbor.duplicate-key"),
        (message(signature=b""), "malformed.cose.signature"),
        (message(signature=None), "malformed.cose.signature"),
        (message(signature=bytes(MAX_SIGNATURE + 1)), "malformed.cose.signature"),
        (message(protected=b""), "malformed.cose.alg-missing"),
        (message(protected=b"\xa0"), "malformed.cose.alg-missing"),
        (message(protected=b"", unprotected={1: -19}), "malformed.cose.alg-unprotected"),
        (message({4: b"k"}, {1: -19}), "malformed.cose.alg-unprotected"),
        (message({1: -19}, {1: -19}), "malformed.cose.label-twice"),
        (message({1: -19, "x": 1}, {"x": 1}), "malformed.cose.label-twice"),
        (message({1: "EdDSA"}), "malformed.cose.alg"),
        (message({1: True}), "malformed.cose.alg"),
        (message({1: None}), "malformed.cose.alg"),
        (message({1: 0}), "unsupported.algorithm"),
        (message({1: -65535}), "unsupported.algorithm"),
        (message({1: -19, 4: "k"}), "malformed.cose.kid"),
        (message({1: -19, 4: None}), "malformed.cose.kid"),
        (message({1: -19, 2: []}), "malformed.cose.crit"),
        (message({1: -19, 2: 1}), "malformed.cose.crit"),
        (message({1: -19, 2: None}), "malformed.cose.crit"),
        (message({1: -19, 2: [True]}), "malformed.cose.crit"),
        (message({1: -19, 2: [[]]}), "malformed.cose.crit"),
        (message({1: -19, 2: [1, 1]}), "malformed.cose.crit"),
        (message({1: -19, 2: [4]}), "malformed.cose.crit"),
        (message({1: -19}, {2: [1]}), "malformed.cose.crit"),
        (message({1: -19, 2: [4]}, {4: b"k"}), "malformed.cose.crit"),
        (message({1: -19, 2: [99], 99: 0}), "unsupported.crit"),
        (message({1: -19, 2: [1, "x"], "x": 0}), "unsupported.crit"),
    ],
)
def test_refused_messages(data: bytes, code: str) -> None:
    refused(code, parse_sign1, data)
    refused(code, verify_sign1, data, SIGNER.key)


def test_scrapi_titles() -> None:
    for data in (message(protected=b""), message({4: b""}, {1: -19}), message({1: "EdDSA"})):
        with pytest.raises(CellbookError) as caught:
            parse_sign1(data)
        assert caught.value.title == "Bad Signature Algorithm"


def test_offsets_count_from_the_first_byte() -> None:
    assert refused("malformed.cbor.trailing", parse_sign1, message() + b"\0").where == (
        f"byte {len(message())}"
    )
    where = refused("malformed.cbor.float", parse_sign1, message(b"\xa1\x01\xf9\x00\x00")).where
    assert where == "protected, byte 2"


def test_crit_may_list_what_the_caller_reads() -> None:
    data = message({1: -19, 2: [395], 395: 1})
    refused("unsupported.crit", parse_sign1, data)
    assert parse_sign1(data, understood=UNDERSTOOD | {395}).headers[395] == 1


def test_limits_hold_inside_the_protected_header() -> None:
    data = message({1: -19, "x": [[[0]]]})
    parse_sign1(data, limits=Limits(depth=4))
    refused("malformed.cbor.depth", parse_sign1, data, limits=Limits(depth=3))
    refused("malformed.cbor.size", parse_sign1, data, limits=Limits(size=20))


@settings(max_examples=300)
@given(st.binary(max_size=120), st.sampled_from([b"", b"\xd2", b"\xd2\x84"]))
def test_any_bytes(data: bytes, prefix: bytes) -> None:
    with pytest.raises(CellbookError):
        verify_sign1(prefix + data, SIGNER.key)


@pytest.mark.parametrize("key", [RFC9052_KEY])
def test_no_changed_bit_verifies(key: CoseKey) -> None:
    for bit in range(8 * len(RFC9052_C_2_1)):
        changed = bytearray(RFC9052_C_2_1)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            parsed = verify_sign1(bytes(changed), key)
        except CellbookError:
            continue
        # Only the unprotected header is not signed.
        assert parsed.unprotected != {4: b"11"}
        assert parsed.headers == {1: -7}
