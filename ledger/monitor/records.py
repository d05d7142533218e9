"""Files that only grow, beside a mark that says how much of them counts.

What was appended after the last mark was not finished: it is cut off when the file is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from keys.errors import declare

DAMAGED = declare(
    "damaged.audit.state",
    "The state of the audit is not as it was written.",
    "Restore the folder, or audit from the beginning with an empty one: it will not know then "
    "which checkpoints were seen before.",
)

_CHUNK = 1 << 20


class Records:
    """The file at ``path``, of which the first ``size`` bytes count."""

    def __init__(self, path: Path, size: int) -> None:
        """Raises ``damaged.audit.state`` for a file that is shorter."""
        self._file = open(path, "a+b")  # noqa: SIM115 - closed by close()
        self._waiting = bytearray()
        if os.fstat(self._file.fileno()).st_size < size:
            self._file.close()
            raise DAMAGED.at(path.name, f"shorter than {size} bytes")
        self._file.truncate(size)
        self.size = size

    def append(self, data: bytes) -> None:
        """Add ``data`` at the end; it is on the disk after ``sync``."""
        self._waiting += data
        self.size += len(data)
        if len(self._waiting) >= _CHUNK:
            self._flush()

    def read(self, at: int, length: int) -> bytes:
        """``length`` bytes at ``at``, fewer at the end."""
        self._flush()
        self._file.seek(at)
        return self._file.read(length)

    def framed(self) -> Iterator[bytes]:
        """The records in a file of those that were appended by ``append_framed``.

        Raises ``damaged.audit.state``."""
        at, data = 0, b""
        self._flush()
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            data, at = data[at:] + chunk, 0
            while len(data) - at >= 4:
                end = at + 4 + int.from_bytes(data[at : at + 4], "little")
                if end > len(data):
                    break
                yield data[at + 4 : end]
                at = end
        if at != len(data):
            raise DAMAGED.at("states", "a record is cut off")

    def append_framed(self, record: bytes) -> None:
        """Add a record after its length."""
        self.append(len(record).to_bytes(4, "little") + record)

    def sync(self) -> None:
        """All that was appended is on the disk on return."""
        self._flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file; what was not synced may be lost."""
        self._file.close()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write(self._waiting)
            self._file.flush()
            self._waiting.clear()
