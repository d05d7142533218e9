"""Where ids of entries were seen, for a log of any size: a hash table in a file.

Kept are eight bytes of each id and the indexes at which they stand. Eight bytes prove nothing: what
``find`` gives are places to look at.
"""

from __future__ import annotations

import mmap
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

_SLOT = 16
_SMALLEST = 1 << 12
_EMPTY = bytes(8)
_MASK = (1 << 64) - 1
KEY = 8
"""Bytes of an id that are kept."""


class Identities:
    """A table in a nameless file in ``folder``, which is gone when it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._secret = secrets.randbits(64) | 1
        self._open(_SMALLEST)

    def __enter__(self) -> Identities:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._table.close()
        self._file.close()

    def add(self, identity: bytes, index: int) -> None:
        """Keep that an id (its first eight bytes at least) stands at ``index``."""
        if 2 * self._count >= self._slots:
            self._grow()
        self._put(identity[:KEY], (index + 1).to_bytes(8, "little"))
        self._count += 1

    def find(self, identity: bytes) -> Iterator[int]:
        """The indexes at which this id may stand."""
        key, at = identity[:KEY], self._start(identity)
        while (found := self._table[at + 8 : at + _SLOT]) != _EMPTY:
            if self._table[at : at + 8] == key:
                yield int.from_bytes(found, "little") - 1
            at = (at + _SLOT) % (self._slots * _SLOT)

    def _put(self, key: bytes, value: bytes) -> None:
        at = self._start(key)
        while self._table[at + 8 : at + _SLOT] != _EMPTY:
            at = (at + _SLOT) % (self._slots * _SLOT)
        self._table[at : at + _SLOT] = key + value

    def _start(self, key: bytes) -> int:
        # Multiplicative hashing by a secret number: nobody can make ids that crowd together.
        spread = int.from_bytes(key[:KEY], "little") * self._secret & _MASK
        return (spread >> self._shift) * _SLOT

    def _open(self, slots: int) -> None:
        self._slots = slots
        self._shift = 65 - slots.bit_length()
        self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see close
        self._file.truncate(slots * _SLOT)
        self._table = mmap.mmap(self._file.fileno(), slots * _SLOT)

    def _grow(self) -> None:
        old, file, slots = self._table, self._file, self._slots
        self._open(slots * 2)
        for at in range(0, slots * _SLOT, _SLOT):
            value = old[at + 8 : at + _SLOT]
            if value != _EMPTY:
                self._put(old[at : at + 8], value)
        old.close()
        file.close()
