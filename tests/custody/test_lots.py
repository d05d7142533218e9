"""Lots: many units under one root, and the proof for one that tells no other."""

from __future__ import annotations

from hashlib import sha256
from hmac import digest
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.events import Event, parse_event
from ledger.custody.events.afterlife import InputLot, Remainder
from ledger.custody.lots import (
    Lot,
    LotProof,
    encode_lot,
    encode_lot_proof,
    lot_of,
    lots_in,
    parse_lot,
    parse_lot_proof,
    prove_unit,
    verify_lot_proof,
)
from ledger.tree.merkle import leaf_hash
from ledger.wire import cbor
from tests.custody.history import Log
from tests.log.lives import make_event, repurpose_input

SECRET = bytes(range(32))
WHEN = "2026-06-03T10:00:00+08:00"


def cell(number: int) -> str:
    return f"urn:cellbook:gbt34014:4A6CBPM27KLPCLE74{number:07d}"


def lot(count: int, secret: bytes = SECRET) -> Lot:
    return lot_of([cell(number) for number in range(count)], secret)


def code(run: Any, *args: Any) -> str:
    with pytest.raises(CellbookError) as refused:
        run(*args)
    return refused.value.code


@given(st.integers(1, 40), st.data())
def test_every_unit_is_proved(count: int, data: st.DataObject) -> None:
    whole = lot(count)
    number = data.draw(st.integers(0, count - 1))
    proof = parse_lot_proof(encode_lot_proof(prove_unit(whole, cell(number))))
    assert verify_lot_proof(proof, count, whole.root) == cell(number)


def test_units_are_sorted_and_stand_once() -> None:
    forth = lot_of([cell(1), cell(3), cell(2)], SECRET)
    assert forth == lot_of([cell(3), cell(2), cell(1)], SECRET)
    assert forth.units == (cell(1), cell(2), cell(3))
    assert code(lot_of, [cell(1), cell(2), cell(1)], SECRET) == "malformed.lot.document"
    assert code(lot_of, [], SECRET) == "malformed.lot.document"
    assert code(lot_of, [cell(1)], b"short") == "malformed.lot.document"
    assert code(lot_of, [cell(1)[:-1]], SECRET).startswith("malformed.code.")


def test_a_unit_that_is_not_in_the_lot() -> None:
    for uri in (cell(7), cell(100), "urn:cellbook:a", "zzz"):
        assert code(prove_unit, lot(7), uri) == "missing.lot.unit"


def test_a_proof_of_another_lot() -> None:
    proof = prove_unit(lot(7), cell(3))
    for count, root in ((8, proof.root), (7, lot(8).root), (7, lot(7, bytes(32)).root)):
        assert code(verify_lot_proof, proof, count, root) == "failed.lot.other"


def test_a_proof_shows_its_own_unit_only() -> None:
    whole = lot(7)
    proof = prove_unit(whole, cell(3))
    changes: list[dict[str, Any]] = [
        {"unit": cell(4)},
        {"salt": bytes(16)},
        {"index": 2},
        {"path": (proof.path[1], proof.path[0], proof.path[2])},
    ]
    for change in changes:
        forged = msgspec.structs.replace(proof, **change)
        assert code(verify_lot_proof, forged, 7, whole.root) == "failed.inclusion", change
    short = msgspec.structs.replace(proof, path=proof.path[:-1])
    assert code(verify_lot_proof, short, 7, whole.root).startswith(("malformed.proof", "failed."))


def test_every_changed_byte_of_a_proof_is_found() -> None:
    whole = lot(5)
    data = encode_lot_proof(prove_unit(whole, cell(3)))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(CellbookError):
            verify_lot_proof(parse_lot_proof(changed), 5, whole.root)


def test_a_proof_does_not_tell_the_neighbours() -> None:
    """Codes are easily guessed: a plain hash of one would tell it."""
    whole = lot(8)
    proof = prove_unit(whole, cell(3))
    guesses = {leaf_hash(cell(n).encode()) for n in range(8)}
    guesses |= {leaf_hash(cbor.encode([cell(n), proof.salt])) for n in range(8) if n != 3}
    assert guesses.isdisjoint(proof.path)
    assert not any(cell(n).encode() in encode_lot_proof(proof) for n in range(8) if n != 3)


def test_documents() -> None:
    whole = lot(3)
    data = encode_lot(whole)
    assert parse_lot(data) == whole
    assert parse_lot(data).root == whole.root
    good: dict[Any, Any] = cbor.decode(data)  # type: ignore[assignment]
    for change in (
        {"type": "cellbook-list"},
        {"version": 2},
        {"secret": bytes(31)},
        {"secret": "text"},
        {"units": [cell(2), cell(1)]},
        {"units": [cell(1), cell(1)]},
        {"units": [cell(1), 2]},
        {"units": []},
        {"units": "x"},
        {"more": 1},
    ):
        assert code(parse_lot, cbor.encode({**good, **change})) == "malformed.lot.document", change
    assert code(parse_lot, cbor.encode([1])) == "malformed.lot.document"


def test_forms_of_proofs() -> None:
    good: dict[Any, Any] = cbor.decode(encode_lot_proof(prove_unit(lot(3), cell(1))))  # type: ignore[assignment]
    for change in (
        {"type": "cellbook-lot"},
        {"version": 2},
        {"more": 1},
        {"index": "1"},
        {"salt": bytes(15)},
        {"path": [1]},
        {"unit": None},
    ):
        data = cbor.encode({**good, **change})
        assert code(parse_lot_proof, data) == "malformed.lot.proof", change
    assert code(parse_lot_proof, cbor.encode("x")) == "malformed.lot.proof"


def test_units_of_a_proof_have_their_one_form() -> None:
    loose = LotProof("no code", bytes(16), 0, 1, bytes(32), ())
    root = leaf_hash(cbor.encode([loose.unit, loose.salt]))
    proof = msgspec.structs.replace(loose, root=root)
    assert code(verify_lot_proof, proof, 1, root) == "unsupported.subject"


def test_what_is_written() -> None:
    """Literals of docs/formats.md, as another program computes them."""
    salt = digest(SECRET, cell(1).encode(), "sha256")[:16]
    first, last = (digest(SECRET, cell(n).encode(), "sha256")[:16] for n in (0, 2))
    leaves = [
        sha256(b"\x00" + cbor2.dumps([cell(n), s])).digest()
        for n, s in enumerate((first, salt, last))
    ]
    inner = sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    root = sha256(b"\x01" + inner + leaves[2]).digest()
    assert root.hex() == "9e40d02cdff832cc1dcf5bb48159331e3f9d35c76fe67f01b1fd6857c7598c4e"
    assert cbor2.loads(encode_lot_proof(prove_unit(lot(3), cell(1)))) == {
        "type": "cellbook-lot-proof",
        "version": 1,
        "unit": cell(1),
        "salt": salt,
        "index": 1,
        "count": 3,
        "root": root,
        "path": [leaves[0], leaves[2]],
    }
    document = {"type": "cellbook-lot", "version": 1, "secret": SECRET, "units": [cell(0)]}
    assert cbor2.loads(encode_lot(lot(1))) == document


# In events


def lots_of(event: Event) -> list[tuple[str, str | None, int]]:
    return [(stated.role, stated.name, stated.count) for stated in lots_in(event)]


def test_events_state_lots() -> None:
    log = Log("owner")
    pack, root = log.battery(), lot(300).root
    made = make_event("manufacture", pack, WHEN, children_count=300, children_root=root)
    assert lots_of(made) == [("child", None, 300)]
    recycled = make_event("recycle", pack, WHEN, inputs_count=9, inputs_root=root)
    assert lots_of(recycled) == [("input", "LOT-88", 9)]
    left: dict[str, Any] = {"mass_g": 5, "reason": "weak", "destination": "recycler", "lot": "L-2"}
    merged = make_event(
        "repurpose",
        pack,
        WHEN,
        inputs=(repurpose_input(pack, bytes(32)),),
        outputs=(log.second_life(),),
        responsible_operator="https://owner.example",
        input_lots=(InputLot(lot="L-1", count=4000, root=root, mass_g=90_000),),
        remainder=(Remainder(**left, count=12, root=root), Remainder(**{**left, "lot": "L-3"})),
    )
    assert lots_of(merged) == [("input", "L-1", 4000), ("remainder", "L-2", 12)]
    assert lots_of(make_event("manufacture", pack, WHEN)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"lot": "L-1", "count": 3},
        {"lot": "L-1", "root": bytes(32)},
        {"id": cell(1), "count": 3, "root": bytes(32)},
    ],
)
def test_count_and_root_go_together(wrong: dict[str, Any]) -> None:
    with pytest.raises(CellbookError) as refused:
        Remainder(mass_g=5, reason="weak", destination="recycler", **wrong)
    assert refused.value.code == "malformed.payload.field"


def test_an_event_with_lots_is_registered() -> None:
    log = Log("owner", "assessor")
    pack, root = log.battery(), lot(300).root
    log.live(pack, "manufacture", children_count=300, children_root=root)
    log.live(pack, "install", "decommission")
    log.live(pack, "assessment")
    lots = (InputLot(lot="L-1", count=400, root=root, mass_g=9_000),)
    data = log.event("repurpose", pack, input_lots=lots)
    log.take(data)
    event = parse_event(log.read(data)[0].payload)
    assert [stated.root for stated in lots_in(event)] == [root]
