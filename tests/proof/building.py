"""Dossiers of a test, and ways to change them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.proof.dossier import Dossier, DossierEntry, decode_dossier, encode_dossier
from ledger.proof.report.table import cells
from ledger.proof.trust import Trust, load_trust
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.log.building import NOW, World

AT = NOW + 3_600
FIRST_LIFE = ("manufacture", "install", "decommission", "assessment")


def trust_of(world: World) -> Trust:
    """The trust file of a world's ledger."""
    return load_trust(world.home.trust_bytes())


def two_lives(world: World) -> tuple[str, str]:
    """A battery that was repurposed, and what became of it: their subjects."""
    first = world.battery()
    world.live(first, *FIRST_LIFE)
    second = world.second_life()
    world.accepted(world.event("repurpose", first, outputs=(second,)))
    world.live(second, "install", "decommission", "recycle")
    return first, second


def dossier_of(world: World, subject: str) -> bytes:
    """The dossier of ``subject`` at a checkpoint that covers all."""
    world.end_epoch()
    return world.ledger.dossier(subject)


def verdict_on(world: World, data: bytes, **options: str) -> Verdict:
    """The verdict an hour after ``NOW``."""
    return verify_dossier(data, trust_of(world), AT, **options)


def check_layout(text: str) -> None:
    """A report is 79 cells wide, and nothing in it steers a terminal."""
    assert text.endswith("\n")
    for line in text.split("\n"):
        assert cells(line) <= 79, line
        assert line == line.rstrip()
        assert all(character.isprintable() or character == "\u3000" for character in line), line


def with_entries(data: bytes, *entries: DossierEntry) -> bytes:
    """The dossier with other entries, in the order given."""
    return encode_dossier(msgspec.structs.replace(decode_dossier(data), entries=entries))


def without(data: bytes, index: int) -> bytes:
    """The dossier without the entry at ``index``."""
    entries = decode_dossier(data).entries
    return with_entries(data, *(entry for entry in entries if entry.index != index))


def changed(data: bytes, **fields: object) -> bytes:
    """The dossier with other fields."""
    return encode_dossier(msgspec.structs.replace(decode_dossier(data), **fields))


def parts_of(dossier: Dossier) -> Iterator[tuple[str, bytes]]:
    """The byte strings of a dossier, by name."""
    yield "checkpoint", dossier.checkpoint
    yield "subject", dossier.subject.encode()
    for place, entry in enumerate(dossier.entries):
        yield f"leaf {place}", entry.leaf
        yield f"receipt {place}", entry.receipt


def with_part(dossier: Dossier, name: str, data: bytes) -> Dossier:
    """``dossier`` with the part ``name`` replaced."""
    replace = msgspec.structs.replace
    if name == "checkpoint":
        return replace(dossier, checkpoint=data)
    if name == "subject":
        return replace(dossier, subject=data.decode("utf-8"))
    kind, _, place = name.partition(" ")
    entries = list(dossier.entries)
    entries[int(place)] = replace(entries[int(place)], **{kind: data})
    return replace(dossier, entries=tuple(entries))
