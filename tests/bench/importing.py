"""``cellbook import`` step by step: where the time of a hundred thousand rows goes."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from cli.drafts import sign_draft
from cli.importing.drafting import Drafted, Drafting
from cli.importing.mapping import load_mapping
from cli.importing.outbox import Outbox
from cli.importing.run import Run, Signing
from cli.importing.sheet import open_sheet, rows
from cli.remote import Remote
from cli.submission import Journal, read_items
from cli.submit import Submission
from tests.cli.plant import MAPPING, Plant
from tests.log.building import World, operator_uri
from tests.service import running_service

SIGNED = 20_000
"""Statements whose signing alone is measured."""


class Rates(msgspec.Struct, frozen=True):
    """Rows per second of each step, alone."""

    rows: int
    reading: float
    drafting: float
    signing: float
    importing: float
    sending: float

    @property
    def parsing(self) -> float:
        """Reading, mapping and validation together."""
        return 1 / (1 / self.reading + 1 / self.drafting)


def rates(world: World, folder: Path, count: int) -> Rates:
    """Import ``count`` rows in this process, and send them to a service of one worker."""
    plant = Plant(folder, world)
    data = plant.table("plant.csv", plant.rows(count)).read_bytes()
    issuer, signer = operator_uri("owner"), world.operators["owner"].signer
    mapping = load_mapping(MAPPING.encode(), "mapping")

    begun = time.perf_counter()
    sheet, lines = open_sheet("plant.csv", data)
    found = list(rows(sheet, lines))
    reading = count / (time.perf_counter() - begun)

    drafting = Drafting(mapping, issuer, "mapping", lambda source_ref: None)
    begun = time.perf_counter()
    drafts = [drafting.draft(row) for row in found]
    per_second = count / (time.perf_counter() - begun)
    ready = [made.draft for made in drafts if isinstance(made, Drafted)]
    assert len(ready) == count

    begun = time.perf_counter()
    for draft in ready[:SIGNED]:
        sign_draft(signer, draft, issuer=issuer, aud=world.family, iat=1)
    signing = len(ready[:SIGNED]) / (time.perf_counter() - begun)

    begun = time.perf_counter()
    with Outbox(plant.outbox, issuer, world.family) as outbox:
        run = Run(sheet, outbox, Signing(signer, issuer, world.family))
        again = Drafting(mapping, issuer, "mapping", run.find)
        tally = run.run(again, rows(*open_sheet("plant.csv", data)), count, lambda done, of: None)
    importing = count / (time.perf_counter() - begun)
    assert tally.signed == count
    return Rates(count, reading, per_second, signing, importing, _sent(world, plant, count))


def _sent(world: World, plant: Plant, count: int) -> float:
    with running_service(world.home.path) as service, Remote(service.url) as remote:
        begun = time.perf_counter()
        journal = Journal(plant.outbox / "journal", remote.url)
        items = read_items([plant.outbox])
        sending = Submission(remote.submit, journal, None, lambda done, of: None)
        assert sending.run(items).registered == count
        return count / (time.perf_counter() - begun)
