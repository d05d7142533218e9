"""Witnesses are asked again about what is published; one whose clock is slow spoils nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.governance.policy import log_key
from ledger.log.home import WITNESSES_FILE
from ledger.log.ledger import Ledger
from ledger.log.publishing import rounds as publishing_rounds
from ledger.log.publishing.witness import Answer
from ledger.monitor.witnessing.state import WitnessState
from ledger.monitor.witnessing.witness import Witness, witness_verifier
from ledger.proof.quorum import panel_of
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from ledger.wire.note import open_note
from ledger.wire.verifier import Verifier
from tests.log.building import ORIGIN, World

DAY = 86_400


class Witnesses:
    """Witnesses by the world's clock, each with its ``lag``; those in ``away`` do not answer, those
    in ``lies`` answer as they like.

    ``quorum`` of them must cosign what the world's log publishes. The world's own process asks
    nobody; ``serve`` starts one that does.
    """

    def __init__(
        self, world: World, quorum: int, names: tuple[str, ...] = ("w1.example", "w2.example")
    ) -> None:
        self.world, self.away, self.lag = world, set[str](), dict[str, int]()
        self.lies: dict[str, Answer] = {}
        own = Verifier.from_key(ORIGIN, log_key(world.ledger.log(), "checkpoint", 2))
        self.witnesses: dict[str, Witness] = {}
        self.verifiers: dict[str, Verifier] = {}
        for name in names:
            signer = generate()
            self.verifiers[name] = witness_verifier(name, signer)
            state = WitnessState(world.path / name, self.verifiers[name])
            self.witnesses[name] = Witness(name, signer, [own], state)
        lines = [f"witness {n} {v.vkey} https://{n}" for n, v in self.verifiers.items()]
        lines += [f"group enough {quorum} {' '.join(self.verifiers)}", "quorum enough", ""]
        vkeys = tuple(verifier.vkey for verifier in self.verifiers.values())
        world.accepted(world.next_policy(witnesses=vkeys))
        (world.home.path / WITNESSES_FILE).write_text("\n".join(lines))
        world.close()
        self.serve()

    def serve(self) -> None:
        """Start the service; again, after it was stopped."""
        self.world.close()
        self.world.store, self.world.ledger = self.world.open(ask=self.ask)

    @property
    def ledger(self) -> Ledger:
        return self.world.ledger

    def ask(self, url: str, body: bytes) -> Answer:
        name = url.removeprefix("https://").removesuffix("/add-checkpoint")
        if name in self.away:
            return Answer(503, "text/plain", b"away")
        if name in self.lies:
            return self.lies[name]
        try:
            now = self.world.clock() - self.lag.get(name, 0)
            return Answer(200, "", self.witnesses[name].add_checkpoint(body, now))
        except CellbookError as error:
            if "size" in error.facts:
                return Answer(409, "text/x.tlog.size", str(error.facts["size"]).encode())
            return Answer(500, "text/plain", error.code.encode())

    def times(self) -> dict[str, int]:
        """When each has cosigned what is published."""
        own = Verifier.from_key(ORIGIN, log_key(self.ledger.log(), "checkpoint", 2))
        opened = open_note(self.ledger.checkpoint(), [own, *self.verifiers.values()])
        return {line.name: line.time for line in opened.signatures if line.time is not None}


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, operators=("owner",)) as made:
        made.end_epoch()
        yield made


def grow(made: Witnesses) -> str:
    """A battery that is registered, under a checkpoint that is published."""
    world, battery = made.world, made.world.battery()
    world.live(battery, "manufacture")
    size = world.store.head().size + 1
    world.end_epoch()
    until(lambda: world.store.head().published >= size)
    return battery


def test_a_frozen_log_stays_as_new_as_its_witnesses_say(world: World) -> None:
    made = Witnesses(world, 2)
    battery = grow(made)
    world.accepted(world.freeze())
    size = world.store.head().size + 1
    world.end_epoch()
    until(lambda: world.store.head().published == size)
    trust = msgspec.structs.replace(
        load_trust(world.home.trust_bytes()),
        completeness="witnessed",
        witnesses=panel_of(made.verifiers.values(), 2),
        max_age_days=7,
    )
    verify_dossier(made.ledger.dossier(battery), trust, world.clock())
    world.clock.advance(8 * DAY)
    with pytest.raises(CellbookError) as old:
        verify_dossier(made.ledger.dossier(battery), trust, world.clock())
    assert old.value.code == "undecided.age"
    made.serve()
    until(lambda: set(made.times().values()) == {world.clock()})
    verify_dossier(made.ledger.dossier(battery), trust, world.clock())
    assert world.store.head().size == size
    world.fsck()


def test_who_was_away_is_on_it_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing_rounds, "AGAIN_PAUSE_S", 0.0)
    made = Witnesses(world, 1)
    made.away = {"w2.example"}
    grow(made)
    assert set(made.times()) == {"w1.example"}
    until(lambda: "w2.example" in made.ledger.missing_witnesses)
    assert made.ledger.delayed is None
    made.away = set()
    until(lambda: set(made.times()) == {"w1.example", "w2.example"})
    until(lambda: not made.ledger.missing_witnesses)


def test_new_lines_are_not_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Witnesses(world, 2)
    grow(made)
    assert made.ledger.publishing.again() is None
    world.clock.advance(DAY - 1)
    assert made.ledger.publishing.again() is None
    world.clock.advance(1)
    asked = made.ledger.publishing.again()
    assert asked is not None
    assert asked.size == asked.published == world.store.head().published


def test_a_witness_with_a_slow_clock_is_left_out_and_named(world: World) -> None:
    """Its line, from before the head, would make every file of the log a false one."""
    made = Witnesses(world, 1)
    made.lag = {"w2.example": 3600}
    battery = grow(made)
    until(lambda: "w2.example" in made.ledger.missing_witnesses)
    assert made.ledger.missing_witnesses["w2.example"].startswith("rejected.cosignature.time")
    assert set(made.times()) == {"w1.example"}
    trust = load_trust(world.home.trust_bytes())
    verify_dossier(made.ledger.dossier(battery), trust, world.clock())


def test_where_it_is_needed_the_checkpoint_waits(world: World) -> None:
    made = Witnesses(world, 2)
    grow(made)
    before = made.ledger.checkpoint()
    made.lag = {"w2.example": 2}
    world.clock.advance(10)
    world.live(world.battery(), "manufacture")
    world.end_epoch()
    until(lambda: made.ledger.delayed is not None)
    assert made.ledger.delayed is not None
    assert made.ledger.delayed.by["w2.example"].startswith("rejected.cosignature.time")
    assert made.ledger.checkpoint() == before
