"""Proofs of the index: the vectors of this room, and proofs that are turned into others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.tree.prefix import EMPTY, PrefixProof, key_of, verify_absence, verify_presence
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change
from ledger.tree.prefix_proofs import prove
from ledger.wire import cbor
from tests.tree import prefix_reference as reference
from tests.tree.prefix_reference import Blocks
from tests.tree.test_prefix_growth import filled, key, value

VECTORS = Path(__file__).parent.parent / "vectors"
CASES = json.loads((VECTORS / "prefix.json").read_text("utf-8"))["cases"]


def proof_of(fields: dict[str, Any]) -> PrefixProof:
    other = fields["other"] and tuple(bytes.fromhex(item) for item in fields["other"])
    present, siblings = bytes.fromhex(fields["present"]), bytes.fromhex(fields["siblings"])
    return PrefixProof(fields["depth"], present, siblings, other)


def outcome(case: dict[str, Any]) -> str:
    asked, root = bytes.fromhex(case["key"]), bytes.fromhex(case["root"])
    proof = proof_of(case["proof"])
    try:
        if case["check"] == "presence":
            verify_presence(asked, bytes.fromhex(case["value"]), proof, root)
        else:
            verify_absence(asked, proof, root)
    except CellbookError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    if case["check"] == "key":
        assert key_of(case["uri"], case["kind"]).hex() == case["key"]
    elif case["check"] == "chain":
        chain = Chain()
        for index, leaf_hash in case["entries"]:
            chain = chain.after(index, bytes.fromhex(leaf_hash))
        assert chain.count == len(case["entries"])
        assert (chain.hash.hex(), chain.value.hex()) == (case["hash"], case["value"])
    elif case["check"] == "root":
        values = {bytes.fromhex(k): bytes.fromhex(v) for k, v in case["values"]}
        assert change(Blocks(), values).hex() == case["root"] == reference.root(values).hex()
    else:
        assert outcome(case) == case["error"]


def test_the_manifest_counts_the_vectors() -> None:
    manifest = json.loads((VECTORS / "manifest.json").read_text("utf-8"))
    (row,) = [row for row in manifest["files"] if row["file"] == "prefix.json"]
    assert row["cases"] == len(CASES) == len({case["name"] for case in CASES})
    assert all(case["why"] for case in CASES)


def test_a_proof_goes_through_cbor_and_comes_back() -> None:
    blocks, _ = filled(300)
    for lookup in prove(blocks, [key(5), *(key(-i) for i in range(20))]).values():
        value_ = cbor.decode(cbor.encode(lookup.proof.to_value()))
        assert PrefixProof.from_value(value_) == lookup.proof


@pytest.mark.parametrize(
    "item", [None, 7, [], [0, b""], [0, b"", b"", b""], [True, b"\x80", bytes(32)], [0, "", b""]]
)
def test_what_is_no_proof_is_refused(item: Any) -> None:
    with pytest.raises(CellbookError) as refused:
        PrefixProof.from_value(item)
    assert refused.value.code == "malformed.prefix.proof"


def test_every_flipped_bit_of_a_proof_is_refused() -> None:
    blocks, values = filled(300)
    absent = next(key(-i) for i in range(1, 99) if prove(blocks, [key(-i)])[key(-i)].proof.other)
    present = key(5)
    for asked in (present, absent):
        lookup = prove(blocks, [asked])[asked]
        for proof in flipped(lookup.proof):
            with pytest.raises(CellbookError) as refused:
                check(asked, values.get(asked), proof, lookup.root)
            assert refused.value.code.split(".")[1] == "prefix"


def check(asked: bytes, held: bytes | None, proof: PrefixProof, root: bytes) -> None:
    if held is None:
        verify_absence(asked, proof, root)
    else:
        verify_presence(asked, held, proof, root)


def flipped(proof: PrefixProof) -> Iterator[PrefixProof]:
    for field in ("present", "siblings"):
        data = getattr(proof, field)
        for bit in range(8 * len(data)):
            new = bytearray(data)
            new[bit >> 3] ^= 0x80 >> (bit & 7)
            yield msgspec.structs.replace(proof, **{field: bytes(new)})


def test_no_other_depth_and_no_other_subject_fits_a_proof() -> None:
    blocks, values = filled(300)
    lookup = prove(blocks, [key(5)])[key(5)]
    for depth in range(258):
        bits = (b"\xff" * 33)[: -(-depth // 8)]
        proof = PrefixProof(depth, bits, lookup.proof.siblings)
        with pytest.raises(CellbookError):
            verify_presence(key(5), value(6), proof, lookup.root)
    for other in range(300):
        if other != 5:
            with pytest.raises(CellbookError):
                verify_presence(key(other), values[key(5)], lookup.proof, lookup.root)


def test_a_tree_that_is_not_compact_has_no_two_answers() -> None:
    """A lying index may keep a leaf deeper than it belongs; then no proof of it is accepted."""
    one = sha256(b"\x22" + bytes(32) + value(1)).digest()
    root = sha256(b"\x23" + one + EMPTY).digest()
    with pytest.raises(CellbookError) as refused:
        verify_presence(bytes(32), value(1), PrefixProof(1, b"\x00", b""), root)
    assert refused.value.code == "malformed.prefix.proof"
    # The empty node on the right shows that nothing is there, and nothing else.
    verify_absence(b"\x80" + bytes(31), PrefixProof(1, b"\x80", one), root)
    for proof in (PrefixProof(0, b"", b""), PrefixProof(1, b"\x80", one)):
        with pytest.raises(CellbookError):
            verify_absence(bytes(32), proof, root)


@pytest.mark.parametrize(
    "proof",
    [
        PrefixProof(257, bytes(32) + b"\x80", bytes(32)),
        PrefixProof(-1, b"", b""),
        PrefixProof(8, b"\x00\x01", bytes(32)),
        PrefixProof(8, b"", bytes(32)),
        PrefixProof(8, b"\x01", bytes(31)),
        PrefixProof(8, b"\x03", bytes(32)),
        PrefixProof(1, b"\xc0", bytes(64)),
        PrefixProof(1, b"\x80", EMPTY),
    ],
)
def test_a_proof_has_one_form(proof: PrefixProof) -> None:
    for verify in (
        lambda: verify_presence(key(1), value(1), proof, bytes(32)),
        lambda: verify_absence(key(1), proof, bytes(32)),
    ):
        with pytest.raises(CellbookError) as refused:
            verify()
        assert refused.value.code == "malformed.prefix.proof"


def test_a_leaf_that_a_lying_index_keeps_on_the_way_of_another_key() -> None:
    """It has left that way, so it is not what absence is shown by, though the root is right."""
    asked, other = b"\x80" + bytes(31), bytes(31) + b"\x01"
    leaf = sha256(b"\x22" + other + value(1)).digest()
    root = sha256(b"\x23" + value(2) + leaf).digest()
    proof = PrefixProof(1, b"\x80", value(2), (other, value(1)))
    with pytest.raises(CellbookError) as refused:
        verify_absence(asked, proof, root)
    assert refused.value.code == "failed.prefix.absence"
    neighbour = b"\xc0" + bytes(31)
    leaf = sha256(b"\x22" + neighbour + value(1)).digest()
    root = sha256(b"\x23" + value(2) + leaf).digest()
    verify_absence(asked, PrefixProof(1, b"\x80", value(2), (neighbour, value(1))), root)


def test_counts_and_orders_are_in_the_value() -> None:
    a, b = value(1), value(2)
    chains = [
        Chain(),
        Chain().after(1, a),
        Chain().after(2, a),
        Chain().after(1, b),
        Chain().after(1, a).after(2, b),
        Chain().after(1, b).after(2, a),
        Chain(5, Chain().after(1, a).hash),
    ]
    assert len({chain.value for chain in chains}) == len(chains)
