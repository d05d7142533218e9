"""A buyer who holds some histories comes to the states that the log has."""

from __future__ import annotations

import pytest

from ledger.custody.events.afterlife import Remainder
from ledger.custody.states import State
from ledger.proof.checks.carried import carried_by
from tests.custody.history import Log, identifier
from tests.log.lives import repurpose_input


@pytest.fixture
def log() -> Log:
    return Log()


def retold(log: Log, subject: str) -> dict[str, State]:
    """The states of all batteries that the dossier of ``subject`` carries, from its entries."""
    entries = [log.entries[taken.entry_id] for taken in log.taken]
    concerned = [taken.decision.subjects for taken in log.taken]
    carried = {subject}
    while True:  # as whoever writes the dossier does: histories of histories
        wanted = [n for n, uris in enumerate(concerned) if carried & set(uris)]
        more = carried_by(subject, [(entries[n].entry_id, entries[n].content) for n in wanted])
        if more <= carried:
            break
        carried |= more
    buyer = Log()
    buyer.states = {uri: state for uri, state in log.states.items() if "gbt34014" not in uri}
    buyer.taken.clear()
    buyer.entries.clear()
    for n, entry in enumerate(entries):
        buyer.minute = log.minute
        if n in wanted:
            buyer.take(entry.statement.leaf, refuse=False, carried=carried)
            assert not any(f.breach for f in buyer.taken[-1].decision.findings)
        else:
            buyer.taken.append(log.taken[n])
    return {uri: state for uri, state in buyer.states.items() if "gbt34014" in uri}


def agree(log: Log, subject: str) -> None:
    told = retold(log, subject)
    assert subject in told
    for uri, state in told.items():
        assert state == log.states[uri], uri


def test_one_life(log: Log) -> None:
    pack, label = log.battery(), log.battery()
    log.take(log.event("manufacture", pack, uris=(pack, label)))
    log.live(pack, "install", "decommission")
    log.hand_over(pack, "owner", "recycler")
    log.take(log.event("recycle", pack, by="recycler"))
    agree(log, pack)
    assert label in retold(log, pack)


def test_a_second_life_of_two_that_were_sold(log: Log) -> None:
    packs = [log.battery() for _ in range(2)]
    for pack in packs:
        log.live(pack, "manufacture", "install", "decommission")
        log.hand_over(pack, "owner", "buyer", "ownership")
        log.live(pack, "assessment")
    inputs = tuple(repurpose_input(pack, log.refs[pack, "assessment"]) for pack in packs)
    outputs = (log.second_life(), log.second_life())
    log.take(log.event("repurpose", packs[0], inputs=inputs, outputs=outputs))
    for subject in (*outputs, *packs):
        agree(log, subject)


def test_a_cell_that_was_left_over_from_a_pack_that_was_sold(log: Log) -> None:
    pack, cell = log.battery(), log.battery("C")
    log.take(log.event("manufacture", pack, children=(cell,)))
    log.live(pack, "install", "decommission")
    log.hand_over(pack, "owner", "buyer", "ownership")
    log.live(pack, "assessment")
    left = Remainder(id=cell, mass_g=10, reason="spare", destination="stock")
    log.take(log.event("repurpose", pack, remainder=(left,)))
    log.live(cell, "assessment")
    log.take(log.event("relabel", cell, new_ids=(identifier(log.battery("C")),)))
    agree(log, cell)


def test_a_transfer_together_with_a_battery_of_others(log: Log) -> None:
    pack, other = log.battery(), log.battery()
    log.live(pack, "manufacture")
    log.live(other, "manufacture", "install", "decommission")
    release = log.take(log.event("release", pack, units=(other,)))
    log.take(log.event("accept", other, by="buyer", units=(pack,), release_ref=release.entry_id))
    agree(log, pack)
    agree(log, other)


def test_a_dispute_about_several(log: Log) -> None:
    pack, cell = log.battery(), log.battery("C")
    made = log.take(log.event("manufacture", pack, children=(cell,)))
    log.take(log.event("dispute", cell, entry_ref=made.entry_id))
    log.take(log.event("incident", pack, by="authority", kind="theft"))
    for subject in (pack, cell):
        agree(log, subject)
