"""What a witness remembers: a folder of two files.

    witnessed.json  of each log the newest checkpoint that was cosigned, as a note
    begun           that there has been a ``witnessed.json``

The notes carry the witness's own cosignature, so nothing of them is believed unverified. A file
that is lost or damaged is never taken for a witness that has seen nothing: it would cosign a
second history. A folder put back from an old copy cannot be told from a true one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from keys.durable import write_whole
from keys.errors import CellbookError, declare
from ledger.proof.checkpoint import Checkpoint, parse_body
from ledger.wire.note import open_note
from ledger.wire.verifier import Verifier

OTHER = declare(
    "usage.witness.state",
    "The state folder belongs to a witness with another name or key.",
    "Name the folder of this witness, or an empty one for a new witness.",
)
DAMAGED = declare(
    "damaged.witness.state",
    "What the witness remembers is lost or damaged.",
    "Put back the newest copy only if nothing was cosigned after it. Else begin as a new witness, "
    "with a new key and an empty folder.",
)
FOLDER = declare(
    "unavailable.witness.state",
    "The witness's state folder cannot be used.",
    "Check the folder, whose it is, and that its disk is not full and has file locks.",
)

WITNESSED, BEGUN = "witnessed.json", "begun"
_VERSION = 1


class Seen(msgspec.Struct, frozen=True):
    """The newest checkpoint of a log that was cosigned, and when: Unix seconds."""

    checkpoint: Checkpoint
    time: int


class _File(msgspec.Struct, frozen=True):
    version: int
    vkey: str
    logs: dict[str, str]


class WitnessState:
    """The folder of the witness ``verifier``; several processes may share it."""

    def __init__(self, path: Path, verifier: Verifier) -> None:
        """Makes the folder if there is none, and checks all that it holds.

        Raises ``usage.witness.state``, ``damaged.witness.state``, ``unavailable.witness.state``.
        """
        self.path = path
        self._verifier = verifier
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FOLDER.at(str(path), error.strerror or "") from None
        with self.held():
            self._begin()
            for origin in self._read().logs:
                self.seen(origin)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else reads or writes the folder until the block ends: no thread, no process."""
        try:
            import fcntl

            held = os.open(self.path, os.O_RDONLY)
        except (ImportError, OSError) as error:
            raise FOLDER.at(str(self.path), str(error)[:200]) from None
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
            except OSError as error:
                raise FOLDER.at(str(self.path), error.strerror or "") from None
            yield
        finally:
            os.close(held)

    def seen(self, origin: str) -> Seen | None:
        """The newest of this log; None if there was none. Only while the folder is held."""
        note = self._read().logs.get(origin)
        if note is None:
            return None
        try:
            opened = open_note(note.encode(), [self._verifier])
            checkpoint = parse_body(b"\n".join(opened.text.split(b"\n")[:3]) + b"\n")
        except CellbookError as error:
            raise DAMAGED.at(WITNESSED, error.describe()) from error
        if checkpoint.origin != origin:
            raise DAMAGED.at(WITNESSED, "a checkpoint stands under another log's name")
        return Seen(checkpoint, opened.signatures[0].time or 0)

    def keep(self, origin: str, note: bytes) -> None:
        """Remember ``note``, on the disk on return. Only while the folder is held."""
        before = self._read()
        logs = {**before.logs, origin: note.decode()}
        self._write(_File(_VERSION, before.vkey, logs))

    def _begin(self) -> None:
        if not (self.path / WITNESSED).exists():
            if (self.path / BEGUN).exists():
                raise DAMAGED.at(WITNESSED, "there is no such file any more")
            self._write(_File(_VERSION, self._verifier.vkey, {}))
        if not (self.path / BEGUN).exists():
            self._write_file(BEGUN, b"")

    def _read(self) -> _File:
        try:
            file = msgspec.json.decode((self.path / WITNESSED).read_bytes(), type=_File)
        except FileNotFoundError:
            raise DAMAGED.at(WITNESSED, "there is no such file any more") from None
        except OSError as error:
            raise FOLDER.at(WITNESSED, error.strerror or "") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DAMAGED.at(WITNESSED, str(error)[:200]) from None
        if file.version != _VERSION:
            raise DAMAGED.at(WITNESSED, f"version {file.version}")
        if file.vkey != self._verifier.vkey:
            raise OTHER.at(str(self.path), file.vkey[:300])
        return file

    def _write(self, file: _File) -> None:
        self._write_file(WITNESSED, msgspec.json.format(msgspec.json.encode(file)) + b"\n")

    def _write_file(self, name: str, data: bytes) -> None:
        try:
            write_whole(self.path / name, data)
        except OSError as error:
            raise FOLDER.at(name, error.strerror or "") from None
