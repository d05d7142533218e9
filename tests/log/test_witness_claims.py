"""Witnesses that say, at the start of a service, that they know more of the log than it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keys.errors import CellbookError
from ledger.log.ledger import Ledger
from ledger.log.publishing.witness import SIZE_TYPE, Answer
from tests.log.building import World
from tests.log.test_asked_again import Witnesses, until

NAMES = ("w1.example", "w2.example", "w3.example")
AHEAD = Answer(409, SIZE_TYPE, b"1000000")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner",)) as made:
        yield made


def begun(world: World, quorum: int) -> Witnesses:
    """A service whose newest checkpoint all three have cosigned."""
    witnesses = Witnesses(world, quorum, NAMES)
    world.live(world.battery(), "manufacture")
    world.end_epoch()
    until(lambda: witnesses.times().keys() == set(NAMES))
    world.close()
    return witnesses


def is_refused(witnesses: Witnesses) -> bool:
    """Whether the service does not start: it compares before its threads do."""
    home = witnesses.world.home
    with closing(home.open_store()) as store:
        ledger = Ledger(store, home.signers(), clock=witnesses.world.clock, ask=witnesses.ask)
        with closing(ledger):
            try:
                ledger.compare()
            except CellbookError as error:
                return error.code == "damaged.log.rolled-back"
    return False


def newest(witnesses: Witnesses) -> int:
    with closing(witnesses.world.home.open_store()) as store:
        return store.head().checkpoint


@pytest.mark.parametrize(
    ("quorum", "lying", "away", "refused"),
    [
        (2, 0, 0, False),
        (2, 0, 2, False),
        (2, 1, 0, False),
        (2, 1, 1, True),
        (2, 2, 0, True),
        (1, 1, 0, True),
        (3, 2, 0, False),
        (3, 3, 0, True),
    ],
)
def test_a_claim_counts_where_a_quorum_may_stand_behind_it(
    world: World, quorum: int, lying: int, away: int, refused: bool
) -> None:
    witnesses = begun(world, quorum)
    witnesses.lies = dict.fromkeys(NAMES[:lying], AHEAD)
    witnesses.away = set(NAMES[len(NAMES) - away :]) if away else set()
    assert is_refused(witnesses) is refused


def test_another_root_of_this_size_is_a_claim_too(world: World) -> None:
    witnesses = begun(world, 2)
    size = str(newest(witnesses)).encode()
    for lying, refused in ((1, False), (2, True)):
        witnesses.lies = dict.fromkeys(NAMES[:lying], Answer(409, SIZE_TYPE, size))
        assert is_refused(witnesses) is refused
