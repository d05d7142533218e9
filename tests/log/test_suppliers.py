"""What the service counts of an operator: by calculation, over the units with its signature."""

from __future__ import annotations

from pathlib import Path

from tests.log.building import World, operator_uri


def test_activity(tmp_path: Path) -> None:
    with World(tmp_path, operators=("owner", "assessor", "recycler")) as world:
        packs = [world.battery() for _ in range(6)]
        for pack in packs:
            world.live(pack, "manufacture", "install")
        for pack in packs[:4]:
            world.live(pack, "decommission", "assessment")
        second = world.second_life()
        world.accepted(world.event("repurpose", packs[0], outputs=(second,)))
        world.live(packs[1], "recycle")
        world.live(packs[4], "incident")
        for pack in packs[2:4]:
            release = world.event("release", pack, receiver=operator_uri("recycler"))
            world.accepted(release)
            world.accepted(world.event("accept", pack, by="recycler"))
        world.accepted(world.event("recycle", packs[2], by="recycler"))
        world.accepted(
            world.event("dispute", packs[5], entry_ref=world.refs[packs[5], "manufacture"])
        )
        world.end_epoch()
        owner = world.ledger.suppliers.view(operator_uri("owner"))
        taker = world.ledger.suppliers.view(operator_uri("recycler")).activity
    counts = owner.activity
    assert owner.units == 7
    assert (counts.taken_in, counts.repurposed, counts.recycled) == (0, 1, 1)
    assert counts.in_stock == 1
    assert (counts.quarantined, counts.missing, counts.open_disputes) == (1, 0, 1)
    assert (taker.taken_in, taker.recycled, taker.in_stock) == (2, 1, 1)
