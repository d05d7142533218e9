"""Operators over HTTP: shown by the service's word, and in a file that proves what it can."""

from __future__ import annotations

import time
from hashlib import sha256

import httpx
import pytest

from ledger.custody.values.times import format_moment
from ledger.log.reading.suppliers import SAMPLE
from ledger.proof.checkpoint import parse_body
from ledger.proof.supplier import decode_supplier
from ledger.proof.verify_supplier import verify_supplier
from ledger.wire.base64text import encode_base64url
from tests.api.exchange import problem
from tests.log.building import World, operator_uri
from tests.proof.building import trust_of

OWNER = operator_uri("owner")


def path_of(operator: str) -> str:
    return f"/operators/{encode_base64url(operator.encode())}"


@pytest.fixture(scope="module")
def packs(world: World) -> list[str]:
    packs = [world.battery() for _ in range(SAMPLE + 5)]
    for pack in packs:
        world.live(pack, "manufacture")
    world.live(packs[0], "install", "decommission", "recycle")
    return packs


def test_an_operator_is_shown(client: httpx.Client, packs: list[str]) -> None:
    shown = client.get(path_of(OWNER)).json()
    assert shown["operator"] == OWNER
    assert shown["word"] == "stated by the service"
    assert shown["removed"] is None
    assert "maker" in shown["roles"]
    assert shown["keys"][0]["revoked"] is None
    assert shown["units"] >= len(packs)
    assert shown["more"] is False
    assert "the service's calculation" in shown["activity"]
    counts = shown["counts"]
    assert counts["recycled"] >= 1
    assert counts["in_stock"] >= len(packs) - 1
    assert counts["missing"] == 0
    assert shown["facilities"] == []
    assert len(shown["sample"]) == SAMPLE


def test_the_sample_can_be_drawn_again(client: httpx.Client, packs: list[str]) -> None:
    """By anybody: with the search, and the checkpoint's root."""
    note, shown = b"", {}
    while note != (note := client.get("/checkpoint").content):  # heads may still come
        shown = client.get(path_of(OWNER)).json()
    root = parse_body(note.rpartition(b"\n\n")[0] + b"\n").root
    seed = sha256(OWNER.encode() + b"\x00" + root).digest()
    assert shown["seed"] == seed.hex()
    found = client.get("/batteries", params={"q": OWNER, "kind": "operator"}).json()
    units = [hit["subject"] for hit in found["hits"]]
    assert set(packs) <= set(units)
    drawn = sorted(units, key=lambda uri: sha256(seed + uri.encode()).digest())[:SAMPLE]
    assert {unit["subject"] for unit in shown["sample"]} == set(drawn)
    for unit in shown["sample"]:
        assert unit["held"] is (unit["physical"] in ("made", "installed", "removed"))
        assert client.get(unit["dossier"]).status_code == 200


@pytest.mark.usefixtures("packs")
def test_the_file_proves_the_registration(client: httpx.Client, world: World) -> None:
    day = format_moment(int(time.time()))[:10]
    link = client.get(path_of(OWNER)).json()["links"]["file"]
    response = client.get(link, params={"day": day})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.cellbook.supplier+cbor"
    assert f"{day}.supplier" in response.headers["content-disposition"]
    assert decode_supplier(response.content).operator == OWNER
    found = verify_supplier(response.content, trust_of(world), int(time.time()) + 60)
    assert found.now.removed is None


def test_what_is_refused(client: httpx.Client) -> None:
    for path, status, code in (
        (path_of("https://nobody.example"), 404, "missing.operator.log"),
        (f"{path_of('https://nobody.example')}/file?day=2026-01-01", 404, "missing.operator.log"),
        (f"{path_of(OWNER)}/file", 400, "usage.http.query"),
        (f"{path_of(OWNER)}/file?day=1&day=2", 400, "usage.http.query"),
        (f"{path_of(OWNER)}/file?day=soon", 400, "malformed.date"),
        ("/operators/%21", 400, "usage.http.query"),
        (path_of("urn:cellbook:list:x"), 404, "missing.operator.log"),
    ):
        response = client.get(path)
        assert (response.status_code, problem(response)["code"]) == (status, code), path
