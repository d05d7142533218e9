"""Thumbprints against published examples."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from keys.cose_key import from_map
from keys.errors import CellbookError
from keys.signer import SoftwareSigner
from keys.thumbprint import thumbprint

# RFC 9679 section 6.
X = bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d")
Y = bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c")
KID = bytes.fromhex("496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec")


def test_the_example_of_rfc_9679() -> None:
    assert thumbprint({1: 2, -1: 1, -2: X, -3: Y}) == KID
    assert from_map({1: 2, -1: 1, -2: X, -3: Y, 2: KID}).kid == KID
    assert from_map({1: 2, 3: -7, -1: 1, -2: X, -3: False}).kid == KID


def test_the_all_zero_ml_dsa_44_key_of_rfc_9964() -> None:
    signer = SoftwareSigner(MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
    expected = "b8969ab4b37da9f0684e42647eb8a0be8b5b661ebf5d76f0583bf5b8d3a8059a"
    assert signer.key.kid.hex() == expected


def test_optional_parameters_and_order_do_not_count() -> None:
    key: dict[int, object] = {-3: Y, -2: X, -1: 1, 1: 2, 3: -9, 2: b"kid", 4: [2]}
    assert thumbprint(key) == KID


@pytest.mark.parametrize(
    "key",
    [
        {},
        {1: 4, -1: b""},
        {1: True, -1: 6, -2: bytes(32)},
        {1: 2, -1: 1, -2: X},
        {1: 2, -1: 1, -2: X, -3: False},
        {1: 7, -1: bytes(1312)},
        {1: b"\x02", -1: 1},
        {1: 1, -1: 6, -2: "text"},
    ],
)
def test_a_map_without_what_is_required_is_refused(key: dict[int, object]) -> None:
    with pytest.raises(CellbookError) as caught:
        thumbprint(key)
    assert caught.value.code == "malformed.key.thumbprint"
