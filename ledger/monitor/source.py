"""Where a published log comes from: a folder of static files, or whoever else has its paths.

C2SP tlog-tiles is nothing but files under fixed paths, so a mirror, a CDN and the service itself
are all the same to who reads. None of them is believed.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Protocol

from keys.errors import declare
from ledger.proof.checkpoint import Checkpoint, parse_body
from ledger.proof.signed_root import MAX_SIGNED_ROOT
from ledger.tree.merkle import HASH
from ledger.tree.tiles import MAX_ENTRY, TILE, tile_path
from ledger.wire.note import MAX_NOTE

NOT_THERE = declare(
    "missing.published",
    "The published log lacks a file that its checkpoint promises.",
    "Try again later, or read the log from somewhere else.",
)
UNREADABLE = declare(
    "unavailable.published",
    "A file of the published log cannot be read.",
    "Check the folder and whose it is.",
)
TOO_LARGE = declare(
    "malformed.published.size",
    "A file of the published log is larger than such a file can be.",
    "Read the log from somewhere else, and tell whoever serves this one.",
)
WRONG_SIZE = declare(
    "malformed.published.tile",
    "A published tile has not the size that its path says.",
    "Read the log from somewhere else, and tell whoever serves this one.",
)

CHECKPOINT, SIGNED_ROOT = "checkpoint", "signed-root"
MAX_TILE = TILE * HASH
MAX_BUNDLE = TILE * (2 + MAX_ENTRY)


class LogSource(Protocol):
    """Gives the files of one published log. Called from several threads."""

    def fetch(self, path: str, most: int) -> bytes | None:
        """The bytes at ``path``, such as ``checkpoint`` or ``tile/0/000``; None where none are.

        Raises ``malformed.published.size`` for more than ``most`` bytes, without reading on, and
        ``unavailable.*``. Nothing is checked.
        """


class FolderSource:
    """A log as static files in a folder. Pipes and devices in it are not waited for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, path: str, most: int) -> bytes | None:
        """See ``LogSource``."""
        try:
            data = _read(self._folder / path, most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UNREADABLE.at(path, error.strerror or "") from None
        if len(data) > most:
            raise TOO_LARGE.at(path, f"more than {most} bytes")
        return data


def is_copy(source: LogSource) -> bool:
    """Whether somebody made what ``source`` gives at some time: then it may be older than the log
    in all honesty, while a service that goes back contradicts itself."""
    return isinstance(source, FolderSource)


def _read(path: Path, most: int) -> bytes:
    """The first bytes of a regular file. Raises ``OSError``."""
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return file.read(most)


def _at_once(path: str, flags: int) -> int:
    # Whoever opens a pipe waits for a writer otherwise.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def fetch_checkpoint(source: LogSource) -> bytes:
    """The newest checkpoint, a note. Raises ``missing.published`` and what the source raises."""
    return _there(source.fetch(CHECKPOINT, MAX_NOTE), CHECKPOINT)


def signed_root_path(size: int) -> str:
    """Where the signed root of a checkpoint's size is published."""
    return f"{SIGNED_ROOT}/{size}"


def fetch_signed_root(source: LogSource, size: int) -> bytes:
    """The signed root of ``size``. Raises ``missing.published`` and what the source raises."""
    path = signed_root_path(size)
    return _there(source.fetch(path, MAX_SIGNED_ROOT), path)


def stated_checkpoint(note: bytes) -> Checkpoint:
    """What a note says of its tree; no signature is checked. Raises as ``parse_body``."""
    return parse_body(note.rpartition(b"\n\n")[0] + b"\n")


def fetch_tile(source: LogSource, level: int | None, n: int, width: int) -> bytes:
    """A tile, or with ``level`` None an entry bundle: of ``width``, or else the full one.

    A tile of hashes has exactly the size of the path under which it was found. Raises
    ``malformed.published.*``, ``missing.published``, and what the source raises.
    """
    most = MAX_BUNDLE if level is None else MAX_TILE
    path = tile_path(level, n, width)
    data = source.fetch(path, most)
    if data is None and width < TILE:
        # It may have become full since the checkpoint was made, and then only that one is kept.
        path, width = tile_path(level, n), TILE
        data = source.fetch(path, most)
    found = _there(data, path)
    if level is not None and len(found) != width * HASH:
        raise WRONG_SIZE.at(path, f"{len(found)} bytes, {width * HASH} expected")
    return found


def _there(data: bytes | None, path: str) -> bytes:
    if data is None:
        raise NOT_THERE.at(path)
    return data
