"""Everything derived, made anew from the entries: the same rows in every table, or no change."""

# ruff: noqa: S608  (the statements are made of names that stand in this file)

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select, text

from keys.errors import CellbookError
from ledger.log.integrity.fsck import fsck
from ledger.log.integrity.rebuild import Rebuilt, rebuild
from ledger.store.sql import SqlStore
from ledger.store.tables import METADATA
from tests.log.building import World
from tests.log.listing import AFTER, BEFORE, Publishers

LAST = "(SELECT max(id) FROM subject WHERE uri LIKE 'urn:cellbook:gbt34014:%')"
DERIVED = ("term", "subject_entry", "tile", "index_block", "index_undo")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A log of several epochs, the last of which is open; with lists and with pins."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with World(tmp_path, database=url, epoch_s=3600) as made:
        fill(made)
        yield made


def fill(world: World) -> None:
    publishers = Publishers(world)
    pack, other = world.battery(), world.battery()
    world.accepted(publishers.snapshot(BEFORE, "2026-01-01"))
    world.live(pack, "manufacture", "install")
    world.end_epoch()
    world.store.move_pins({"one": world.store.head().size})
    world.accepted(world.event("manufacture", other, uris=(other, world.battery())))
    world.live(pack, "decommission", "assessment", "repurpose")
    (incident,) = world.accepted(world.event("incident", other))
    world.accepted(publishers.snapshot(AFTER, "2026-06-01"))
    world.end_epoch()
    world.store.move_pins({"another": world.store.head().size})
    world.accepted(world.event("dispute", other, entry_ref=incident.entry_id))
    world.accepted(*(world.event("manufacture", world.battery()) for _ in range(300)))
    world.end_epoch()
    world.live(world.battery(), "manufacture")


def digests(store: SqlStore) -> dict[str, str]:
    """A digest of each table, over all columns of all rows."""
    found = {}
    with store._writer.connect() as connection:
        for table in METADATA.sorted_tables:
            rows = connection.execute(select(table).order_by(*table.primary_key)).all()
            plain = [
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows
            ]
            found[table.name] = sha256(repr(plain).encode()).hexdigest()
    return found


def change(store: SqlStore, *statements: str) -> None:
    with store._writer.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount != 0, "the test changes nothing"


def test_the_result_is_the_same(world: World) -> None:
    """Also while the service has the log open, which then goes on."""
    before = digests(world.store)
    head = world.store.head()
    assert head.epoch_time is not None
    with world.store._writer.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM index_undo")).scalar()
    read: list[tuple[int, int]] = []
    done = rebuild(world.store, progress=lambda *place: read.append(place))
    assert digests(world.store) == before
    assert (done.size, done.root, done.unpublished) == (head.size, head.root, 0)
    assert read
    world.live(world.battery(), "manufacture")
    world.end_epoch()
    world.fsck()


def test_whatever_was_derived_wrongly_is_right_again(world: World) -> None:
    before = digests(world.store)
    nothing = [f"DELETE FROM {table}" for table in DERIVED]
    change(world.store, *nothing)
    rebuild(world.store)
    assert digests(world.store) == before
    change(
        world.store,
        "UPDATE subject SET state = NULL, count = 7 WHERE id > 5",
        "UPDATE tile SET data = substr(data, 33) WHERE level = 0",
        f"UPDATE subject_entry SET subject_id = 1 WHERE subject_id = {LAST}",
        "UPDATE index_block SET data = substr(data, 2)",
        f"UPDATE term SET value = kind WHERE subject_id = {LAST} AND kind = 'serial'",
        "UPDATE log_head SET root = edge, edge = root, governance = 1, checkpoint = 2",
        "INSERT INTO subject (id, uri, count) VALUES (100000, 'urn:x', 0)",
    )
    with pytest.raises(CellbookError):
        fsck(world.store)
    rebuild(world.store)
    assert digests(world.store) == before


def test_a_subject_that_was_lost_gets_another_number(world: World) -> None:
    change(
        world.store,
        f"DELETE FROM subject_entry WHERE subject_id = {LAST}",
        f"DELETE FROM term WHERE subject_id = {LAST}",
        f"DELETE FROM subject WHERE id = {LAST}",
    )
    rebuild(world.store)
    world.close()
    fsck(world.home.open_store())


REFUSED = {
    "damaged.entry": [
        'UPDATE entry SET leaf = entry_id WHERE "index" = 5',
        'DELETE FROM entry WHERE "index" = 5',
        'DELETE FROM entry WHERE "index" > 300',
        # After the last checkpoint.
        'DELETE FROM entry WHERE "index" = (SELECT max("index") FROM entry)',
    ],
    "damaged.checkpoint": [
        "UPDATE checkpoint SET note = substr(note, 2) WHERE size = 2",
        "UPDATE checkpoint SET size = 5 WHERE size = 2",
    ],
    "damaged.log-head": ["UPDATE log_head SET epoch_time = NULL"],
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_does_not_agree_changes_nothing(world: World, code: str) -> None:
    genesis = world.store.entry(0)
    assert genesis is not None
    for statement in REFUSED[code]:
        with world.store._writer.connect() as connection:
            saved = [(t, connection.execute(select(t)).all()) for t in METADATA.sorted_tables]
        change(world.store, statement)
        before = digests(world.store)
        with pytest.raises(CellbookError) as caught:
            rebuild(world.store, genesis=genesis.entry_id)
        assert caught.value.code == code, statement
        assert digests(world.store) == before
        with world.store._writer.begin() as connection:
            for table, _ in reversed(saved):
                connection.execute(table.delete())
            for table, rows in saved:
                if rows:
                    connection.execute(table.insert(), [dict(row._mapping) for row in rows])


def test_the_log_that_is_meant(world: World) -> None:
    before = digests(world.store)
    with pytest.raises(CellbookError) as caught:
        rebuild(world.store, genesis=bytes(32))
    assert caught.value.code == "damaged.entry"
    assert digests(world.store) == before


def test_a_checkpoint_that_was_lost_is_signed_again(world: World) -> None:
    before = digests(world.store)
    sizes = [n for n in range(world.store.head().size) if world.store.checkpoint(n)]
    change(world.store, f"DELETE FROM checkpoint WHERE size = {sizes[-2]}")
    done = rebuild(world.store)
    assert done == Rebuilt(done.size, done.root, len(sizes), len(sizes) - 1, 1)
    assert world.store.head().checkpoint == sizes[-3]
    world.close()
    store, _ = world.open()
    # The process that begins the log anew signs it, with the same bytes.
    world.end_epoch()
    assert digests(store)["checkpoint"] != ""
    world.fsck()
    assert before["entry"]
