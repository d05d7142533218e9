"""Files that only grow, beside a mark that says how much of them counts.

What was appended after the last mark was not finished: it is cut off when the file is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
        written = self.size - len(self._waiting)
        data = os.pread(self._file.fileno(), min(length, written - at), at) if at < written else b""
        if at + length > written and self._waiting:
            data += self._waiting[max(0, at - written) : at + length - written]
        return data

    def pieces(self, head: int, length: Callable[[bytes], int]) -> Iterator[tuple[int, bytes]]:
        """The whole file as pieces, and where each begins: ``head`` bytes, and then as many as
        ``length`` reads from these. Raises ``damaged.audit.state``."""
        start, data, at = 0, b"", 0
        while chunk := self.read(start + len(data), _CHUNK):
            start, data, at = start + at, data[at:] + chunk, 0
            while len(data) - at >= head:
                end = at + head + length(data[at : at + head])
                if end > len(data):
                    break
                yield start + at, data[at:end]
                at = end
        if at != len(data):
            raise DAMAGED.at("records", "the last one is cut off")

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
