"""Twelve modules of one pack, sold to many: what the buyer of the first one sees of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.decision import read_content
from ledger.custody.events import Event, kind_of
from ledger.proof.dossier import DossierEntry, decode_dossier, encode_dossier
from ledger.proof.verify import verify_dossier
from ledger.wire.statement import parse_statement
from tests.log.building import World
from tests.log.test_successor import LATER, NEXT
from tests.proof.building import changed, dossier_of, trust_of, verdict_on, with_entries, without
from tests.proof.test_predecessors import SECOND_TIME, become, carried, holding, left, removed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner", "assessor", "recycler", "authority")) as made:
        yield made


class Split:
    """A pack of twelve modules. One is looked at while it is inside; then all become free."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.modules = [world.battery("M") for _ in range(12)]
        self.pack = removed(world, *self.modules)
        world.live(self.modules[4], "assessment")
        become(world, (self.pack,), world.second_life(), remainder=map_left(self.modules))
        world.live(self.modules[0], "assessment", "install")

    def go_on(self) -> str:
        """The others are installed, merged and recycled by whoever has them; the merged unit."""
        world, modules = self.world, self.modules
        for uri in modules[1:]:
            world.live(uri, "assessment")
        world.live(modules[1], "install", "incident")
        merged = world.second_life()
        become(world, tuple(modules[2:5]), merged)
        world.live(merged, *SECOND_TIME)
        world.live(modules[5], "repair", "recycle")
        return merged

    def about_the_pack(self) -> None:
        """What is said of the pack after the split."""
        for kind in ("manufacture", "repurpose"):
            entry = self.world.refs[self.pack, kind]
            self.world.accepted(self.world.event("dispute", self.pack, entry_ref=entry))


def map_left(uris: list[str]) -> tuple[Any, ...]:
    return tuple(left(uri) for uri in uris)


def told(data: bytes) -> list[tuple[str, str]]:
    """The events in a dossier: about which battery, and of what kind."""
    statements = [parse_statement(entry.leaf) for entry in decode_dossier(data).entries]
    read = [(statement.sub, read_content(statement)) for statement in statements]
    return [(sub, kind_of(content)) for sub, content in read if isinstance(content, Event)]


def test_the_later_lives_of_the_others_are_not_in_the_file(world: World) -> None:
    split = Split(world)
    before = told(dossier_of(world, split.modules[0]))
    merged = split.go_on()
    data = dossier_of(world, split.modules[0])
    assert told(data) == before
    first, pack = split.modules[0], split.pack
    assert told(data) == [
        *((pack, kind) for kind in ("manufacture", "install", "decommission", "assessment")),
        (split.modules[4], "assessment"),
        (pack, "repurpose"),
        *((first, kind) for kind in ("assessment", "install")),
    ]
    assert carried(world, first) == {pack, first}
    assert merged.encode() not in data
    assert carried(world, pack) == {pack}


def test_what_is_not_judged_is_said(world: World) -> None:
    split = Split(world)
    verdict = verdict_on(world, dossier_of(world, split.modules[0]))
    assert not verdict.breaches
    told = " ".join(verdict.unchecked)
    assert "11 other units" in told
    assert "other units" not in " ".join(
        verdict_on(world, dossier_of(world, removed(world, world.battery("M")))).unchecked
    )


def test_a_merged_unit_has_its_inputs_and_their_pack(world: World) -> None:
    split = Split(world)
    merged = split.go_on()
    assert carried(world, merged) == {merged, split.pack, *split.modules[2:5]}


def test_units_of_which_nobody_tells_that_they_left_are_carried(world: World) -> None:
    """A pack with its modules in it, and one that became another with its modules in it."""
    modules = [world.battery("M") for _ in range(3)]
    pack = removed(world, *modules)
    assert carried(world, pack) == {pack, *modules}
    new = world.second_life()
    become(world, (pack,), new)
    assert carried(world, new) == {new, pack, *modules}
    assert carried(world, modules[0]) == {modules[0]}


def test_what_is_said_later_about_the_pack_stays(world: World) -> None:
    split = Split(world)
    split.go_on()
    split.about_the_pack()
    data = dossier_of(world, split.modules[0])
    entries = decode_dossier(data).entries
    assert told(data)[-2:] == [(split.pack, "dispute")] * 2
    for entry in entries:
        if isinstance(read_content(parse_statement(entry.leaf)), Event):
            assert refused(world, without(data, entry.index)) in (
                "failed.dossier.incomplete",
                "failed.dossier.missing",
            )


def test_a_split_that_was_taken_back_leads_to_all_units(world: World) -> None:
    """Where they are then, the pack's own history does not tell."""
    split = Split(world)
    opened = world.refs[split.pack, "repurpose"]
    assert carried(world, split.modules[0]) == {split.pack, split.modules[0]}
    happened = {"kind": "did-not-happen", "replacement": None}
    world.accepted(world.event("correction", split.pack, entry_ref=opened, **happened))
    data = dossier_of(world, split.modules[0])
    names = {row.uri for row in decode_dossier(data).index}
    assert names >= {split.pack, *split.modules}
    assert verdict_on(world, data).battery == world.ledger.battery(split.modules[0]).state


def test_grafted_lives_of_others_are_refused(world: World) -> None:
    split = Split(world)
    merged = split.go_on()
    first = split.modules[0]
    data = dossier_of(world, first)
    own = decode_dossier(data)
    held = {entry.index for entry in own.entries}
    for other in (merged, split.modules[1], split.modules[5]):
        foreign = decode_dossier(world.ledger.dossier(other))
        for entry in foreign.entries:
            if entry.index not in held:
                assert refused(world, grafted(data, entry)) == "failed.dossier.foreign"
        rows = {row.uri: row for row in (*foreign.index, *own.index)}
        index = tuple(rows[uri] for uri in sorted(rows, key=str.encode))
        assert refused(world, changed(data, index=index)) == "failed.dossier.index"
        everything = {entry.index: entry for entry in (*foreign.entries, *own.entries)}
        both = tuple(everything[at] for at in sorted(everything))
        assert refused(world, changed(data, index=index, entries=both)).startswith("failed.")


def test_a_pack_that_is_left_out_with_its_proof(world: World) -> None:
    """The seller gives the module's own entries only, as if it had never been inside."""
    split = Split(world)
    data = dossier_of(world, split.modules[0])
    own = decode_dossier(data)
    index = tuple(row for row in own.index if row.uri != split.pack)
    assert refused(world, changed(data, index=index)) == "failed.dossier.unproven"


def test_units_that_stay_in_two_outputs(world: World) -> None:
    modules = [world.battery("M") for _ in range(4)]
    pack = removed(world, *modules)
    one, two = world.second_life(), world.second_life()
    become(world, (pack,), holding(one, *modules[:2]), holding(two, *modules[2:]))
    world.live(two, *SECOND_TIME)
    world.live(modules[3], "assessment")
    assert carried(world, one) == {one, pack, *modules[:2]}
    assert carried(world, two) == {two, pack, *modules[2:]}
    assert carried(world, modules[0]) == {modules[0], pack}


@pytest.mark.parametrize("cut", ["before the split", "after it"])
def test_two_logs(tmp_path: Path, cut: str) -> None:
    """What is said in the second log of a unit that went inside in the first concerns its pack."""
    names = ("owner", "assessor")
    with World(tmp_path / "old", operators=names) as old:
        modules = [old.battery("M") for _ in range(3)]
        pack = removed(old, *modules)
        old.live(modules[1], "assessment")
        if cut == "after it":
            become(old, (pack,), old.second_life(), remainder=map_left(modules))
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            new.live(modules[2], "assessment")
            if cut == "before the split":
                become(new, (pack,), new.second_life(), remainder=map_left(modules))
            for uri in modules:
                new.live(uri, "assessment")
            new.live(modules[1], "install")
            new.end_epoch()
            for uri in modules:
                data = new.ledger.dossier(uri)
                verdict = verify_dossier(data, trust_of(new), LATER)
                assert not verdict.breaches
                assert verdict.battery == new.ledger.battery(uri).state
                assert {pack, uri} <= {event.of for event in verdict.life}
                assert decode_dossier(data).past is not None
            assert (modules[1], "install") not in told(new.ledger.dossier(modules[0]))


def grafted(data: bytes, entry: DossierEntry) -> bytes:
    entries = (*decode_dossier(data).entries, entry)
    return with_entries(data, *sorted(entries, key=lambda one: one.index))


def refused(world: World, data: bytes) -> str:
    with pytest.raises(CellbookError) as found:
        verdict_on(world, data)
    return found.value.code


def test_the_file_is_written_as_it_is_read(world: World) -> None:
    data = dossier_of(world, Split(world).modules[0])
    assert encode_dossier(decode_dossier(data)) == data
