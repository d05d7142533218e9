"""Dossiers that span two logs: a life that is cut anywhere, and files that were changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from keys import errors
from ledger.custody.states import BatteryState, Mark
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.quorum import panel_of
from ledger.proof.trust import Trust, load_trust
from ledger.proof.verify import verify_dossier
from tests.log.building import NOW, World
from tests.log.test_successor import LATER, NEXT, Line
from tests.proof.cosigning import cosigned_dossier, note_with, verifier_of, vkeys
from tests.proof.following import FollowingLog, ended, freeze
from tests.proof.lying import OTHER, PACK, begun

LIFE = ("manufacture", "install", "incident", "decommission", "assessment", "repurpose")
REFUSED = (
    *(errors.MalformedError, errors.FailedError, errors.RejectedError),
    *(errors.UndecidedError, errors.UnsupportedError),
)


def without_places(value: object) -> object:
    """A state but for the places in the log."""
    if isinstance(value, Mark):
        return value.occurred
    if isinstance(value, msgspec.Struct):
        return {name: without_places(getattr(value, name)) for name in value.__struct_fields__}
    return tuple(map(without_places, value)) if isinstance(value, tuple) else value


def entries_of(state: BatteryState) -> object:
    return without_places(msgspec.structs.replace(state, inherited=()))


@pytest.mark.parametrize("cut", range(1, len(LIFE)))
def test_a_life_that_is_cut_is_the_same_life(tmp_path: Path, cut: int) -> None:
    """Whatever the events, they lead to the same state over two logs as in one."""
    with World(tmp_path / "whole") as whole, World(tmp_path / "old") as old:
        pack, second = whole.battery(), whole.second_life()
        assert (old.battery(), old.second_life()) == (pack, second)
        for kind in LIFE:
            whole.accepted(whole.event(kind, pack, **outputs(kind, second)))
        for kind in LIFE[:cut]:
            old.accepted(old.event(kind, pack, **outputs(kind, second)))
        old.accepted(old.freeze(NEXT))
        old.end_epoch()
        with World(tmp_path / "new", origin=NEXT, follows=old) as new:
            for kind in LIFE[cut:]:
                new.accepted(new.event(kind, pack, **outputs(kind, second)))
            new.live(second, "install")
            new.end_epoch()
            new.fsck()
            whole.live(second, "install")
            for battery in (pack, second):
                expected = whole.ledger.battery(battery).state
                found = new.ledger.battery(battery).state
                assert entries_of(found) == entries_of(expected)
                verdict = verify_dossier(new.ledger.dossier(battery), trust_of(new), LATER)
                assert verdict.battery == found
                assert not verdict.breaches
            kinds = [event.kind for event in verdict.life]
            assert kinds == [*LIFE, "install"]


def outputs(kind: str, second: str) -> dict[str, object]:
    return {"outputs": (second,)} if kind == "repurpose" else {}


def trust_of(world: World) -> Trust:
    return load_trust(world.home.trust_bytes())


@pytest.fixture(scope="module")
def spanning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trust, bytes, bytes]]:
    """The trust file of a successor, a dossier that spans both logs, and one of the old log."""
    line = Line(tmp_path_factory.mktemp("line"))
    line.new.accepted(line.new.event("decommission", line.crashed))
    line.new.end_epoch()
    yield (
        trust_of(line.new),
        line.new.ledger.dossier(line.crashed),
        line.old.ledger.dossier(line.crashed),
    )
    line.close()


def is_refused(data: bytes, trust: Trust) -> bool:
    try:
        verify_dossier(data, trust, NOW + 100_000)
    except REFUSED:
        return True
    return False


def test_no_byte_of_it_can_be_changed(spanning: tuple[Trust, bytes, bytes]) -> None:
    trust, data, _ = spanning
    assert not is_refused(data, trust)
    for at in range(0, len(data), 53):
        changed = data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]
        assert is_refused(changed, trust), at


def test_a_past_in_a_past(spanning: tuple[Trust, bytes, bytes]) -> None:
    """A log without predecessor has none to tell, however deep somebody nests it."""
    trust, data, old = spanning
    dossier = decode_dossier(data)
    past = dossier.past
    assert past is not None
    for _ in range(3):
        past = msgspec.structs.replace(past, past=past)
        assert is_refused(encode_dossier(msgspec.structs.replace(dossier, past=past)), trust)
    stranger = msgspec.structs.replace(decode_dossier(old), past=dossier.past)
    assert is_refused(encode_dossier(stranger), trust)


def refusal(data: bytes, log: FollowingLog) -> str:
    with pytest.raises(errors.CellbookError) as caught:
        verify_dossier(data, log.trust(), log.now + 60)
    return caught.value.code


def test_a_new_battery_needs_the_end_of_the_log_before() -> None:
    """That it has no past is the index's word, which the file must carry."""
    log = FollowingLog(ended("manufacture"))
    log.register_all()
    log.carry(OTHER)
    log.event("manufacture", OTHER)
    log.head()
    verdict = verify_dossier(log.spanning(log.bare_past(), OTHER), log.trust(), log.now + 60)
    assert [event.kind for event in verdict.life] == ["manufacture"]
    assert refusal(log.spanning(None, OTHER), log) == "failed.dossier.missing"


def test_another_history_that_ends_in_the_same_way() -> None:
    """The old log has signed two of one length: with a crash, and with a reading in its place."""
    crashed, clean = (ended("manufacture", "install", kind) for kind in ("incident", "reading"))
    assert (crashed.size, crashed.leaves[0]) == (clean.size, clean.leaves[0])
    log = FollowingLog(crashed)
    log.register_all()
    log.carry(PACK)
    log.event("decommission", PACK)
    log.head()
    verdict = verify_dossier(log.spanning(log.past()), log.trust(), log.now + 60)
    assert "incident" in {event.kind for event in verdict.life}
    log.old = clean
    assert refusal(log.spanning(log.past()), log) == "failed.predecessor"


def test_what_was_taken_over_of_others_does_not_belong() -> None:
    log = FollowingLog(ended("manufacture"))
    log.register_all()
    log.carry(PACK)
    log.carry(OTHER)
    log.event("install", PACK)
    log.head()
    assert refusal(log.spanning(log.past()), log) == "failed.dossier.foreign"


def vouched(auditors: tuple[str, ...], old: tuple[str, ...]) -> tuple[FollowingLog, bytes]:
    """A log that follows another one, both with the auditors ``a`` and ``b`` in their policies; and
    a dossier that ``auditors`` have cosigned, the past in it ``old``."""
    first = begun()
    first.next_policy(auditors=vkeys("a", "b"))
    first.live(PACK, "manufacture", "install")
    first.head()
    freeze(first)
    log = FollowingLog(first)
    log.next_policy(auditors=vkeys("a", "b"))
    log.register_all()
    log.carry(PACK)
    log.event("decommission", PACK)
    log.head()
    past = log.past()
    note = note_with(past.checkpoint, [(name, log.now) for name in old])
    data = log.spanning(msgspec.structs.replace(past, checkpoint=note))
    return log, cosigned_dossier(data, *((name, log.now) for name in auditors))


def test_whoever_requires_auditors_requires_them_for_the_past_too() -> None:
    """A lying index at the end of the old log would hide what no later auditor can find."""
    panel = panel_of(map(verifier_of, ("a", "b")), 2)
    for auditors, old, code in (
        (("a", "b"), ("a", "b"), None),
        (("a", "b"), ("a",), "undecided.completeness.auditors"),
        (("a", "b"), (), "undecided.completeness.auditors"),
        (("a",), ("a", "b"), "undecided.completeness.auditors"),
    ):
        log, data = vouched(auditors, old)
        trust = log.trust(completeness="audited", auditors=panel, max_age_days=1)
        if code is None:
            verdict = verify_dossier(data, trust, log.now + 60)
            assert verdict.record.before == ((log.old.origin, log.old.size),)
            continue
        with pytest.raises(errors.CellbookError) as caught:
            verify_dossier(data, trust, log.now + 60)
        assert caught.value.code == code
        assert caught.value.where.startswith("predecessor") is (len(auditors) == 2)
