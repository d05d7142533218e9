"""Fixtures for every room. One that cannot be made fails its test; nothing is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL that runs while the tests do."""
    from tests.postgres import running_server

    with running_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty database on that server."""
    from tests.postgres import fresh_database

    with fresh_database(postgres_server) as url:
        yield url
