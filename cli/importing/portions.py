"""One portion of an outbox: a file of statements, and a file of the rows that they were made of.

Both appear whole or not at all, and the rows first. So a statement that is there has its row; rows
without statements were interrupted, and do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from api.sequence import byte_string, read_sequence
from cli.importing.sheet import Sheet
from cli.output import read_file
from cli.saving import save
from keys.errors import declare
from ledger.wire.base64text import encode_base64url

DAMAGED = declare(
    "damaged.import.outbox",
    "A file of the outbox is not what was written to it.",
    "Move the outbox away and import the table into a new one: what is registered already is "
    "recognised by its source_ref.",
)

SEQUENCE, ROWS = ".cbor-seq", ".rows.jsonl"
_MOST = 1_000_000
"""Statements that are read from one file at most."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a file of rows. ``said`` tells whether a row says what it said before (hex);
    ``original`` are the cells of the row as they were read."""

    line: int
    source_ref: str
    kind: str
    subject: str
    entry: str
    said: str
    original: tuple[str, ...]


Pair = tuple[Signed, bytes]
"""A row and its statement."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file of rows: the table that they come from."""

    sheet: Sheet


def names_in(folder: Path) -> list[str]:
    """The portions of an outbox, in the order in which they were signed."""
    names = (file.name.removesuffix(SEQUENCE) for file in folder.glob(f"*{SEQUENCE}"))
    return sorted(name for name in names if name.isdecimal())


def write_portion(folder: Path, name: str, sheet: Sheet, pairs: Sequence[Pair]) -> None:
    """Write a new portion. Raises ``usage.file.write``."""
    _write_rows(folder, name, sheet, pairs)
    _write_statements(folder, name, pairs)


def lessen_portion(folder: Path, name: str, sheet: Sheet, kept: Sequence[Pair]) -> None:
    """Leave ``kept`` of a portion; without statements it is none. Raises ``usage.file.write``."""
    # The statements first: each that is there must have its row at any time.
    if not kept:
        (folder / (name + SEQUENCE)).unlink()
        return
    _write_statements(folder, name, kept)
    _write_rows(folder, name, sheet, kept)


def read_portion(folder: Path, name: str) -> Iterator[Pair]:
    """The statements of a portion with their rows, in order.

    Raises ``damaged.import.outbox`` and ``usage.file.read``. No signature is checked.
    """
    file = folder / (name + SEQUENCE)
    sequence = read_sequence(read_file(file), _MOST)
    rows = {row.entry: row for row in _decoded(folder, name, Signed)}
    for leaf in sequence.items:
        row = rows.get(encode_base64url(sha256(leaf).digest()))
        if row is None:
            raise DAMAGED.at(str(file), "a statement has no row")
        yield row, leaf
    if sequence.error is not None:
        raise DAMAGED.at(str(file), sequence.error.describe())


def sheet_of(folder: Path, name: str) -> Sheet:
    """The table that the rows of a portion come from. Raises as ``read_portion`` does."""
    for head in _decoded(folder, name, _Head):
        assert isinstance(head, _Head)  # noqa: S101 - it was decoded as one
        return head.sheet
    raise DAMAGED.at(str(folder / (name + ROWS)), "it is empty")


def _write_rows(folder: Path, name: str, sheet: Sheet, pairs: Sequence[Pair]) -> None:
    lines = [msgspec.json.encode(_Head(sheet=sheet))]
    lines += [msgspec.json.encode(row) for row, _ in pairs]
    save(folder / (name + ROWS), b"\n".join(lines) + b"\n", overwrite=True)


def _write_statements(folder: Path, name: str, pairs: Sequence[Pair]) -> None:
    data = b"".join(byte_string(leaf) for _, leaf in pairs)
    save(folder / (name + SEQUENCE), data, overwrite=True)


def _decoded(folder: Path, name: str, what: type[Any]) -> Iterator[Any]:
    """The first line of a file of rows, or all others."""
    file = folder / (name + ROWS)
    first, *others = read_file(file).split(b"\n")[:-1] or [b""]
    decoder = msgspec.json.Decoder(what)
    try:
        yield from map(decoder.decode, [first] if what is _Head else others)
    except msgspec.MsgspecError as error:
        raise DAMAGED.at(str(file), str(error)[:120]) from None
