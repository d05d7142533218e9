"""What is left out of a dossier, put into it, doubled or moved."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.proof.dossier import DossierEntry, decode_dossier
from ledger.proof.report.refusal import print_refusal
from ledger.proof.verify import verify_dossier
from tests.log.building import World
from tests.log.lives import repurpose_input
from tests.proof.building import changed, dossier_of, two_lives, verdict_on, with_entries
from tests.proof.lying import OTHER, PACK, SECOND, LyingLog, begun, code, told

EVERYTHING = (
    ("install", {}),
    ("reading", {}),
    ("incident", {}),
    ("decommission", {}),
    ("assessment", {}),
    ("waste", {}),
    ("release", {}),
    ("refuse", {"by": "buyer"}),
    ("release", {}),
    ("accept", {"by": "buyer"}),
    ("intake", {}),
    ("repair", {}),
)


def refusal(log: LyingLog, data: bytes) -> CellbookError:
    with pytest.raises(CellbookError) as refused:
        verify_dossier(data, log.trust(), log.now)
    assert refused.value.exit_code == 1
    return refused.value


def long_life() -> tuple[LyingLog, dict[int, str]]:
    """A battery with every kind of event, and which entry is of which kind."""
    log = begun()
    names = {0: "policy", 2: "registration", 3: "registration"}
    log.event("manufacture", PACK)
    names[log.size - 1] = "manufacture"
    for kind, fields in EVERYTHING:
        assert isinstance(fields, dict)
        log.event(kind, PACK, **fields)
        names[log.size - 1] = kind
    ref = log.refs[PACK, "reading"]
    for kind in ("dispute", "resolution", "correction"):
        fields = {"arbiter": "https://all.example"} if kind == "resolution" else {}
        log.event(kind, PACK, entry_ref=ref, **fields)
        names[log.size - 1] = kind
    log.event("repurpose", PACK)
    names[log.size - 1] = "repurpose"
    log.revoke("buyer")
    names[log.size - 1] = "key-revoked"
    log.next_policy()
    names[log.size - 1] = "newer policy"
    log.head()
    names[log.size - 1] = "head"
    return log, names


def test_nothing_can_be_left_out() -> None:
    """Not by who hands the file on, and not by a service that makes it without an entry."""
    log, names = long_life()
    assert verify_dossier(log.dossier(SECOND), log.trust(), log.now).record.entries == log.size - 1
    noticed = {
        name: refusal(log, log.dossier(SECOND, leave_out=(index,))).code
        for index, name in names.items()
    }
    by_the_index = {name for name, code in noticed.items() if code == "failed.dossier.incomplete"}
    assert by_the_index == {
        *("incident", "waste", "repair", "decommission", "refuse", "accept", "intake"),
        *("dispute", "resolution", "correction", "key-revoked", "newer policy"),
    }
    others = set(noticed.values()) - {"failed.dossier.incomplete"}
    assert others == {"failed.dossier.missing", "failed.dossier.head"}


def test_the_last_event_cannot_be_left_out() -> None:
    log = told("manufacture", "install", "decommission", "recycle")
    error = refusal(log, log.dossier(leave_out=(log.size - 2,)))
    assert error.code == "failed.dossier.incomplete"
    assert error.facts == {"subject": PACK, "exist": 4, "held": 3}
    first, _ = print_refusal(error).split("\n", 1)
    assert first == (
        "RECORD INCOMPLETE: 4 entries exist, 3 are in the file. Ask the sender for the"
    )


def test_two_that_are_missing_are_counted() -> None:
    log = told("manufacture", "install", "incident", "repair", "decommission")
    error = refusal(log, log.dossier(leave_out=(6, 7)))
    assert error.detail == "5 entries exist, 3 are in the file"
    assert "the 2 missing ones" in " ".join(print_refusal(error).split())


def test_an_entry_that_the_index_hides_is_seen_by_who_recomputes_it_only() -> None:
    """The index is the service's word; the verdict says so."""
    log = begun()
    log.live(PACK, "manufacture", "install", "incident")
    log.hidden = {log.size - 1}
    log.head()
    verdict = verify_dossier(log.dossier(leave_out=(6,)), log.trust(), log.now)
    assert verdict.record.completeness == "stated by the service"
    assert "no auditor has recomputed it" in verdict.unchecked[0]
    assert refusal(log, log.dossier()).code == "failed.dossier.chain"
    honest = log.indexed().root(log.size - 1)
    assert honest != log.indexed().root(log.size - 1, log.hidden)


def test_an_installation_needs_the_assessment_that_it_names_only_where_one_is_needed() -> None:
    log = begun()
    log.event("manufacture", PACK)
    log.event("install", PACK, assessment_ref=b"\x01" * 32)
    log.head()
    assert not verify_dossier(log.dossier(), log.trust(), log.now).breaches
    log.live(PACK, "decommission", "assessment", "install")
    log.head()
    assert not verify_dossier(log.dossier(), log.trust(), log.now).breaches
    left_out = next(i for i in range(log.size) if log.refs[PACK, "assessment"] == entry_id(log, i))
    error = refusal(log, log.dossier(leave_out=(left_out,)))
    assert error.code == "failed.dossier.missing"


def entry_id(log: LyingLog, index: int) -> bytes:
    return sha256(log.leaves[index]).digest()


def test_a_release_is_needed_for_every_unit_of_its_transfer() -> None:
    log = begun()
    for battery in (OTHER, PACK):
        log.event("manufacture", battery)
    log.event("release", OTHER, units=(PACK,))
    log.event("accept", OTHER, by="buyer", units=(PACK,))
    log.head()
    made_other = 4
    verdict = verify_dossier(log.dossier(leave_out=(made_other,)), log.trust(), log.now)
    assert verdict.battery.possessor == "https://buyer.example"
    assert not verdict.breaches
    assert {event.of for event in verdict.life} == {PACK}
    error = refusal(log, log.dossier(leave_out=(made_other, 6)))
    assert error.code == "failed.dossier.missing"


def test_every_input_of_a_repurposing_is_carried() -> None:
    log = begun()
    packs = [code(number) for number in range(1, 4)]
    for pack in packs:
        log.live(pack, "manufacture", "install", "decommission", "assessment")
    inputs = tuple(repurpose_input(p, log.refs[p, "assessment"]) for p in packs)
    log.event("repurpose", packs[0], inputs=inputs)
    log.head()
    verdict = verify_dossier(log.dossier(SECOND), log.trust(), log.now)
    assert not verdict.breaches
    assert verdict.profile.predecessors == tuple(packs)
    assert {event.of for event in verdict.life} == {SECOND, *packs}
    codes = {
        refusal(log, log.dossier(SECOND, leave_out=(index,))).code
        for index in range(4, log.size - 2)
    }
    assert codes == {"failed.dossier.missing", "failed.dossier.incomplete"}


Doing = Callable[[tuple[DossierEntry, ...]], tuple[DossierEntry, ...]]


@pytest.mark.parametrize(
    ("do", "codes"),
    [
        (lambda e: (e[0], *e), {"malformed.dossier.order"}),
        (lambda e: (*e, e[-1]), {"malformed.dossier.order"}),
        (lambda e: (*e[:4], e[3], *e[4:]), {"malformed.dossier.order"}),
        (lambda e: tuple(reversed(e)), {"malformed.dossier.order"}),
        (lambda e: (*e[:4], e[5], e[4], *e[6:]), {"malformed.dossier.order"}),
        (lambda e: e[:-1], {"failed.dossier.head"}),
        (lambda e: e[1:], {"failed.dossier.missing"}),
        (lambda e: (), {"malformed.dossier"}),
        (lambda e: e[:1], {"failed.dossier.head"}),
    ],
)
def test_doubled_moved_and_cut(do: Doing, codes: set[str]) -> None:
    log = told("manufacture", "install", "decommission")
    data = log.dossier()
    assert refusal(log, with_entries(data, *do(decode_dossier(data).entries))).code in codes


def test_one_statement_at_two_places_of_the_log() -> None:
    log = told("manufacture", "install", "decommission", "assessment")
    log.add(log.leaves[-2])
    log.head()
    assert refusal(log, log.dossier()).code == "failed.dossier.twice"


def test_entries_that_do_not_belong(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        _, second = two_lives(world)
        other = world.battery()
        world.live(other, "manufacture", "install")
        world.accepted(world.add_key("maker", generate()))
        data, foreign = dossier_of(world, second), dossier_of(world, other)
        held = {entry.index: entry for entry in decode_dossier(data).entries}
        for entry in decode_dossier(foreign).entries:
            if entry.index not in held:
                mixed = sorted([*held.values(), entry], key=lambda e: e.index)
                with pytest.raises(CellbookError) as refused:
                    verdict_on(world, with_entries(data, *mixed))
                assert refused.value.code == "failed.dossier.foreign"


def test_operators_and_heads_that_nothing_needs() -> None:
    log = told("manufacture", "install")
    log.head()
    assert verify_dossier(log.dossier(), log.trust(), log.now).record.entries == 6
    assert refusal(log, log.dossier(everything=True)).code == "failed.dossier.foreign"


def test_a_file_under_the_name_of_another_battery(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        first, second = two_lives(world)
        data = dossier_of(world, second)
        for name, found in (
            (first, "failed.dossier.foreign"),
            (world.battery(), "failed.dossier.missing"),
            ("urn:cellbook:log:log.example/test", "failed.dossier.missing"),
            ("https://owner.example", "failed.dossier.missing"),
            (second.lower(), "failed.dossier.missing"),
        ):
            with pytest.raises(CellbookError) as refused:
                verdict_on(world, changed(data, subject=name))
            assert refused.value.code == found
