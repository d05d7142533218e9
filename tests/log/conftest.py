"""Fixtures: worlds on a SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.log.building import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger with all operators of ``building.ROLES``, at a time that stands still."""
    with World(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One ledger for the tests of a module that each use batteries of their own."""
    with World(tmp_path_factory.mktemp("world")) as made:
        yield made
