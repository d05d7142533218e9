"""Batteries over HTTP: found by any name, shown, and given away as a dossier that verifies."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ledger.proof.dossier import decode_dossier
from ledger.wire.base64text import encode_base64url
from tests.api.exchange import location, outline, post_batch, problem
from tests.log.building import World

LINK = "https://id.gs1.org/01/09506000134352/21/4A6P0001"


@pytest.fixture(scope="module")
def battery(world: World, client: httpx.Client) -> str:
    """A battery that was made, under two names."""
    subject = world.battery()
    made = world.event("manufacture", subject, uris=(subject, LINK))
    assert outline(post_batch(client, made, world.event("install", subject))) == [None, None]
    return subject


def segment(subject: str) -> str:
    return encode_base64url(subject.encode())


def find(client: httpx.Client, name: str) -> httpx.Response:
    return client.get("/batteries", params={"id": name})


def test_a_battery_is_found_by_code_and_uri(client: httpx.Client, battery: str) -> None:
    code = battery.rpartition(":")[2]
    for name in (battery, code, code.lower()):
        found = find(client, name).json()
        assert found["subject"] == battery
        assert found["links"]["battery"] == f"/batteries/{segment(battery)}"
        assert client.get(found["links"]["battery"]).json()["subject"] == battery


def test_a_battery_is_found_by_its_further_name(client: httpx.Client, battery: str) -> None:
    for name in (LINK, "(01)09506000134352(21)4A6P0001"):
        assert find(client, name).json()["subject"] == battery


def test_a_battery_that_is_not_there(client: httpx.Client) -> None:
    for response in (
        find(client, "nothing"),
        find(client, "\0"),
        client.get(f"/batteries/{segment('urn:cellbook:gbt34014:nothing')}"),
        client.get(f"/batteries/{segment('urn:cellbook:gbt34014:nothing')}/dossier"),
    ):
        assert response.status_code == 404
        assert problem(response)["code"] == "missing.battery"


@pytest.mark.parametrize("query", ["", "?id=", "?id=a&id=b", "?other=1", f"?id={'a' * 513}"])
def test_a_search_that_says_nothing(client: httpx.Client, query: str) -> None:
    response = client.get(f"/batteries{query}")
    assert response.status_code == 400
    assert problem(response)["code"] == "usage.http.query"


@pytest.mark.parametrize("text", ["A", "not base64", "_w", "é"])
@pytest.mark.parametrize("suffix", ["", "/dossier"])
def test_a_path_that_names_no_subject(client: httpx.Client, text: str, suffix: str) -> None:
    response = client.get(f"/batteries/{text}{suffix}")
    assert response.status_code == 400
    assert problem(response)["code"] == "usage.http.subject"


def test_a_battery_is_shown_with_its_entries(
    world: World, client: httpx.Client, battery: str
) -> None:
    response = client.get(f"/batteries/{segment(battery)}")
    assert response.headers["content-type"] == "application/json"
    shown: dict[str, Any] = response.json()
    owner = world.operators["owner"].uri
    assert (shown["physical"], shown["status"], shown["record"]) == (
        "installed", "original", "active",
    )  # fmt: skip
    assert (shown["maker"], shown["possessor"]) == (owner, owner)
    kinds = [entry["kind"] for entry in shown["entries"]]
    assert kinds == ["manufacture", "install"]
    first = shown["entries"][0]
    assert shown["made"]["locator"] == first["locator"]
    assert client.get(first["receipt"]).status_code == 200
    assert client.get(first["statement"]).status_code == 200


def test_the_dossier_covers_the_newest_entry(
    world: World, client: httpx.Client, battery: str
) -> None:
    response = client.get(f"/batteries/{segment(battery)}/dossier")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.cellbook.dossier+cbor"
    code = battery.rpartition(":")[2]
    assert response.headers["content-disposition"] == f'attachment; filename="{code}.dossier"'
    dossier = decode_dossier(response.content)
    assert dossier.subject == battery
    leaves = {entry.leaf for entry in dossier.entries}
    shown = client.get(f"/batteries/{segment(battery)}").json()
    for entry in shown["entries"]:
        index = entry["index"]
        stored = world.store.entry(index)
        assert stored is not None
        assert stored.leaf in leaves
        assert location(stored.leaf) == entry["receipt"]


def test_a_search_gives_pages_that_lead_on(world: World, client: httpx.Client) -> None:
    packs = [world.battery() for _ in range(3)]
    made = [world.event("manufacture", pack, batch_id="B ä&7") for pack in packs]
    assert outline(post_batch(client, *made)) == [None] * 3
    page = client.get("/batteries", params={"q": "B ä&7", "kind": "batch", "limit": "2"}).json()
    assert [hit["subject"] for hit in page["hits"]] == packs[:2]
    assert page["hits"][0]["kinds"] == ["batch"]
    links = page["hits"][0]["links"]
    assert client.get(links["battery"]).json()["subject"] == packs[0]
    last = client.get(page["next"]).json()
    assert [hit["subject"] for hit in last["hits"]] == packs[2:]
    assert last["next"] is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?q=", "usage.http.query"),
        ("?q=a&q=b", "usage.http.query"),
        ("?q=a&id=b", "usage.http.query"),
        ("?q=a&limit=many", "usage.http.query"),
        (f"?q={'a' * 513}", "usage.http.query"),
        ("?q=a&limit=0", "usage.search.page"),
        ("?q=a&after=urn:none", "usage.search.page"),
        ("?q=a&kind=vin", "usage.search.kind"),
    ],
)
def test_a_search_that_cannot_be(client: httpx.Client, query: str, code: str) -> None:
    response = client.get(f"/batteries{query}")
    assert response.status_code == 400
    assert problem(response)["code"] == code
