"""Proofs of possession: for one key, owner, family and set of purposes, and nothing else."""

from __future__ import annotations

import cbor2
import pytest

from keys.errors import CellbookError
from keys.possession import prove, verify_possession
from keys.purposes import CHECKPOINT, EVENTS, OPERATOR_PURPOSES, PURPOSES, RECEIPTS
from keys.signer import generate

OWNER, FAMILY = "urn:uscc:91350900587527783P", "urn:cellbook:family:abc"


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(CellbookError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize("alg", [-19, -9, -48, -49])
def test_a_proof_is_for_what_it_names_only(alg: int) -> None:
    signer, other = generate(alg), generate(alg)
    proof = prove(signer, OWNER, (EVENTS,), FAMILY)
    verify_possession(signer.key, proof, OWNER, (EVENTS,), FAMILY)
    for wrong in (
        (other.key, proof, OWNER, (EVENTS,), FAMILY),
        (signer.key, prove(other, OWNER, (EVENTS,), FAMILY), OWNER, (EVENTS,), FAMILY),
        (signer.key, proof, OWNER + "X", (EVENTS,), FAMILY),
        (signer.key, proof, OWNER, (RECEIPTS,), FAMILY),
        (signer.key, proof, OWNER, (EVENTS, RECEIPTS), FAMILY),
        (signer.key, proof, OWNER, (EVENTS,), FAMILY + "X"),
        (signer.key, proof, FAMILY, (EVENTS,), OWNER),
        (signer.key, proof[:-1], OWNER, (EVENTS,), FAMILY),
        (signer.key, b"", OWNER, (EVENTS,), FAMILY),
    ):
        assert code_of(verify_possession, *wrong) == "failed.possession"


def test_the_order_of_purposes_does_not_matter() -> None:
    signer = generate()
    proof = prove(signer, OWNER, [RECEIPTS, CHECKPOINT, EVENTS], FAMILY)
    verify_possession(signer.key, proof, OWNER, (EVENTS, RECEIPTS, CHECKPOINT), FAMILY)


@pytest.mark.parametrize("purposes", [(), "events", (EVENTS, EVENTS), ("\ud800",)])
def test_terms_that_say_nothing_are_refused(purposes: tuple[str, ...]) -> None:
    signer = generate()
    assert code_of(prove, signer, OWNER, purposes, FAMILY) == "malformed.possession"
    wrong = (signer.key, bytes(64), OWNER, purposes, FAMILY)
    assert code_of(verify_possession, *wrong) == "malformed.possession"


def test_the_signed_bytes_are_these_and_no_sig_structure() -> None:
    signer = generate()
    proof = prove(signer, OWNER, (RECEIPTS, EVENTS), FAMILY)
    signed = ["cellbook-possession/1", FAMILY, OWNER, ["events", "receipts"], signer.key.kid]
    signer.key.verify(cbor2.dumps(signed), proof)
    assert signed[0] not in ("Signature", "Signature1", "CounterSignature")


def test_purposes_are_words_for_ever() -> None:
    assert PURPOSES == ("events", "checkpoint", "receipts", "statements", "registrar", "root")
    assert OPERATOR_PURPOSES == ("events",)
