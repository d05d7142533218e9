"""The supplier file: what the ledger's registrar and publishers have signed about one operator.

It holds the policies of the log, all statements about the operator, all snapshots of the lists that
are compared, with the leaves that show what they say of it, a receipt for each of these, and proofs
from the log's index that they are all.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.values.times import parse_date
from ledger.proof.checks.completeness import Stated, index_value, parse_index
from ledger.proof.checks.listings import ListProofs, lists_value, parse_lists
from ledger.proof.dossier import DossierEntry, encode_entries, parse_entries
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Value

SHAPE = declare(
    "malformed.supplier",
    "This is not a supplier file, or it was changed.",
    "Get the file again: `cellbook supplier`.",
)
VERSION = declare(
    "unsupported.supplier",
    "This version does not read supplier files of this version.",
    "Use a newer version of Cellbook.",
)

TYPE = "cellbook-supplier"
LIMITS = Limits(size=32 << 20, depth=8, items=16_384, total=262_144)
_FIELDS = {"type", "version", "operator", "day", "question", "checkpoint", "entries", "index"}


class Supplier(msgspec.Struct, frozen=True):
    """A parsed supplier file; nothing in it is verified. ``day`` is the one that is asked about,
    ``checkpoint`` a signed note, ``index`` what the log's index states, ``lists`` proofs of what
    lists say of the operator."""

    operator: str
    day: str
    checkpoint: bytes
    entries: tuple[DossierEntry, ...]
    index: tuple[Stated, ...]
    lists: ListProofs


def encode_supplier(file: Supplier) -> bytes:
    """The file's bytes; ``decode_supplier`` gives ``file`` back."""
    fields: dict[cbor.Key, Value] = {
        "type": TYPE,
        "version": 1,
        "operator": file.operator,
        "day": file.day,
        "question": _question(file.operator, file.day),
        "checkpoint": file.checkpoint,
        "entries": encode_entries(file.entries),
        "index": index_value(file.index),
    }
    if file.lists:
        fields["lists"] = lists_value(file.lists)
    return cbor.encode(fields)


def decode_supplier(data: bytes) -> Supplier:
    """The supplier file in ``data``.

    Raises ``malformed.*`` and ``unsupported.supplier``. Checks types and order; no signature and no
    proof.
    """
    value = cbor.decode(data, limits=LIMITS)
    if type(value) is not dict or value.get("type") != TYPE:
        raise SHAPE.at("supplier file", "the type is missing")
    version = value.get("version")
    if type(version) is not int:
        raise SHAPE.at("supplier file, version")
    if version != 1:
        raise VERSION.at("supplier file", f"version {version}")
    if value.keys() - {"lists"} != _FIELDS or type(value["checkpoint"]) is not bytes:
        raise SHAPE.at("supplier file", "a field is missing, unknown, or of another type")
    operator, day = _asked(value)
    entries = parse_entries(value["entries"], "supplier file")
    index = parse_index(value["index"], "supplier file")
    lists = parse_lists(value["lists"]) if "lists" in value else {}
    return Supplier(operator, day, value["checkpoint"], entries, index, lists)


def _asked(value: dict[cbor.Key, Value]) -> tuple[str, str]:
    operator, day = value["operator"], value["day"]
    if type(operator) is not str or type(day) is not str:
        raise SHAPE.at("supplier file", "operator and day are texts")
    try:
        parse_operator_uri(operator)
        parse_date(day)
    except CellbookError as error:
        raise SHAPE.at("supplier file", error.describe()) from error
    if value["question"] != _question(operator, day):
        raise SHAPE.at("supplier file, question", "it answers another question")
    return operator, day


def _question(operator: str, day: str) -> bytes:
    """What is proved is true for many days: a file that was damaged on its way must not answer for
    another one than was asked for."""
    return sha256(cbor.encode([TYPE, operator, day])).digest()
