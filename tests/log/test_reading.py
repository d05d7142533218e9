"""What the log shows: batteries, receipts, tiles, keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.proof.checkpoint import parse_body
from ledger.proof.receipt import verify_receipt
from ledger.tree.merkle import leaf_hash, root_of
from ledger.tree.tiles import decode_entry_bundle
from tests.log.building import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), operators=("owner", "assessor")) as made:
        made.accepted(*(made.event("manufacture", made.battery()) for _ in range(300)))
        made.end_epoch()
        yield made


def published(world: World) -> tuple[int, bytes]:
    checkpoint = parse_body(world.ledger.checkpoint().rpartition(b"\n\n")[0] + b"\n")
    return checkpoint.size, checkpoint.root


def code_of(action: object, *arguments: object) -> str:
    assert callable(action)
    with pytest.raises(CellbookError) as raised:
        action(*arguments)
    return raised.value.code


def test_receipts_verify_under_the_key_of_the_log(world: World) -> None:
    data = [world.event("manufacture", world.battery()) for _ in range(20)]
    outcomes = world.accepted(*data)
    (key,) = world.ledger.keys()
    assert world.ledger.key(key.kid) == key
    for item, outcome in zip(data, outcomes, strict=True):
        facts = verify_receipt(outcome.receipt, item, key)
        assert facts.time == outcome.log_time
        verify_receipt(world.ledger.receipt(outcome.entry_id or b""), item, key)
    with pytest.raises(CellbookError):
        verify_receipt(outcomes[0].receipt, data[1], key)


def test_receipts_of_old_entries_and_of_duplicates_verify(world: World) -> None:
    (key,) = world.ledger.keys()
    for index in (0, 1, 2, 255, 256, 300):
        entry = world.store.entry(index)
        assert entry is not None
        verify_receipt(world.ledger.receipt(entry.entry_id), entry.leaf, key)
        if index > 1:
            (again,) = world.accepted(entry.leaf)
            verify_receipt(again.receipt, entry.leaf, key)


def test_what_is_not_there(world: World) -> None:
    ledger = world.ledger
    assert code_of(ledger.receipt, bytes(32)) == "missing.entry"
    assert code_of(ledger.statement, bytes(32)) == "missing.entry"
    assert code_of(ledger.key, generate().key.kid) == "missing.key"
    assert code_of(ledger.find, "4A6PBPM27KLPCLE749999999") == "missing.battery"
    assert code_of(ledger.find, "\0") == "missing.battery"
    assert code_of(ledger.battery, world.operators["owner"].uri) == "missing.battery"
    assert code_of(ledger.dossier, "urn:cellbook:gbt34014:x") == "missing.battery"


def test_a_battery_is_found_by_each_of_its_names(world: World) -> None:
    battery, other = world.battery(), world.battery()
    world.accepted(world.event("manufacture", battery, uris=(battery, other)))
    code = battery.rpartition(":")[2]
    for name in (battery, code, code.lower(), f" {code} ", other, other.rpartition(":")[2]):
        assert world.ledger.find(name) == battery


def test_a_battery_is_found_by_all_forms_of_a_gs1_identifier(world: World) -> None:
    battery = world.battery()
    link = "https://id.gs1.org/01/09506000134352/21/A%2F1"
    world.accepted(world.event("manufacture", battery, uris=(battery, link)))
    for name in (
        link,
        "(01)09506000134352(21)A/1",
        "010950600013435210L7\x1d21A/1",
        "https://maker.example/b/01/9506000134352/21/A%2f1?linkType=gs1:pip",
    ):
        assert world.ledger.find(name) == battery
    assert code_of(world.ledger.find, "(01)09506000134352(21)a/1") == "missing.battery"


def test_a_code_that_was_misread_is_named(world: World) -> None:
    battery = world.battery()
    world.live(battery, "manufacture")
    code = battery.rpartition(":")[2]
    assert "0" in code
    with pytest.raises(CellbookError) as caught:
        world.ledger.find(code.replace("0", "O", 1))
    assert caught.value.code == "missing.battery"
    assert caught.value.facts["alike"] == battery
    assert code in caught.value.describe()


def test_a_battery_shows_its_entries(world: World) -> None:
    battery = world.battery()
    outcomes = world.live(battery, "manufacture", "install", "decommission", "assessment")
    world.end_epoch()
    view = world.ledger.battery(battery)
    assert [e.kind for e in view.entries] == [
        "manufacture",
        "install",
        "decommission",
        "assessment",
    ]
    assert [e.index for e in view.entries] == [o.index for o in outcomes]
    assert [e.log_time for e in view.entries] == [o.log_time for o in outcomes]
    assert view.entries[3].iss == world.operators["assessor"].uri
    assert view.state.physical == "removed"


def test_tiles_are_those_of_the_published_tree(world: World) -> None:
    size, root = published(world)
    leaves = []
    for n in range((size + 255) // 256):
        width = min(256, size - n * 256)
        part = "" if width == 256 else f".p/{width}"
        bundle = decode_entry_bundle(world.ledger.tile(f"tile/entries/{n:03}{part}"))
        hashes = world.ledger.tile(f"tile/0/{n:03}{part}")
        assert hashes == b"".join(leaf_hash(leaf) for leaf in bundle)
        leaves += bundle
    assert root_of([leaf_hash(leaf) for leaf in leaves]) == root
    assert len(world.ledger.tile("tile/1/000.p/1")) == 32


def test_nothing_is_shown_that_is_not_published(world: World) -> None:
    size, _ = published(world)
    world.accepted(world.event("manufacture", world.battery()))
    assert world.store.head().size > size
    width = size % 256
    assert world.ledger.tile(f"tile/0/001.p/{width}")
    for path in (
        f"tile/0/001.p/{width + 1}",
        f"tile/entries/001.p/{width + 1}",
        "tile/0/001",
        "tile/entries/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/0/x999/999",
        "tile/63/000.p/1",
    ):
        assert code_of(world.ledger.tile, path) == "missing.tile"
    world.end_epoch()


def test_a_dossier_waits_for_its_checkpoint(world: World) -> None:
    battery = world.battery()
    world.live(battery, "manufacture")
    world.clock.advance(1)
    assert world.ledger.dossier(battery)
    assert published(world)[0] == world.store.head().size


def test_receipts_at_one_size_for_many(world: World) -> None:
    entries = world.store.entries(2, 6)
    (key,) = world.ledger.keys()
    receipts = world.ledger.receipts([entry.entry_id for entry in entries])
    for receipt, entry in zip(receipts, entries, strict=True):
        verify_receipt(receipt, entry.leaf, key)
