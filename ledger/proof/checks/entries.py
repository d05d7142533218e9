"""The entries of a file, read: well-formed, as leaves are; nothing is verified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.decision import Content, read_content
from ledger.proof.dossier import DossierEntry
from ledger.wire.statement import Statement, parse_statement

LEAF = declare(
    "malformed.dossier.leaf",
    "An entry is not written as leaves are: with an empty unprotected header.",
    "Get the dossier again: `cellbook dossier`.",
)


class ReadEntry(msgspec.Struct, frozen=True):
    """An entry of a dossier, parsed; nothing is verified."""

    index: int
    entry_id: bytes
    statement: Statement
    content: Content
    receipt: bytes


def read_entries(rows: tuple[DossierEntry, ...]) -> tuple[ReadEntry, ...]:
    """The entries of a dossier or another file, each parsed.

    Raises ``malformed.*`` and ``unsupported.*``, with the entry in ``where``.
    """
    entries = []
    for row in rows:
        with at_entry(row.index):
            entries.append(_read(row.index, row.leaf, row.receipt))
    return tuple(entries)


def _read(index: int, leaf: bytes, receipt: bytes) -> ReadEntry:
    statement = parse_statement(leaf)
    if statement.leaf != leaf:
        raise LEAF.at("leaf")
    return ReadEntry(index, statement.entry_id, statement, read_content(statement), receipt)


@contextmanager
def at_entry(index: int) -> Iterator[None]:
    """Errors from inside name the entry."""
    try:
        yield
    except CellbookError as error:
        where = f"entry {index}, {error.where}" if error.where else f"entry {index}"
        raise error.error.at(where, error.detail, **error.facts) from error
