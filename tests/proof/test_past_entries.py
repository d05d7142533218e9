"""A log that lies about entries of the log before it, which its statements are about."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.governance.handover import CarriedHistory, PastEntry
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.proof.following import FollowingLog
from tests.proof.lying import OTHER, PACK, LyingLog, begun
from tests.proof.past_cases import LIFE, followed, history, place, say, shown, upheld


def verdict(log: FollowingLog) -> Verdict:
    log.head()
    return verify_dossier(log.spanning(log.past()), log.trust(), log.now + 60)


def refused(log: FollowingLog) -> str:
    with pytest.raises(CellbookError) as caught:
        verdict(log)
    return caught.value.code


def test_the_truth_is_taken() -> None:
    log = followed()
    say(log, shown(log, "incident"))
    say(log, history(log, *LIFE[:2]))
    say(log, history(log, *LIFE[2:]))
    upheld(log)
    found = verdict(log)
    assert [event.kind for event in found.life] == [*LIFE, "dispute", "resolution"]
    assert found.battery.quarantine is None
    assert dict(found.battery.corrected) == {log.old.refs[PACK, "incident"]: b""}


def test_an_entry_that_is_not_there() -> None:
    log = followed()
    honest = shown(log, "incident")
    forged = LyingLog()
    forged.register("all", "maker")
    forged.live(PACK, "incident")
    leaf = forged.leaves[-1]
    changes = [
        {"entry": PastEntry(index=honest.entry.index, leaf=leaf)},
        {"entry": msgspec.structs.replace(honest.entry, index=honest.entry.index - 1)},
        {"path": honest.path[::-1]},
        {"path": honest.path[1:]},
        {"path": (*honest.path, bytes(32))},
    ]
    for change in changes:
        log = followed()
        say(log, shown(log, "incident", **change))
        assert refused(log) in ("failed.inclusion", "malformed.proof.path"), change


@pytest.mark.parametrize(
    "change",
    [
        {"subjects": (OTHER, PACK)},
        {"subjects": (PACK, OTHER)},
        {"log": 1},
        {"index": 10_000},
    ],
)
def test_an_entry_of_others(change: dict[str, Any]) -> None:
    log = followed()
    if "subjects" not in change:
        change = {"entry": msgspec.structs.replace(shown(log, "incident").entry, **change)}
    say(log, shown(log, "incident", **change))
    assert refused(log) == "rejected.predecessor.state"


def test_an_entry_that_is_no_event_and_one_that_was_shown_before() -> None:
    log = followed()
    freezing = PastEntry(index=log.old.size - 2, leaf=log.old.leaves[-2])
    say(log, shown(log, "incident", entry=freezing))
    assert refused(log) == "rejected.predecessor.state"
    log = followed()
    say(log, shown(log, "incident"))
    log.now += 1
    say(log, shown(log, "incident"))
    assert refused(log) == "rejected.predecessor.twice"


@pytest.mark.parametrize("kinds", [(), LIFE[:3], LIFE[1:], (LIFE[0], *LIFE[2:])])
def test_a_history_with_a_gap_folds_nothing(kinds: tuple[str, ...]) -> None:
    log = followed()
    say(log, shown(log, "incident"))
    if kinds:
        say(log, history(log, *kinds))
    upheld(log)
    assert refused(log) == "rejected.predecessor.history"


def test_a_history_with_another_entry_in_it() -> None:
    """A life in which there was no crash, in place of that which the index commits to."""
    log = followed()
    say(log, shown(log, "incident"))
    other = begun()
    other.live(PACK, "manufacture", "install", "decommission", "incident")
    leaves = {place(other, kind): other.leaves[place(other, kind)] for kind in LIFE}
    entries = tuple(PastEntry(index=index, leaf=leaf) for index, leaf in sorted(leaves.items()))
    say(log, CarriedHistory(uri=PACK, entries=entries))
    upheld(log)
    assert refused(log) == "rejected.predecessor.history"


def test_a_dispute_of_what_was_not_shown() -> None:
    log = followed()
    log.event("dispute", PACK, entry_ref=log.old.refs[PACK, "incident"])
    assert refused(log) == "rejected.entry.unknown"


def test_what_was_shown_is_no_secret_of_the_log() -> None:
    """Who keeps back what the log says of an entry has no dossier: the index counts it."""
    log = followed()
    say(log, shown(log, "incident"))
    log.event("dispute", PACK, entry_ref=log.old.refs[PACK, "incident"])
    assert verdict(log).battery.record == "disputed"
    (place_of,) = (n for n, leaf in enumerate(log.leaves) if b"carried-entry" in leaf)
    dossier = decode_dossier(log.spanning(log.past()))
    kept = tuple(entry for entry in dossier.entries if entry.index != place_of)
    data = encode_dossier(msgspec.structs.replace(dossier, entries=kept))
    with pytest.raises(CellbookError) as caught:
        verify_dossier(data, log.trust(), log.now + 60)
    assert caught.value.code == "rejected.entry.unknown"
