"""Which Ed25519 points are keys, and which signatures are refused before any library sees them."""

from __future__ import annotations

import pytest

from keys import ed25519
from keys.cose_key import from_raw
from keys.errors import CellbookError
from keys.signer import generate
from tests.keys import curve

# RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
        "9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
        "11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
        "dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_rfc_8032_vectors(public: str, message: str, signature: str) -> None:
    key = from_raw(-19, bytes.fromhex(public))
    key.verify(bytes.fromhex(message), bytes.fromhex(signature))
    with pytest.raises(CellbookError) as caught:
        key.verify(bytes.fromhex(message) + b"x", bytes.fromhex(signature))
    assert caught.value.code == "failed.signature"


def test_the_list_of_small_order_points_is_whole() -> None:
    """Against points that arithmetic found, in every encoding that a lenient decoder takes."""
    points = curve.torsion()
    assert all(curve.times(8, point) == curve.IDENTITY for point in points)
    expected = {raw for point in points for raw in curve.encodings(point)}
    assert expected == ed25519.SMALL_ORDER_ENCODINGS
    assert len(expected) == 14


@pytest.mark.parametrize("raw", sorted(ed25519.SMALL_ORDER_ENCODINGS), ids=bytes.hex)
def test_small_order_keys_are_refused(raw: bytes) -> None:
    with pytest.raises(CellbookError) as caught:
        from_raw(-19, raw)
    assert caught.value.code == "rejected.key.small-order"


def test_every_non_canonical_encoding_is_refused() -> None:
    codes = set()
    for y in range(curve.P, 1 << 255):
        for sign in (0, 1 << 255):
            with pytest.raises(CellbookError) as caught:
                ed25519.check_point((y | sign).to_bytes(32, "little"))
            codes.add(caught.value.code)
    assert codes == {"malformed.key.non-canonical", "rejected.key.small-order"}


def test_points_off_the_curve_are_refused_and_points_on_it_are_not() -> None:
    off = 0
    for y in range(2, 40):
        raw = y.to_bytes(32, "little")
        if curve.decode(raw) is not None:
            ed25519.check_point(raw)
            continue
        off += 1
        with pytest.raises(CellbookError) as caught:
            ed25519.check_point(raw)
        assert caught.value.code == "malformed.key.point"
    assert 5 < off < 35


def test_a_small_order_r_is_refused_though_its_equation_holds() -> None:
    """cryptography alone accepts it; libsodium does not. Both must decide alike."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = curve.encode(curve.times(7, curve.BASE))
    signature = curve.signature(7, public, curve.IDENTITY, 0, b"message")
    Ed25519PublicKey.from_public_bytes(public).verify(signature, b"message")
    with pytest.raises(CellbookError) as caught:
        ed25519.verify(public, b"message", signature)
    assert caught.value.code == "failed.signature"


@pytest.mark.parametrize("size", [0, 1, 31, 32, 63, 65, 128])
def test_signatures_of_another_size_fail(size: int) -> None:
    signer = generate(-19)
    signature = (signer.sign(b"m") * 2)[:size]
    with pytest.raises(CellbookError) as caught:
        signer.key.verify(b"m", signature)
    assert caught.value.code == "failed.signature"
