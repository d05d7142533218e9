"""Fixtures: one ledger and one service on it for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.log.building import World
from tests.log.writers import now
from tests.service import Service, running_service


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with all operators, by the machine's clock, which the service goes by."""
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    """A service of that ledger in a process of its own."""
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    """A client of that service."""
    with httpx.Client(base_url=service.url, timeout=60) as opened:
        yield opened
