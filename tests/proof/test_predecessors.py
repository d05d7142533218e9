"""Predecessors of a battery: to any depth, by several ways, each statement once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.custody.decision import read_content
from ledger.custody.events.afterlife import InputLot, Remainder, RepurposeOutput
from ledger.custody.lots import lot_of
from ledger.proof.checks.carried import carried_by
from ledger.proof.dossier import decode_dossier
from ledger.wire.statement import parse_statement
from tests.log.building import World
from tests.log.lives import _output, repurpose_input
from tests.proof.building import FIRST_LIFE, dossier_of, verdict_on

SECOND_TIME = ("install", "decommission", "assessment")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner", "assessor", "recycler")) as made:
        yield made


def removed(world: World, *children: str) -> str:
    """A pack that was made, used, removed and assessed."""
    pack = world.battery()
    world.accepted(world.event("manufacture", pack, children=children))
    world.live(pack, *FIRST_LIFE[1:])
    return pack


def left(uri: str) -> Remainder:
    return Remainder(id=uri, mass_g=12_000, reason="kept as it is", destination="stock")


def become(
    world: World, inputs: tuple[str, ...], *outputs: str | RepurposeOutput, **fields: Any
) -> None:
    """``inputs`` are repurposed into ``outputs``."""
    named = tuple(repurpose_input(uri, world.refs[uri, "assessment"]) for uri in inputs)
    world.accepted(world.event("repurpose", inputs[0], inputs=named, outputs=outputs, **fields))


def carried(world: World, subject: str) -> frozenset[str]:
    """The batteries in the verified dossier of ``subject``; each statement stands in it once."""
    data = dossier_of(world, subject)
    verdict = verdict_on(world, data)
    assert not verdict.breaches
    leaves = Counter(entry.leaf for entry in decode_dossier(data).entries)
    assert set(leaves.values()) == {1}
    assert verdict.battery == world.ledger.battery(subject).state
    read = map(parse_statement, leaves)
    return carried_by(subject, ((s.entry_id, read_content(s)) for s in read))


def test_a_chain_of_five_lives(world: World) -> None:
    chain = [removed(world)]
    for _ in range(4):
        new = world.second_life()
        become(world, (chain[-1],), new)
        world.live(new, *SECOND_TIME)
        chain.append(new)
    for place, subject in enumerate(chain):
        assert carried(world, subject) == set(chain[: place + 1])
    verdict = verdict_on(world, dossier_of(world, chain[-1]))
    assert verdict.profile.predecessors == (chain[-2],)


def test_a_diamond(world: World) -> None:
    """A pack is split in two, and both halves are one battery again."""
    whole, halves, again = removed(world), (world.second_life(), world.second_life()), ""
    become(world, (whole,), *halves)
    for half in halves:
        world.live(half, *SECOND_TIME)
    again = world.second_life()
    become(world, halves, again)
    assert carried(world, again) == {whole, *halves, again}
    assert verdict_on(world, dossier_of(world, again)).profile.predecessors == halves


def test_cells_of_several_packs(world: World) -> None:
    cells = [world.battery("C") for _ in range(3)]
    packs = [removed(world, cells[0], cells[1]), removed(world, cells[2])]
    become(world, (packs[0],), world.second_life(), remainder=(left(cells[0]), left(cells[1])))
    become(world, (packs[1],), world.second_life(), remainder=(left(cells[2]),))
    for cell in cells:
        world.live(cell, "assessment")
    new = world.second_life()
    become(world, tuple(cells), new)
    assert carried(world, new) >= {*packs, *cells, new}


def test_modules_that_stay_inside(world: World) -> None:
    modules = [world.battery("M") for _ in range(2)]
    pack, first, second = removed(world, *modules), world.second_life(), world.second_life()
    become(world, (pack,), holding(first, *modules))
    world.live(first, *SECOND_TIME)
    become(world, (first,), holding(second, modules[0]), remainder=(left(modules[1]),))
    world.live(modules[1], "assessment")
    assert carried(world, second) == {pack, first, second, modules[0]}
    assert carried(world, modules[1]) == {pack, first, modules[1]}
    assert carried(world, modules[0]) == {pack, first, modules[0]}


def holding(uri: str, *children: str) -> RepurposeOutput:
    return msgspec.structs.replace(_output(uri), children=children)


def test_a_lot_names_no_units(world: World) -> None:
    """Cells of other customers went in: the dossier tells how many, and not which."""
    cells = [f"urn:cellbook:gbt34014:4A6CBPM27KLPCLE76{number:07d}" for number in range(300)]
    lot = lot_of(cells, bytes(range(32)))
    pack, new = removed(world), world.second_life()
    lots = (InputLot(lot="L-1", count=lot.count, root=lot.root, mass_g=9_000),)
    become(world, (pack,), new, input_lots=lots)
    assert carried(world, new) == {pack, new}
    data = dossier_of(world, new)
    assert not any(cell.encode() in data for cell in cells)
    entries = decode_dossier(data).entries
    assert sum(lot.root in entry.leaf for entry in entries) == 1
