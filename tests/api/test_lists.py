"""Lists over HTTP: stated by a publisher, handed in, shown, and proved."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from ledger.custody.lists.rows import document_of, encode_document, parse_document
from ledger.proof.participation import decode_participation
from ledger.wire.base64text import encode_base64url
from tests.api.exchange import post, problem
from tests.log.building import World
from tests.log.listing import AFTER, BEFORE, GREEN, PUBLISHER, SCHEME, Publishers, row

LIST = "application/vnd.cellbook.list+cbor"
WAIT = 60.0


@pytest.fixture(scope="module")
def publishers(world: World) -> Publishers:
    return Publishers(world)


@pytest.fixture(scope="module")
def stated(publishers: Publishers, client: httpx.Client) -> None:
    """The list of 2023 with its rows."""
    response = post(client, publishers.snapshot(BEFORE, "2023-01-05", announcement="60/2022"))
    assert response.status_code == 201
    assert put(client, BEFORE.root, encode_document(BEFORE)).status_code == 204


def path_of(root: bytes, scheme: str = SCHEME) -> str:
    return f"/lists/{scheme}/rows/{encode_base64url(root)}"


def put(client: httpx.Client, root: bytes, data: bytes, **headers: str) -> httpx.Response:
    return client.put(path_of(root), content=data, headers={"Content-Type": LIST, **headers})


def code_of(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    code: str = problem(response)["code"]
    return code


@pytest.mark.usefixtures("stated")
def test_a_list_is_shown(client: httpx.Client) -> None:
    assert client.get("/lists").json() == {
        "lists": [{"scheme": SCHEME, "list": f"/lists/{SCHEME}"}]
    }
    shown = client.get(f"/lists/{SCHEME}").json()
    assert shown["utc_offset_min"] == 480
    (snapshot,) = shown["snapshots"]
    assert snapshot["publisher"] == PUBLISHER
    assert (snapshot["announcement"], snapshot["effective"]) == ("60/2022", "2023-01-05")
    assert (snapshot["identifiers"], snapshot["rows"]) == (2, 2)
    assert snapshot["rows_path"] == path_of(BEFORE.root)
    assert client.get(snapshot["receipt"]).status_code == 200
    rows = client.get(snapshot["rows_path"])
    assert rows.headers["content-type"] == LIST
    assert parse_document(rows.content) == BEFORE


@pytest.mark.usefixtures("stated")
def test_the_same_rows_may_be_handed_in_again(client: httpx.Client) -> None:
    response = put(client, BEFORE.root, encode_document(BEFORE))
    assert response.status_code == 204
    assert response.headers["location"] == path_of(BEFORE.root)
    assert response.content == b""


@pytest.mark.usefixtures("stated")
def test_a_participation_file_is_given(client: httpx.Client) -> None:
    query = {"identifier": GREEN, "day": "2026-07-30"}
    deadline = time.monotonic() + WAIT
    while True:
        response = client.get(f"/lists/{SCHEME}/participation", params=query)
        file = decode_participation(response.content)
        if file.proofs or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert response.headers["content-type"] == "application/vnd.cellbook.participation+cbor"
    assert "2026-07-30.participation" in response.headers["content-disposition"]
    assert (file.scheme, file.identifier, file.day) == (SCHEME, GREEN, "2026-07-30")
    assert len(file.proofs) == 1


@pytest.mark.usefixtures("stated")
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "usage.http.query"),
        ({"identifier": GREEN}, 400, "usage.http.query"),
        ({"identifier": "", "day": "2026-07-30"}, 400, "usage.http.query"),
        ({"identifier": "A B", "day": "2026-07-30"}, 400, "malformed.list.leaf"),
        ({"identifier": GREEN, "day": "2026-02-30"}, 400, "malformed.date"),
    ],
)
def test_questions_that_are_none(client: httpx.Client, query: Any, status: int, code: str) -> None:
    assert code_of(client.get(f"/lists/{SCHEME}/participation", params=query), status) == code


@pytest.mark.usefixtures("stated")
def test_lists_that_are_not_there(client: httpx.Client) -> None:
    other = path_of(BEFORE.root, "other-scheme")
    for path in (
        "/lists/other-scheme",
        other,
        "/lists/other-scheme/participation?identifier=A&day=2026-07-30",
    ):
        assert code_of(client.get(path), 404) == "missing.list"
    assert code_of(client.get("/lists/Not%20a%20scheme"), 400) == "malformed.list.scheme"
    assert code_of(client.get(path_of(AFTER.root)), 404) == "missing.list.snapshot"
    for root in ("x", encode_base64url(b"short"), "A" * 42 + "B"):
        response = client.get(f"/lists/{SCHEME}/rows/{root}")
        assert code_of(response, 400) == "usage.http.query"


@pytest.mark.usefixtures("stated")
def test_rows_that_nobody_stated_are_refused(client: httpx.Client) -> None:
    assert code_of(put(client, AFTER.root, encode_document(AFTER)), 404) == "missing.list.snapshot"
    assert code_of(put(client, BEFORE.root, encode_document(AFTER)), 400) == "failed.list.root"
    assert code_of(put(client, BEFORE.root, b"\xa0"), 400) == "malformed.list.document"
    headers = {"Content-Type": "application/cbor"}
    response = put(client, BEFORE.root, encode_document(BEFORE), **headers)
    assert code_of(response, 415) == "usage.http.media-type"
    response = client.put(
        path_of(BEFORE.root), content=bytes((16 << 20) + 1), headers={"Content-Type": LIST}
    )
    assert code_of(response, 413) == "usage.http.body-size"
    assert client.post(path_of(BEFORE.root), content=b"").status_code == 405


@pytest.mark.usefixtures("stated")
def test_one_publisher_states_one_list_for_one_day(
    client: httpx.Client, publishers: Publishers
) -> None:
    again = publishers.snapshot(AFTER, "2023-01-05")
    assert code_of(post(client, again), 400) == "rejected.list.effective"


def test_a_list_of_another_scheme_takes_any_identifier(
    client: httpx.Client, publishers: Publishers
) -> None:
    document = document_of([("L0001", row("cells")), ("L0002", row("packs"))])
    data = publishers.snapshot(document, "2026-01-01", scheme="cnas-laboratories")
    assert post(client, data).status_code == 201
    path = path_of(document.root, "cnas-laboratories")
    response = client.put(path, content=encode_document(document), headers={"Content-Type": LIST})
    assert response.status_code == 204
    assert client.get(path).content == encode_document(document)
