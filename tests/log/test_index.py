"""The index of a real log: what heads state, what the store keeps, and services that lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.errors import CellbookError
from ledger.log.heads import read_head
from ledger.log.index import extend_index
from ledger.log.integrity.fsck import fsck
from ledger.log.reading.published import PublishedLog
from ledger.proof.assembly.dossier import assemble
from ledger.proof.dossier import decode_dossier
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from ledger.store import indexing
from ledger.store.sql import SqlStore
from ledger.tree.prefix import key_of, verify_absence, verify_presence
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import parse_statement
from tests.log.building import NOW, World
from tests.log.test_fsck import query

LIFE = ("manufacture", "install", "incident", "decommission")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def told(world: World) -> str:
    battery = world.battery()
    world.live(battery, *LIFE)
    world.end_epoch()
    return battery


def database(world: World) -> Path:
    return world.home.path / "ledger.db"


def chain_of(world: World, uri: str) -> Chain:
    chain = Chain()
    for index in world.store.subject_entries(uri, 2**62):
        entry = world.store.entry(index)
        assert entry is not None
        chain = chain.after(index, parse_statement(entry.leaf).leaf_hash)
    return chain


def test_every_head_states_the_root_of_the_index(world: World) -> None:
    battery = told(world)
    head = read_head(world.store, world.store.head().last_head or 0)
    nobody = world.battery()
    found = world.store.prove(map(key_of, (battery, world.ledger.uri, nobody)))
    for uri in (battery, world.ledger.uri):
        verify_presence(
            key_of(uri), chain_of(world, uri).value, found[key_of(uri)].proof, head.index_root
        )
    verify_absence(key_of(nobody), found[key_of(nobody)].proof, head.index_root)
    genesis = read_head(world.store, 1)
    assert genesis.index_root not in (bytes(32), head.index_root)


def test_what_is_new_since_the_head_is_not_in_its_index(world: World) -> None:
    battery = told(world)
    before = world.store.prove([key_of(battery)])
    world.live(battery, "assessment")
    assert world.store.prove([key_of(battery)]) == before
    world.end_epoch()
    assert world.store.prove([key_of(battery)]) != before
    fsck(world.store)


def test_an_epoch_of_many_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "PAGE", 2)
    told(world)
    told(world)
    fsck(world.store)


@pytest.mark.parametrize("place", range(len(LIFE)))
def test_a_service_that_leaves_an_entry_out_of_a_dossier(
    world: World, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = told(world)
    hidden = world.store.subject_entries(battery, 2**62)[place]
    honest = PublishedLog.indexes

    def indexes(log: PublishedLog, uri: str, size: int) -> list[int]:
        return [index for index in honest(log, uri, size) if index != hidden]

    monkeypatch.setattr(PublishedLog, "indexes", indexes)
    data = world.ledger.dossier(battery)
    assert hidden not in [entry.index for entry in decode_dossier(data).entries]
    with pytest.raises(CellbookError) as refused:
        verify_dossier(data, load_trust(world.home.trust_bytes()), NOW + 60)
    # The chain that it computes is not the one in the index; with the right one, an entry lacks.
    assert refused.value.code in ("failed.prefix.presence", "failed.dossier.missing")


def test_a_service_whose_index_lies_is_found_by_who_recomputes_it(world: World) -> None:
    battery = world.battery()
    world.live(battery, *LIFE)
    hidden = world.store.subject_entries(battery, 2**62)[2]
    query(database(world), 'DELETE FROM subject_entry WHERE "index" = ?', hidden)
    lie = chain_of(world, battery)
    sql = "UPDATE subject SET count = ?, chain = ? WHERE uri = ?"
    query(database(world), sql, lie.count, lie.hash, battery)
    world.end_epoch()
    data = world.ledger.dossier(battery)
    verdict = verify_dossier(data, load_trust(world.home.trust_bytes()), NOW + 60)
    assert verdict.record.completeness == "stated by the service"
    with pytest.raises(CellbookError) as found:
        fsck(world.store)
    assert found.value.facts["table"] == "entry"
    assert found.value.facts["row"] == f"index {world.store.head().last_head}"
    assert "index root" in found.value.detail


@pytest.mark.parametrize(
    ("sql", "table", "column"),
    [
        ("UPDATE subject SET count = 9 WHERE id = 1", "subject", "count"),
        ("UPDATE subject SET chain = x'00' WHERE id = 1", "subject", "chain"),
        ("UPDATE subject SET count = 1 WHERE count = 0", "subject", "count"),
        ("UPDATE index_block SET data = x'00' WHERE id = 1", "index_block", "data"),
        ("UPDATE index_block SET written = 1 WHERE id = 1", "index_block", "written"),
        ("INSERT INTO index_pin VALUES ('elsewhere', 99)", "index_pin", "size"),
        ("INSERT INTO index_undo VALUES (1, 2, 2, x'00')", "index_undo", ""),
        ("INSERT INTO index_block VALUES (999, x'00', 2)", "index_block", ""),
        ("DELETE FROM index_block WHERE id = 1", "index_block", ""),
    ],
)
def test_fsck_names_what_is_wrong(world: World, sql: str, table: str, column: str) -> None:
    told(world)
    query(database(world), sql)
    with pytest.raises(CellbookError) as found:
        fsck(world.store)
    assert (found.value.facts["table"], found.value.facts["column"]) == (table, column)


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x02" + bytes(60), b"\x02" + bytes(70)])
def test_a_head_is_not_signed_over_damaged_blocks(world: World, data: bytes) -> None:
    battery = told(world)
    size = world.store.head().size
    (before,) = query(database(world), "SELECT data FROM index_block WHERE id = 1")
    sql = "UPDATE index_block SET data = ? WHERE id = 1"
    query(database(world), sql, data)
    with pytest.raises(CellbookError) as stopped, world.store.writing() as writing:
        extend_index(writing, size - 1, size)
    assert stopped.value.code in ("damaged.tree.block", "damaged.log.index")
    with pytest.raises(CellbookError) as stopped:
        world.ledger.dossier(battery)
    assert stopped.value.code in ("damaged.tree.block", "unavailable.index.moved")
    query(database(world), sql, before["data"])
    world.live(battery, "assessment")


def test_a_file_is_of_one_head(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head between a dossier's entries and its proofs: it is made once more."""
    battery = told(world)
    honest, calls = SqlStore.prove, []

    def prove(store: SqlStore, keys: Iterator[bytes], size: int) -> object:
        if not calls:
            calls.append(None)
            world.live(battery, "assessment")
            world.end_epoch()
        return honest(store, keys, size)

    monkeypatch.setattr(SqlStore, "prove", prove)
    data = world.ledger.dossier(battery)
    verdict = verify_dossier(data, load_trust(world.home.trust_bytes()), NOW + 60)
    assert verdict.record.size == world.store.head().size
    assert [event.kind for event in verdict.life] == [*LIFE, "assessment"]


def pinned(world: World) -> tuple[str, int]:
    """A battery whose index is kept as it was at a size, and which has gone on since."""
    battery = told(world)
    size = world.store.head().size
    world.store.move_pins({"kept": size})
    for kind in ("assessment", "repurpose"):
        world.live(battery, kind)
        world.end_epoch()
    return battery, size


def dossier_at(world: World, battery: str, size: int) -> bytes:
    ledger = world.ledger
    published = PublishedLog(world.store, ledger._receipts, ledger.uri, size)
    return assemble(published, battery, ledger.lists.document)


def test_a_file_of_a_pinned_size_verifies_while_the_log_goes_on(world: World) -> None:
    battery, size = pinned(world)
    verdict = verify_dossier(
        dossier_at(world, battery, size), load_trust(world.home.trust_bytes()), NOW + 60
    )
    assert verdict.record.size == size
    assert [event.kind for event in verdict.life] == list(LIFE)
    fsck(world.store)
    world.store.move_pins({"kept": None})
    fsck(world.store)
    with pytest.raises(CellbookError) as refused:
        dossier_at(world, battery, size)
    assert refused.value.code == "unavailable.index.moved"


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("UPDATE index_undo SET data = x'00'", "data"),
        ("UPDATE index_undo SET since = since + 1", "since"),
        ("DELETE FROM index_undo", ""),
        ("INSERT INTO index_undo VALUES (999, (SELECT MIN(until) FROM index_undo), 3, x'00')", ""),
        ("INSERT INTO index_undo VALUES (999, 2, 1, x'00')", ""),
        ("INSERT INTO index_pin VALUES ('elsewhere', 3)", ""),
        ("DELETE FROM index_pin", ""),
    ],
)
def test_fsck_names_what_is_wrong_with_what_is_kept(world: World, sql: str, column: str) -> None:
    pinned(world)
    query(database(world), sql)
    with pytest.raises(CellbookError) as found:
        fsck(world.store)
    assert (found.value.facts["table"], found.value.facts["column"]) == ("index_undo", column)
