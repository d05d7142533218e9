"""Fixtures for every room. One that cannot be made fails its test; nothing is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_LONGEST_TEXT, _LONGEST_BYTES = 40, 16


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """The name of a case: that of its argument where the value is long, as keys made anew are.

    Cases must have the same names in every process that runs tests.
    """
    is_long = (isinstance(val, str) and len(val) > _LONGEST_TEXT) or (
        isinstance(val, bytes) and len(val) > _LONGEST_BYTES
    )
    return argname if is_long else None


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
