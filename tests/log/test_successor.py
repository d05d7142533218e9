"""A log that follows another one: what it takes over, and dossiers that span both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.governance.carrying import Carried
from ledger.custody.states import BatteryState
from ledger.log.home import Home
from ledger.log.predecessor import PastLogs
from ledger.monitor.auditing.audit import Auditor
from ledger.monitor.auditing.past import PastLogs as AuditedPast
from ledger.monitor.copying.mirror import mirror
from ledger.monitor.copying.offline import OfflineLog
from ledger.proof.assembly.taken_over import taken_over
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import sign_envelope
from tests.log.building import NOW, World
from tests.monitor.publishing import LedgerSource

NEXT, THIRD = "log.example/next", "log.example/third"
LATER = NOW + 100_000
LINK = "https://id.gs1.org/01/09506000134352/21/4A6P0001"


class Line:
    """A frozen log in which ``crashed`` was installed and had an accident, and its successor."""

    def __init__(self, path: Path) -> None:
        self.old = World(path / "old")
        self.crashed, self.idle = self.old.battery(), self.old.battery()
        self.old.accepted(self.old.event("manufacture", self.crashed, uris=(self.crashed, LINK)))
        self.old.live(self.crashed, "install", "incident")
        self.old.live(self.idle, "manufacture")
        self.old.accepted(self.old.freeze(NEXT))
        self.old.end_epoch()
        self.new = World(path / "new", origin=NEXT, follows=self.old)

    def close(self) -> None:
        self.new.close()
        self.old.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.close()


def test_the_family_goes_on(line: Line) -> None:
    old, new = (load_trust(world.home.trust_bytes()) for world in (line.old, line.new))
    assert new.family == old.family
    assert new.root_key == line.old.key("root", "next-root").key
    log = line.new.ledger.log()
    assert log.predecessor is not None
    assert log.predecessor.size == line.old.store.head().size
    line.new.fsck()


def test_a_battery_goes_on_where_it_was(line: Line) -> None:
    new = line.new
    new.accepted(new.event("decommission", line.crashed))
    kinds = [entry.kind for entry in new.ledger.battery(line.crashed).entries]
    assert kinds == ["carried-over", "decommission"]
    assert new.ledger.find(LINK) == line.crashed
    new.end_epoch()
    assert new.fsck().resting == 1
    data = new.ledger.dossier(line.crashed)
    verdict = verify_dossier(data, load_trust(new.home.trust_bytes()), LATER)
    assert [event.kind for event in verdict.life] == [
        "manufacture",
        "install",
        "incident",
        "decommission",
    ]
    assert not verdict.breaches
    assert verdict.battery == new.ledger.battery(line.crashed).state
    assert verdict.identifiers == (line.crashed, LINK)
    assert [event.index < 0 for event in verdict.life] == [True, True, True, False]
    incident = next(found for found in verdict.remarks if found.rule == "INC-1")
    assert incident.index < 0
    with pytest.raises(CellbookError) as caught:
        verify_dossier(data, load_trust(line.old.home.trust_bytes()), LATER)
    assert caught.value.code == "undecided.trust.other-ledger"
    old = line.old.ledger.dossier(line.crashed)
    assert verify_dossier(old, load_trust(line.old.home.trust_bytes()), LATER).record.events == 3


def test_an_audit_says_what_rests_on_the_past(line: Line, tmp_path: Path) -> None:
    new = line.new
    new.accepted(new.event("decommission", line.crashed))
    new.live(new.battery(), "manufacture")
    new.end_epoch()
    with Auditor(load_trust(new.home.trust_bytes()), tmp_path / "audit", processes=1) as auditor:
        found = auditor.run(LedgerSource(new.ledger))
    assert (found.size, found.resting) == (new.store.head().size, 1)
    mirror(LedgerSource(line.old.ledger), tmp_path / "copy")
    trust = load_trust(new.home.trust_bytes())
    with OfflineLog(tmp_path / "copy") as copy:
        past = AuditedPast([copy])
        with Auditor(trust, tmp_path / "both", processes=1, past=past) as auditor:
            assert auditor.run(LedgerSource(new.ledger)).resting == 0


def test_a_new_battery_has_no_past(line: Line) -> None:
    new = line.new
    pack, module = new.battery(), new.battery("M")
    new.accepted(new.event("manufacture", pack, children=(module,)), new.event("install", pack))
    new.end_epoch()
    data = new.ledger.dossier(pack)
    past = decode_dossier(data).past
    assert past is not None
    assert len(past.entries) == 3, "policy, freeze, head"
    verdict = verify_dossier(data, load_trust(new.home.trust_bytes()), LATER)
    assert [event.kind for event in verdict.life] == ["manufacture", "install"]
    new.fsck()


def test_a_copy_is_enough(line: Line, tmp_path: Path) -> None:
    """The old service, its database and its keys are gone for good; the next root key is not."""
    copy = tmp_path / "copy"
    mirror(LedgerSource(line.old.ledger), copy)
    line.close()
    shutil.rmtree(line.old.home.path)
    with World(tmp_path / "third", origin=NEXT, follows=line.old, copy=copy) as new:
        new.accepted(new.event("decommission", line.crashed), new.event("install", line.idle))
        made = [new.event("manufacture", new.battery()) for _ in range(20)]
        new.accepted(*made)
        new.end_epoch()
        trust = load_trust(new.home.trust_bytes())
        verdict = verify_dossier(new.ledger.dossier(line.crashed), trust, LATER)
        assert [event.kind for event in verdict.life][-2:] == ["incident", "decommission"]
        assert new.fsck().resting == 2


def test_without_the_predecessor_nothing_is_taken(line: Line) -> None:
    new = line.new
    _, alone = new.open(past=None)
    for data in (new.event("install", line.idle), new.event("manufacture", new.battery())):
        (outcome,) = alone.register_now([data])
        assert outcome.error is not None
        assert outcome.error.code == "rejected.predecessor.unproven"


def test_another_log_is_no_past(line: Line) -> None:
    for past in (line.new, line.old):
        opened = PastLogs(past.home.path)
        with pytest.raises(CellbookError) as caught:
            (line.new if past is line.new else line.old).open(past=opened)
        assert caught.value.code == "usage.successor.other"
        opened.close()


def test_nobody_else_says_what_is_taken_over(line: Line) -> None:
    new = line.new
    new.accepted(new.event("decommission", line.crashed))
    entry = new.ledger.battery(line.crashed).entries[0]
    stored = new.store.entry(entry.index)
    assert stored is not None
    (again,) = new.register(stored.leaf)
    assert again.error is not None
    assert again.error.code == "rejected.head.outside"


def test_a_name_of_the_predecessor_stays_taken(line: Line) -> None:
    new = line.new
    other = new.battery()
    assert new.refused(new.event("manufacture", other, uris=(other, LINK))) == "rejected.ID-4"
    assert new.refused(new.event("manufacture", line.idle)).startswith("rejected.")
    assert new.ledger.find(LINK) == line.crashed
    new.fsck()


def test_a_dossier_without_its_past(line: Line) -> None:
    new = line.new
    new.accepted(new.event("decommission", line.crashed), new.event("install", line.idle))
    new.end_epoch()
    trust = load_trust(new.home.trust_bytes())
    dossier = decode_dossier(new.ledger.dossier(line.crashed))
    other = decode_dossier(new.ledger.dossier(line.idle))
    past = dossier.past
    assert past is not None
    short = msgspec.structs.replace(past, entries=past.entries[:-3] + past.entries[-2:])
    changes = {
        "failed.dossier.missing": [None],
        "failed": [other.past, short, msgspec.structs.replace(past, checkpoint=dossier.checkpoint)],
    }
    for code, files in changes.items():
        for file in files:
            data = encode_dossier(msgspec.structs.replace(dossier, past=file))
            with pytest.raises(CellbookError) as caught:
                verify_dossier(data, trust, LATER)
            assert caught.value.code.startswith((code, "undecided.trust")), file
    new.live(pack := new.battery(), "manufacture")
    new.end_epoch()
    made = decode_dossier(new.ledger.dossier(pack))
    with pytest.raises(CellbookError) as caught:
        verify_dossier(encode_dossier(msgspec.structs.replace(made, past=past)), trust, LATER)
    assert caught.value.code == "failed.dossier.foreign"


def test_every_entry_of_the_past_is_needed(line: Line) -> None:
    new = line.new
    new.accepted(new.event("decommission", line.crashed))
    new.end_epoch()
    dossier = decode_dossier(new.ledger.dossier(line.crashed))
    past = dossier.past
    assert past is not None
    trust = load_trust(new.home.trust_bytes())
    for place in range(len(past.entries)):
        entries = past.entries[:place] + past.entries[place + 1 :]
        file = msgspec.structs.replace(past, entries=entries)
        with pytest.raises(CellbookError) as caught:
            verify_dossier(
                encode_dossier(msgspec.structs.replace(dossier, past=file)), trust, LATER
            )
        assert caught.value.code.startswith("failed."), place


def test_a_successor_that_keeps_quiet_about_the_crash(
    line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The log may state what it likes; a buyer makes the state again."""

    def healed(*told: Any) -> dict[str, Carried]:
        states = taken_over(*told)
        state = states[line.crashed]
        assert isinstance(state, BatteryState)
        return {line.crashed: msgspec.structs.replace(state, quarantine=None)}

    new = line.new
    with monkeypatch.context() as patch:
        patch.setattr("ledger.log.carrying.taken_over", healed)
        new.accepted(new.event("decommission", line.crashed))
    new.end_epoch()
    assert not new.ledger.battery(line.crashed).state.quarantine
    with pytest.raises(CellbookError) as caught:
        verify_dossier(new.ledger.dossier(line.crashed), load_trust(new.home.trust_bytes()), LATER)
    assert caught.value.code == "failed.predecessor.state"
    mirror(LedgerSource(line.old.ledger), tmp_path / "copy")
    trust = load_trust(new.home.trust_bytes())
    with OfflineLog(tmp_path / "copy") as copy:
        past = AuditedPast([copy])
        with Auditor(trust, tmp_path / "both", processes=1, past=past) as auditor:
            with pytest.raises(CellbookError) as caught:
                auditor.run(LedgerSource(new.ledger))
            assert caught.value.code == "failed.audit.entry"
            assert "not what the log before it knew" in caught.value.detail


def test_who_may_found_the_successor(line: Line, tmp_path: Path) -> None:
    """The freeze names one origin and one root; a root that was replaced is none of them."""

    def found(origin: str, root: object, of: Path) -> str:
        with pytest.raises(CellbookError) as caught:
            Home.create(
                tmp_path / "thief",
                origin=origin,
                name="Thief",
                root_dir=tmp_path / "thief-root",
                registrar_dir=tmp_path / "thief-registrar",
                successor_of=of,
                root=root,  # type: ignore[arg-type]
            )
        assert not (tmp_path / "thief" / "cellbook.toml").exists()
        return caught.value.code

    old = line.old
    refused = "rejected.policy.predecessor"
    assert found("log.example/another", old.key("root", "next-root"), old.home.path) == refused
    assert found(NEXT, old.key("root", "root"), old.home.path) == refused
    assert found(NEXT, generate(), old.home.path) == refused
    with World(tmp_path / "open", operators=()) as running:
        code = found(NEXT, running.key("root", "next-root"), running.home.path)
        assert code == "usage.successor.open"
        running.accepted(running.freeze())
        running.end_epoch()
        assert found(NEXT, running.key("root", "next-root"), running.home.path) == refused


def test_a_successor_changes_its_root_too(line: Line) -> None:
    new, third = line.new, generate()
    trust = load_trust(new.home.trust_bytes())
    founder = line.old.key("root", "next-root")
    root = new.key("root", "next-root")
    new.accepted(new.next_policy(root=root, next_root=third.key.kid))
    for thief in (founder, line.old.key("root", "root")):
        assert new.refused(new.freeze(THIRD, root=thief)) == "rejected.key.unknown"
    new.accepted(new.event("decommission", line.crashed))
    new.end_epoch()
    verdict = verify_dossier(new.ledger.dossier(line.crashed), trust, LATER)
    assert verdict.record.policy == 1
    new.fsck()


def test_documents_units_and_parts(tmp_path: Path) -> None:
    """Whatever names a battery brings its past; a part comes with the unit that it is inside of."""
    with World(tmp_path / "old") as old:
        pack, modules, other = old.battery(), (old.battery("M"), old.battery("M")), old.battery()
        old.accepted(old.event("manufacture", pack, children=modules))
        old.live(pack, "install")
        old.live(other, "manufacture")
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            new.accepted(new.event("incident", modules[0], kind="other", units=(other,)))
            assert new.ledger.battery(modules[0]).state.parent == pack
            owner = new.operators["owner"]
            document = HashEnvelope(bytes(32), "application/pdf", None)
            claims = {"iss": owner.uri, "sub": modules[1], "aud": new.family, "iat": NOW}
            new.accepted(sign_envelope(owner.signer, document, **claims))
            new.end_epoch()
            new.fsck()
            trust = load_trust(new.home.trust_bytes())
            for battery in (modules[0], modules[1], pack, other):
                verdict = verify_dossier(new.ledger.dossier(battery), trust, LATER)
                assert verdict.battery == new.ledger.battery(battery).state
                assert verdict.life[0].kind == "manufacture"


def test_three_logs_in_a_line(line: Line, tmp_path: Path) -> None:
    new = line.new
    new.accepted(new.event("decommission", line.crashed))
    new.live(middle := new.battery(), "manufacture")
    new.accepted(new.freeze(THIRD, root=line.old.key("root", "next-root")))
    new.end_epoch()
    with World(tmp_path / "third", origin=THIRD, follows=new) as third:
        pack = third.battery()
        third.live(pack, "manufacture")
        third.live(middle, "install")
        third.live(line.idle, "install")
        third.accepted(third.event("assessment", line.crashed))
        third.end_epoch()
        third.fsck()
        trust = load_trust(third.home.trust_bytes())
        lives = {
            battery: [
                event.kind
                for event in verify_dossier(third.ledger.dossier(battery), trust, LATER).life
            ]
            for battery in (pack, middle, line.idle, line.crashed)
        }
        assert lives == {
            pack: ["manufacture"],
            middle: ["manufacture", "install"],
            line.idle: ["manufacture", "install"],
            line.crashed: ["manufacture", "install", "incident", "decommission", "assessment"],
        }
        verdict = verify_dossier(third.ledger.dossier(line.crashed), trust, LATER)
        assert verdict.battery == third.ledger.battery(line.crashed).state
        indexes = [event.index for event in verdict.life]
        assert indexes == sorted(indexes)
