"""The outbox: signed events in a folder, to be looked at before they are sent, and sent again.

    outbox.json            whose events these are, and for which log family
    000001.cbor-seq        statements: a CBOR sequence of byte strings, some thousand in a file
    000001.rows.jsonl      for each of them a line: the row that it was made of, and its source_ref

The rows are written before the statements, and both appear whole or not at all. So a statement that
is there has its row; a row without its statement was interrupted and is made again, and no second
signature of an event is ever kept. ``cellbook submit`` takes the folder as it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from api.sequence import byte_string, read_sequence
from cli.importing.sheet import Row, Sheet
from cli.output import READ, WRITE, read_file
from cli.saving import save
from keys.errors import declare
from ledger.custody.sourcing import said_by
from ledger.wire.base64text import decode_base64url, encode_base64url
from ledger.wire.statement import Statement

OTHER = declare(
    "usage.import.outbox",
    "The folder is not an outbox for these events.",
    "Name an empty folder, or the outbox of the same issuer and the same log family.",
)
BUSY = declare(
    "busy.import.outbox",
    "Another import is writing to this outbox.",
    "Wait for it, or use another folder.",
)
DAMAGED = declare(
    "damaged.import.outbox",
    "A file of the outbox is not what was written to it.",
    "Move the outbox away and import the table into a new one: what is registered already is "
    "recognised by its source_ref.",
)

ABOUT, SEQUENCE, ROWS = "outbox.json", ".cbor-seq", ".rows.jsonl"
PORTION = 2_000
"""Statements of one file."""
_MOST = 1_000_000


class About(msgspec.Struct, frozen=True, kw_only=True):
    """``outbox.json``."""

    format: int = 1
    issuer: str
    family: str


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


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file of rows: the table that they come from."""

    sheet: Sheet


class Known(msgspec.Struct, frozen=True):
    """What the outbox remembers of an event by its source_ref."""

    entry_id: bytes
    said: bytes


class Outbox:
    """The outbox in ``folder`` of one issuer and log family, made if it is not there.

    ``known`` has every statement in it by its source_ref. Raises ``usage.import.outbox``,
    ``busy.import.outbox``, ``damaged.import.outbox`` and ``usage.file.*``.
    """

    def __init__(self, folder: Path, issuer: str, family: str, *, read_only: bool = False) -> None:
        self.folder = folder
        self.known: dict[str, Known] = {}
        self._about = About(issuer=issuer, family=family)
        self._signed: list[tuple[Signed, bytes]] = []
        self._files: list[str] = []
        self._replaced: set[str] = set()
        self._lock: int | None = None
        self._open(read_only)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others write to it. What was not flushed is forgotten."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def files(self) -> int:
        """How many files of statements there are."""
        return len(self._files)

    def find(self, source_ref: str) -> bytes | None:
        """The entry id of the event with a source_ref."""
        known = self.known.get(source_ref)
        return None if known is None else known.entry_id

    def add(self, row: Row, source_ref: str, kind: str, signed: Statement, sheet: Sheet) -> None:
        """Keep a statement; it is on the disk when its portion is full, or after ``flush``.

        It takes the place of another one of the same ``source_ref``.
        """
        before = self.find(source_ref)
        if before is not None:
            self._replaced.add(encode_base64url(before))
        said = said_by(signed.sub, signed.payload)
        line = Signed(
            line=row.line,
            source_ref=source_ref,
            kind=kind,
            subject=signed.sub,
            entry=signed.locator,
            said=said.hex(),
            original=tuple(row.original),
        )
        self._signed.append((line, signed.leaf))
        self.known[source_ref] = Known(signed.entry_id, said)
        if len(self._signed) == PORTION:
            self.flush(sheet)

    def flush(self, sheet: Sheet) -> None:
        """Write what is kept in memory to files of their own."""
        if not self._signed:
            return
        self._drop_replaced()
        last = self._files[-1] if self._files else "000000"
        name = f"{int(last) + 1:06}"
        self._write(name, sheet, self._signed)
        self._files.append(name)
        self._signed = []

    def rows(self) -> Iterator[tuple[Sheet, Signed]]:
        """Every row whose statement is there, with its table."""
        for name in self._files:
            sheet = self._sheet(name)
            for row, _ in self._read(name):
                yield sheet, row

    def _drop_replaced(self) -> None:
        """Take out of the files what is said otherwise now."""
        for name in self._files if self._replaced else ():
            sheet, pairs = self._sheet(name), list(self._read(name))
            kept = [pair for pair in pairs if pair[0].entry not in self._replaced]
            if len(kept) < len(pairs):
                # The statements first: rows without them do not count.
                self._write_statements(name, kept)
                self._write_rows(name, sheet, kept)
        self._replaced = set()

    def _open(self, read_only: bool) -> None:
        file = self.folder / ABOUT
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                if any(self.folder.glob(f"*{SEQUENCE}")):
                    raise OTHER.at(str(self.folder), f"it has no {ABOUT}")
                save(file, msgspec.json.format(msgspec.json.encode(self._about)) + b"\n")
        except OSError as error:
            raise WRITE.at(str(self.folder), error.strerror or "") from None
        found = read_about(self.folder)
        if found != self._about:
            detail = f"it is of {found.issuer} for {found.family}"
            raise OTHER.at(str(self.folder), detail)
        self._lock = None if read_only else _locked(file)

    def _load(self) -> None:
        for name in self._names():
            self._files.append(name)
            for row, _ in self._read(name):
                entry_id = decode_base64url(row.entry)
                self.known[row.source_ref] = Known(entry_id, bytes.fromhex(row.said))

    def _names(self) -> list[str]:
        names = (file.name.removesuffix(SEQUENCE) for file in self.folder.glob(f"*{SEQUENCE}"))
        return sorted(name for name in names if name.isdecimal())

    def _write(self, name: str, sheet: Sheet, pairs: list[tuple[Signed, bytes]]) -> None:
        self._write_rows(name, sheet, pairs)
        self._write_statements(name, pairs)

    def _write_rows(self, name: str, sheet: Sheet, pairs: list[tuple[Signed, bytes]]) -> None:
        lines = [msgspec.json.encode(_Head(sheet=sheet))]
        lines += [msgspec.json.encode(row) for row, _ in pairs]
        save(self.folder / (name + ROWS), b"\n".join(lines) + b"\n", overwrite=True)

    def _write_statements(self, name: str, pairs: list[tuple[Signed, bytes]]) -> None:
        data = b"".join(byte_string(leaf) for _, leaf in pairs)
        save(self.folder / (name + SEQUENCE), data, overwrite=True)

    def _read(self, name: str) -> Iterator[tuple[Signed, bytes]]:
        """The statements of a file with their rows, in order."""
        file = self.folder / (name + SEQUENCE)
        sequence = read_sequence(read_file(file), _MOST)
        rows = {row.entry: row for row in self._decoded(name, Signed)}
        for leaf in sequence.items:
            row = rows.get(encode_base64url(sha256(leaf).digest()))
            if row is None:
                raise DAMAGED.at(str(file), "a statement has no row")
            yield row, leaf
        if sequence.error is not None:
            raise DAMAGED.at(str(file), sequence.error.describe())

    def _sheet(self, name: str) -> Sheet:
        head: _Head = next(self._decoded(name, _Head))
        return head.sheet

    def _decoded(self, name: str, what: type[Any]) -> Iterator[Any]:
        """The first line of a file of rows, or all others."""
        file = self.folder / (name + ROWS)
        first, *others = read_file(file).split(b"\n")[:-1] or [b""]
        decoder = msgspec.json.Decoder(what)
        try:
            yield from map(decoder.decode, [first] if what is _Head else others)
        except msgspec.MsgspecError as error:
            raise DAMAGED.at(str(file), str(error)[:120]) from None


def rows_in(folder: Path) -> list[tuple[Sheet, Signed]]:
    """The rows of an outbox, which somebody else may be writing to. Raises as ``Outbox`` does."""
    about = read_about(folder)
    return list(Outbox(folder, about.issuer, about.family, read_only=True).rows())


def is_outbox(path: Path) -> bool:
    """Whether a folder was made by ``import``."""
    return (path / ABOUT).is_file()


def read_about(folder: Path) -> About:
    """Whose outbox it is. Raises ``damaged.import.outbox``, ``usage.file.read``."""
    file = folder / ABOUT
    try:
        return msgspec.json.decode(read_file(file), type=About)
    except msgspec.MsgspecError as error:
        raise DAMAGED.at(str(file), str(error)[:120]) from None


def _locked(file: Path) -> int | None:
    """Hold the outbox until it is closed. Raises ``busy.import.outbox``."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        held = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise READ.at(str(file), error.strerror or "") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with contextlib.suppress(OSError):
            os.close(held)
        raise BUSY.at(str(file)) from None
    return held
