"""Where ids of entries, names and places were seen, for a log of any size: a hash table in a file.

Kept are eight bytes of each id and a number for each: where it stands. Eight bytes prove nothing:
what ``find`` gives are places to look at.
"""

from __future__ import annotations

import os
import secrets
from bisect import bisect_left
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

_SLOT = 16
_SMALLEST = 1 << 12
_EMPTY = bytes(8)
_MASK = (1 << 64) - 1
_PROBE = 4 * _SLOT
_PAGE = 1 << 14
_WAITING = 8192
KEY = 8
"""Bytes of an id that are kept."""


class Identities:
    """A table in a nameless file in ``folder``, which is gone when it is closed.

    It is read slot by slot, not mapped into memory, which would grow with the log; new ids wait in
    memory until they are some thousands. ``expected`` ids fit in before it is made anew.
    """

    def __init__(self, folder: Path, expected: int = 0) -> None:
        self._folder = folder
        self._count = 0
        self._new: dict[bytes, list[int]] = {}
        self._secret = secrets.randbits(64) | 1
        self._open(max(_SMALLEST, 1 << (2 * expected).bit_length()))

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
        self._file.close()

    def add(self, identity: bytes, place: int) -> None:
        """Keep that an id (its first eight bytes at least) stands at ``place``."""
        self._new.setdefault(identity[:KEY], []).append(place)
        self._count += 1
        if len(self._new) >= _WAITING:
            self._write()

    def move(self, identity: bytes, place: int, to: int) -> None:
        """What stood at ``place`` stands at ``to`` now."""
        key = identity[:KEY]
        waiting = self._new.get(key, ())
        if isinstance(waiting, list) and place in waiting:
            waiting[waiting.index(place)] = to
            return
        for at, found in self._slots_of(key):
            if found == place:
                os.pwrite(self._fd, _number(to), at + 8)
                return

    def find(self, identity: bytes) -> list[int]:
        """The places at which this id may stand."""
        key = identity[:KEY]
        waiting = self._new.get(key)
        # Inlined, not _slots_of: most ids are new, and nothing is where they belong.
        at = (int.from_bytes(key, "little") * self._secret & _MASK) >> self._shift
        if os.pread(self._fd, _SLOT, at * _SLOT)[8:] == _EMPTY:
            return [*waiting] if waiting else []
        return [*(waiting or ()), *(place for _, place in self._slots_of(key))]

    def _slots_of(self, key: bytes) -> list[tuple[int, int]]:
        """Where in the file there is something of this key, and the places that it names."""
        found: list[tuple[int, int]] = []
        at, end = self._start(key), self._slots * _SLOT
        while True:
            part = os.pread(self._fd, min(_PROBE, end - at), at)
            for offset in range(0, len(part), _SLOT):
                value = part[offset + 8 : offset + _SLOT]
                if value == _EMPTY:
                    return found
                if part[offset : offset + 8] == key:
                    found.append((at + offset, int.from_bytes(value, "little") - 1))
            at = (at + len(part)) % end

    def _write(self) -> None:
        """Into the file with what waits, which is made anew before it is half full."""
        if 2 * self._count > self._slots:
            self._grow()
        rows = [(key, _number(place)) for key, places in self._new.items() for place in places]
        self._new = {}
        self._lay(sorted((self._start(key), key, value) for key, value in rows))

    def _lay(self, rows: list[tuple[int, bytes, bytes]]) -> None:
        """Put in ``rows``, sorted by where they belong: page by page, not each on its own."""
        first = 0
        while first < len(rows):
            start = rows[first][0] // _PAGE * _PAGE
            stop = bisect_left(rows, (start + _PAGE, b"", b""), first)
            page = bytearray(os.pread(self._fd, _PAGE, start))
            over = [row for row in rows[first:stop] if not _laid(page, start, *row)]
            os.pwrite(self._fd, page, start)
            for at, key, value in over:
                self._put(at, key, value)
            first = stop

    def _put(self, at: int, key: bytes, value: bytes) -> None:
        while os.pread(self._fd, _SLOT, at)[8:] != _EMPTY:
            at = (at + _SLOT) % (self._slots * _SLOT)
        os.pwrite(self._fd, key + value, at)

    def _start(self, key: bytes) -> int:
        # Multiplicative hashing by a secret number: nobody can make ids that crowd together.
        spread = int.from_bytes(key, "little") * self._secret & _MASK
        return (spread >> self._shift) * _SLOT

    def _open(self, slots: int) -> None:
        self._slots = slots
        self._shift = 65 - slots.bit_length()
        self._file = TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - see close
        self._fd = self._file.fileno()
        self._file.truncate(slots * _SLOT)

    def _grow(self) -> None:
        old, end = self._file, self._slots * _SLOT
        self._open(1 << (2 * self._count).bit_length())
        # The order of the old table is nearly that of the new one.
        for start in range(0, end, _PAGE):
            part = os.pread(old.fileno(), _PAGE, start)
            slots = (part[at : at + _SLOT] for at in range(0, len(part), _SLOT))
            rows = [(slot[:8], slot[8:]) for slot in slots if slot[8:] != _EMPTY]
            self._lay(sorted((self._start(key), key, value) for key, value in rows))
        old.close()


def _number(place: int) -> bytes:
    return (place + 1).to_bytes(8, "little")


def _laid(page: bytearray, start: int, at: int, key: bytes, value: bytes) -> bool:
    """Whether ``page``, which begins at ``start``, had room from ``at`` on, and has it now."""
    for place in range(at - start, len(page), _SLOT):
        if page[place + 8 : place + _SLOT] == _EMPTY:
            page[place : place + _SLOT] = key + value
            return True
    return False
