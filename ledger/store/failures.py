"""What can go wrong between us and the database, as codes with a remedy.

A driver's error never leaves this room: ``translate`` turns it into a CellbookError. What a driver
says is quoted in the detail, since an administrator needs it; it never holds parameters or a
password.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import exc

from keys.errors import CellbookError, ErrorCode, UnavailableError, declare

LOCKED = declare(
    "unavailable.store.locked",
    "The database stayed locked by somebody else.",
    "Try again. If it lasts, find the process that holds the database open and end it.",
)
READ_ONLY = declare(
    "unavailable.store.read-only",
    "The database cannot be written to.",
    "Give the service's user write access to the database file and its folder; on PostgreSQL,"
    " connect to the primary with a role that may write.",
)
FULL = declare(
    "unavailable.store.full",
    "There is no space left for the database.",
    "Free or add space. Nothing of the refused commit was kept; submit it again.",
)
UNREADABLE = declare(
    "unavailable.store.unreadable",
    "The database cannot be opened or read.",
    "Check that it exists, that the service's user may read it, and that its server answers.",
)
SCHEMA = declare(
    "unavailable.store.schema",
    "The database does not have the tables of this version.",
    "Run `cellbook init` for a new ledger. For a ledger of another version, use that version"
    " of Cellbook, or run the migrations of this one.",
)
UNCERTAIN = declare(
    "unavailable.store.uncertain",
    "It is not known whether the commit took effect.",
    "Count it as not done, and submit the same bytes again: what was registered is found again.",
)
DAMAGED_FILE = declare(
    "damaged.store.file",
    "The file is not a database, or it is damaged.",
    "Check the path. If it is right, restore the database from a copy and run `cellbook fsck`.",
)
DUPLICATE = declare(
    "conflict.store.duplicate",
    "A row with the same key is there already.",
    "Look the entry up by its content id before appending it.",
)
FAILED = declare(
    "unavailable.store.failed",
    "The database refused an operation.",
    "Read the detail and the database's own log.",
)


class StoreUncertain(UnavailableError):
    """A commit was sent and its outcome is not known. It counts as not done.

    The connection is gone when this is raised: look the content ids up on a new one.
    """


# SQLite's primary result codes (the low byte of an extended one).
_SQLITE: dict[int, ErrorCode] = {
    3: READ_ONLY,  # PERM
    5: LOCKED,  # BUSY
    6: LOCKED,
    8: READ_ONLY,
    10: UNREADABLE,  # IOERR
    11: DAMAGED_FILE,  # CORRUPT
    13: FULL,
    14: UNREADABLE,  # CANTOPEN
    19: DUPLICATE,  # CONSTRAINT
    26: DAMAGED_FILE,  # NOTADB
}
_POSTGRES: dict[str, ErrorCode] = {
    "23505": DUPLICATE,
    "25006": READ_ONLY,
    "25P03": LOCKED,  # we were idle too long with the head row, and were put out
    "3D000": UNREADABLE,  # no such database
    "3F000": SCHEMA,
    "40P01": LOCKED,
    "42501": READ_ONLY,  # insufficient privilege
    "42703": SCHEMA,
    "42P01": SCHEMA,  # no such table
    "53100": FULL,
    "53300": LOCKED,  # too many connections
    "55P03": LOCKED,
    "57014": LOCKED,  # cancelled by a statement timeout or an administrator
    "XX001": DAMAGED_FILE,
    "XX002": DAMAGED_FILE,
}


def translate(error: Exception, where: str = "database") -> CellbookError:
    """The CellbookError for an exception of SQLAlchemy or of a driver."""
    if isinstance(error, CellbookError):
        return error
    if isinstance(error, exc.TimeoutError):
        return LOCKED.at(where, "every connection of this process is in use")
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return _code(error, origin).at(where, _first_line(origin))


def uncertain(where: str, detail: str) -> StoreUncertain:
    """The exception for a commit whose outcome is not known."""
    return StoreUncertain(UNCERTAIN, where, detail, {})


def is_busy(origin: object) -> bool:
    """Whether a driver's error says that another SQLite connection holds the write lock."""
    return _sqlite_code(origin) in (5, 6)


def is_full(origin: object) -> bool:
    """Whether a driver's error says that SQLite found no space."""
    return _sqlite_code(origin) == 13


def _code(error: Exception, origin: Any) -> ErrorCode:
    sqlite = _sqlite_code(origin)
    if sqlite is not None:
        if "no such table" in str(origin) or "no such column" in str(origin):
            return SCHEMA
        return _SQLITE.get(sqlite, FAILED)
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return _POSTGRES.get(state, UNREADABLE if state[:2] in ("08", "28", "57") else FAILED)
    # psycopg gives no SQLSTATE when there is no server to give one.
    lost = isinstance(error, exc.OperationalError | exc.InterfaceError)
    return UNREADABLE if lost else FAILED


def _sqlite_code(origin: object) -> int | None:
    code = getattr(origin, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _first_line(origin: object) -> str:
    lines = str(origin).strip().splitlines()
    return lines[0][:300] if lines else type(origin).__name__
