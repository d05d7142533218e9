"""Dossiers of a real ledger: what a genuine one establishes about its battery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.errors import CellbookError
from ledger.custody.events import Identifier
from ledger.custody.events.afterlife import Remainder
from ledger.proof.dossier import decode_dossier
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.log.building import NOW, World, operator_uri
from tests.log.lives import repurpose_input
from tests.proof.building import AT, FIRST_LIFE, dossier_of, trust_of, two_lives, verdict_on


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One ledger for all tests of this module; each uses batteries of its own."""
    with World(tmp_path_factory.mktemp("verify")) as made:
        made.accepted(made.change("owner", made.operators["owner"].roles, maker_codes=("4A6",)))
        yield made


def on(world: World, subject: str, **options: str) -> Verdict:
    return verify_dossier(
        dossier_of(world, subject), trust_of(world), world.clock() + 3_600, **options
    )


def remarks(verdict: Verdict) -> list[str]:
    return [finding.rule for finding in verdict.remarks]


def test_two_lives_in_one_file(world: World) -> None:
    first, second = two_lives(world)
    verdict = on(world, second)
    assert (verdict.subject, verdict.identifiers) == (second, (second,))
    assert (verdict.breaches, verdict.remarks, verdict.fails(strict=True)) == ((), (), False)
    assert verdict.profile.second_life
    assert verdict.profile.predecessors == (first,)
    assert verdict.profile.rated_capacity_mah == 220_000
    assert verdict.health is not None
    assert (verdict.health.battery, verdict.health.soh_permille) == (first, 821)
    assert [event.kind for event in verdict.life] == [
        *FIRST_LIFE,
        *("repurpose", "install", "decommission", "recycle"),
    ]
    assert {event.of for event in verdict.life} == {first, second}
    assert [signer.uri for signer in verdict.operators] == [
        operator_uri("assessor"),
        operator_uri("owner"),
    ]
    assert verdict.battery.physical == "recycled"
    assert verdict.record.events == 8


def test_the_first_life_alone_ends_where_it_was_consumed(world: World) -> None:
    first, _ = two_lives(world)
    verdict = on(world, first)
    assert verdict.battery.physical == "consumed"
    assert not verdict.profile.second_life
    assert [event.kind for event in verdict.life] == [*FIRST_LIFE, "repurpose"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (str, None),
        (str.lower, None),
        (lambda code: f" {code[:4]} {code[4:]} ", None),
        (lambda code: f"urn:cellbook:gbt34014:{code}", None),
        (lambda code: code[:-1] + "9", "this file is about"),
        (
            lambda code: code[:-1],
            "no well-formed code. A battery code has 24 characters, a second-",
        ),
        (
            lambda code: code.replace("0", "O").replace("1", "I"),
            "differ by O and 0 or I and 1 only",
        ),
        (lambda code: "", "no well-formed code"),
        (lambda code: "\x1b[2J", "no well-formed code"),
        (lambda code: "x" * 10_000, "no well-formed code"),
        (lambda code: code.replace("K", "\u212a"), "no well-formed code"),
        (lambda code: f"urn:cellbook:gbt34014:{code.lower()}", None),
        (lambda code: "(01)09506000134352(21)7", "this file is about"),
        (lambda code: "https://owner.example", "no well-formed code"),
    ],
)
def test_labels(world: World, change: type[str], why: str | None) -> None:
    battery = world.battery()
    world.live(battery, "manufacture")
    label = on(world, battery, label=change(battery.rpartition(":")[2])).label
    assert label is not None
    assert label.matches is (why is None)
    assert why is None or why in (label.why or "")


def test_a_mismatching_label_fails(world: World) -> None:
    battery, other = world.battery(), world.battery()
    world.live(battery, "manufacture")
    assert on(world, battery, label=other).fails()
    assert not on(world, battery, label=battery).fails()
    assert not on(world, battery).fails()


def test_further_identifiers_match_too(world: World) -> None:
    battery, alias, later = world.battery(), world.battery(), world.battery()
    world.accepted(world.event("manufacture", battery, uris=(battery, alias)))
    name = Identifier(scheme="gbt34014", value=later.rpartition(":")[2])
    world.accepted(world.event("relabel", battery, new_ids=(name,)))
    verdict = on(world, battery, label=later)
    assert verdict.identifiers == (battery, alias, later)
    assert verdict.label is not None
    assert verdict.label.matches
    with pytest.raises(CellbookError) as refused:
        verdict_on(world, dossier_of(world, alias))
    assert refused.value.code == "failed.dossier.missing"


def test_quarantine_and_missing_are_remarks(world: World) -> None:
    battery = world.battery()
    world.live(battery, "manufacture", "install", "incident")
    assert remarks(on(world, battery)) == ["INC-1"]
    world.accepted(world.event("incident", battery, kind="theft"))
    verdict = on(world, battery)
    assert remarks(verdict) == ["INC-2", "INC-1"]
    assert verdict.fails(strict=True)
    assert not verdict.fails()


def test_a_release_that_nobody_accepted_is_a_remark_in_time(world: World) -> None:
    battery = world.battery()
    world.live(battery, "manufacture", "release")
    assert remarks(on(world, battery)) == []
    world.clock.advance(32 * 86_400)
    world.live(world.battery(), "manufacture")
    verdict = on(world, battery)
    assert remarks(verdict) == ["CUS-4"]
    assert "days ago to https://recycler.example" in verdict.remarks[0].detail


def test_what_holds_of_a_part_is_said_of_the_whole(world: World) -> None:
    pack, module = world.battery(), world.battery("M")
    world.accepted(world.event("manufacture", module, level="module"))
    world.accepted(world.event("manufacture", pack, children=(module,)))
    world.accepted(world.event("incident", module, kind="fire", units=(pack,)))
    verdict = on(world, pack)
    assert [(f.rule, f.uri) for f in verdict.remarks] == [("INC-1", pack), ("INC-1", module)]
    assert {event.of for event in verdict.life} == {module, pack}
    part = on(world, module)
    assert part.battery.parent == pack
    assert part.breaches == verdict.breaches == ()
    code = pack.rpartition(":")[2]
    assert [s for s in part.unchecked if s.startswith(f"what happened to {code}")]


def test_the_health_of_a_part_is_not_that_of_the_whole(world: World) -> None:
    pack, module = world.battery(), world.battery("M")
    world.accepted(world.event("manufacture", pack, children=(module,)))
    world.accepted(world.event("assessment", module, soh_permille=999))
    assert on(world, pack).health is None
    health = on(world, module).health
    assert health is not None
    assert (health.battery, health.soh_permille) == (module, 999)


def test_an_expired_or_bad_assessment(world: World) -> None:
    battery = world.battery()
    world.live(battery, "manufacture")
    world.accepted(world.event("assessment", battery, valid_until="2030-01-01"))
    data = dossier_of(world, battery)
    trust = trust_of(world)
    assert verify_dossier(data, trust, 1_893_455_999).remarks == ()  # 2029-12-31
    assert remarks(verify_dossier(data, trust, 1_893_456_000 + 86_400)) == ["ASM-2"]
    world.accepted(world.event("assessment", battery, verdict="unfit"))
    assert remarks(on(world, battery)) == ["ORD-4"]


def test_disputes_stay_until_they_are_resolved(world: World) -> None:
    first, second = world.battery(), world.second_life()
    world.live(first, *FIRST_LIFE)
    world.accepted(world.event("repurpose", first, outputs=(second,)))
    ref = world.refs[first, "assessment"]
    world.accepted(world.event("dispute", first, entry_ref=ref))
    verdict = on(world, second)
    assert [(f.rule, f.uri) for f in verdict.remarks] == [("DIS-1", first)]
    assert verdict.life[-1].kind == "dispute"
    world.accepted(world.event("resolution", first, entry_ref=ref, outcome="rejected"))
    assert remarks(on(world, second)) == []


def test_a_corrected_entry_is_pointed_out(world: World) -> None:
    battery = world.battery()
    world.live(battery, "manufacture")
    ref = world.refs[battery, "manufacture"]
    (anew,) = world.accepted(world.event("manufacture", battery, corrects=ref, mass_g=99_000))
    said = {"entry_ref": ref, "replacement": anew.entry_id}
    world.accepted(world.event("correction", battery, **said))
    verdict = on(world, battery)
    assert remarks(verdict) == ["COR-1"]
    assert verdict.battery.facts.mass_g == verdict.profile.mass_g == 99_000
    assert "states an earlier entry anew" in verdict.life[-2].remarks
    assert "wrong date" in verdict.remarks[0].detail


def test_a_transfer_of_which_one_unit_is_told(world: World) -> None:
    units = tuple(world.battery() for _ in range(3))
    for unit in units:
        world.live(unit, "manufacture")
    world.accepted(world.event("release", units[0], units=units[1:]))
    world.accepted(world.event("accept", units[0], by="recycler", units=units[1:]))
    for unit in units:
        verdict = on(world, unit)
        assert verdict.breaches == ()
        assert verdict.battery.possessor == operator_uri("recycler")
        assert [event.kind for event in verdict.life] == ["manufacture", "release", "accept"]
        assert {event.of for event in verdict.life} == {unit}


def test_made_from_several(world: World) -> None:
    packs = tuple(world.battery() for _ in range(3))
    for pack in packs:
        world.live(pack, *FIRST_LIFE)
    second, third = world.second_life(), world.second_life()
    inputs = tuple(repurpose_input(pack, world.refs[pack, "assessment"]) for pack in packs)
    world.accepted(world.event("repurpose", packs[0], inputs=inputs, outputs=(second, third)))
    for subject in (second, third):
        verdict = on(world, subject)
        assert verdict.profile.predecessors == packs
        assert verdict.breaches == ()
        assert len(verdict.life) == 13


def test_a_module_leads_to_the_pack_that_was_opened_with_its_own(world: World) -> None:
    """It was in one of the two, and rests on both; the one pack does not rest on the other."""
    one, two, module = world.battery(), world.battery(), world.battery("M")
    world.accepted(world.event("manufacture", one, children=(module,)))
    world.live(one, *FIRST_LIFE[1:])
    world.live(two, *FIRST_LIFE)
    inputs = tuple(repurpose_input(pack, world.refs[pack, "assessment"]) for pack in (one, two))
    left = (Remainder(id=module, mass_g=9_000, reason="good", destination="shelf"),)
    outputs = (world.second_life(),)
    world.accepted(world.event("repurpose", one, inputs=inputs, outputs=outputs, remainder=left))
    assert {event.of for event in on(world, one).life} == {one}
    for subject in (module, outputs[0]):
        assert {event.of for event in on(world, subject).life} >= {one, two}


def test_at_is_a_time_that_is_handed_in(tmp_path: Path) -> None:
    with World(tmp_path) as made:
        battery = made.battery()
        made.live(battery, "manufacture")
        data = dossier_of(made, battery)
        time = verdict_on(made, data).record.time
        assert verify_dossier(data, trust_of(made), time).at == time
        assert AT - NOW == 3_600
        with pytest.raises(CellbookError) as refused:
            verify_dossier(data, trust_of(made), time - 301)
        assert refused.value.code == "undecided.time"


def test_nothing_of_a_genuine_file_is_written_twice(world: World) -> None:
    """The same battery, the same checkpoint: the same bytes, in their one order."""
    _, second = two_lives(world)
    data = dossier_of(world, second)
    assert world.ledger.dossier(second) == data
    indexes = [entry.index for entry in decode_dossier(data).entries]
    assert indexes == sorted(set(indexes))
