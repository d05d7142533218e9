"""The store contract runs on both databases: a SQLite file and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.sql import SqlStore


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """An empty log."""
    opened = SqlStore.open(url)
    opened.create()
    yield opened
    opened.close()


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """The file of an empty log on SQLite, closed."""
    path = tmp_path / "log.db"
    created = SqlStore.open(f"sqlite:///{path}")
    created.create()
    created.close()
    return path


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[SqlStore]:
    """An empty log on PostgreSQL."""
    opened = SqlStore.open(postgres_url)
    opened.create()
    yield opened
    opened.close()
