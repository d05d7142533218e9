"""Checkpoints: stored when they are signed, published when they may be shown.

Which one is published is a number in the head row that only grows, so that no process shows an
older checkpoint than another has shown.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from keys.errors import declare
from ledger.store import queries
from ledger.store.tables import AGREED, CHECKPOINT, LOG_HEAD

CHECKPOINT_CONFLICT = declare(
    "conflict.checkpoint",
    "Another checkpoint is stored for this tree size, or the log is not that large.",
    "Stop publishing. Compare the two notes and run `cellbook fsck`.",
)


_WITNESSES = "witnesses"


def note_text(note: bytes) -> bytes:
    """What a C2SP note's signatures are over: all before the last empty line."""
    return note.rpartition(b"\n\n")[0]


def put_checkpoint(connection: Connection, entries: int, size: int, note: bytes) -> None:
    """Store ``note`` for ``size``, at most ``entries``; one with the same text stays as it is.
    Raises ``conflict.checkpoint``."""
    stored = queries.checkpoint(connection, size)
    if stored is None and size <= entries:
        connection.execute(insert(CHECKPOINT), [{"size": size, "note": note}])
    elif stored is None or note_text(stored[1]) != note_text(note):
        raise CHECKPOINT_CONFLICT.at(f"checkpoint of size {size}")
    newer = LOG_HEAD.c.checkpoint < size
    connection.execute(update(LOG_HEAD).where(LOG_HEAD.c.id == 1, newer), {"checkpoint": size})


def replace_note(connection: Connection, size: int, note: bytes) -> None:
    """Put ``note`` in the place of the stored one of the same text. Raises
    ``conflict.checkpoint``."""
    stored = queries.checkpoint(connection, size)
    if stored is None or note_text(stored[1]) != note_text(note):
        raise CHECKPOINT_CONFLICT.at(f"checkpoint of size {size}")
    connection.execute(update(CHECKPOINT).where(CHECKPOINT.c.size == size), {"note": note})


def publish(connection: Connection, size: int) -> None:
    """Let the stored checkpoint of ``size`` be the one that is shown, unless a greater one is."""
    if queries.checkpoint(connection, size) is None:
        raise CHECKPOINT_CONFLICT.at(f"checkpoint of size {size}", "there is none")
    newer = LOG_HEAD.c.published < size
    connection.execute(update(LOG_HEAD).where(LOG_HEAD.c.id == 1, newer), {"published": size})


def witnesses(connection: Connection) -> bytes | None:
    """The digest of the policy of witnesses by which the log is published, None for none."""
    found: bytes | None = connection.execute(
        select(AGREED.c.digest).where(AGREED.c.name == _WITNESSES)
    ).scalar()
    return found


def put_witnesses(connection: Connection, digest: bytes | None) -> None:
    """Let this be that digest. The head row must be locked."""
    connection.execute(delete(AGREED).where(AGREED.c.name == _WITNESSES))
    if digest is not None:
        connection.execute(insert(AGREED), [{"name": _WITNESSES, "digest": digest}])
