"""The dossier: one file from which a battery's life is verified offline.

It holds nothing that is not checked: a checkpoint, entries in ascending index, each with a receipt
at the checkpoint's size, and proofs from the log's index that they are all. Docs and CDDL are in
``docs/formats.md``.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from keys.errors import declare
from ledger.proof.checks.completeness import Stated, index_value, parse_index
from ledger.proof.checks.listings import ListProofs, lists_value, parse_lists
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Value

SHAPE = declare(
    "malformed.dossier",
    "This is not a dossier: type, version, subject, checkpoint, entries and index.",
    "Get the dossier again: `cellbook dossier`.",
)
VERSION = declare(
    "unsupported.dossier",
    "This version does not read dossiers of this version.",
    "Use a newer version of Cellbook; for version 1, which has no index, ask for a new dossier.",
)
ORDER = declare(
    "malformed.dossier.order",
    "The entries are not in ascending index, or one stands twice.",
    "Get the dossier again; the program that wrote it is faulty.",
)

TYPE = "cellbook-dossier"
LIMITS = Limits(size=64 << 20, depth=8, items=16_384, total=65_536)
_FIELDS = {"type", "version", "subject", "checkpoint", "entries", "index"}
_FIELDS_OF_PAST = {"checkpoint", "entries", "index"}
_LONGEST_URI = 512


class DossierEntry(msgspec.Struct, frozen=True):
    """An entry as the file has it: its index, leaf bytes, and receipt."""

    index: int
    leaf: bytes
    receipt: bytes


class Past(msgspec.Struct, frozen=True):
    """What the predecessor of a log knew of batteries, at its last checkpoint; ``past`` is what
    its own predecessor knew. Nothing is verified."""

    checkpoint: bytes
    entries: tuple[DossierEntry, ...]
    index: tuple[Stated, ...]
    past: Past | None = None


class Dossier(msgspec.Struct, frozen=True):
    """A parsed dossier; nothing in it is verified. ``checkpoint`` is a signed note, ``index`` what
    the log's index states of the names on which the entries rest, ``lists`` are proofs of what
    public lists say of those who recycled or repurposed, ``past`` is from the log's predecessor."""

    subject: str
    checkpoint: bytes
    entries: tuple[DossierEntry, ...]
    index: tuple[Stated, ...]
    lists: ListProofs = msgspec.field(default_factory=dict)
    past: Past | None = None


def encode_dossier(dossier: Dossier) -> bytes:
    """The file's bytes; ``decode_dossier`` gives ``dossier`` back."""
    fields: dict[cbor.Key, Value] = {
        "type": TYPE,
        "version": 2,
        "subject": dossier.subject,
        "checkpoint": dossier.checkpoint,
        "entries": encode_entries(dossier.entries),
        "index": index_value(dossier.index),
    }
    if dossier.lists:
        fields["lists"] = lists_value(dossier.lists)
    if dossier.past is not None:
        fields["predecessor"] = past_value(dossier.past)
    return cbor.encode(fields)


def decode_dossier(data: bytes) -> Dossier:
    """The dossier in ``data``.

    Raises ``malformed.cbor.*``, ``malformed.dossier*``, ``malformed.prefix.proof`` and
    ``unsupported.dossier``. Checks types and order; no signature, proof or name.
    """
    value = cbor.decode(data, limits=LIMITS)
    if type(value) is not dict or value.get("type") != TYPE:
        raise SHAPE.at("dossier", "the type is missing")
    version = value.get("version")
    if type(version) is not int:
        raise SHAPE.at("dossier, version")
    if version != 2:
        raise VERSION.at("dossier", f"version {version}")
    if value.keys() - {"lists", "predecessor"} != _FIELDS:
        raise SHAPE.at("dossier", "a field is missing or unknown")
    subject, checkpoint = value["subject"], value["checkpoint"]
    if type(subject) is not str or not 0 < len(subject) <= _LONGEST_URI:
        raise SHAPE.at("dossier, subject")
    if type(checkpoint) is not bytes:
        raise SHAPE.at("dossier, checkpoint")
    entries, index = parse_entries(value["entries"]), parse_index(value["index"])
    lists = parse_lists(value["lists"]) if "lists" in value else {}
    past = parse_past(value["predecessor"]) if "predecessor" in value else None
    return Dossier(subject, checkpoint, entries, index, lists, past)


def past_value(past: Past) -> dict[cbor.Key, Value]:
    """``past`` as a CBOR value; ``parse_past`` gives it back."""
    fields: dict[cbor.Key, Value] = {
        "checkpoint": past.checkpoint,
        "entries": encode_entries(past.entries),
        "index": index_value(past.index),
    }
    if past.past is not None:
        fields["predecessor"] = past_value(past.past)
    return fields


def parse_past(value: Value) -> Past:
    """The past in a decoded CBOR value. Raises ``malformed.dossier*`` and
    ``malformed.prefix.proof``."""
    where = "dossier, predecessor"
    if type(value) is not dict or value.keys() - {"predecessor"} != _FIELDS_OF_PAST:
        raise SHAPE.at(where, "a field is missing or unknown")
    checkpoint = value["checkpoint"]
    if type(checkpoint) is not bytes:
        raise SHAPE.at(f"{where}, checkpoint")
    older = parse_past(value["predecessor"]) if "predecessor" in value else None
    entries, index = parse_entries(value["entries"], where), parse_index(value["index"], where)
    return Past(checkpoint, entries, index, older)


def encode_entries(entries: tuple[DossierEntry, ...]) -> list[Value]:
    """Entries as a CBOR value; ``parse_entries`` gives them back."""
    return [[entry.index, entry.leaf, entry.receipt] for entry in entries]


def parse_entries(rows: Value, file: str = "dossier") -> tuple[DossierEntry, ...]:
    """Entries in ascending index, at least one. Raises ``malformed.dossier*``."""
    if type(rows) is not list or not rows:
        raise SHAPE.at(f"{file}, entries")
    entries = tuple(_entry(row, f"{file}, entries, row {n}") for n, row in enumerate(rows))
    indexes = [entry.index for entry in entries]
    for before, after in pairwise(indexes):
        if after <= before:
            raise ORDER.at(f"entry {after}", f"it stands after entry {before}")
    return entries


def _entry(row: Value, where: str) -> DossierEntry:
    if type(row) is not list or len(row) != 3:
        raise SHAPE.at(where, "not [index, leaf, receipt]")
    index, leaf, receipt = row
    if type(index) is not int or index < 0 or type(leaf) is not bytes or type(receipt) is not bytes:
        raise SHAPE.at(where, "not [index, leaf, receipt]")
    return DossierEntry(index, leaf, receipt)
