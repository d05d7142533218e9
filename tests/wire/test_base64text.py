"""Base64 with one text for one value."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.wire.base64text import (
    decode_base64,
    decode_base64url,
    encode_base64,
    encode_base64url,
)


@given(st.binary(max_size=80))
def test_round_trip_and_agreement_with_the_standard_library(data: bytes) -> None:
    assert encode_base64(data) == base64.b64encode(data).decode()
    assert encode_base64url(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert decode_base64(encode_base64(data)) == data
    assert decode_base64url(encode_base64url(data)) == data


@given(st.text(alphabet="AQgw+/-_=\n é", max_size=12) | st.text(max_size=12))
def test_only_one_text_for_one_value(text: str) -> None:
    for decode, encode in ((decode_base64, encode_base64), (decode_base64url, encode_base64url)):
        try:
            data = decode(text)
        except ValueError:
            continue
        assert encode(data) == text


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", " QQ==", "Q", "====", "__8=", "QQ==QQ=="])
def test_refused_base64(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)


@pytest.mark.parametrize("text", ["QQ==", "QR", "QQ\n", "A", "//8", "Q Q", "é"])
def test_refused_base64url(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_base64url(text)
