"""Files that are written whole or not at all, for everybody to read."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from cli.output import WRITE


def save(
    path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False, durable: bool = True
) -> None:
    """Write ``data`` to ``path``, or to stdout for ``-``. Nobody sees half of it under this name.

    With ``durable`` it is on the disk on return. Raises ``usage.file.write``, also where the file
    exists and ``overwrite`` is not given.
    """
    if os.fspath(path) == "-":
        sys.stdout.buffer.write(data)
        return
    target = Path(path)
    temporary = target.with_name(f".{target.name[:64]}-{os.urandom(6).hex()}")
    try:
        if not overwrite and os.path.lexists(target):
            raise WRITE.at(str(target), "it exists already")
        try:
            _write(temporary, data, durable)
            temporary.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise WRITE.at(str(target), reason) from None


def _write(path: Path, data: bytes, durable: bool) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
