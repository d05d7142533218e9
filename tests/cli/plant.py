"""A plant that exports tables: a key file, a trust file, a mapping, and rows in any number.

plant = Plant(folder, world)
table = plant.table("plant.csv", plant.rows(3))
run_json("import", table, *plant.signing, "--outbox", folder / "outbox")
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from api.sequence import read_sequence
from keys import keyfile
from keys.signer import SoftwareSigner
from ledger.custody.events import parse_event
from ledger.wire.statement import parse_statement
from tests.log.building import World, operator_uri

MAPPING = """
kind = "manufacture"
source_ref = ["works", "serial"]
battery = "code"
zone = "+08:00"

[constants]
country = "CN"
facility_id = "F-1"
model_ref = "urn:cellbook:model:LF280K-48:3"
chemistry = "LFP"

[fields]
occurred_at = { column = "made", date = "%Y/%m/%d %H:%M" }
made_on = { column = "made", date = "%Y/%m/%d %H:%M" }
level = { column = "层级", values = { "包" = "pack", "模组" = "module" } }
batch_id = "batch"
rated_capacity_mah = { column = "capacity", unit = "Ah" }
nominal_voltage_mv = "voltage"
mass_g = { column = "mass", unit = "kg" }
"""

ROW = {
    "works": "W1",
    "made": "2026/1/5 14:30",
    "层级": "包",
    "batch": "B-7",
    "capacity": "280",
    "voltage": "51.2 V",
    "mass": "102.5",
    "备注": "正常",
}
COLUMNS = ("works", "serial", "code", *[name for name in ROW if name != "works"])

_numbers = count(1)
Values = dict[str, str]


class Plant:
    """The operator ``owner`` of a world, at its desk in ``folder``."""

    def __init__(self, folder: Path, world: World, mapping: str = MAPPING) -> None:
        self.folder = folder
        self.issuer = operator_uri("owner")
        signer = world.operators["owner"].signer
        assert isinstance(signer, SoftwareSigner)
        key, trust = folder / "works.pem", folder / "trust.toml"
        keyfile.save(key, signer, "correct horse battery")
        (folder / "passphrase").write_text("correct horse battery")
        (folder / "passphrase").chmod(0o600)
        trust.write_bytes(world.home.trust_bytes())
        self.outbox = folder / "outbox"
        self.mapping = folder / "plant.toml"
        self.mapping.write_text(mapping)
        self.signing = (
            *("--mapping", self.mapping, "--key", key),
            *("--issuer", self.issuer, "--trust", trust, "--outbox", self.outbox),
        )

    def rows(self, number: int, **changes: str) -> list[Values]:
        """Rows of new batteries, with ``changes`` in each."""
        return [self.row(**changes) for _ in range(number)]

    def row(self, **changes: str) -> Values:
        """One row of a new battery."""
        serial = next(_numbers)
        code = f"4A6PBPM27KLPCLE75{serial:07d}"
        return {"serial": f"{serial:06d}", "code": code, **ROW, **changes}

    def table(
        self, name: str, rows: list[Values], *, encoding: str = "utf-8", end: str = "\n"
    ) -> Path:
        """A CSV file of ``rows``."""
        lines = [",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in rows)]
        file = self.folder / name
        file.write_bytes((end.join(lines) + end).encode(encoding))
        return file

    def statements(self) -> list[bytes]:
        """What is in the outbox, in order."""
        files = sorted(self.outbox.glob("*.cbor-seq"))
        return [item for file in files for item in read_sequence(file.read_bytes(), 10**6).items]

    def source_refs(self) -> list[str]:
        """The names of the records in the outbox, in order."""
        parsed = (parse_statement(item) for item in self.statements())
        return [str(parse_event(statement.payload).source_ref) for statement in parsed]

    def dry_run(self, table: Path) -> tuple[Any, ...]:
        """The arguments that check a table."""
        return (
            *("import", table, "--mapping", self.mapping),
            *("--issuer", self.issuer, "--dry-run"),
        )
