"""What ``cellbook submit`` reads, in which portions it is sent, and what it remembers as done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from api.sequence import read_sequence
from cli.output import READ, WRITE, read_file
from keys.errors import CellbookError, declare
from ledger.wire.statement import parse_statement

EMPTY = declare(
    "usage.submit.empty",
    "There is no statement to submit.",
    "Name .cose files, sequences of them, or folders that hold such files.",
)

BATCH_ITEMS, BATCH_BYTES = 512, 1 << 20
SUFFIXES = (".cose", ".cbor-seq", ".seq")
"""The files of a folder that are taken."""
JOURNAL = ".cellbook-submitted"

_HEAD = 9
"""Bytes of the longest head of a CBOR byte string."""
_MOST_ITEMS = 10_000_000


class Item(msgspec.Struct, frozen=True):
    """A statement and where it was found; or why what was found there is none."""

    name: str
    data: bytes
    locator: str = ""
    error: CellbookError | None = None


def read_items(paths: Iterable[Path]) -> list[Item]:
    """The statements in files and folders, in the order in which they are given.

    A file is one statement, or a CBOR sequence of byte strings with one each. What cannot be
    parsed is an item with its error. Raises ``usage.file.read`` and ``usage.submit.empty``.
    """
    items = [item for path in paths for file in _files(path) for item in _items(file)]
    if not items:
        raise EMPTY.at()
    return items


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """``items`` in portions that a service takes at once."""
    batch: list[Item] = []
    size = 0
    for item in items:
        weight = len(item.data) + _HEAD
        if batch and (len(batch) == BATCH_ITEMS or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


def journal_beside(paths: Sequence[Path]) -> Path:
    """Where the journal is unless one is named: in the folder of the first file."""
    first = paths[0]
    if str(first) == "-":
        return Path(JOURNAL)
    return (first if first.is_dir() else first.parent) / JOURNAL


class Journal:
    """A text file with a line ``<locator> <url>`` for each statement that a service has registered.

    It spares work and decides nothing: what is lost from it is submitted once more, which the
    service answers as it did before. A line that was not written to its end does not count.
    """

    def __init__(self, path: Path, url: str) -> None:
        """Raises ``usage.file.read`` and ``usage.file.write``."""
        self._path = path
        self._url = url
        data = read_file(path) if path.exists() else b""
        ending = f" {url}"
        self.done = {
            line.removesuffix(ending)
            for line in data.decode(errors="replace").split("\n")[:-1]
            if line.endswith(ending)
        }
        # Shows at once, and not after the first portion, whether it can be written.
        self._append(b"" if not data or data.endswith(b"\n") else b"\n")

    def record(self, locators: Iterable[str]) -> None:
        """Remember these as registered. Raises ``usage.file.write``."""
        new = [locator for locator in locators if locator not in self.done]
        self.done.update(new)
        self._append("".join(f"{locator} {self._url}\n" for locator in new).encode())

    def _append(self, data: bytes) -> None:
        try:
            with open(self._path, "ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            detail = f"{error.strerror}; name a journal elsewhere with --journal"
            raise WRITE.at(str(self._path), detail) from None


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    except OSError as error:
        raise READ.at(str(path), error.strerror or "") from None


def _items(file: Path) -> Iterator[Item]:
    data = read_file(file)
    if not _is_sequence(data):
        yield _item(str(file), data)
        return
    sequence = read_sequence(data, _MOST_ITEMS)
    for number, statement in enumerate(sequence.items, 1):
        yield _item(f"{file}, item {number}", statement)
    if sequence.error is not None:
        yield Item(f"{file}, item {len(sequence.items) + 1}", b"", error=sequence.error)


def _is_sequence(data: bytes) -> bool:
    """Whether it begins with a byte string, as no statement does (tag 18)."""
    return 0x40 <= data[0] <= 0x5B if data else False


def _item(name: str, data: bytes) -> Item:
    try:
        return Item(name, data, parse_statement(data).locator)
    except CellbookError as error:
        return Item(name, data, error=error)
