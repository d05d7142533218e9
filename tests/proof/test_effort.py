"""What a hostile file can make a verifier do: in proportion to its size, and never more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Profile
from ledger.proof.checks.carried import Entry, carried_by
from ledger.proof.dossier import LIMITS, decode_dossier
from ledger.proof.report.export import verdict_facts
from ledger.proof.report.text import print_verdict
from ledger.proof.verify import verify_dossier
from ledger.wire.cbor import encode
from ledger.wire.statement import parse_statement
from tests.log.lives import make_event, repurpose_input
from tests.proof.lying import (
    OTHER,
    PACK,
    LyingLog,
    begun,
    code,
    operator_uri,
    second_code,
    told,
)


def readings(log: LyingLog, count: int) -> None:
    for _ in range(count):
        log.event("reading", PACK)


def heads(log: LyingLog, count: int) -> None:
    for _ in range(count // 2):
        log.event("reading", PACK)
        log.head()


def breaches(log: LyingLog, count: int) -> None:
    for _ in range(count):
        log.event("decommission", PACK, install_ref=log.refs[PACK, "manufacture"])


def disputes(log: LyingLog, count: int) -> None:
    for _ in range(count):
        log.event("dispute", PACK, entry_ref=log.refs[PACK, "manufacture"])


def operators(log: LyingLog, count: int) -> None:
    for number in range(count // 2):
        log.register(f"o{number}", "authority", shown="one name")
        log.event("reading", PACK, by=f"o{number}")


def second_lives(log: LyingLog, count: int) -> None:
    """Many inputs to many outputs, again and again: all lead to the first."""
    rows = [[second_code(row * 10 + n) for n in range(10)] for row in range(count // 20)]
    for battery in rows[0]:
        log.event("manufacture", battery)
    for old, new in pairwise(rows):
        inputs = tuple(repurpose_input(battery, bytes(32)) for battery in old)
        log.event("repurpose", old[0], inputs=inputs, outputs=tuple(new))


def children(log: LyingLog, count: int) -> None:
    units = tuple(code(number) for number in range(100, 100 + count))
    for unit in units:
        log.event("manufacture", unit)
    for first in range(0, count, 50):
        log.event("manufacture", code(first + 50), children=units[first : first + 50])
    log.event("release", PACK, units=units[:200])


@pytest.mark.parametrize("fill", [readings, heads, breaches, disputes, operators])
def test_effort_grows_with_the_file(fill: Callable[[LyingLog, int], None]) -> None:
    few, many = effort(fill, 60), effort(fill, 480)
    assert many / few < 8 * 1.5


def effort(fill: Callable[[LyingLog, int], None], count: int) -> int:
    """How many Python functions are called for one dossier, verified and printed."""
    log = begun()
    log.event("manufacture", PACK)
    fill(log, count)
    log.head()
    data, trust = log.dossier(), log.trust()

    def whole() -> None:
        verdict = verify_dossier(data, trust, log.now)
        print_verdict(verdict, verbose=True)
        verdict_facts(verdict)

    return calls_of(whole)


def calls_of(action: Callable[[], object]) -> int:
    """How often ``action`` calls or leaves a function."""
    calls = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_a_net_of_second_lives_is_followed_once() -> None:
    log = begun()
    second_lives(log, 600)
    read = map(parse_statement, log.leaves)
    contents = [(statement.entry_id, read_content(statement)) for statement in read]
    found: list[Any] = []
    calls = calls_of(lambda: found.extend(carried_by(second_code(295), contents)))
    assert len(found) == 291
    assert calls < 200 * len(found)


MOMENT = "2026-06-03T10:00:00+08:00"


def modules_of_many(ties: int, changes: int, units: int) -> list[Entry]:
    """Packs with the same units inside, and corrections of them that all say the same again."""
    children = tuple(code(1_000 + number) for number in range(units))
    packs = [
        make_event("manufacture", code(number), MOMENT, children=children) for number in range(ties)
    ]
    found: list[Entry] = [(number.to_bytes(32), pack) for number, pack in enumerate(packs)]
    for number in range(changes):
        named = (number % ties).to_bytes(32)
        event = make_event("correction", code(0), MOMENT, entry_ref=named, replacement=named)
        found.append(((ties + number).to_bytes(32), event))
    return found


def to_and_fro(times: int, _: int, units: int) -> list[Entry]:
    """All of some batteries are made into all of others, and these into the first, and so on."""
    rows = [code(number) for number in range(units)], [second_code(n) for n in range(units)]
    found: list[Entry] = []
    for number in range(times):
        old, new = rows[number % 2], tuple(rows[1 - number % 2])
        event = make_event(
            "repurpose",
            old[0],
            MOMENT,
            inputs=tuple(repurpose_input(battery, bytes(32)) for battery in old),
            outputs=new,
            responsible_operator="https://all.example",
        )
        found.append((number.to_bytes(32), event))
    return found


@pytest.mark.parametrize(
    ("fill", "few", "many"),
    [(modules_of_many, (10, 50, 16), (40, 200, 16)), (to_and_fro, (6, 0, 16), (6, 0, 64))],
)
def test_ties_of_many_batteries_are_read_once(
    fill: Callable[[int, int, int], list[Entry]],
    few: tuple[int, int, int],
    many: tuple[int, int, int],
) -> None:
    """What is carried is asked before any signature: ``many`` is four times as long a file."""
    assert lines_of(fill(*many)) / lines_of(fill(*few)) < 4 * 1.5


def lines_of(entries: list[Entry]) -> int:
    """How many lines of Python are executed to know whose histories ``entries`` are."""
    lines = 0

    def note(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return note

    sys.settrace(note)
    try:
        assert len(carried_by(code(0), entries)) > 16
    finally:
        sys.settrace(None)
    return lines


def test_a_transfer_of_many_units_that_are_not_carried() -> None:
    log = begun()
    children(log, 200)
    log.event("manufacture", PACK)
    log.head()
    with pytest.raises(CellbookError) as refused:
        verify_dossier(log.dossier(), log.trust(), log.now)
    assert refused.value.code == "failed.dossier.foreign"


def test_a_long_line_of_second_lives() -> None:
    """Each made from the one before: the last carries all, and nothing recurses."""
    log = begun()
    log.live(PACK, "manufacture", "install", "decommission", "assessment")
    before = PACK
    for number in range(1, 60):
        after = second_code(number)
        log.event("repurpose", before, outputs=(after,))
        log.live(after, "install", "decommission", "assessment")
        before = after
    log.head()
    verdict = verify_dossier(log.dossier(before), log.trust(), log.now)
    assert verdict.breaches == ()
    assert len(verdict.life) == 4 + 59 * 4


def test_what_follows_is_flagged_once_however_often_it_is_changed() -> None:
    """Whoever may change an entry and undo that could else fill a verdict from a short file."""
    log = begun()
    log.next_policy(profiles=(Profile(name="core", version=2),))
    log.event("manufacture", PACK)
    first = log.event("reading", PACK)
    readings(log, 40)
    anew = log.event("reading", PACK, corrects=first)
    for _ in range(20):
        change = log.event("correction", PACK, entry_ref=first, replacement=anew)
        log.event(
            "resolution", PACK, entry_ref=change, outcome="upheld", arbiter=operator_uri("all")
        )
    log.head()
    verdict = verify_dossier(log.dossier(), log.trust(), log.now)
    assert verdict.breaches == ()
    flags = [finding.index for finding in verdict.remarks if finding.rule == "COR-2"]
    assert len(flags) == len(set(flags)) == 40


def refusal(data: bytes) -> str:
    log = told("manufacture")
    with pytest.raises(CellbookError) as refused:
        verify_dossier(data, log.trust(), log.now)
    assert refused.value.exit_code == 1
    return refused.value.code


@pytest.mark.parametrize(
    "data",
    [
        b"\x81" * 100_000,
        b"\x9f" * 100_000,
        b"\xa1\x00" * 50_000,
        b"\xd2" * 100_000,
        b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff",
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x80" * 1_000_000,
        bytes(LIMITS.size + 1),
    ],
)
def test_bytes_that_ask_for_too_much(data: bytes) -> None:
    assert refusal(data).startswith("malformed.cbor.")


def test_more_entries_than_there_may_be() -> None:
    data = told("manufacture").dossier()
    dossier: Any = {
        "type": "cellbook-dossier",
        "version": 2,
        "subject": OTHER,
        "checkpoint": decode_dossier(data).checkpoint,
        "entries": [[index, b"", b""] for index in range(LIMITS.items + 1)],
        "index": [],
    }
    assert refusal(encode(dossier)).startswith("malformed.cbor.")
    dossier["entries"] = dossier["entries"][:16_000]
    assert refusal(encode(dossier)) == "failed.dossier.genesis"
