"""Signers: what they sign verifies, ESP256 and ML-DSA in the form of the RFCs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.cose_key import CoseKey
from keys.errors import CellbookError
from keys.signer import Signer, SoftwareSigner, generate

ALGS = (-19, -9, -48, -49)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def fails(key: CoseKey, message: bytes, signature: bytes) -> None:
    with pytest.raises(CellbookError) as caught:
        key.verify(message, signature)
    assert caught.value.code == "failed.signature"


def halves(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


@pytest.mark.parametrize("alg", ALGS)
def test_what_is_signed_verifies_and_nothing_else(alg: int) -> None:
    signer: Signer = generate(alg)
    signature = signer.sign(b"message")
    signer.key.verify(b"message", signature)
    fails(signer.key, b"messagE", signature)
    fails(signer.key, b"", signature)
    fails(generate(alg).key, b"message", signature)
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(len(signature))):
        fails(signer.key, b"message", wrong)
    for position in range(0, len(signature), 97):
        flipped = bytearray(signature)
        flipped[position] ^= 1
        fails(signer.key, b"message", bytes(flipped))


def test_old_numbers_generate_the_fully_specified_algorithm() -> None:
    assert (generate(-8).key.alg, generate(-7).key.alg, generate().key.alg) == (-19, -9, -19)
    with pytest.raises(CellbookError) as caught:
        generate(-50)
    assert caught.value.code == "unsupported.algorithm"


def test_ed25519_signs_the_rfc_8032_vector() -> None:
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    signer = SoftwareSigner(Ed25519PrivateKey.from_private_bytes(seed))
    assert signer.key.raw.hex() == (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    )
    assert signer.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_esp256_signs_the_rfc_6979_vector_with_low_s() -> None:
    """RFC 6979 appendix A.2.5, SHA-256, "sample": the published s is the higher one."""
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    r = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    signer = SoftwareSigner(ec.derive_private_key(secret, ec.SECP256R1()))
    assert halves(signer.sign(b"sample")) == (r, ORDER - s)
    published = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    signer.key.verify(b"sample", published)
    signer.key.verify(b"sample", signer.sign(b"sample"))


def test_esp256_always_emits_low_s() -> None:
    signer = generate(-9)
    assert all(0 < halves(signer.sign(b"%d" % n))[1] <= ORDER // 2 for n in range(64))


def test_esp256_refuses_numbers_out_of_range() -> None:
    signer = generate(-9)
    r, s = halves(signer.sign(b"m"))
    for one, two in ((0, s), (r, 0), (ORDER, s), (r, ORDER), (0, 0), (2**256 - 1, 2**256 - 1)):
        fails(signer.key, b"m", one.to_bytes(32, "big") + two.to_bytes(32, "big"))


def test_esp256_refuses_a_der_signature() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    fails(SoftwareSigner(private).key, b"m", private.sign(b"m", ec.ECDSA(hashes.SHA256())))


@pytest.mark.parametrize(
    "private",
    [
        ec.generate_private_key(ec.SECP384R1()),
        x25519.X25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
        None,
        b"seed",
    ],
    ids=lambda private: type(private).__name__,
)
def test_other_private_keys_are_unsupported(private: object) -> None:
    with pytest.raises(CellbookError) as caught:
        SoftwareSigner(private)  # type: ignore[arg-type]
    assert caught.value.code == "unsupported.key.private"


def test_a_signer_does_not_show_its_private_key() -> None:
    seed = bytes(range(32))
    signer = SoftwareSigner(Ed25519PrivateKey.from_private_bytes(seed))
    assert repr(signer) == f"SoftwareSigner(kid={signer.key.kid.hex()})"
    assert not hasattr(signer, "__dict__")


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_ml_dsa_the_algorithm_is_unsupported_and_the_others_work() -> None:
    public = generate(-48).key.to_cbor().hex()
    assert (
        run(f"""
import sys
sys.modules["cryptography.hazmat.primitives.asymmetric.mldsa"] = None
from keys.cose_key import from_cbor
from keys.errors import CellbookError
from keys.signer import generate
for alg in (-19, -9):
    signer = generate(alg)
    signer.key.verify(b"m", signer.sign(b"m"))
key = from_cbor(bytes.fromhex("{public}"))
for call in (lambda: generate(-48), lambda: generate(-49), lambda: key.verify(b"m", bytes(2420))):
    try:
        call()
    except CellbookError as error:
        print(error.code)
""").split()
        == ["unsupported.algorithm"] * 3
    )


def test_verifying_ed25519_loads_nothing_that_it_does_not_need() -> None:
    loaded = run("""
import sys
from keys.cose_key import from_raw
from keys.errors import CellbookError
public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
try:
    from_raw(-19, bytes.fromhex(public)).verify(b"", bytes(64))
except CellbookError:
    print(*sys.modules)
""").split()
    room = "cryptography.hazmat.primitives.asymmetric"
    assert f"{room}.ed25519" in loaded
    heavy = {f"{room}.ec", f"{room}.mldsa", f"{room}.rsa", "nacl", "dataclasses", "asyncio", "ssl"}
    assert heavy.isdisjoint(loaded)
    assert "cryptography.hazmat.primitives.serialization.pkcs12" not in loaded
