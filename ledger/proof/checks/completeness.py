"""That nothing was left out: of whom a file must show all entries, and the proof that it does.

The head under a checkpoint states the root of the index over all entries before it. For every name
on which the file rests, it carries what the index states, with a proof; the entries in the file
must be exactly those. What the index states is the service's word: that it is true of the whole
log, only who has recomputed the index can say.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from itertools import pairwise

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.decision import Content
from ledger.custody.events import Event
from ledger.custody.governance.mandates import Mandate
from ledger.custody.subjects import named_by
from ledger.proof.checks.contents import models_of, principals
from ledger.tree.prefix import PrefixProof, key_of, verify_absence, verify_presence
from ledger.tree.prefix_chain import Chain
from ledger.wire.cbor import Value
from ledger.wire.hash_envelope import HashEnvelope

SHAPE = declare(
    "malformed.dossier.index",
    "The index of the file is not a list of names, ascending, each with count, chain and proof.",
    "Get the file again; the program that wrote it is faulty.",
)
INCOMPLETE = declare(
    "failed.dossier.incomplete",
    "By the log's index, entries exist that are not in the file.",
    "Ask the sender for the whole dossier: `cellbook dossier` makes one.",
)
UNPROVEN = declare(
    "failed.dossier.unproven",
    "The file has no proof from the log's index for a name on which it rests.",
    "Ask the sender for a file made by `cellbook dossier`.",
)
OTHERS = declare(
    "failed.dossier.chain",
    "The entries in the file are not those that the log's index states.",
    "Get the file again; if it is the same, trust nothing in it.",
)
NOT_ASKED = declare(
    "failed.dossier.index",
    "The file has a proof from the log's index for a name on which it does not rest.",
    "Ask the sender for a file made by `cellbook dossier`.",
)

LONGEST_URI = 512


class Stated(msgspec.Struct, frozen=True):
    """What a file says that the index states of ``uri``, with the proof; nothing is verified.

    A count of 0 means that the index does not have the name.
    """

    uri: str
    chain: Chain
    proof: PrefixProof


def index_value(rows: Iterable[Stated]) -> list[Value]:
    """``rows`` as a CBOR value, ``[[URI, count, chain hash, proof], …]``."""
    return [[row.uri, row.chain.count, row.chain.hash, row.proof.to_value()] for row in rows]


def parse_index(value: Value, file: str = "dossier") -> tuple[Stated, ...]:
    """The inverse of ``index_value``. Raises ``malformed.dossier.index`` and
    ``malformed.prefix.proof``."""
    if type(value) is not list:
        raise SHAPE.at(f"{file}, index")
    rows = tuple(_stated(row, f"{file}, index, row {n}") for n, row in enumerate(value))
    for before, after in pairwise(rows):
        if before.uri.encode() >= after.uri.encode():
            raise SHAPE.at(f"{file}, index", "the names do not ascend")
    return rows


def names_of(entries: Iterable[tuple[str, str, Content]], carried: Container[str]) -> set[str]:
    """The names, beside the log and the carried batteries, on which ``entries`` rest.

    Each entry is given as (iss, sub, content). Who signs an event, a mandate or a document, for
    whom, the models of batteries that are carried, and their further identifiers. Raises what
    ``named_by`` raises.
    """
    names: set[str] = set()
    for iss, sub, content in entries:
        if isinstance(content, Event | Mandate | HashEnvelope):
            names.update((iss, *principals(content), *models_of(content, carried)))
        if isinstance(content, Event) and sub in carried:
            names.update(name.uri for name in named_by(content, sub) if name.part == "alias")
    return names


def verify_complete(
    stated: Iterable[Stated], held: Mapping[str, Chain], root: bytes, first: str
) -> None:
    """That the file holds all entries of every name in ``held``, by the index with ``root``.

    ``held`` has the chains over the entries in the file, of all names on which it rests. ``first``
    is the name that is told of first where several lack entries. Raises ``failed.dossier.*``,
    ``failed.prefix.*``. That the index was made from all entries of the log is not checked.
    """
    rows = {row.uri: row for row in stated}
    for uri in sorted(held.keys() - rows.keys()):
        raise UNPROVEN.at("index", uri)
    for uri in sorted(rows.keys() - held.keys()):
        raise NOT_ASKED.at("index", uri)
    for row in rows.values():
        _verify_stated(row, root)
    for uri in sorted(held, key=lambda uri: (uri != first, uri)):
        _compare(uri, rows[uri].chain, held[uri], "" if uri == first else f" about {uri}")


def _verify_stated(row: Stated, root: bytes) -> None:
    key = key_of(row.uri)
    try:
        if row.chain.count:
            verify_presence(key, row.chain.value, row.proof, root)
        else:
            verify_absence(key, row.proof, root)
    except CellbookError as error:
        raise error.error.at(f"index of {row.uri}", error.detail) from error


def _compare(uri: str, stated: Chain, held: Chain, about: str) -> None:
    if held.count < stated.count:
        verb = "exists" if stated.count == 1 else "exist"
        detail = f"{_entries(stated.count)}{about} {verb}, {held.count or 'none'} "
        detail += "is in the file" if held.count == 1 else "are in the file"
        raise INCOMPLETE.at("index", detail, subject=uri, exist=stated.count, held=held.count)
    if held != stated:
        raise OTHERS.at("index", f"{_entries(stated.count)} about {uri}, and not the file's")


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _stated(row: Value, where: str) -> Stated:
    if type(row) is not list or len(row) != 4:
        raise SHAPE.at(where, "not [URI, count, chain hash, proof]")
    uri, count, digest, proof = row
    if type(uri) is not str or not 0 < len(uri) <= LONGEST_URI:
        raise SHAPE.at(where, "no URI")
    if type(count) is not int or not 0 <= count < 2**63 or type(digest) is not bytes:
        raise SHAPE.at(where, "no count and chain hash")
    chain = Chain(count, digest)
    if len(digest) != 32 or (count == 0 and chain != Chain()):
        raise SHAPE.at(where, "the chain hash is not 32 bytes, or not that of no entries")
    return Stated(uri, chain, PrefixProof.from_value(proof, where))
