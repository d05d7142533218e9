"""What the log has signed, remembered outside the database: a restored copy must not make a fork.

A database that was put back from an old copy grows again, otherwise than before, and knows nothing
of what it had signed. Its signers do: a file in the ledger's folder holds the greatest tree that
they have signed a checkpoint of, and whatever is signed must contain that tree.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from keys.durable import write_whole
from keys.errors import CellbookError, declare
from ledger.proof.checkpoint import Checkpoint, format_body, parse_body
from ledger.store.records import LogHead
from ledger.tree.growth import Growth
from ledger.tree.reader import TileReader

ROLLED_BACK = declare(
    "damaged.log.rolled-back",
    "The database does not hold a tree that this log has signed before.",
    "Nothing is registered or signed. Put back the newest copy of the database: see SECURITY.md, "
    "'When the database was put back'.",
)
MEMORY = declare(
    "damaged.log.memory",
    "The file that remembers what the log has signed is not one, or is another log's.",
    "Nothing is signed. Put the file back; to write it anew, compare the database with a checkpoint"
    " that others hold, then remove the file.",
)
MEMORY_IO = declare(
    "unavailable.log.memory",
    "The file that remembers what the log has signed cannot be read or written.",
    "Make the ledger's folder writable for the service, and its disk have space.",
)

_FILE, _LOCK = "last-signed", "last-signed.lock"
_MOST = 4096


class Store(TileReader, Protocol):
    """What is asked of the database."""

    def head(self) -> LogHead:
        """Where the log stands."""

    def published(self) -> tuple[int, bytes] | None:
        """(size, note) of the checkpoint that is shown."""


class SignedMemory:
    """The greatest checkpoint that was signed with the keys of this folder: its text, in a file.

    For any number of threads and processes of one host. Each host remembers what it signed itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / _FILE
        self._lock = folder / _LOCK

    def read(self) -> Checkpoint | None:
        """What is remembered, None for nothing yet. Raises ``damaged.log.memory`` and
        ``unavailable.log.memory``."""
        try:
            with open(self._file, "rb") as file:
                data = file.read(_MOST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MEMORY_IO.at(str(self._file), error.strerror or "") from error
        try:
            return parse_body(data)
        except CellbookError as error:
            raise MEMORY.at(str(self._file), error.describe()) from error

    def remember(self, checkpoint: Checkpoint, store: Store) -> None:
        """Before ``checkpoint`` is signed: that the tree which is remembered is in ``store``, and
        remember this one where it is greater. It is on the disk on return.

        A smaller one may be signed again, the same bytes as before, where the database holds the
        greater tree. Raises ``damaged.log.rolled-back``, ``damaged.log.memory`` and
        ``unavailable.log.memory``.
        """
        with self._locked():
            known = self.read()
            if known is not None:
                self._check(known, checkpoint, store)
            if known is None or checkpoint.size > known.size:
                self._write(format_body(checkpoint))

    def _check(self, known: Checkpoint, checkpoint: Checkpoint, store: Store) -> None:
        if known.origin != checkpoint.origin:
            raise MEMORY.at(str(self._file), f"it is of {known.origin}"[:200])
        check_holds(known, store.head(), store)
        if known.size == checkpoint.size and known.root != checkpoint.root:
            raise ROLLED_BACK.at(f"tree size {known.size}", "another root was signed")

    def _write(self, data: bytes) -> None:
        try:
            write_whole(self._file, data)
        except OSError as error:
            raise MEMORY_IO.at(str(self._file), error.strerror or "") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with host_lock(self._lock) as held:
            if not held:
                raise MEMORY_IO.at(str(self._lock), "it cannot be locked")
            yield


def check_holds(known: Checkpoint, head: LogHead, reader: TileReader) -> None:
    """That the database, which stands at ``head``, holds the tree ``known``. One tile of each level
    is read. Raises ``damaged.log.rolled-back``."""
    if head.size < known.size:
        raise ROLLED_BACK.at(
            f"tree size {known.size}", f"it was signed; the database ends at {head.size}"
        )
    root = head.root
    if head.size > known.size:
        root = Growth.load(known.size, reader).root
    if root != known.root:
        raise ROLLED_BACK.at(f"tree size {known.size}", "it was signed with another root")


class Continuity:
    """The greatest tree of the log that this process knows to have been there.

    At first what the signers remember; then what this process found committed. What is written
    goes on from there, or is refused: no receipt contradicts one that was given before.
    """

    def __init__(self, known: Checkpoint | None) -> None:
        self._known = known
        self._turn = threading.Lock()

    @property
    def known(self) -> Checkpoint | None:
        """That tree. To be taken before the head that is then checked is read."""
        return self._known

    def check(
        self, known: Checkpoint | None, head: LogHead, reader: TileReader, *, is_ours: bool = False
    ) -> None:
        """That the database at ``head`` holds ``known``; then ``head`` is known.

        With ``is_ours`` this process has itself made ``head`` out of what it knew, and tiles are
        not read. Raises ``damaged.log.rolled-back``.
        """
        if known is not None and (known.size, known.root) == (head.size, head.root):
            return
        if known is not None and not (is_ours and head.size > known.size):
            check_holds(known, head, reader)
        with self._turn:
            if self._known is None or head.size > self._known.size:
                self._known = Checkpoint("", head.size, head.root)


def check_shown(store: Store) -> None:
    """That the database holds the tree which it has published. Raises
    ``damaged.log.rolled-back``."""
    shown = store.published()
    if shown is not None:
        check_holds(parse_body(shown[1].rpartition(b"\n\n")[0] + b"\n"), store.head(), store)


def begin(store: Store, memory: SignedMemory | None) -> Continuity:
    """What the log that is opened must go on from: what its signers remember. Raises as
    ``SignedMemory.read``, and ``damaged.log.rolled-back`` where ``store`` lacks it."""
    known = None if memory is None else memory.read()
    if known is not None:
        check_holds(known, store.head(), store)
    return Continuity(known)


@contextlib.contextmanager
def host_lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock on the file at ``path`` among the processes of this host; gives whether it is
    held. Where there are no such locks, it always is. Raises ``unavailable.log.memory``."""
    try:
        import fcntl
    except ImportError:
        yield True
        return
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise MEMORY_IO.at(str(path), error.strerror or "") from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            yield False
            return
        yield True
    finally:
        # Closing it gives the lock up, as the death of the process does.
        os.close(held)
