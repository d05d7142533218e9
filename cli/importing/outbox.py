"""The outbox: signed events in a folder, to be looked at before they are sent, and sent again.

    outbox.json            whose events these are, and for which log family
    000001.cbor-seq        statements: a CBOR sequence of byte strings, some thousand in a file
    000001.rows.jsonl      for each of them a line: the row that it was made of, and its source_ref

What was interrupted is made again, and no second signature of an event is ever kept.
``cellbook submit`` takes the folder as it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.importing.portions import (
    DAMAGED,
    SEQUENCE,
    Pair,
    Signed,
    lessen_portion,
    names_in,
    read_portion,
    sheet_of,
    write_portion,
)
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
ABOUT = "outbox.json"
PORTION = 2_000
"""Statements of one file."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """``outbox.json``."""

    format: int = 1
    issuer: str
    family: str


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
        self._signed: list[Pair] = []
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
        write_portion(self.folder, name, sheet, self._signed)
        self._files.append(name)
        self._signed = []

    def rows(self) -> Iterator[tuple[Sheet, Signed]]:
        """Every row whose statement is there, with its table."""
        for name in self._files:
            sheet = sheet_of(self.folder, name)
            for row, _ in read_portion(self.folder, name):
                yield sheet, row

    def _drop_replaced(self) -> None:
        """Take out of the files what is said otherwise now."""
        for name in tuple(self._files) if self._replaced else ():
            sheet, pairs = sheet_of(self.folder, name), list(read_portion(self.folder, name))
            kept = [pair for pair in pairs if pair[0].entry not in self._replaced]
            if len(kept) < len(pairs):
                lessen_portion(self.folder, name, sheet, kept)
            if not kept:
                self._files.remove(name)
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
        for name in names_in(self.folder):
            self._files.append(name)
            for row, _ in read_portion(self.folder, name):
                entry_id = decode_base64url(row.entry)
                self.known[row.source_ref] = Known(entry_id, bytes.fromhex(row.said))


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
