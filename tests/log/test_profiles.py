"""A log whose policy takes newer rules into use: what was decided before is decided so again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.custody.governance.statements import Profile
from ledger.custody.states import BatteryState, decode_state
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from tests.log.building import World

CORE_1 = (Profile(name="core", version=1),)
CORE_2 = (Profile(name="core", version=2), Profile(name="eu-2023-1542", version=1))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger that begins under core 1."""
    with World(tmp_path, profiles=(("core", 1),)) as made:
        yield made


def state(world: World, battery: str) -> BatteryState:
    data = world.store.state(battery)
    assert data is not None
    found = decode_state(data)
    assert isinstance(found, BatteryState)
    return found


def test_a_log_of_core_1_replays_after_core_2_is_in_force(world: World) -> None:
    assert world.ledger.log().profiles == (("core", 1),)
    pack, cell, other = world.battery(), world.battery("C"), world.battery()
    # What core 2 refuses: a pack that is also a cell, waste that is installed, a stranger's duty.
    (made,) = world.accepted(world.event("manufacture", pack, uris=(pack, cell)))
    world.live(pack, "install", "waste")
    world.accepted(world.event("correction", pack, entry_ref=made.entry_id))
    before = state(world, pack)
    world.accepted(world.next_policy(profiles=CORE_2))
    assert state(world, pack) == before
    assert world.refused(world.event("manufacture", other, uris=(other, world.battery("C")))) == (
        "rejected.ID-7"
    )
    assert world.refused(world.event("waste", pack)) == "rejected.ORD-7"
    last = world.live(pack, "decommission")[0].entry_id
    fields = {"entry_ref": last, "kind": "did-not-happen", "replacement": None}
    world.accepted(world.event("correction", pack, **fields))
    after = state(world, pack)
    assert after.physical == "installed"
    assert after.corrected == ((last, b""),), "what was corrected under core 1 stays as it was"
    world.end_epoch()
    report = world.fsck()
    assert report.size == world.store.head().size


def test_corrections_are_folded_the_same_way_by_the_store_and_by_fsck(world: World) -> None:
    world.accepted(world.next_policy(profiles=CORE_2))
    pack, second = world.battery(), world.second_life()
    world.live(pack, "manufacture")
    (wrong,) = world.accepted(world.event("install", pack, full_cycles=9, full_cycles_source="bms"))
    (anew,) = world.accepted(world.event("install", pack, corrects=wrong.entry_id))
    # In one submission: the chain is partly in the store, partly before it on the desk.
    fields = {"entry_ref": wrong.entry_id, "replacement": anew.entry_id}
    world.accepted(
        world.event("reading", pack),
        world.event("correction", pack, **fields),
        world.event("decommission", pack, install_ref=wrong.entry_id),
        world.event("assessment", pack),
    )
    world.accepted(world.event("repurpose", pack, outputs=(second,)))
    installed = state(world, pack)
    assert installed.corrected == ((wrong.entry_id, anew.entry_id),)
    assert installed.physical == "consumed"
    world.live(second, "install")
    entry = world.refs[second, "install"]
    world.accepted(world.event("dispute", second, entry_ref=entry))
    world.accepted(world.event("resolution", second, entry_ref=entry, outcome="upheld"))
    assert state(world, second).physical == "made"
    world.end_epoch()
    world.fsck()
    for battery in (pack, second):
        data, trust = world.ledger.dossier(battery), load_trust(world.home.trust_bytes())
        assert verify_dossier(data, trust, world.clock() + 60).battery == state(world, battery)
