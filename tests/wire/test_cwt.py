"""CWT Claims of a protected header."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.wire.cwt import AUD, EXP, IAT, ISS, MAX_TEXT, NBF, SUB, Claims, claims_map, parse_claims


def test_labels_are_those_of_rfc_8392() -> None:
    assert (ISS, SUB, AUD, EXP, NBF, IAT) == (1, 2, 3, 4, 5, 6)
    assert claims_map("i", "s", "a", 7) == {1: "i", 2: "s", 3: "a", 6: 7}


def test_round_trip() -> None:
    assert parse_claims(claims_map("i", "s", "a", 0), "claims") == Claims("i", "s", "a", 0)
    assert parse_claims(claims_map(sub="s"), "claims") == Claims(sub="s")
    assert parse_claims({}, "claims") == Claims()


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (None, "malformed.claims"),
        ([], "malformed.claims"),
        ({1: ""}, "malformed.claim.iss"),
        ({1: 1}, "malformed.claim.iss"),
        ({1: "a\nb"}, "malformed.claim.iss"),
        ({1: "a\x7f"}, "malformed.claim.iss"),
        ({2: None}, "malformed.claim.sub"),
        ({2: "a b"}, "malformed.claim.sub"),
        ({2: "é"}, "malformed.claim.sub"),
        ({3: ["a"]}, "malformed.claim.aud"),
        ({3: "a" * (MAX_TEXT + 1)}, "malformed.claim.aud"),
        ({6: -1}, "malformed.claim.iat"),
        ({6: True}, "malformed.claim.iat"),
        ({6: None}, "malformed.claim.iat"),
        ({6: 1 << 53}, "malformed.claim.iat"),
        ({4: 1}, "unsupported.claim"),
        ({5: 1}, "unsupported.claim"),
        ({7: b"id"}, "unsupported.claim"),
        ({"iss": "a"}, "unsupported.claim"),
    ],
)
def test_refused_claims(claims: Any, code: str) -> None:
    with pytest.raises(CellbookError) as refused:
        parse_claims(claims, "here")
    assert (refused.value.code, refused.value.where) == (code, "here")


def test_limits_are_inclusive() -> None:
    assert parse_claims({1: "a" * MAX_TEXT, 6: (1 << 53) - 1}, "").iat == (1 << 53) - 1
