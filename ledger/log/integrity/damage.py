"""How damage is named: table, row, column, and what the log's own statements say it should be."""

from __future__ import annotations

from keys.errors import CellbookError, ErrorCode, declare

_REMEDY = (
    "Stop the service, keep a copy of the database as it is, and restore one from before. Then "
    "compare its newest checkpoint with those that others hold."
)

ENTRY = declare(
    "damaged.entry",
    "A row of entry is not what was registered, or should not have been registered.",
    _REMEDY,
)
SUBJECT = declare(
    "damaged.subject", "A row of subject is not what follows from the entries.", _REMEDY
)
SUBJECT_ENTRY = declare(
    "damaged.subject-entry", "A row of subject_entry is not what follows from the entries.", _REMEDY
)
TILE = declare("damaged.tile", "A row of tile is not what follows from the entries.", _REMEDY)
CHECKPOINT = declare(
    "damaged.checkpoint", "A row of checkpoint is not a checkpoint of this log.", _REMEDY
)
LOG_HEAD = declare(
    "damaged.log-head", "The row of log_head is not what follows from the entries.", _REMEDY
)
INDEX_BLOCK = declare(
    "damaged.index-block", "A row of index_block is not what follows from the entries.", _REMEDY
)
INDEX_UNDO = declare(
    "damaged.index-undo",
    "A row of index_undo is not the block as it was while a size was pinned.",
    _REMEDY,
)
INDEX_PIN = declare(
    "damaged.index-pin", "A row of index_pin is not the tree size of a checkpoint.", _REMEDY
)
TERM = declare("damaged.term", "A row of term is not what follows from the entries.", _REMEDY)
LIST_DOCUMENT = declare(
    "damaged.list-document",
    "A row of list_document is not a list that a snapshot in the log states.",
    _REMEDY,
)
MOVING = declare(
    "unavailable.fsck.moving",
    "The log was written to while it was checked.",
    "Stop the service, or check a copy of the database.",
)

_TABLES = {
    ENTRY: "entry",
    SUBJECT: "subject",
    SUBJECT_ENTRY: "subject_entry",
    TILE: "tile",
    CHECKPOINT: "checkpoint",
    LOG_HEAD: "log_head",
    LIST_DOCUMENT: "list_document",
    TERM: "term",
    INDEX_BLOCK: "index_block",
    INDEX_UNDO: "index_undo",
    INDEX_PIN: "index_pin",
}


def damage(error: ErrorCode, row: str, column: str, detail: str) -> CellbookError:
    """The error that names ``column`` of ``row``; an empty column is the whole row."""
    table = _TABLES[error]
    where = f"table {table}, {row}" + (f", column {column}" if column else "")
    return error.at(where, detail, table=table, row=row, column=column)


def differs(
    error: ErrorCode, row: str, column: str, stored: object, expected: object
) -> CellbookError:
    """The error for a column that holds ``stored`` and must hold ``expected``."""
    return damage(
        error, row, column, f"{_shown(stored)} is stored, {_shown(expected)} was expected"
    )


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 32 else f"{value[:16].hex()}… ({len(value)} bytes)"
    return str(value)[:200]
