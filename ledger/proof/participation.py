"""The participation file: what the lists of a scheme say of one identifier on one day, proved.

It holds the policies of the log, all snapshots of the scheme with their log times, a receipt for
each of these, proofs from the log's index that they are all, and from each snapshot that counts for
the day the leaves that show what it says.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.lists.membership import ListProof, parse_proofs, proofs_value
from ledger.custody.lists.rows import check_identifier
from ledger.custody.lists.schemes import check_scheme
from ledger.custody.values.times import parse_date
from ledger.proof.checks.completeness import Stated, index_value, parse_index
from ledger.proof.dossier import DossierEntry, encode_entries, parse_entries
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Value

SHAPE = declare(
    "malformed.participation",
    "This is not a participation file, or it was changed.",
    "Get the file again: `cellbook list prove`.",
)
VERSION = declare(
    "unsupported.participation",
    "This version does not read participation files of this version.",
    "Use a newer version of Cellbook.",
)

TYPE = "cellbook-participation"
LIMITS = Limits(size=32 << 20, depth=6, items=16_384, total=262_144)
_FIELDS = {
    "type", "version", "scheme", "identifier", "day", "question", "checkpoint", "entries", "index",
    "proofs",
}  # fmt: skip


class Participation(msgspec.Struct, frozen=True):
    """A parsed participation file; nothing in it is verified. ``day`` is one of the scheme's time
    zone, ``checkpoint`` a signed note, ``index`` what the log's index states; ``proofs`` are by the
    index of the snapshot's entry."""

    scheme: str
    identifier: str
    day: str
    checkpoint: bytes
    entries: tuple[DossierEntry, ...]
    index: tuple[Stated, ...]
    proofs: dict[int, ListProof]


def encode_participation(file: Participation) -> bytes:
    """The file's bytes; ``decode_participation`` gives ``file`` back."""
    return cbor.encode(
        {
            "type": TYPE,
            "version": 1,
            "scheme": file.scheme,
            "identifier": file.identifier,
            "day": file.day,
            "question": _question(file.scheme, file.identifier, file.day),
            "checkpoint": file.checkpoint,
            "entries": encode_entries(file.entries),
            "index": index_value(file.index),
            "proofs": proofs_value(file.proofs),
        }
    )


def decode_participation(data: bytes) -> Participation:
    """The participation file in ``data``.

    Raises ``malformed.*`` and ``unsupported.participation``. Checks types and order; no signature
    and no proof.
    """
    value = cbor.decode(data, limits=LIMITS)
    if type(value) is not dict or value.get("type") != TYPE:
        raise SHAPE.at("participation file", "the type is missing")
    version = value.get("version")
    if type(version) is not int:
        raise SHAPE.at("participation file, version")
    if version != 1:
        raise VERSION.at("participation file", f"version {version}")
    if value.keys() != _FIELDS or type(value["checkpoint"]) is not bytes:
        raise SHAPE.at("participation file", "a field is missing, unknown, or of another type")
    scheme, identifier, day = _asked(value)
    entries = parse_entries(value["entries"], "participation file")
    index = parse_index(value["index"], "participation file")
    proofs = parse_proofs(value["proofs"], "list proof")
    return Participation(scheme, identifier, day, value["checkpoint"], entries, index, proofs)


def _asked(value: dict[cbor.Key, Value]) -> tuple[str, str, str]:
    scheme, identifier, day = value["scheme"], value["identifier"], value["day"]
    if type(scheme) is not str or type(identifier) is not str or type(day) is not str:
        raise SHAPE.at("participation file", "scheme, identifier and day are texts")
    try:
        check_scheme(scheme)
        check_identifier(identifier)
        parse_date(day)
    except CellbookError as error:
        raise SHAPE.at("participation file", error.describe()) from error
    if value["question"] != _question(scheme, identifier, day):
        raise SHAPE.at("participation file, question", "it answers another question")
    return scheme, identifier, day


def _question(scheme: str, identifier: str, day: str) -> bytes:
    """The proofs are true for many days and names: a file that was damaged on its way must not
    answer another question than the one that was asked."""
    return sha256(cbor.encode([TYPE, scheme, identifier, day])).digest()
