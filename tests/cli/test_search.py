"""``cellbook search``: the same from a service and from a folder, page by page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.answering import Answering, Reply
from tests.cli.running import refused, run, run_json
from tests.log.building import World
from tests.log.writers import now
from tests.service import Service, running_service

LINK = "https://id.gs1.org/01/09506000134352/21/4A6P0001"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        yield made


@pytest.fixture(scope="module")
def packs(world: World) -> list[str]:
    packs = [world.battery() for _ in range(5)]
    for pack in packs:
        uris = (pack, LINK) if pack == packs[2] else (pack,)
        world.accepted(world.event("manufacture", pack, uris=uris, batch_id="B-77"))
    return packs


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture(params=["--url", "--home"])
def place(request: pytest.FixtureRequest, world: World, service: Service) -> tuple[object, ...]:
    where = service.url if request.param == "--url" else world.home.path
    return request.param, where


def test_batteries_are_found(place: tuple[object, ...], packs: list[str]) -> None:
    for query, kind, found in (
        (packs[1][-7:], "serial", [packs[1]]),
        ("B-77", "batch", packs),
        ("4a6p0001", "serial", [packs[2]]),
        ("(01)09506000134352(21)4A6P0001", "identifier", [packs[2]]),
        ("B-7", None, []),
    ):
        options = () if kind is None else ("--kind", kind)
        hits = run_json("search", query, *options, *place)["hits"]
        assert [hit["subject"] for hit in hits] == found
        assert all(hit["kinds"] == [kind] for hit in hits)


def test_pages(place: tuple[object, ...], packs: list[str]) -> None:
    first = run_json("search", "B-77", "--limit", 3, *place)
    assert [hit["subject"] for hit in first["hits"]] == packs[:3]
    rest = run_json("search", "B-77", "--limit", 3, "--after", first["after"], *place)
    assert [hit["subject"] for hit in rest["hits"]] == packs[3:]
    assert rest["after"] is None
    printed = run("search", "B-77", "--limit", 3, *place).stdout
    assert f"--after {packs[2]}" in printed
    assert packs[0].rpartition(":")[2] in printed
    assert packs[3].rpartition(":")[2] not in printed


def test_nothing_is_found(place: tuple[object, ...], packs: list[str]) -> None:
    assert "nothing was found" in run("search", "no such thing", *place).stdout


def test_what_cannot_be_searched(place: tuple[object, ...]) -> None:
    refused("usage.search.page", "search", "x", "--after", "urn:none", *place, code=2)
    refused("usage.search.source", "search", "x", code=2)
    refused(
        "usage.search.source", "search", "x", *place, "--url", "http://h", "--home", "h", code=2
    )


def test_what_a_service_answers_is_shown_without_its_escapes() -> None:
    body = b'{"hits": [{"subject": "urn:\\u001b[2J", "kinds": ["serial"]}], "next": null}'
    with Answering(Reply(200, body, {"Content-Type": "application/json"})) as service:
        printed = run("search", "x", "--url", service.url).stdout
    assert "\x1b" not in printed
    with Answering(Reply(200, b"[]", {"Content-Type": "application/json"})) as service:
        refused_once = run("search", "x", "--url", service.url, code=3).stderr
    assert "unavailable.service.answer" in refused_once
