"""The supplier file: what the registrar signed about an operator, and what lists say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Facility, Head, ListSnapshot
from ledger.custody.lists.membership import prove
from ledger.custody.lists.rows import document_of, encode_document
from ledger.custody.lists.schemes import list_uri
from ledger.custody.values.times import format_moment
from ledger.proof.checks.listings import ListProofs
from ledger.proof.dossier import DossierEntry
from ledger.proof.report.supplier import print_supplier
from ledger.proof.report.supplier_shapes import supplier_facts, supplier_schema
from ledger.proof.supplier import Supplier, decode_supplier, encode_supplier
from ledger.proof.verify_supplier import SupplierCheck, verify_supplier
from ledger.tree.prefix_chain import Chain
from ledger.wire import cbor
from ledger.wire.statement import parse_statement
from tests.log.building import NOW, World, operator_uri
from tests.log.listing import SCHEME, Publishers, row
from tests.log.test_delegates import given, mandate
from tests.proof.building import check_layout, trust_of
from tests.proof.fitting import check_fits
from tests.proof.lying import LyingLog, begun
from tests.proof.lying import operator_uri as lying_operator

OWNER, OTHER = operator_uri("owner"), operator_uri("assessor")
AT, DAY = NOW + 86_400, format_moment(NOW)[:10]


class Known:
    """A ledger with two operators, and a list that names one of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        document = document_of([(OWNER, row()), ("https://z.example", row())])
        world.accepted(Publishers(world).snapshot(document, "2026-01-01"))
        world.store.put_list_document(document.root, encode_document(document))
        world.end_epoch()
        self.data = world.ledger.suppliers.file(OWNER, DAY)
        self.file = decode_supplier(self.data)

    def check(self, data: bytes) -> SupplierCheck:
        return verify_supplier(data, trust_of(self.world), AT)

    def refused(self, data: bytes) -> str:
        with pytest.raises(CellbookError) as found:
            self.check(data)
        return found.value.code

    def changed(self, **fields: Any) -> bytes:
        return encode_supplier(msgspec.structs.replace(self.file, **fields))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    with World(tmp_path_factory.mktemp("supplier"), operators=("owner", "assessor")) as world:
        yield Known(world)


def words(found: SupplierCheck) -> str:
    text = print_supplier(found)
    check_layout(text)
    return " ".join(text.split())


def test_registration_keys_and_lists(known: Known) -> None:
    found = known.check(known.data)
    assert (found.operator, found.day) == (OWNER, DAY)
    assert found.then is not None
    assert (found.then.roles, found.now.removed) == (found.now.roles, None)
    assert [item.kind for item in found.statements] == ["operator-registered"]
    (then, today) = found.lists[0]
    assert (then.scheme, then.day, then.listed()) == (SCHEME, DAY, ("recycling",))
    assert today.listed() == ("recycling",)
    text = words(found)
    assert f"OPERATOR REGISTERED on {DAY} (UTC)" in text
    assert "listed for recycling" in text
    assert "not signed by whose list it is" in text
    assert "GENUINE AND COMPLETE" in text
    assert "completeness stated by the service" in text
    assert "no auditor has recomputed it" in text
    assert "its facilities: the registrar states none" in text
    assert "This print proves nothing" in text


def test_for_machines(known: Known) -> None:
    facts = supplier_facts(known.check(known.data))
    assert facts["registered_then"] is facts["registered_now"] is True
    assert facts["lists"][0]["publishers"][0]["now"] == ["recycling"]
    assert facts["record"]["genuine"] is True
    assert facts["not_checked"]
    around = {"ok": True, "trust": {"sha256": "00", "origin": "log.example", "name": "Mine"}}
    check_fits(json.loads(json.dumps({**around, **facts})), supplier_schema())
    with pytest.raises(AssertionError):
        check_fits(json.loads(json.dumps({**around, **facts, "day": 5})), supplier_schema())


def test_who_is_not_listed(known: Known) -> None:
    found = known.check(known.world.ledger.suppliers.file(OTHER, DAY))
    assert found.lists[0][0].listed() == ()
    assert "NOT LISTED" in words(found)


def test_a_day_before_the_registration(known: Known) -> None:
    found = known.check(known.world.ledger.suppliers.file(OWNER, "2020-01-01"))
    assert found.then is None
    assert "NOT REGISTERED on 2020-01-01 (UTC), registered since" in words(found)
    assert supplier_facts(found)["then"] is None


def test_a_day_that_has_not_come(known: Known) -> None:
    assert known.refused(known.world.ledger.suppliers.file(OWNER, "2099-01-01")) == (
        "undecided.supplier.day"
    )


def test_a_revoked_key_and_a_removal(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("revoked"), operators=("owner",)) as world:
        world.end_epoch()
        world.accepted(world.revoke_key("owner"))
        world.end_epoch()
        world.accepted(world.remove("owner"))
        world.end_epoch()
        data = world.ledger.suppliers.file(OWNER, DAY)
        found = verify_supplier(data, trust_of(world), AT)
    text = words(found)
    assert "REVOKED" in text
    assert f"NOT REGISTERED on {DAY}" in text
    assert [item.kind for item in found.statements] == [
        "operator-registered",
        "key-revoked",
        "operator-removed",
    ]
    assert found.lists == ()
    assert any("white lists: the file has none" in text for text in found.unchecked)


def test_what_is_left_out_is_missed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A seller who hides that his key was revoked, that he was removed, or a newer list or policy,
    with or without the head that gives the statement its time."""
    with World(tmp_path_factory.mktemp("hiding"), operators=("owner",)) as world:
        publishers = Publishers(world)
        for day in ("2026-01-01", "2026-02-01"):
            document = document_of([(OWNER, row(valid_from=day))])
            world.accepted(publishers.snapshot(document, day))
            world.store.put_list_document(document.root, encode_document(document))
            world.end_epoch()
        for statement in (world.revoke_key("owner"), world.next_policy(), world.remove("owner")):
            world.accepted(statement)
            world.end_epoch()
        data, trust = world.ledger.suppliers.file(OWNER, DAY), trust_of(world)
        file = decode_supplier(data)
        assert verify_supplier(data, trust, AT).now.removed is not None
        codes = {}
        for place, entry in enumerate(file.entries[1:-2], 1):
            content = read_content(parse_statement(entry.leaf))
            if isinstance(content, Head):
                continue
            others = file.entries[:place] + file.entries[place + 1 :]
            alone = file.entries[:place] + file.entries[place + 2 :]
            for left in (others, alone):
                changed = encode_supplier(msgspec.structs.replace(file, entries=left))
                with pytest.raises(CellbookError) as found:
                    verify_supplier(changed, trust, AT)
                codes.setdefault(type(content).__struct_config__.tag, set()).add(found.value.code)
    hidden = ("key-revoked", "list-snapshot")
    assert all("failed.dossier.incomplete" in codes[kind] for kind in hidden)
    assert codes.keys() == {"policy", "operator-registered", *hidden}


def test_a_removal_with_its_head_is_missed(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("removed"), operators=("owner",)) as world:
        world.end_epoch()
        world.accepted(world.remove("owner"))
        world.end_epoch()
        file = decode_supplier(world.ledger.suppliers.file(OWNER, DAY))
        left = msgspec.structs.replace(file, entries=(*file.entries[:-2], file.entries[-1]))
        with pytest.raises(CellbookError) as found:
            verify_supplier(encode_supplier(left), trust_of(world), AT)
    assert found.value.code in ("failed.dossier.incomplete", "failed.dossier.foreign")


def test_proofs_of_the_index(known: Known) -> None:
    rows = known.file.index
    assert OWNER in {row.uri for row in rows}
    for place in range(len(rows)):
        left = rows[:place] + rows[place + 1 :]
        assert known.refused(known.changed(index=left)) == "failed.dossier.unproven"
    other = decode_supplier(known.world.ledger.suppliers.file(OTHER, DAY)).index
    both = {row.uri: row for row in (*rows, *other)}
    more = tuple(both[uri] for uri in sorted(both, key=str.encode))
    assert known.refused(known.changed(index=more)) == "failed.dossier.index"
    absent = tuple(
        msgspec.structs.replace(row, chain=Chain()) if row.uri == OWNER else row for row in rows
    )
    assert known.refused(known.changed(index=absent)).startswith("failed.prefix.")


def test_facilities_and_mandates(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("places"), operators=("owner", "assessor")) as world:
        works = Facility(id="HZ-1", name="Huizhou works", country="CN", address="1 Road, Huizhou")
        world.accepted(world.change("owner", ("recycler",), facilities=(works,)))
        world.accepted(world.change("owner", ("recycler", "maker")))
        world.accepted(mandate(world, given(world, generate())))
        world.end_epoch()
        found = verify_supplier(world.ledger.suppliers.file(OWNER, DAY), trust_of(world), AT)
        other = Facility(id="HZ-1", country="CN")
        twice = world.change("owner", ("recycler",), facilities=(works, other))
        assert world.refused(twice) == "rejected.operator"
    assert found.now.facilities == (works,)
    text = words(found)
    assert "Facilities HZ-1, Huizhou works, 1 Road, Huizhou, CN" in text
    assert "the registrar states none" not in text
    assert supplier_facts(found)["now"]["facilities"][0]["id"] == "HZ-1"


def test_every_flip_is_refused(known: Known) -> None:
    for place in range(0, len(known.data), 7):
        data = bytearray(known.data)
        data[place] ^= 1 << place % 8
        known.refused(bytes(data))


def test_missing_and_foreign_entries(known: Known) -> None:
    entries = known.file.entries
    registration = next(
        place for place, entry in enumerate(entries) if OWNER.encode() in entry.leaf
    )
    for place in range(len(entries)):
        known.refused(known.changed(entries=entries[:place] + entries[place + 1 :]))
    other = decode_supplier(known.world.ledger.suppliers.file(OTHER, DAY)).entries
    indexes = {entry.index for entry in entries}
    added = [entry for entry in other if entry.index not in indexes]
    merged = tuple(sorted((*entries, *added), key=lambda entry: entry.index))
    assert known.refused(known.changed(entries=merged)) == "failed.dossier.foreign"
    assert registration


def test_another_question(known: Known) -> None:
    assert known.refused(known.changed(operator=OTHER)).startswith("failed.")
    assert known.refused(known.data.replace(DAY.encode(), b"2021-01-01", 1)) == (
        "malformed.supplier"
    )


def test_falsified_lists(known: Known) -> None:
    proofs = known.file.lists[SCHEME]
    assert known.refused(known.changed(lists={SCHEME: {"https://z.example": proofs[OWNER]}})) == (
        "failed.list.foreign"
    )
    assert known.refused(known.changed(lists={SCHEME: {OWNER: {}}})) == "failed.list.missing"
    assert known.refused(known.changed(lists={})) == "failed.dossier.foreign"


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a file", b"\xa0"])
def test_what_is_no_supplier_file(known: Known, data: bytes) -> None:
    assert known.refused(data).startswith("malformed.")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"version": "1"}, "malformed.supplier"),
        ({"version": True}, "malformed.supplier"),
        ({"type": "cellbook-dossier"}, "malformed.supplier"),
        ({"more": 1}, "malformed.supplier"),
        ({"checkpoint": "text"}, "malformed.supplier"),
        ({"operator": b"bytes"}, "malformed.supplier"),
        ({"operator": "nobody"}, "malformed.supplier"),
        ({"day": 1}, "malformed.supplier"),
        ({"day": "2026-02-30"}, "malformed.supplier"),
        ({"question": bytes(32)}, "malformed.supplier"),
        ({"index": {}}, "malformed.dossier.index"),
        ({"entries": []}, "malformed.dossier"),
        ({"lists": []}, "malformed.list.proof"),
    ],
)
def test_another_form(known: Known, fields: dict[str, Any], code: str) -> None:
    value: Any = cbor.decode(known.data)
    assert known.refused(cbor.encode({**value, **fields})) == code


def test_a_proof_of_a_list_that_does_not_count(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The older list has the operator, the newer one has not: nobody shows the older one beside."""
    with World(tmp_path_factory.mktemp("older"), operators=("owner",)) as world:
        publishers = Publishers(world)
        older = document_of([(OWNER, row())])
        for day, document in (
            ("2023-01-01", older),
            ("2024-01-01", document_of([("https://z.example", row())])),
        ):
            world.accepted(publishers.snapshot(document, day))
            world.store.put_list_document(document.root, encode_document(document))
            world.end_epoch()
        file = decode_supplier(world.ledger.suppliers.file(OWNER, DAY))
        (counting,) = file.lists[SCHEME][OWNER]
        snapshots = [
            entry.index
            for entry in file.entries
            if isinstance(read_content(parse_statement(entry.leaf)), ListSnapshot)
        ]
        (first,) = set(snapshots) - {counting}
        proofs = {**file.lists[SCHEME][OWNER], first: prove(older, OWNER)}
        changed = msgspec.structs.replace(file, lists={SCHEME: {OWNER: proofs}})
        with pytest.raises(CellbookError) as refused:
            verify_supplier(encode_supplier(changed), trust_of(world), AT)
        assert refused.value.code == "failed.list.foreign"


def told_of(
    log: LyingLog, operator: str, indexes: list[int], lists: ListProofs = MappingProxyType({})
) -> bytes:
    """The file about ``operator`` with these entries."""
    entries = tuple(
        DossierEntry(index, log.leaves[index], receipt)
        for index, receipt in zip(indexes, log.receipts(indexes), strict=True)
    )
    stated = log.indexed().stated({log.uri, operator, *map(list_uri, lists)}, log.size - 1)
    day = format_moment(log.now)[:10]
    return encode_supplier(Supplier(operator, day, log.note(), entries, stated, lists))


def test_an_operator_that_is_not_registered_and_a_head_too_many() -> None:
    log = begun()
    log.head()
    log.head()
    registered, nobody = lying_operator("all"), lying_operator("nobody")
    assert verify_supplier(told_of(log, registered, [0, 2, 4, 5]), log.trust(), log.now)
    for data, code in (
        (told_of(log, nobody, [0, 5]), "failed.supplier.operator"),
        (told_of(log, nobody, [0, 4, 5]), "failed.dossier.foreign"),
        (told_of(log, registered, [0, 1, 2, 4, 5]), "failed.dossier.foreign"),
        (told_of(log, registered, [0, 2, 5]), "failed.dossier.head"),
        (told_of(log, registered, [0, 5]), "failed.dossier.incomplete"),
        (told_of(log, registered, [0, 2, 4, 5], {SCHEME: {OWNER: {}}}), "failed.list.missing"),
    ):
        with pytest.raises(CellbookError) as refused:
            verify_supplier(data, log.trust(), log.now)
        assert refused.value.code == code


def test_a_later_version(known: Known) -> None:
    before, key, after = known.data.rpartition(b"gversion")
    assert known.refused(before + key + b"\x02" + after[1:]) == "unsupported.supplier"


def test_another_ledger(known: Known) -> None:
    trust = msgspec.structs.replace(trust_of(known.world), origin="log.example/mine")
    with pytest.raises(CellbookError) as found:
        verify_supplier(known.data, trust, AT)
    assert found.value.code == "undecided.trust.other-ledger"


def test_it_is_read_as_it_was_written(known: Known) -> None:
    assert isinstance(known.file, Supplier)
    assert encode_supplier(known.file) == known.data
