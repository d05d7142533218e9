"""Databases that are missing, locked, read-only, full, damaged, or lost at the commit."""

# ruff: noqa: PT012  (what is tested is how a whole `writing` block ends)

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from keys.errors import CellbookError, UsageError
from ledger.store.engine import open_engine, sqlite_driver
from ledger.store.failures import StoreUncertain
from ledger.store.records import Counts
from ledger.store.sql import SqlStore
from tests.store.writers import grow

NOBODY = 65534


def code_of(action: object, *arguments: object) -> str:
    assert callable(action)
    with pytest.raises(CellbookError) as caught:
        action(*arguments)
    return caught.value.code


def append_one(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "log.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///log.db?mode=memory",
        "mysql://host/log",
        "postgresql+psycopg2://host/log",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        SqlStore.open(url)
    assert caught.value.code == "usage.store.url"


def test_a_password_is_not_repeated_in_a_refusal() -> None:
    store = SqlStore.open("postgresql://user:secret@localhost:1/log")
    with pytest.raises(CellbookError) as caught:
        store.head()
    assert caught.value.code == "unavailable.store.unreadable"
    assert "secret" not in str(caught.value.as_dict())


def test_sqlite_is_new_enough() -> None:
    assert sqlite_driver().sqlite_version_info >= (3, 51, 3)


def test_a_missing_file_is_not_made_by_reading_or_writing(tmp_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{tmp_path}/typo.db")
    for action in (store.head, store.check_schema, lambda: append_one(store)):
        assert code_of(action) == "unavailable.store.unreadable"
    assert list(tmp_path.iterdir()) == []


def test_a_log_cannot_be_made_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{tmp_path}/nowhere/log.db")
    assert code_of(store.create) == "unavailable.store.unreadable"


def test_a_database_without_tables_is_named(url: str, tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    store = SqlStore.open(url)
    for action in (store.head, store.check_schema, lambda: append_one(store)):
        assert code_of(action) == "unavailable.store.schema"
    store.close()


def test_a_database_of_another_version_is_named(url: str, store: SqlStore) -> None:
    with store._writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert code_of(store.check_schema) == "unavailable.store.schema"


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"something else, and long enough to be read\n" * 400)
    before = path.read_bytes()
    store = SqlStore.open(f"sqlite:///{path}")
    for action in (store.head, store.create, lambda: append_one(store)):
        assert code_of(action) == "damaged.store.file"
    assert path.read_bytes() == before


def test_a_torn_database_is_damaged(sqlite_path: Path) -> None:
    data = sqlite_path.read_bytes()
    sqlite_path.write_bytes(data[:4096] + os.urandom(len(data) - 4096))
    store = SqlStore.open(f"sqlite:///{sqlite_path}")
    assert code_of(store.head) == "damaged.store.file"


def test_a_full_database_refuses_and_keeps_what_it_has(sqlite_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{sqlite_path}")
    append_one(store)
    limit_pages(store, 1)  # SQLite takes the present size where the limit is smaller
    with pytest.raises(CellbookError) as caught, store.writing() as writing:
        grow(writing, 500)
    assert caught.value.code == "unavailable.store.full"
    assert store.counts() == Counts(1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    limit_pages(store, 1 << 30)
    with store.writing() as writing:
        grow(writing, 500)
    assert store.head().size == 501
    store.close()


def limit_pages(store: SqlStore, pages: int) -> None:
    with store._writer.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_commit_that_cannot_be_written_is_uncertain(sqlite_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{sqlite_path}")
    append_one(store)
    log = sqlite_path.with_name("log.db-wal")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(StoreUncertain) as caught, store.writing() as writing:
            grow(writing, 50)
            resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 5000, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert caught.value.code == "unavailable.store.uncertain"
    assert store.head().size in (1, 51)
    append_one(store)
    store.close()


def test_a_read_only_database_says_so() -> None:
    # Beside the folders of pytest, into which no other user gets.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        store = SqlStore.open(f"sqlite:///{path}")
        store.create()
        append_one(store)
        store.close()
        path.chmod(0o444)
        path.parent.chmod(0o777)
        codes = as_nobody(path)
    assert codes == ["unavailable.store.read-only", "size 1"]


def as_nobody(path: Path) -> list[str]:
    """What a user without write access gets from writing and from reading."""
    reading, answer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(answer, "\n".join(try_as_nobody(path)).encode())
        finally:
            os._exit(0)
    os.close(answer)
    os.waitpid(child, 0)
    with os.fdopen(reading) as lines:
        return lines.read().splitlines()


def try_as_nobody(path: Path) -> list[str]:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    store = SqlStore.open(f"sqlite:///{path}")
    said = []
    try:
        append_one(store)
    except CellbookError as error:
        said.append(error.code)
    try:
        said.append(f"size {store.head().size}")
    except CellbookError as error:
        said.append(error.code)
    return said


@pytest.mark.postgres
def test_a_database_that_takes_no_writes_says_so(postgres_store: SqlStore) -> None:
    with postgres_store._writer.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar()
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres_store.close()
    assert code_of(append_one, postgres_store) == "unavailable.store.read-only"
    assert postgres_store.head().size == 0


@pytest.mark.postgres
def test_a_missing_database_or_server_is_named(postgres_url: str, tmp_path: Path) -> None:
    for url in (postgres_url.replace("/test_", "/none_"), f"postgresql:///log?host={tmp_path}"):
        assert code_of(SqlStore.open(url).head) == "unavailable.store.unreadable"


@pytest.mark.postgres
def test_a_connection_lost_at_the_commit_is_uncertain(
    postgres_store: SqlStore, postgres_url: str
) -> None:
    with pytest.raises(StoreUncertain) as caught, postgres_store.writing() as writing:
        grow(writing)
        end_session(postgres_url, backend(writing))
    assert caught.value.code == "unavailable.store.uncertain"
    assert postgres_store.head().size == 0
    append_one(postgres_store)
    assert postgres_store.head().size == 1


@pytest.mark.postgres
def test_a_connection_lost_before_the_commit_is_plainly_not_done(
    postgres_store: SqlStore, postgres_url: str
) -> None:
    with pytest.raises(CellbookError) as caught, postgres_store.writing() as writing:
        end_session(postgres_url, backend(writing))
        grow(writing)
    assert caught.value.code == "unavailable.store.unreadable"
    append_one(postgres_store)


@pytest.mark.postgres
def test_a_commit_that_no_standby_confirmed_is_uncertain(
    postgres_store: SqlStore, postgres_server: str
) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        set_standby(admin, "nobody")
        try:
            with pytest.raises(StoreUncertain) as caught, postgres_store.writing() as writing:
                grow(writing)
                cancel_when_waiting(postgres_server, backend(writing))
        finally:
            set_standby(admin, "")
    assert "canceling wait" in caught.value.describe()
    # PostgreSQL called it a success: the entry is found by its content id.
    assert postgres_store.head().size == 1
    append_one(postgres_store)


def backend(writing: object) -> int:
    connection = writing._connection  # type: ignore[attr-defined]
    pid: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    return pid


def end_session(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def set_standby(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
    admin.execute("SELECT pg_reload_conf()")
    for _ in range(3000):
        if admin.execute("SHOW synchronous_standby_names").fetchone() == (name,):
            return
        time.sleep(0.02)
    raise AssertionError("the server did not take the setting")


def cancel_when_waiting(url: str, pid: int) -> None:
    def cancel() -> None:
        with psycopg.connect(url, autocommit=True) as admin:
            for _ in range(3000):
                state = admin.execute(
                    "SELECT wait_event FROM pg_stat_activity WHERE pid = %s", (pid,)
                ).fetchone()
                if state == ("SyncRep",):
                    admin.execute("SELECT pg_cancel_backend(%s)", (pid,))
                    return
                time.sleep(0.02)

    threading.Thread(target=cancel).start()


@pytest.mark.postgres
def test_a_commit_is_durable_whatever_the_database_prefers(postgres_store: SqlStore) -> None:
    with postgres_store._writer.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar()
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    postgres_store.close()
    with postgres_store._writer.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_sqlite_is_set_up_to_keep_what_it_acknowledged(sqlite_path: Path) -> None:
    engine = open_engine(f"sqlite:///{sqlite_path}")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5}


def test_a_reading_engine_cannot_write(url: str, store: SqlStore) -> None:
    engine = open_engine(url, read_only=True)
    with engine.connect() as connection, pytest.raises(Exception, match=r"read-?only"):
        connection.execute(text("DELETE FROM log_head"))
    engine.dispose()
    assert store.head().size == 0
