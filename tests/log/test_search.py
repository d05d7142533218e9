"""The search: what is found by which words, and that fsck knows the words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keys.errors import CellbookError
from ledger.custody.values.fields import field_rules
from ledger.log import terms
from ledger.log.integrity.fsck import fsck
from tests.log.building import World

LINK = "https://id.gs1.org/01/09506000134352/21/4A6P%2F1"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world")) as made:
        yield made


def found(world: World, query: str, kind: str | None = None) -> dict[str, tuple[str, ...]]:
    return {hit.subject: hit.kinds for hit in world.ledger.search(query, kind).hits}


def test_batteries_are_found_by_what_is_stated_of_them(world: World) -> None:
    pack, other = world.battery(), world.battery()
    child = world.battery()
    made = {"batch_id": "B-9", "passport_id": "https://pass.example/7", "children": (child,)}
    world.accepted(world.event("manufacture", pack, uris=(pack, LINK), **made))
    world.accepted(world.event("manufacture", other))
    assert found(world, pack) == {pack: ("identifier",)}
    assert found(world, LINK) == {pack: ("identifier",)}
    assert found(world, "(01)09506000134352(21)4A6P/1") == {pack: ("identifier",)}
    assert found(world, pack[-7:]) == {pack: ("serial",)}
    assert found(world, child[-7:], "serial") == {child: ("serial",)}
    assert found(world, "4A6P/1") == {pack: ("serial",)}
    assert found(world, "4a6p/1") == {pack: ("serial",)}
    assert found(world, "B-9") == {pack: ("batch",)}
    assert found(world, "https://pass.example/7") == {pack: ("passport",)}
    assert found(world, "https://pass.example/7", "batch") == {}
    assert found(world, "b-9") == {}
    assert found(world, "B-") == {}


def test_an_operators_batteries_are_found_once_each(world: World) -> None:
    packs = [world.battery() for _ in range(4)]
    for pack in packs:
        world.live(pack, "manufacture", "install", "decommission", "assessment")
    owner, assessor = world.operators["owner"].uri, world.operators["assessor"].uri
    assert list(found(world, owner, "operator")) == packs
    assert list(found(world, assessor, "operator")) == packs
    assert found(world, world.operators["recycler"].uri, "operator") == {}
    first = world.ledger.search(owner, "operator", limit=3)
    assert [hit.subject for hit in first.hits] == packs[:3]
    last = world.ledger.search(owner, "operator", first.after, 3)
    assert [hit.subject for hit in last.hits] == packs[3:]
    assert last.after is None
    assert world.ledger.search(owner, "operator", limit=4).after is None


def test_what_is_refused_leaves_no_words(world: World) -> None:
    pack = world.battery()
    outcomes = world.register(
        world.event("manufacture", pack, batch_id="B-1"),
        world.event("manufacture", pack, batch_id="B-2"),
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False]
    assert list(found(world, "B-1")) == [pack]
    assert found(world, "B-2") == {}


def test_only_public_fields_are_searched(world: World) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    world.accepted(world.event("install", pack, host_id="LVIN0001", source_ref="SAP-1"))
    for hidden in ("LVIN0001", "SAP-1", "bus", "F-1"):
        assert found(world, hidden) == {}
    for place in terms.FIELDS:
        assert field_rules()[place].shown == "P"


@pytest.mark.parametrize(
    ("kind", "after", "limit", "code"),
    [
        ("vin", None, 10, "usage.search.kind"),
        (None, "urn:none", 10, "usage.search.page"),
        (None, "\0", 10, "usage.search.page"),
        (None, None, 0, "usage.search.page"),
        (None, None, 1001, "usage.search.page"),
    ],
)
def test_searches_that_cannot_be(
    world: World, kind: str | None, after: str | None, limit: int, code: str
) -> None:
    with pytest.raises(CellbookError) as caught:
        world.ledger.search("x", kind, after, limit)
    assert caught.value.code == code


@pytest.mark.parametrize("query", ["\0", "", "\ud800", "x" * 10_000, "(01)", "%"])
def test_odd_words_find_nothing(world: World, query: str) -> None:
    assert found(world, query) == {}


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("DELETE FROM term WHERE kind = 'serial'", "subject urn:cellbook:gbt34014:"),
        ("UPDATE term SET value = 'B-2' WHERE kind = 'batch'", "batch B-2"),
        ("UPDATE term SET subject_id = 1 WHERE kind = 'batch'", "batch B-1, subject_id 1"),
        ("INSERT INTO term VALUES ('serial', '7', 3)", "serial 7, subject_id 3"),
    ],
)
def test_changed_words_are_found_by_fsck(world: World, change: str, row: str) -> None:
    world.live(world.battery(), "manufacture", "install")
    world.end_epoch()
    assert fsck(world.store).terms == 3
    with world.store._writer.begin() as connection:
        connection.exec_driver_sql(change)
    with pytest.raises(CellbookError) as caught:
        fsck(world.store)
    assert caught.value.code == "damaged.term"
    assert row in caught.value.describe()
