"""Disputes, corrections and resolutions in a log about entries of the logs before it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.governance.carrying import PARTY_BYTES
from ledger.custody.governance.handover import CarriedEntry, CarriedHistory
from ledger.custody.governance.statements import Limits, parse_governance
from ledger.custody.names.parties import guest_uri
from ledger.custody.states import BatteryState
from ledger.log import recalling
from ledger.log.integrity.rebuild import rebuild
from ledger.monitor.auditing.audit import Auditor
from ledger.monitor.auditing.past import PastLogs as AuditedPast
from ledger.monitor.copying.mirror import mirror
from ledger.monitor.copying.offline import OfflineLog
from ledger.proof.trust import load_trust
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement
from tests.log.building import World, operator_uri
from tests.log.test_successor import LATER, NEXT, THIRD
from tests.monitor.publishing import LedgerSource
from tests.proof.test_spanning import without_places

LIFE = ("manufacture", "install", "incident", "decommission")
LONG = ".".join(["x" * 60] * 3)


class Line:
    """A frozen log with the life of ``pack``, and its successor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.old = World(path / "old")
        self.pack, self.other = self.old.battery(), self.old.battery()
        self.old.live(self.other, "manufacture")
        self.old.live(self.pack, *LIFE)
        self.old.accepted(self.old.freeze(NEXT))
        self.old.end_epoch()
        self.new = World(path / "new", origin=NEXT, follows=self.old)

    def close(self) -> None:
        self.new.close()
        self.old.close()

    def ref(self, kind: str) -> bytes:
        return self.old.refs[self.pack, kind]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.close()


def verdict_of(world: World, battery: str) -> Verdict:
    """What a buyer is told, once the epoch has ended; the log replays, and an audit agrees."""
    world.end_epoch()
    world.fsck()
    data = world.ledger.dossier(battery)
    verdict = verify_dossier(data, load_trust(world.home.trust_bytes()), LATER)
    assert verdict.battery == world.ledger.battery(battery).state
    return verdict


def audit(world: World, before: list[World], folder: Path) -> int:
    """Audit ``world`` with copies of the logs before; how many entries were decided."""
    for number, one in enumerate(before):
        mirror(LedgerSource(one.ledger), folder / f"copy-{number}")
    copies = [OfflineLog(folder / f"copy-{number}") for number in range(len(before))]
    trust = load_trust(world.home.trust_bytes())
    with Auditor(trust, folder / "audit", processes=1, past=AuditedPast(copies)) as auditor:
        found = auditor.run(LedgerSource(world.ledger))
    for copy in copies:
        copy.close()
    assert found.resting == 0
    return found.size


def said(world: World, kind: type) -> list[Any]:
    """What the log said of that kind about the log before."""
    entries = world.store.entries(0, world.store.head().size)
    read = (parse_statement(entry.leaf) for entry in entries)
    found = (parse_governance(s.payload) for s in read if s.typ == TYP_GOVERNANCE)
    return [content for content in found if isinstance(content, kind)]


def told_without_entries(state: BatteryState) -> object:
    """A state but for its places in the log and the names of entries."""
    counts = {"disputed": len(state.disputed), "corrected": len(state.corrected)}
    bare = msgspec.structs.replace(state, inherited=(), disputed=(), corrected=())
    return without_places(bare), counts


def test_a_dispute_and_its_end(line: Line, tmp_path: Path) -> None:
    new, ref = line.new, line.ref("incident")
    new.accepted(new.event("dispute", line.pack, entry_ref=ref))
    assert new.ledger.battery(line.pack).state.record == "disputed"
    verdict = verdict_of(new, line.pack)
    assert [event.kind for event in verdict.life][-1] == "dispute"
    assert verdict.battery.disputed == (ref,)
    new.accepted(new.event("assessment", line.pack))
    new.accepted(new.event("resolution", line.pack, entry_ref=ref, outcome="rejected"))
    assert verdict_of(new, line.pack).battery.record == "active"
    assert len(said(new, CarriedEntry)) == 1
    assert not said(new, CarriedHistory)
    audit(new, [line.old], tmp_path)


def test_a_dispute_that_began_in_the_log_before(tmp_path: Path) -> None:
    with World(tmp_path / "a") as old:
        pack = old.battery()
        old.live(pack, "manufacture", "install", "incident")
        ref = old.refs[pack, "incident"]
        (dispute,) = old.accepted(old.event("dispute", pack, entry_ref=ref))
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "b", origin=NEXT, follows=old) as new:
            # Whoever is accused contests the accusation: a dispute about a dispute.
            new.accepted(new.event("dispute", pack, entry_ref=dispute.entry_id))
            entries = said(new, CarriedEntry)
            assert [parse_statement(item.entry.leaf).entry_id for item in entries] == [
                ref,
                dispute.entry_id,
            ]
            new.accepted(new.event("resolution", pack, entry_ref=ref, outcome="upheld"))
            state = verdict_of(new, pack).battery
            assert state.quarantine is None
            assert state.disputed == (dispute.entry_id,)
            audit(new, [old], tmp_path)


def corrections(verdict: Verdict) -> list[str]:
    """What COR rules remark."""
    return sorted(found.rule for found in verdict.remarks if found.rule.startswith("COR"))


def change(world: World, pack: str, how: str, kind: str) -> None:
    """Correct, replace or annul what was stated of ``pack``; whoever has it does not clear it."""
    ref, by = world.refs[pack, kind], "authority" if kind == "incident" else "owner"
    if how == "replaced":
        (anew,) = world.accepted(world.event(kind, pack, by=by, corrects=ref, **ANEW[kind]))
        fields = {"kind": "replace", "replacement": anew.entry_id}
        world.accepted(world.event("correction", pack, by=by, entry_ref=ref, **fields))
    elif how == "annulled":
        world.accepted(world.event("dispute", pack, entry_ref=ref))
        world.accepted(world.event("resolution", pack, entry_ref=ref, outcome="upheld"))
    else:
        fields = {"kind": "did-not-happen", "replacement": None}
        world.accepted(world.event("correction", pack, by=by, entry_ref=ref, **fields))


ANEW: dict[str, dict[str, Any]] = {
    "incident": {"kind": "other"},
    "install": {},
    "manufacture": {"mass_g": 123},
    "decommission": {},
}


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("replaced", "incident"),
        ("replaced", "manufacture"),
        ("replaced", "install"),
        ("annulled", "incident"),
        ("annulled", "install"),
        ("taken back", "incident"),
        ("taken back", "decommission"),
    ],
)
def test_it_is_as_in_one_log(tmp_path: Path, how: str, kind: str) -> None:
    """Whatever is changed of what two logs tell, the state is that of one log."""
    line = Line(tmp_path)
    with World(tmp_path / "whole") as whole:
        assert (whole.battery(), whole.battery()) == (line.pack, line.other)
        whole.live(line.other, "manufacture")
        whole.live(line.pack, *LIFE)
        for world in (line.new, whole):
            world.accepted(world.event("assessment", line.pack))
            change(world, line.pack, how, kind)
            world.accepted(world.event("reading", line.pack))
        found = line.new.ledger.battery(line.pack).state
        expected = whole.ledger.battery(line.pack).state
        assert told_without_entries(found) == told_without_entries(expected)
        verdict = verdict_of(line.new, line.pack)
        same = verdict_of(whole, line.pack)
        assert corrections(verdict) == corrections(same)
        assert audit(line.new, [line.old], tmp_path) == line.new.store.head().size
        rebuild(line.new.store)
        assert line.new.ledger.battery(line.pack).state == found
    line.close()


@pytest.mark.parametrize(("kind", "contested"), [("crash", True), ("other", False)])
def test_no_party_clears_in_the_next_log(tmp_path: Path, kind: str, contested: bool) -> None:
    """What speaks against the unit and what does not is known of old entries too."""
    with World(tmp_path / "old") as old:
        pack = old.battery()
        old.live(pack, "manufacture")
        (incident,) = old.accepted(old.event("incident", pack, kind=kind))
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            ref = incident.entry_id
            (other,) = new.accepted(new.event("incident", pack, corrects=ref, kind="other"))
            anew = {"kind": "replace", "replacement": other.entry_id}
            new.accepted(new.event("correction", pack, entry_ref=ref, **anew))
            state = verdict_of(new, pack).battery
            assert (state.record == "disputed") is contested
            assert bool(state.corrected) is not contested
            audit(new, [old], tmp_path)


def test_a_second_correction_reads_the_past_from_here(line: Line) -> None:
    new = line.new
    change(new, line.pack, "replaced", "incident")
    change(new, line.pack, "replaced", "manufacture")
    new.live(line.pack, "assessment")
    change(new, line.pack, "replaced", "install")
    assert len(said(new, CarriedHistory)) == 1
    assert len(verdict_of(new, line.pack).battery.corrected) == 3


def test_what_happens_here_is_corrected_after_what_happened_there(line: Line) -> None:
    new = line.new
    change(new, line.pack, "annulled", "incident")
    new.live(line.pack, "assessment")
    ref = new.refs[line.pack, "assessment"]
    new.accepted(new.event("dispute", line.pack, entry_ref=ref))
    new.accepted(new.event("resolution", line.pack, entry_ref=ref, outcome="upheld"))
    state = verdict_of(new, line.pack).battery
    assert (state.assessed, state.quarantine) == (None, None)


def test_the_rules_hold_across_the_logs(line: Line) -> None:
    new, ref = line.new, line.ref("incident")
    did_not_happen = {"kind": "did-not-happen", "replacement": None}
    stranger = new.event("correction", line.pack, by="recycler", entry_ref=ref, **did_not_happen)
    assert new.refused(stranger) == "rejected.COR-2"
    resolved = new.event("resolution", line.pack, by="recycler", entry_ref=ref, outcome="upheld")
    assert new.refused(resolved).startswith("rejected.")
    assert not said(new, CarriedHistory), "nobody's word makes the log state a whole past"
    missing = {"kind": "replace", "replacement": bytes(32)}
    wrong = new.event("correction", line.pack, entry_ref=ref, **missing)
    assert new.refused(wrong) == "rejected.COR-1"
    of_another = new.event("dispute", line.other, entry_ref=ref)
    assert new.refused(of_another) == "rejected.subject.part"
    assert new.refused(new.event("dispute", line.pack, entry_ref=bytes(32))) == (
        "rejected.entry.unknown"
    )
    freeze = line.old.store.entries(line.old.store.head().size - 2, line.old.store.head().size)[0]
    about = new.event("dispute", line.pack, entry_ref=freeze.entry_id)
    assert new.refused(about) == "rejected.entry.unknown"
    new.accepted(new.event("dispute", line.pack, entry_ref=ref))
    again = new.event("correction", line.pack, entry_ref=ref, **did_not_happen)
    assert new.refused(again) == "rejected.COR-3"


def test_nobody_else_says_what_was_before(line: Line) -> None:
    new = line.new
    change(new, line.pack, "annulled", "incident")
    for entry in new.store.entries(0, new.store.head().size):
        statement = parse_statement(entry.leaf)
        if statement.typ == TYP_GOVERNANCE and isinstance(
            parse_governance(statement.payload), CarriedEntry | CarriedHistory
        ):
            (outcome,) = new.register(entry.leaf)
            assert outcome.error is not None
            assert outcome.error.code == "rejected.head.outside"


def test_a_withdrawal_of_what_was_released_before(tmp_path: Path) -> None:
    with World(tmp_path / "old") as old:
        pack, second = old.battery(), old.battery()
        old.live(pack, "manufacture")
        old.live(second, "manufacture")
        old.accepted(old.event("release", pack, units=(second,)))
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            new.accepted(new.event("withdrawal", pack, release_ref=old.refs[pack, "release"]))
            for battery in (pack, second):
                assert verdict_of(new, battery).battery.physical == "made"
            new.live(second, "install")
            ref = new.refs[second, "install"]
            new.accepted(new.event("dispute", second, entry_ref=ref))
            new.accepted(new.event("resolution", second, entry_ref=ref, outcome="upheld"))
            assert verdict_of(new, second).battery.physical == "made"
            audit(new, [old], tmp_path)


@pytest.mark.parametrize("touched", [False, True])
def test_in_the_third_log(line: Line, tmp_path: Path, touched: bool) -> None:
    """An entry of the first log, whether or not the second knew of the battery."""
    second = line.new
    if touched:
        second.live(line.pack, "assessment")
        change(second, line.pack, "replaced", "install")
    second.accepted(second.freeze(THIRD, root=line.old.key("root", "next-root")))
    second.end_epoch()
    with World(tmp_path / "third", origin=THIRD, follows=second) as third:
        third.refs.update(line.old.refs)
        change(third, line.pack, "annulled", "incident")
        change(third, line.pack, "replaced", "manufacture")
        state = verdict_of(third, line.pack).battery
        assert state.quarantine is None
        assert state.stated is not None
        assert state.stated.mass_g == 123
        assert len(state.corrected) == 2 + touched
        audit(third, [second, line.old], tmp_path)


def test_a_past_that_is_too_long_can_be_disputed(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, ref = line.new, line.ref("incident")
    monkeypatch.setattr(recalling, "MAX_ENTRIES", 3)
    new.accepted(new.event("dispute", line.pack, entry_ref=ref))
    upheld = new.event("resolution", line.pack, entry_ref=ref, outcome="upheld")
    assert new.refused(upheld) == "rejected.predecessor.history"
    rejected = new.event("resolution", line.pack, entry_ref=ref, outcome="rejected")
    new.accepted(rejected)
    assert verdict_of(new, line.pack).battery.record == "active"


def test_without_the_predecessor_no_entry_of_it_is_known(line: Line) -> None:
    new = line.new
    new.live(line.pack, "assessment")
    _, alone = new.open(past=None)
    dispute = new.event("dispute", line.pack, entry_ref=line.ref("install"))
    (outcome,) = alone.register_now([dispute])
    assert isinstance(outcome.error, CellbookError)
    assert outcome.error.code == "rejected.entry.unknown"


def test_who_held_it_may_be_many(tmp_path: Path) -> None:
    """The names of two units' holders alone would be more than a statement can hold."""
    with World(tmp_path / "old") as old:
        pack, unit = old.battery(), old.battery()
        for battery in (pack, unit):
            old.live(battery, "manufacture")
        holders = [f"h{number:03}.{LONG}" for number in range(165)]
        old.accepted(*(old.registration(name, ("holder",)) for name in holders))
        for giver, receiver in pairwise(["owner", *holders]):
            to = {"giver": operator_uri(giver), "receiver": operator_uri(receiver)}
            old.accepted(old.event("release", pack, by=giver, units=(unit,), **to))
            old.accepted(old.event("accept", pack, by=receiver, units=(unit,)))
        parties = old.ledger.battery(pack).state.parties
        assert 2 * sum(map(len, parties)) > 65_535
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            new.accepted(new.event("incident", pack, units=(unit,)))
            for battery in (pack, unit):
                kept = verdict_of(new, battery).battery.parties
                assert kept == parties[len(parties) - len(kept) :]
                assert sum(map(len, kept)) > PARTY_BYTES - 1000
            audit(new, [old], tmp_path)


def test_who_held_it_as_a_guest_takes_it_in(tmp_path: Path) -> None:
    """A guest's key is for one release of one log. Its holder goes on as a registered operator."""
    guest = generate()
    name = guest_uri(guest.key.kid)
    with World(tmp_path / "old") as old:
        pack = old.battery()
        old.live(pack, "manufacture")
        old.accepted(old.event("release", pack, receiver=name, guest_key=guest.key.to_cbor()))
        old.accepted(old.event("accept", pack, signer=guest, iss=name))
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            again = new.event("dispute", pack, signer=guest, iss=name, entry_ref=bytes(32))
            assert new.refused(again) == "rejected.issuer.unknown"
            new.accepted(new.registration("holder", ("holder", "installer"), signer=guest))
            assert new.refused(new.event("install", pack, by="holder")) == "rejected.CUS-2"
            new.accepted(new.event("intake", pack, by="holder"))
            new.accepted(new.event("install", pack, by="holder"))
            verdict = verdict_of(new, pack)
            assert verdict.battery.possessor == operator_uri("holder")
            assert verdict.battery.owner == name
            assert "CUS-4" in {found.rule for found in verdict.remarks}


def test_what_is_too_large_to_be_taken_over(line: Line) -> None:
    """The policy of the next log may allow small statements only, until it is changed."""
    new = line.new
    new.live(line.pack, "assessment")
    dispute = new.event("dispute", line.pack, entry_ref=line.ref("incident"))
    root = line.old.key("root", "next-root")
    new.accepted(new.next_policy(root=root, limits=Limits(entry_bytes=1024)))
    assert new.refused(dispute) == "rejected.predecessor.size"
    new.accepted(new.next_policy(root=root))
    new.accepted(dispute)
