"""PyNaCl beside cryptography on odd input: it may never accept what the other refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys import ed25519, pynacl
from keys.algorithms import SIGNATURE
from keys.cose_key import from_raw
from keys.errors import CellbookError, FailedError
from keys.signer import generate
from tests.keys import curve

MESSAGE = b"one battery"
SECRET = 0x1234567890ABCDEF1234567890ABCDEF
HONEST = curve.encode(curve.times(SECRET, curve.BASE))
TORSION = curve.torsion()

Case = tuple[bytes, bytes, bytes]


def backend() -> ed25519.Backend:
    loaded = pynacl.load()
    assert loaded is not None, "PyNaCl is in the development requirements"
    return loaded


def accepts(verify: ed25519.Backend, case: Case) -> bool:
    try:
        verify(*case)
    except FailedError:
        return False
    return True


def cryptography_accepts(case: Case) -> bool:
    raw, message, signature = case
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def as_openssl(raw: bytes, message: bytes, signature: bytes) -> None:
    """A backend that is as lenient about keys as OpenSSL."""
    if not cryptography_accepts((raw, message, signature)):
        raise SIGNATURE.at()


def is_key(raw: bytes) -> bool:
    try:
        from_raw(-19, raw)
    except CellbookError:
        return False
    return True


def unreduced(signature: bytes, times: int) -> bytes:
    s = int.from_bytes(signature[32:], "little") + times * curve.ORDER
    return signature[:32] + s.to_bytes(32, "little")


def odd_signatures(raw: bytes) -> Iterator[bytes]:
    r = 0xFEDCBA
    r_point = curve.times(r, curve.BASE)
    good = curve.signature(SECRET, raw, r_point, r, MESSAGE)
    yield from (good, good[:63], good[:32], b"", good + b"\0", bytes(64), b"\xff" * 64)
    yield from (unreduced(good, times) for times in range(1, 16))
    yield good[:32] + curve.ORDER.to_bytes(32, "little")
    for point in TORSION:
        # The equation holds with cofactor 8, and without it only where the torsion cancels.
        yield curve.signature(SECRET, raw, curve.add(r_point, point), r, MESSAGE)
        yield curve.signature(SECRET, raw, point, 0, MESSAGE)
        for encoded in curve.encodings(point):
            yield encoded + bytes(32)
            yield encoded + good[32:]
    for y in (curve.P + 2, curve.P + 3, (1 << 255) - 1):
        yield y.to_bytes(32, "little") + good[32:]


def odd_cases() -> Iterator[Case]:
    honest = curve.times(SECRET, curve.BASE)
    keys = {HONEST, bytes(32), b"\xff" * 32, HONEST[:31], b"", HONEST + b"\0"}
    keys |= {curve.encode(curve.add(honest, point)) for point in TORSION}
    keys |= {raw for point in TORSION for raw in curve.encodings(point)}
    keys |= {(curve.P + y).to_bytes(32, "little") for y in range(2, 19)}
    for raw in sorted(keys):
        for signature in odd_signatures(raw):
            yield raw, MESSAGE, signature


def test_pynacl_never_accepts_what_cryptography_refuses() -> None:
    verify = backend()
    cases = list(odd_cases())
    accepted = [case for case in cases if accepts(verify, case)]
    assert [case for case in accepted if not cryptography_accepts(case)] == []
    assert (HONEST, MESSAGE, next(odd_signatures(HONEST))) in accepted
    lenient = sum(cryptography_accepts(case) for case in cases)
    assert lenient > len(accepted), "these cases are odd enough to tell the libraries apart"


def test_both_backends_decide_alike_for_every_key_that_we_take() -> None:
    """So that an auditor with the other library replays every decision of a log."""
    verify = backend()
    cases = [case for case in odd_cases() if is_key(case[0])]
    assert len({raw for raw, _, _ in cases}) > 5
    for case in cases:
        assert accepts(verify, case) == accepts(ed25519.verify, case), case


def test_a_mixed_order_key_signs_alike_in_both() -> None:
    """Where the challenge is a multiple of 8 the torsion of the key cancels, else it does not."""
    verify = backend()
    raw = curve.encode(curve.add(curve.times(SECRET, curve.BASE), TORSION[1]))
    r_point = curve.times(99, curve.BASE)
    seen = set()
    for number in range(60):
        message = b"%d" % number
        signature = curve.signature(SECRET, raw, r_point, 99, message)
        decided = accepts(ed25519.verify, (raw, message, signature))
        assert decided == accepts(verify, (raw, message, signature))
        assert decided == (curve.challenge(signature[:32], raw, message) % 8 == 0)
        seen.add(decided)
    assert seen == {True, False}


def test_honest_signatures_verify_and_one_flipped_bit_does_not() -> None:
    verify = backend()
    signer = generate(-19)
    for message in (b"", b"x", b"m" * 5000):
        signature = signer.sign(message)
        signer.key.verify(message, signature, verify)
        for position in range(0, 512, 7):
            flipped = bytearray(signature)
            flipped[position // 8] ^= 1 << position % 8
            assert not accepts(verify, (signer.key.raw, message, bytes(flipped)))


def test_without_pynacl_there_is_no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl.bindings", None)
    assert pynacl.load() is None


@pytest.mark.parametrize(
    "lenient",
    [
        lambda raw, message, signature: None,
        lambda raw, message, signature: ed25519.verify(raw, b"other", signature),
        as_openssl,
    ],
    ids=["accepts all", "refuses all", "accepts small-order keys"],
)
def test_a_library_that_is_not_strict_is_found_out(lenient: Callable[..., None]) -> None:
    assert not pynacl._is_strict(lenient)
    assert pynacl._is_strict(ed25519.verify)
