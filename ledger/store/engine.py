"""Connections to SQLite and PostgreSQL, set up so that a commit is durable and a wait is bounded.

SQLite before 3.51.3 can corrupt a database in WAL mode when two connections write and checkpoint
at once, so an older one is refused. Transactions begin where we say: the driver's own implicit
BEGIN is off, because a deferred transaction reads before it holds the lock.
"""

from __future__ import annotations

import os
import time
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from keys.errors import declare
from ledger.store.failures import UNREADABLE, is_busy, translate

SQLITE_VERSION = declare(
    "unavailable.store.sqlite-version",
    "The SQLite of this Python can corrupt a database that two connections write to.",
    "Install pysqlite3 (it is in the server extra), or a Python with SQLite 3.51.3 or newer.",
)
STORE_URL = declare(
    "usage.store.url",
    "This is not the URL of a store.",
    "Use sqlite:///PATH for a file, or postgresql://USER@HOST/DATABASE.",
)

OLDEST_SQLITE = (3, 51, 3)
LOCK_TIMEOUT = 10.0
"""Seconds that a statement waits for somebody else's lock before it gives up."""

# Per connection. A reader's cache is thrown away whenever another connection commits, so only the
# one writing connection of a process gets a large one.
_WRITER_CACHE_KIB = 96 * 1024
_READER_CACHE_KIB = 8 * 1024
# 64 MiB of log between checkpoints: pages that many entries touch are then written back once.
_CHECKPOINT_PAGES = 16384
_BUSY_STEP = 0.001
_READERS = 8


def open_engine(
    url: str | URL, *, read_only: bool = False, lock_timeout: float = LOCK_TIMEOUT
) -> Engine:
    """An engine for the store at ``url``; nothing is opened before its first use.

    A ``read_only`` engine's transactions see one snapshot and cannot write. Otherwise a
    transaction on SQLite takes the write lock at once (BEGIN IMMEDIATE), and there is one
    connection. Raises ``usage.store.url`` and ``unavailable.store.sqlite-version``. A SQLite file
    that does not exist is not made here (``ledger.store.sql.SqlStore.create`` does).
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, read_only, lock_timeout)
    return _postgres(parsed, read_only, lock_timeout)


def make_file(url: URL) -> None:
    """Make the file of a SQLite store, empty, where there is none; otherwise do nothing.

    Engines open existing files only, so that a mistyped path makes no empty database. Raises
    ``unavailable.store.unreadable``.
    """
    if url.get_backend_name() != "sqlite":
        return
    try:
        os.close(os.open(str(url.database), os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UNREADABLE.at("database", str(error.strerror)) from error


def parse_url(url: str | URL) -> URL:
    """The URL with its driver fixed: psycopg 3 or SQLite on a file. Raises ``usage.store.url``."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise STORE_URL.at("database URL", "it cannot be parsed") from error
    if parsed.drivername == "sqlite":
        if parsed.database in (None, "", ":memory:") or parsed.query:
            raise STORE_URL.at("database URL", "a SQLite store is a file, without options")
        return parsed
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise STORE_URL.at("database URL", f"unknown kind {parsed.drivername!r}")


def sqlite_driver() -> ModuleType:
    """sqlite3 or pysqlite3, if new enough. Raises ``unavailable.store.sqlite-version``."""
    found: list[str] = []
    for name in ("sqlite3", "pysqlite3"):
        try:
            module = __import__(f"{name}.dbapi2", fromlist=["dbapi2"])
        except ImportError:
            continue
        if module.sqlite_version_info >= OLDEST_SQLITE:
            return module
        found.append(f"{name} has {module.sqlite_version}")
    raise SQLITE_VERSION.at("SQLite", ", ".join(found) or "none is installed")


def _sqlite(url: URL, read_only: bool, lock_timeout: float) -> Engine:
    driver = sqlite_driver()
    address = f"file:{quote(str(url.database))}?mode=rw"

    def connect() -> Any:
        raw = driver.connect(
            address,
            uri=True,
            timeout=lock_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in _pragmas(read_only):
            # Two processes that turn a new file to WAL at once are told BUSY without any wait.
            _execute_patiently(raw, f"PRAGMA {pragma}", lock_timeout).fetchall()
        return raw

    engine = create_engine(
        url,
        module=driver,
        creator=connect,
        pool_size=_READERS if read_only else 1,
        max_overflow=_READERS if read_only else 0,
        pool_timeout=lock_timeout,
        pool_use_lifo=True,
    )
    event.listen(engine, "begin", _begin_reading if read_only else _begin_writing(lock_timeout))
    return engine


def _pragmas(read_only: bool) -> tuple[str, ...]:
    if read_only:
        return ("query_only=1", f"cache_size=-{_READER_CACHE_KIB}")
    return (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        f"journal_size_limit={_CHECKPOINT_PAGES * 4096}",
        f"cache_size=-{_WRITER_CACHE_KIB}",
        # The wait for the write lock is ours (_begin_writing): SQLite's own sleeps up to 0.1 s at
        # a time, in which another process commits many groups.
        "busy_timeout=5",
    )


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(lock_timeout: float) -> Any:
    def begin(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        try:
            _execute_patiently(raw, "BEGIN IMMEDIATE", lock_timeout)
        except Exception as error:
            # SQLAlchemy does not wrap what a listener raises.
            raise translate(error) from error

    return begin


def _execute_patiently(raw: Any, sql: str, timeout: float) -> Any:
    """Execute ``sql`` again and again while somebody else has the lock, for ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return raw.execute(sql)
        except Exception as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_STEP)


def _postgres(url: URL, read_only: bool, lock_timeout: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"connect_timeout": 10},
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        pool_size=_READERS if read_only else 1,
        max_overflow=_READERS if read_only else 0,
        pool_timeout=lock_timeout,
        pool_pre_ping=True,
    )
    settings = _postgres_settings(read_only, lock_timeout)

    def connected(raw: Any, record: Any) -> None:
        notices: list[str] = record.info.setdefault("notices", [])
        # The text is taken at once: psycopg frees what it came in.
        raw.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        raw.autocommit = True
        for name, value in settings:
            raw.execute("SELECT set_config(%s, %s, false)", (name, value))
        # An acknowledged entry is durable whatever the database's default is.
        if raw.execute("SHOW synchronous_commit").fetchone()[0] == "off":
            raw.execute("SET synchronous_commit = on")
        raw.autocommit = False

    event.listen(engine, "connect", connected)
    return engine


def _postgres_settings(read_only: bool, lock_timeout: float) -> list[tuple[str, str]]:
    settings = [
        ("application_name", "cellbook"),
        ("lock_timeout", str(int(lock_timeout * 1000))),
    ]
    if read_only:
        return [*settings, ("default_transaction_read_only", "on")]
    # A writer that hangs with the head row locked would stop every other host.
    return [*settings, ("idle_in_transaction_session_timeout", "60000")]
