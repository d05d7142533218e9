"""Random histories of a real ledger: each dossier verifies, and says what the ledger knows.

The buyer holds some histories and the log all of them; both must come to the same states.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger.custody.events import Identifier
from ledger.custody.events.afterlife import Remainder
from ledger.custody.events.record import Recovered
from ledger.proof.verify import verify_dossier
from tests.log.building import World, operator_uri
from tests.log.lives import repurpose_input
from tests.proof.building import trust_of

KINDS = (
    *("install", "decommission", "assessment", "repurpose", "recycle", "release", "accept"),
    *("refuse", "intake", "waste", "reading", "repair", "relabel", "incident", "recovery"),
    *("dispute", "resolution", "correction", "assessment", "decommission", "install", "repurpose"),
)


class Player:
    """Submits random events; the ledger takes some and refuses the others."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self.batteries: list[str] = []
        self._parts: dict[str, tuple[str, ...]] = {}
        self._entries: list[tuple[str, bytes]] = []
        self.taken: set[str] = set()

    def manufacture(self) -> None:
        world, random = self._world, self._random
        battery, kinds = world.battery(), random.randrange(4)
        children: tuple[str, ...] = ()
        if kinds == 1:
            children = (world.battery("M"), world.battery("M"))
        elif kinds == 2 and self.batteries:
            children = tuple(set(random.choices(self.batteries, k=2)))
        uris = (battery, world.battery()) if random.random() < 0.2 else (battery,)
        if self._submit("manufacture", battery, uris=uris, children=children):
            self._parts[battery] = children
            self.batteries += [battery, *(c for c in children if c not in self.batteries)]

    def play(self) -> None:
        random = self._random
        if random.random() < 0.08:
            self._second_life(self._world.battery())
            return
        kind, battery = random.choice(KINDS), random.choice(self.batteries)
        getattr(self, f"_{kind}", self._plain)(kind, battery)

    def _plain(self, kind: str, battery: str, **fields: Any) -> None:
        units = tuple(u for u in random_sample(self._random, self.batteries) if u != battery)
        if kind in ("release", "accept", "refuse", "intake", "incident") and units:
            fields["units"] = units
        by = "owner" if self._random.random() < 0.8 else "recycler"
        if kind in ("accept", "refuse"):
            by = self._random.choice(("recycler", "owner"))
        elif kind == "assessment":
            by = "assessor"
        elif kind == "release" and by == "recycler":
            fields |= {"giver": operator_uri("recycler"), "receiver": operator_uri("owner")}
        self._submit(kind, battery, by=by, **fields)

    def _repurpose(self, kind: str, battery: str) -> None:
        world, random = self._world, self._random
        assessed = [b for b in self.batteries if (b, "assessment") in world.refs and b != battery]
        inputs = [
            battery,
            *(random.sample(assessed, 1) if assessed and random.random() < 0.4 else ()),
        ]
        outputs = tuple(world.second_life() for _ in range(random.choice((1, 1, 2))))
        left = [
            Remainder(id=child, mass_g=1_000, reason="good", destination="shelf")
            for child in self._parts.get(battery, ())
            if random.random() < 0.7
        ]
        taken = self._submit(
            "repurpose",
            battery,
            inputs=tuple(
                repurpose_input(b, world.refs.get((b, "assessment"), bytes(32))) for b in inputs
            ),
            outputs=outputs,
            remainder=tuple(left),
        )
        if taken:
            self.batteries += outputs

    def _second_life(self, battery: str) -> None:
        """A life that gets as far as a second one, which random events alone seldom reach."""
        children = (self._world.battery("M"), self._world.battery("M"))
        self._submit("manufacture", battery, children=children)
        self._parts[battery] = children
        self.batteries += [battery, *children]
        for kind in ("install", "decommission"):
            self._submit(kind, battery)
        self._submit("assessment", battery, by="assessor")
        self._repurpose("repurpose", battery)
        self._submit("release", battery := self._random.choice(self.batteries))
        self._submit("accept", battery, by="recycler")

    def _relabel(self, kind: str, battery: str) -> None:
        code = self._world.battery().rpartition(":")[2]
        self._submit(kind, battery, new_ids=(Identifier(scheme="gbt34014", value=code),))

    def _recovery(self, kind: str, battery: str) -> None:
        fields: dict[str, Any] = {"kind": self._random.choice(("recovery", "theft", "fire"))}
        if fields["kind"] == "recovery":
            fields["recovered"] = Recovered(identity_check="label and seal")
        self._submit("incident", battery, **fields)

    def _dispute(self, kind: str, battery: str) -> None:
        if self._entries:
            battery, entry = self._random.choice(self._entries[-30:])
            self._submit(kind, battery, by="authority", entry_ref=entry)

    _resolution = _correction = _dispute

    def _submit(self, kind: str, battery: str, /, **fields: Any) -> bool:
        event = self._world.event(kind, battery, **fields)
        (outcome,) = self._world.register(event)
        if outcome.error is not None or outcome.entry_id is None:
            return False
        self._entries.append((battery, outcome.entry_id))
        self.taken.add(kind)
        return True


def random_sample(random: Random, items: list[str]) -> list[str]:
    return random.sample(items, min(len(items), random.choice((0, 0, 0, 1, 2))))


@pytest.mark.parametrize("seed", range(4))
def test_every_battery_of_a_random_log(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    with World(tmp_path) as world:
        player = Player(world, random)
        for turn in range(160):
            if turn % 12 == 0:
                player.manufacture()
            player.play()
            if random.random() < 0.1:
                world.end_epoch()
        player.manufacture()
        world.end_epoch()
        assert player.taken >= {"repurpose", "accept", "intake", "dispute", "resolution"}
        trust, now = trust_of(world), world.clock()
        for battery in player.batteries:
            verdict = verify_dossier(world.ledger.dossier(battery), trust, now)
            assert verdict.breaches == ()
            assert verdict.battery == world.ledger.battery(battery).state
