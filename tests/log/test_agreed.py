"""All processes of a log publish it by the same witnesses, or do not publish it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keys.errors import CellbookError
from ledger.log.home import WITNESSES_FILE
from ledger.log.ledger import Ledger
from ledger.log.publishing.agreed import policy_digest, take_into_use
from ledger.log.publishing.checkpoints import PUBLISHED
from ledger.wire.tlog_policy import parse_tlog_policy
from tests.cli.running import refused, run_json
from tests.log.building import World
from tests.log.test_asked_again import Witnesses, until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner",)) as made:
        yield made


def grow(world: World, ledger: Ledger) -> int:
    """Register something at one of the hosts; the size of its signed checkpoint."""
    (outcome,) = ledger.register_now([world.event("manufacture", world.battery())])
    assert outcome.error is None
    before = world.store.head().checkpoint
    world.clock.advance(5)
    until(lambda: world.store.head().checkpoint > before)
    return world.store.head().checkpoint


def code_at_start(world: World) -> str | None:
    """Why a service does not start with what is in the folder now."""
    with closing(world.home.open_store()) as store:
        ledger = Ledger(store, world.home.signers(), clock=world.clock)
        with closing(ledger):
            try:
                ledger.compare()
            except CellbookError as error:
                return error.code
    return None


def test_a_host_without_witnesses_shows_nothing(world: World) -> None:
    witnesses = Witnesses(world, 2)
    world.live(world.battery(), "manufacture")
    world.end_epoch()
    until(lambda: world.store.head().published == world.store.head().checkpoint)
    until(lambda: PUBLISHED in world.store.pins())
    file = world.home.path / WITNESSES_FILE
    policy = file.read_bytes()
    file.unlink()
    assert code_at_start(world) == "usage.witnesses.other"
    _, bare = world.open()
    witnesses.away = set(witnesses.verifiers)
    shown, pins = world.store.head().published, world.store.pins()
    size = grow(world, bare)
    bare.publishing.tend()
    assert world.store.head().published == shown < size
    assert world.store.pins()[PUBLISHED] == pins[PUBLISHED]
    witnesses.away = set()
    until(lambda: world.store.head().published >= size)
    file.write_bytes(policy)
    assert code_at_start(world) is None


def test_another_policy_is_taken_into_use_on_purpose(world: World) -> None:
    home = ("--home", world.home.path)
    Witnesses(world, 1)
    world.end_epoch()
    until(lambda: world.store.witnesses() is not None)
    file = world.home.path / WITNESSES_FILE
    policy = file.read_text()
    file.write_text("# the same\n\n" + policy.replace("https://", "https://proxy.example/"))
    assert code_at_start(world) is None
    assert run_json("policy", "witnesses", *home)["changed"] is False
    file.write_text(policy.replace("group enough 1", "group enough 2"))
    assert code_at_start(world) == "usage.witnesses.other"
    assert run_json("policy", "witnesses", *home)["changed"] is True
    assert code_at_start(world) is None
    refused("usage.witnesses.file", "policy", "witnesses", *home, "--none", code=2)
    file.unlink()
    refused("usage.witnesses.file", "policy", "witnesses", *home, code=2)
    assert code_at_start(world) == "usage.witnesses.other"
    done = run_json("policy", "witnesses", *home, "--none")
    assert (done["changed"], done["digest"], done["witnesses"]) == (True, None, [])
    assert code_at_start(world) is None


def test_who_began_with_the_old_one_stops_to_publish(world: World) -> None:
    """A running service that nobody has restarted yet."""
    assert world.store.witnesses() is None
    size = grow(world, world.ledger)
    until(lambda: world.store.head().published == size)
    other = parse_tlog_policy(b"quorum none\n")
    assert take_into_use(world.store, other)
    grow(world, world.ledger)
    assert world.store.head().published == size
    assert take_into_use(world.store, None)
    assert not take_into_use(world.store, None)
    assert grow(world, world.ledger) == world.store.head().published


def test_what_a_policy_is_told_apart_by(world: World) -> None:
    witnesses = Witnesses(world, 2)
    one, two = ((name, verifier.vkey) for name, verifier in witnesses.verifiers.items())
    lines = [f"witness {n} {v} https://{n}" for n, v in (one, two)]
    both = [*lines, f"group all 2 {one[0]} {two[0]}", "quorum all"]
    swapped = [*lines[::-1], f"group all 2 {two[0]} {one[0]}", "quorum all"]
    other = [*lines, f"quorum {one[0]}"]
    fewer = [lines[0], f"quorum {one[0]}"]
    digests = [
        policy_digest(parse_tlog_policy("\n".join([*each, ""]).encode()))
        for each in (both, swapped, other, fewer)
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert policy_digest(None) is None
