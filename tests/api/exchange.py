"""What tests of the service say and hear: requests with the right types, answers taken apart."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import cbor2
import httpx

from api.problems import CONCISE, CUSTOM
from api.sequence import byte_string
from ledger.wire import cbor
from ledger.wire.statement import parse_statement

COSE = {"Content-Type": "application/cose"}
BATCH = {"Content-Type": "application/cbor-seq"}


def post(client: httpx.Client, data: bytes, **headers: str) -> httpx.Response:
    """Submit one statement."""
    return client.post("/entries", content=data, headers={**COSE, **headers})


def post_batch(client: httpx.Client, *data: bytes) -> httpx.Response:
    """Submit statements as a batch."""
    return client.post("/batches", content=b"".join(map(byte_string, data)), headers=BATCH)


def problem(response: httpx.Response) -> dict[str, Any]:
    """The members of a concise problem, which the response must be."""
    assert response.headers["content-type"] == CONCISE
    found = members(cbor.decode(response.content))
    assert found["status"] == response.status_code
    return found


def members(value: Any) -> dict[str, Any]:
    """Title, detail and our members of a concise problem, in one map."""
    assert set(value) == {-1, -2, CUSTOM}
    return {"title": value[-1], "detail": value[-2], **value[CUSTOM]}


def items(response: httpx.Response) -> list[Any]:
    """The items of a batch's answer: receipts as bytes, problems as maps of their members."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/cbor-seq"
    stream, found = BytesIO(response.content), []
    while stream.tell() < len(response.content):
        value = cbor2.load(stream)
        found.append(value if isinstance(value, bytes) else members(value))
    return found


def outline(response: httpx.Response) -> list[str | None]:
    """The code of each item of a batch's answer, None for a receipt."""
    return [None if isinstance(item, bytes) else item["code"] for item in items(response)]


def location(data: bytes) -> str:
    """The path of a statement's entry."""
    return f"/entries/{parse_statement(data).locator}"
