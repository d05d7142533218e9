"""How a transaction ends, and what becomes of connections in a forked process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from weakref import WeakSet

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool

from ledger.store.failures import FULL, is_full, translate, uncertain


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of SQLAlchemy and the drivers into CellbookErrors."""
    try:
        yield
    except SQLAlchemyError as error:
        raise translate(error) from error


def roll_back(connection: Connection) -> None:
    """Undo and give the connection back; if even that fails, throw the connection away."""
    try:
        connection.rollback()
    except SQLAlchemyError:
        _discard(connection)
    else:
        connection.close()


def commit(connection: Connection) -> None:
    """Commit and give the connection back.

    Raises ``StoreUncertain`` for whatever goes wrong, with one exception: SQLite that found no
    space wrote no commit record, which is ``unavailable.store.full``. PostgreSQL reports a commit
    whose wait for a standby was cancelled as a success with a warning, so any notice counts too.
    """
    notices: list[str] = connection.info.setdefault("notices", [])
    notices.clear()
    try:
        connection.commit()
    except SQLAlchemyError as error:
        _discard(connection)
        if is_full(getattr(error, "orig", None)):
            raise FULL.at("commit") from error
        raise uncertain("commit", translate(error).describe()) from error
    except BaseException:
        _discard(connection)
        raise
    if notices:
        said = notices[0]
        _discard(connection)
        raise uncertain("commit", said)
    connection.close()


def _discard(connection: Connection) -> None:
    with suppress(SQLAlchemyError):
        connection.invalidate()
    with suppress(SQLAlchemyError):
        connection.close()


_engines: WeakSet[Engine] = WeakSet()
_inherited: list[Pool] = []


def watch(*engines: Engine) -> None:
    """Let a forked process start with no connections of its parent."""
    _engines.update(engines)


def _after_fork() -> None:
    # The parent's connections are kept, unused: to close them here would end the parent's
    # PostgreSQL sessions, and SQLite must not be touched across a fork at all.
    for engine in list(_engines):
        _inherited.append(engine.pool)
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
