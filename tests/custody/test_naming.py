"""Names of logs and families."""

from __future__ import annotations

import pytest

from keys.algorithms import ED25519
from keys.cose_key import from_raw
from keys.errors import CellbookError
from ledger.custody.names.naming import check_origin, family_uri, log_uri

KEY = from_raw(
    ED25519, bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
)
"""The public key of RFC 8032, test 1."""


@pytest.mark.parametrize(
    "origin", ["log.example", "log.example/a", "a-b.c/d_e/f.g", "x", "a" * 200]
)
def test_origins(origin: str) -> None:
    check_origin(origin)
    assert log_uri(origin) == f"urn:cellbook:log:{origin}"


@pytest.mark.parametrize(
    "origin",
    ["", "Log.example", "log.example/", "/a", "a//b", "a b", "a\n", "a\n/b", "a:1", "a/B",
     "a" * 201, "ä", "a/?b", "https://a"],
)  # fmt: skip
def test_what_is_no_origin(origin: str) -> None:
    with pytest.raises(CellbookError) as refused:
        check_origin(origin)
    assert refused.value.code == "malformed.origin"


def test_a_family_is_bound_to_its_root_and_name() -> None:
    family = family_uri(KEY, "Batteries")
    assert family == "urn:cellbook:family:U909IimWuLWDDMR_T075PAVoB3YEMm6K8NVYWfy6R-8"
    point = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    other = from_raw(ED25519, bytes.fromhex(point))
    assert len({family, family_uri(KEY, "batteries"), family_uri(other, "Batteries")}) == 3


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257, "\x00"])
def test_what_is_no_family_name(name: str) -> None:
    with pytest.raises(CellbookError) as refused:
        family_uri(KEY, name)
    assert refused.value.code == "malformed.family-name"
