"""Packs that are taken apart and put together: modules, cells, and what becomes of each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ledger.custody.events.afterlife import Remainder, RepurposeOutput
from ledger.custody.governance.statements import Profile
from tests.custody.history import Log, genesis, operator_uri
from tests.log.lives import _output, repurpose_input

CORE_2 = genesis(profiles=(Profile(name="core", version=2),))


@pytest.fixture(params=[1, 2, 4], ids=lambda version: f"core {version}")
def log(request: pytest.FixtureRequest) -> Log:
    return Log(policy=genesis(profiles=(Profile(name="core", version=request.param),)))


def code(log: Log, level: str, number: int) -> str:
    return f"urn:cellbook:gbt34014:4A6{level}BPM27KLPCLE75{number:07d}"


def second_life(number: int, level: str = "P") -> str:
    return f"urn:cellbook:gbt34014:4A6{level}BPMG64{number:07d}R{level}"


def removed_pack(log: Log, *children: str) -> str:
    pack = log.battery()
    log.live(pack, "manufacture", children=children)
    log.live(pack, "install", "decommission", "assessment")
    return pack


def left(uri: str) -> Remainder:
    return Remainder(id=uri, mass_g=12_000, reason="kept as it is", destination="stock")


def holding(uri: str, *children: str) -> RepurposeOutput:
    return msgspec.structs.replace(_output(uri), children=children)


def inputs(log: Log, *uris: str) -> tuple[Any, ...]:
    return tuple(repurpose_input(uri, log.refs[uri, "assessment"]) for uri in uris)


def test_modules_of_a_pack_become_free(log: Log) -> None:
    modules = [code(log, "M", number) for number in (1, 2)]
    pack = removed_pack(log, *modules)
    outputs = (second_life(1, "M"),)
    log.live(pack, "repurpose", outputs=outputs, remainder=tuple(map(left, modules)))
    assert log.state(pack).physical == "consumed"
    for uri in modules:
        state = log.state(uri)
        assert (state.parent, state.physical) == (None, "removed")
        assert log.refused(log.event("install", uri)) == "rejected.ORD-4"
        log.live(uri, "assessment", "install")


def test_from_pack_to_module_to_cell(log: Log) -> None:
    module, cells = code(log, "M", 1), [code(log, "C", number) for number in (1, 2)]
    log.live(module, "manufacture", children=tuple(cells))
    pack = removed_pack(log, module)
    early = log.event("repurpose", pack, remainder=(left(cells[0]),))
    assert log.refused(early) == "rejected.SPL-2"
    log.live(pack, "repurpose", remainder=(left(module),))
    log.live(module, "assessment")
    outputs = (second_life(2, "C"),)
    log.live(module, "repurpose", outputs=outputs, remainder=tuple(map(left, cells)))
    for uri in cells:
        assert (log.state(uri).parent, log.state(uri).physical) == (None, "removed")


def test_cells_of_several_packs_are_one_new_pack(log: Log) -> None:
    cells = [code(log, "C", number) for number in (1, 2, 3)]
    packs = [removed_pack(log, cells[0], cells[1]), removed_pack(log, cells[2])]
    log.live(packs[0], "repurpose", remainder=(left(cells[0]), left(cells[1])))
    log.live(packs[1], "repurpose", remainder=(left(cells[2]),))
    for uri in cells:
        log.live(uri, "assessment")
    new = second_life(3)
    taken = log.live(cells[0], "repurpose", inputs=inputs(log, *cells), outputs=(new,))
    assert taken.decision.subjects == (*cells, new)
    assert log.state(new).predecessors == tuple(cells)
    assert {log.state(uri).physical for uri in cells} == {"consumed"}
    assert log.refused(log.event("install", cells[0])) == "rejected.ORD-2"


def test_modules_that_stay_in_what_a_pack_becomes(log: Log) -> None:
    modules = [code(log, "M", number) for number in (1, 2, 3)]
    pack = removed_pack(log, *modules)
    new = second_life(4)
    log.live(
        pack,
        "repurpose",
        outputs=(holding(new, modules[0], modules[1]),),
        remainder=(left(modules[2]),),
    )
    assert [log.state(uri).parent for uri in modules] == [new, new, None]
    assert log.refused(log.event("install", modules[0])) == "rejected.ORD-2"
    log.live(new, "install", "decommission", "assessment")
    second = second_life(5)
    log.live(
        new,
        "repurpose",
        outputs=(holding(second, modules[0]),),
        remainder=(left(modules[1]),),
    )
    assert [log.state(uri).parent for uri in modules] == [second, None, None]
    assert log.state(modules[1]).physical == "removed"


def test_what_was_in_no_input_is_not_kept(log: Log) -> None:
    module, stranger = code(log, "M", 1), code(log, "M", 2)
    pack, other = removed_pack(log, module), removed_pack(log, stranger)
    for uri in (stranger, other, code(log, "M", 9), log.battery()):
        data = log.event("repurpose", pack, outputs=(holding(second_life(6), module, uri),))
        assert log.refused(data) == "rejected.SPL-2", uri
    twice = (holding(second_life(6), module), holding(second_life(7), module))
    assert log.refused(log.event("repurpose", pack, outputs=twice)) == "rejected.subject.twice"
    both = log.event(
        "repurpose", pack, outputs=(holding(second_life(6), module),), remainder=(left(module),)
    )
    assert log.refused(both) == "rejected.subject.twice"


def test_a_child_has_one_whole(log: Log) -> None:
    module = code(log, "M", 1)
    log.live(log.battery(), "manufacture", children=(module,))
    second = log.event("manufacture", log.battery(), children=(module,))
    assert log.refused(second) == "rejected.SPL-2"


def test_a_whole_possesses_its_children_first(log: Log) -> None:
    module = code(log, "M", 1)
    log.live(module, "manufacture")
    log.hand_over(module, "owner", "buyer")
    data = log.event("manufacture", log.battery(), children=(module,))
    assert log.refused(data) == "rejected.SPL-2"
    log.hand_over(module, "buyer", "owner")
    log.take(log.event("manufacture", log.battery(), children=(module,)))


def test_nothing_is_inside_of_itself(log: Log) -> None:
    pack, other = log.battery(), log.battery()
    own = log.event("manufacture", pack, children=(pack,))
    assert log.refused(own) == "rejected.subject.twice"
    log.live(pack, "manufacture", children=(code(log, "M", 1),))
    log.live(other, "manufacture", children=(pack,))
    cycle = log.event("manufacture", pack, children=(other,))
    assert log.refused(cycle).startswith("rejected.ID-4")


def test_a_module_leaves_with_its_pack_only(log: Log) -> None:
    module = code(log, "M", 1)
    removed_pack(log, module)
    for kind in ("install", "release", "recycle"):
        assert log.refused(log.event(kind, module)).startswith("rejected."), kind
    log.live(module, "assessment")
    alone = log.event("repurpose", module)
    assert log.refused(alone).startswith("rejected.")


def test_the_owner_of_the_whole_owns_its_parts(log: Log) -> None:
    module = code(log, "M", 1)
    pack = removed_pack(log, module)
    log.hand_over(pack, "owner", "buyer", "ownership")
    log.live(pack, "repurpose", remainder=(left(module),))
    state = log.state(module)
    assert (state.owner, state.possessor) == (operator_uri("buyer"), operator_uri("owner"))


def test_no_module_is_lost_in_a_split() -> None:
    log = Log(policy=CORE_2)
    modules = [code(log, "M", number) for number in (1, 2, 3)]
    pack = removed_pack(log, *modules)
    new, outputs = second_life(8), (second_life(9, "C"),)
    lost = log.event("repurpose", pack, outputs=outputs, remainder=(left(modules[0]),))
    assert log.refused(lost) == "rejected.SPL-1"
    kept = (*outputs, holding(new, modules[0], modules[1]))
    log.take(log.event("repurpose", pack, outputs=kept, remainder=(left(modules[2]),)))
