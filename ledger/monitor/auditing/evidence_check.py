"""The evidence of a fault, checked by somebody else: a folder, and the log's keys.

The folder may come from anybody. Nothing in ``fault.json`` is believed that does not follow from
what the log has signed. Two histories are proved by that alone. That an entry had to be refused, or
that an index lies, is not: here it is proved which entry the log has signed, and a replay decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from keys.errors import CellbookError, declare
from ledger.monitor.auditing.evidence import FAULT, Evidence
from ledger.monitor.auditing.faults import FORK, INDEX, ROLLBACK
from ledger.monitor.source import FolderSource
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.tree.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.tree.tiles import MAX_ENTRY
from ledger.wire.base64text import encode_base64url
from ledger.wire.note import MAX_NOTE
from ledger.wire.verifier import Verifier

SHAPE = declare(
    "malformed.evidence",
    "This is not a folder of evidence.",
    "Name one of the folders in `evidence`, with its fault.json and the files beside it.",
)
WRONG = declare(
    "failed.evidence",
    "The evidence does not show what it says.",
    "Believe nothing that rests on it. It says nothing for the log, and nothing against it.",
)

_MAX_FAULT = 1 << 20
_HASH = 64
_PROVED, _NOT_PROVED = True, False


class Shown(msgspec.Struct, frozen=True):
    """What follows from the signatures of the log ``origin`` alone. ``is_proved`` says whether the
    fault ``code`` does; ``says`` tells the rest in words."""

    code: str
    origin: str
    size: int
    is_proved: bool
    says: str


def verify_evidence(folder: Path, logs: Iterable[Verifier]) -> Shown:
    """What the evidence in ``folder`` establishes, where ``logs`` are the checkpoint keys of one
    log. Raises ``malformed.*``, ``failed.evidence``, ``failed.note.*``, ``failed.origin``, and
    ``unavailable.published``. Whose keys they are is not checked."""
    logs = tuple(logs)
    files = FolderSource(folder)
    fault = _fault(files)
    checkpoint = _signed(files, "checkpoint", logs)
    if fault.code in (FORK.code, ROLLBACK.code):
        before = _signed(files, "checkpoint-before", logs)
        if before.origin != checkpoint.origin:
            raise WRONG.at("checkpoint", "the checkpoints are of two logs")
        if fault.code == FORK.code:
            return _fork(fault, checkpoint, before)
        return _rollback(fault, checkpoint, before)
    if fault.entry is None:
        says = "the checkpoint is signed by the log; nothing else follows from a signature"
        return Shown(fault.code, checkpoint.origin, checkpoint.size, _NOT_PROVED, says)
    return _entry(fault, checkpoint, _file(files, "entry", MAX_ENTRY))


def _fork(fault: Evidence, one: Checkpoint, other: Checkpoint) -> Shown:
    """Of two trees the smaller is not the beginning of the larger one."""
    newer, older = (one, other) if one.size >= other.size else (other, one)
    if newer.size == older.size:
        root = newer.root
    else:
        root = _hash(fault.root_in_newer_tree)
        with _as_wrong():
            path = [_hash(item) for item in fault.consistency]
            verify_consistency(older.size, newer.size, root, newer.root, path)
    if root == older.root:
        raise WRONG.at("checkpoint", "the one is the beginning of the other")
    says = f"the log has signed two histories: of {older.size} and of {newer.size} entries"
    return Shown(fault.code, newer.origin, newer.size, _PROVED, says)


def _rollback(fault: Evidence, now: Checkpoint, before: Checkpoint) -> Shown:
    if now.size >= before.size:
        raise WRONG.at("checkpoint", f"{now.size} entries, {before.size} before")
    says = (
        f"the log has signed trees of {before.size} and of {now.size} entries; that the smaller "
        "one was shown after the larger is the word of who has kept them"
    )
    return Shown(fault.code, now.origin, before.size, _NOT_PROVED, says)


def _entry(fault: Evidence, checkpoint: Checkpoint, leaf: bytes) -> Shown:
    assert fault.entry is not None  # noqa: S101 - asked before
    with _as_wrong():
        path = [_hash(item) for item in fault.inclusion]
        hashed = leaf_hash(leaf)
        verify_inclusion(hashed, fault.entry, checkpoint.size, path, checkpoint.root)
    entry_id = encode_base64url(sha256(leaf).digest())
    why = f"its index is {fault.index_root}" if fault.code == INDEX.code else fault.reason
    says = (
        f"the log has signed a tree with {entry_id} as entry {fault.entry}; whether it had to be "
        f"refused ({why or 'no reason is stated'}), a replay of the log up to it shows"
    )
    return Shown(fault.code, checkpoint.origin, checkpoint.size, _NOT_PROVED, says)


def _fault(files: FolderSource) -> Evidence:
    try:
        return msgspec.json.decode(_file(files, FAULT, _MAX_FAULT), type=Evidence)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SHAPE.at(FAULT, str(error)[:200]) from None


def _signed(files: FolderSource, name: str, logs: tuple[Verifier, ...]) -> Checkpoint:
    """The checkpoint in a file, signed by one of the keys."""
    first, *others = logs
    note = _file(files, name, MAX_NOTE)
    while True:
        try:
            return open_checkpoint(note, first)[0]
        except CellbookError:
            if not others:
                raise
            first, *others = others


def _file(files: FolderSource, name: str, most: int) -> bytes:
    data = files.fetch(name, most)
    if data is None:
        raise SHAPE.at(name, "there is no such file")
    return data


def _hash(text: str) -> bytes:
    try:
        if len(text) == _HASH:
            return bytes.fromhex(text)
    except ValueError:
        pass
    raise SHAPE.at(FAULT, "a hash is not 64 hexadecimal digits")


@contextmanager
def _as_wrong() -> Iterator[None]:
    try:
        yield
    except CellbookError as error:
        if error.error == SHAPE:
            raise
        raise WRONG.at(error.where, error.describe()) from error
