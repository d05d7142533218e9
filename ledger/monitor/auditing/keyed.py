"""The newest record of each key, for any number of keys: in a file that only grows.

A record is appended when it has changed, after its key, their lengths and a checksum. A table in a
nameless file says where the newest one of each key stands; it is made again from the file when that
is opened. In memory are only records that were used lately. When most of the file was replaced, the
next generation of it is begun, and this one stays as it is for the mark that names it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256
from zlib import crc32

from ledger.monitor.auditing.identities import Identities
from ledger.monitor.auditing.records import DAMAGED
from ledger.monitor.auditing.state import StateFolder

_HEAD = 10
"""Bytes before a key: its length, the record's, and a CRC-32 of both."""
_EACH = 300
"""Bytes of memory that a record takes beside what is in it."""
SLACK, TIMES = 16 << 20, 4
"""A file is begun anew when it is larger than this many bytes, and what counts of it this often."""

Placed = tuple[bytes | None, int]
"""A record, and where it begins in the file; None for a key that has none."""
Seen = Callable[[int, bytes, bytes], None]
"""Called with (where the record begins, key, record)."""


class Keyed:
    """Records by key. ``name`` is the file's, of which the first ``size`` bytes are known.

    ``cached`` bytes of records are in memory. Raises ``damaged.audit.state``,
    ``unavailable.audit.state``.
    """

    def __init__(
        self,
        folder: StateFolder,
        name: str,
        size: int,
        cached: int,
        seen: Seen = lambda at, key, record: None,
    ) -> None:
        """``seen`` gets every record of the file, replaced ones too, in their order."""
        self.name = name
        self.count = 0
        self._folder = folder
        self._cached = cached
        self._cache: OrderedDict[bytes, Placed] = OrderedDict()
        self._cache_bytes = 0
        self._dirty: dict[bytes, tuple[bytes, Placed | None]] = {}
        self._dirty_bytes = 0
        self._file = folder.open_records(name, size)
        self._table = Identities(folder.path)
        self._live = 0
        for at, key, record in self._all():
            self._place(key, record, at)
            seen(at, key, record)

    @property
    def size(self) -> int:
        """Bytes of the file, of which those count that were there at ``sync``."""
        return self._file.size

    def close(self) -> None:
        """Let go of the files; what was not synced is lost."""
        self._file.close()
        self._table.close()

    def get(self, key: bytes) -> bytes | None:
        """The newest record of ``key``."""
        waiting = self._dirty.get(key)
        if waiting is not None:
            return waiting[0]
        known = self._cache.get(key)
        if known is not None:
            self._cache.move_to_end(key)
            return known[0]
        found = self._find(key)
        self._remember(key, *found)
        return found[0]

    def put(self, key: bytes, record: bytes) -> None:
        """Replace the record of ``key``. Keys are shorter than 64 KiB."""
        waiting = self._dirty.get(key)
        if waiting is not None:
            self._dirty[key] = (record, waiting[1])
            self._dirty_bytes += len(record) - len(waiting[0])
        else:
            self._dirty[key] = (record, self._forget(key))
            self._dirty_bytes += _weight(key, record)
        if self._dirty_bytes > self._cached // 2:
            self._write()

    def sync(self) -> bool:
        """All that was put is on the disk on return; whether in a new generation of the file."""
        self._write()
        anew = self._file.size > SLACK + TIMES * self._live
        if anew:
            self._begin_anew()
        self._file.sync()
        return anew

    def _write(self) -> None:
        for key, (record, old) in self._dirty.items():
            at = self._file.size
            self._file.append(_framed(key, record))
            self._place(key, record, at, old)
            self._remember(key, record, at)
        self._dirty.clear()
        self._dirty_bytes = 0

    def _place(self, key: bytes, record: bytes, at: int, old: Placed | None = None) -> None:
        digest = _digest(key)
        before, place = old or self._find(key)
        if before is None:
            self._table.add(digest, at)
            self.count += 1
            self._live += _HEAD + len(key) + len(record)
        else:
            self._table.move(digest, place, at)
            self._live += len(record) - len(before)

    def _find(self, key: bytes) -> Placed:
        for at in self._table.find(_digest(key)):
            found, record = self._read(at)
            if found == key:
                return record, at
        return None, 0

    def _read(self, at: int) -> tuple[bytes, bytes]:
        data = self._file.read(at, 1 << 10)
        end = _HEAD + _length(data[:_HEAD])
        return self._split(self._file.read(at, end) if end > len(data) else data[:end])

    def _all(self) -> Iterator[tuple[int, bytes, bytes]]:
        for at, data in self._file.pieces(_HEAD, _length):
            yield at, *self._split(data)

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        # A damaged state must not look like a log that lies.
        if int.from_bytes(data[6:_HEAD], "little") != crc32(data[_HEAD:]):
            raise DAMAGED.at(self.name, "a record has changed")
        stop = _HEAD + int.from_bytes(data[:2], "little")
        return data[_HEAD:stop], data[stop:]

    def _begin_anew(self) -> None:
        stem, _, number = self.name.rpartition("-")
        name = f"{stem}-{int(number) + 1}"
        file = self._folder.open_records(name, 0)
        table = Identities(self._folder.path, self.count)
        for at, key, record in self._all():
            digest = _digest(key)
            if at in self._table.find(digest):
                table.add(digest, file.size)
                file.append(_framed(key, record))
        self._file.close()
        self._table.close()
        self.name, self._file, self._table = name, file, table
        # Places in the old file.
        self._cache.clear()
        self._cache_bytes = 0

    def _remember(self, key: bytes, record: bytes | None, at: int) -> None:
        self._cache[key] = (record, at)
        self._cache_bytes += _weight(key, record)
        while self._cache_bytes > self._cached // 2:
            oldest, (forgotten, _) = self._cache.popitem(last=False)
            self._cache_bytes -= _weight(oldest, forgotten)

    def _forget(self, key: bytes) -> Placed | None:
        old = self._cache.pop(key, None)
        if old is not None:
            self._cache_bytes -= _weight(key, old[0])
        return old


def _weight(key: bytes, record: bytes | None) -> int:
    return _EACH + len(key) + len(record or b"")


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()


def _framed(key: bytes, record: bytes) -> bytes:
    lengths = len(key).to_bytes(2, "little") + len(record).to_bytes(4, "little")
    content = key + record
    return lengths + crc32(content).to_bytes(4, "little") + content


def _length(head: bytes) -> int:
    return int.from_bytes(head[:2], "little") + int.from_bytes(head[2:6], "little")
