"""What goes into the store and comes out of it. Values only: no SQL, no connection."""

from __future__ import annotations

from hashlib import sha256

import msgspec


class LogHead(msgspec.Struct, frozen=True):
    """Where the log stands: the one row that every writer locks first.

    ``size`` entries have the 32-byte Merkle ``root``; ``edge`` is the tree's right edge
    (``ledger.tree.edge``). ``epoch_time`` is the Unix second of the open epoch, None while none is
    open; ``last_time`` that of the last closed epoch, 0 at first; ``last_head`` the index of the
    last head entry. ``governance`` rises with every governance statement and voids caches that
    hold an older one. ``checkpoint`` is the size of the newest stored checkpoint, 0 if there is
    none; only ``put_checkpoint`` moves it. ``published`` is that of the newest one that is shown.
    """

    size: int
    root: bytes
    edge: bytes
    epoch_time: int | None = None
    last_time: int = 0
    last_head: int | None = None
    governance: int = 0
    checkpoint: int = 0
    published: int = 0


BEGINNING = LogHead(size=0, root=sha256(b"").digest(), edge=b"")
"""The head row of an empty log."""


class NewEntry(msgspec.Struct, frozen=True):
    """An entry to append: its index, two 32-byte SHA-256 values, and the leaf bytes."""

    index: int
    entry_id: bytes
    content_id: bytes
    leaf: bytes


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry as it is stored. That its hashes fit its leaf is not checked here: fsck does."""

    index: int
    entry_id: bytes
    content_id: bytes
    leaf: bytes


class StoredSubject(msgspec.Struct, frozen=True):
    """A subject, its encoded state (None: it has entries only) and its entries' indexes."""

    uri: str
    state: bytes | None
    indexes: tuple[int, ...]


class Counts(msgspec.Struct, frozen=True):
    """How many rows each table really has, counted and not remembered; ``chains`` are the subjects
    with entries."""

    entries: int
    subjects: int
    subject_entries: int
    tiles: int
    checkpoints: int
    list_documents: int
    terms: int
    blocks: int
    undo: int
    chains: int
