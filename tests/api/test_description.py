"""The OpenAPI document: whoever reads nothing else can use the service from it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from api.problems import CONCISE, PROBLEM_JSON
from keys.errors import catalogue

PATHS = {
    ("/entries", "post"),
    ("/entries/{locator}", "get"),
    ("/entries/{locator}/statement", "get"),
    ("/batches", "post"),
    ("/checkpoint", "get"),
    ("/checkpoint/cosignatures", "post"),
    ("/signed-root", "get"),
    ("/signed-root/{size}", "get"),
    ("/consistency/{size1}/{size2}", "get"),
    ("/tile/{path}", "get"),
    ("/.well-known/scitt-keys", "get"),
    ("/.well-known/scitt-keys/{kid}", "get"),
    ("/batteries", "get"),
    ("/batteries/{subject}", "get"),
    ("/batteries/{subject}/dossier", "get"),
    ("/lists", "get"),
    ("/lists/{scheme}", "get"),
    ("/lists/{scheme}/rows/{root}", "get"),
    ("/lists/{scheme}/rows/{root}", "put"),
    ("/lists/{scheme}/participation", "get"),
    ("/operators/{operator}", "get"),
    ("/operators/{operator}/file", "get"),
    ("/healthz", "get"),
    ("/readyz", "get"),
}


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


@pytest.fixture(params=sorted(PATHS), ids=lambda path: f"{path[1]} {path[0]}")
def operation(request: pytest.FixtureRequest, document: dict[str, Any]) -> dict[str, Any]:
    path, method = request.param
    found: dict[str, Any] = document["paths"][path][method]
    return {**found, "path": path, "method": method}


def test_every_route_is_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == PATHS
    assert document["openapi"].startswith("3.1")
    assert "No login" in document["info"]["description"]


def test_a_route_says_what_it_does(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert operation["operationId"]


def test_a_route_names_its_parameters(operation: dict[str, Any]) -> None:
    named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", operation["path"]))
    for parameter in operation.get("parameters", []):
        assert parameter["description"]
        assert parameter["example"]
        assert parameter["required"] or parameter["in"] == "query"


def test_a_post_says_what_it_takes(operation: dict[str, Any]) -> None:
    if operation["method"] in ("post", "put"):
        assert operation["requestBody"]["required"]
        assert operation["requestBody"]["content"]
        assert operation["requestBody"]["description"]


def test_answers_have_a_meaning_and_a_form(operation: dict[str, Any]) -> None:
    successes = [status for status in operation["responses"] if status.startswith("2")]
    assert successes
    for status, answer in operation["responses"].items():
        assert answer["description"] != "Successful Response"
        assert answer["description"]
        if status.startswith("2") and status not in ("202", "204"):
            assert answer["content"]
        elif status not in ("202", "204"):
            assert set(answer["content"]) == {CONCISE, PROBLEM_JSON}


def test_only_what_is_json_is_called_json(document: dict[str, Any]) -> None:
    called = {
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and "application/json" in answer.get("content", {})
    }
    assert called == {
        "/checkpoint/cosignatures",
        "/healthz",
        "/readyz",
        "/batteries",
        "/batteries/{subject}",
        "/lists",
        "/lists/{scheme}",
        "/operators/{operator}",
    }


def test_refusals_name_declared_codes(operation: dict[str, Any]) -> None:
    declared = {code.code for code in catalogue()}
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            continue
        named = re.findall(r"^- `([\w.-]+)`", answer["description"], re.M)
        assert named or "`" in answer["description"]
        assert set(named) <= declared


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                assert value["$ref"].rpartition("/")[2] in schemas
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    visit(document)


def test_no_page_loads_scripts_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404
