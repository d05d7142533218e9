"""A ledger whose database is lost, from a copy of its log: only its keys must still be there.

What was registered after the copy is lost, and whoever holds a receipt of it can prove so. A log
that went on from an older copy than what it has signed would tell two histories: that is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ledger.custody.names.naming import log_uri
from ledger.custody.states import LogState
from ledger.log.genesis import refuse_begun
from ledger.log.integrity.rebuild import Progress, Rebuild, Rebuilt
from ledger.log.integrity.stream import Timed
from ledger.log.publishing.memory import check_holds
from ledger.log.signers import LogSigners
from ledger.monitor.checked import CheckedTiles
from ledger.monitor.copying.rows import fetch_rows
from ledger.monitor.entries import Entries, read_leaf
from ledger.monitor.notices import Notices
from ledger.monitor.source import FolderSource, fetch_checkpoint, stated_checkpoint
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.store.records import LogHead
from ledger.store.rewriting import Rewriting
from ledger.store.sql import SqlStore
from ledger.wire.note import sign_note


def restore(
    store: SqlStore, signers: LogSigners, copy: Path, genesis: bytes, progress: Progress
) -> Rebuilt:
    """Write the log that was copied into the folder ``copy`` into the empty ``store``, whole or not
    at all. ``genesis`` is the entry id of the log that is meant.

    The checkpoints before the copy's are signed again, with the bytes that they had. Raises
    ``damaged.log.rolled-back`` where ``signers`` remember a tree that the copy does not hold,
    ``usage.log.not-empty``, ``failed.published.*``, ``damaged.*``, ``missing.published``,
    ``unavailable.*``, ``malformed.*``.
    """
    refuse_begun(store)
    source = FolderSource(copy)
    note = fetch_checkpoint(source)
    newest = stated_checkpoint(note)
    tiles = CheckedTiles(source, newest.size, newest.root)
    known = None if signers.memory is None else signers.memory.read()
    if known is not None:
        check_holds(known, LogHead(size=newest.size, root=newest.root, edge=b""), tiles)
    notes: dict[int, bytes] = {}

    def note_of(log: LogState, size: int, root: bytes) -> bytes:
        signer = signers.in_force(log, "checkpoint", size)
        body = format_body(Checkpoint(log.origin, size, root))
        notes[size] = note if size == newest.size else sign_note(body, log.origin, signer)
        return notes[size]

    with store.writing() as writing, Entries(tiles) as entries:
        run = Rebuild(Rewriting(writing), log_uri(newest.origin), newest.size, note_of)
        done = run.run(_timed(entries), genesis, progress)
        for size, signed in notes.items():
            writing.put_checkpoint(size, signed)
        for snapshot in Notices(tiles).snapshots():
            rows = fetch_rows(source, snapshot)
            if rows is not None:
                writing.put_list_document(snapshot.root, rows)
    return done


def _timed(entries: Entries) -> Iterator[Timed]:
    for entry in entries.timed(0):
        statement, entry_id = read_leaf(entry.leaf), sha256(entry.leaf).digest()
        yield Timed(entry.index, entry_id, statement, entry.time)
