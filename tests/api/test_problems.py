"""How errors leave the service: in which form, with which members, and what stays inside."""

from __future__ import annotations

import json

import httpx
import pytest

from api.problems import CONCISE, CUSTOM, concise, problem_json, wants_json
from api.refusals import BATCH_COUNT, FAULT, MEDIA_TYPE, status_of
from keys.errors import CLASSES
from ledger.log.desk import SAME_CONTENT
from ledger.log.reading.published import NO_ENTRY
from ledger.store.failures import UNREADABLE
from ledger.wire import cbor
from tests.api.exchange import problem

JSON_FIRST = [
    "application/json",
    "application/problem+json",
    "Application/JSON; charset=utf-8",
    "application/cose, application/problem+json",
    "application/json;q=0.2, */*",
    "application/json, application/cbor;q=0.9",
]
CBOR_FIRST = [
    "",
    "*/*",
    "application/*",
    "application/cose",
    "text/html, */*;q=0.8",
    CONCISE,
    "application/json;q=0",
    "application/json;q=broken",
    "application/json, application/cbor",
    f"application/json;q=0.5, {CONCISE};q=0.6",
]


@pytest.mark.parametrize("accept", JSON_FIRST)
def test_who_names_json_gets_json(accept: str) -> None:
    assert wants_json(accept)


@pytest.mark.parametrize("accept", CBOR_FIRST)
def test_everybody_else_gets_cbor(accept: str) -> None:
    assert not wants_json(accept)


@pytest.mark.parametrize("accept", JSON_FIRST)
def test_the_service_answers_in_json(client: httpx.Client, accept: str) -> None:
    response = client.get(f"/entries/{'A' * 43}", headers={"Accept": accept})
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["type"] == "urn:cellbook:error:missing.entry"
    assert (found["title"], found["status"], found["code"]) == ("Not Found", 404, "missing.entry")
    assert found["where"] == "entry"
    assert found["detail"]
    assert found["remedy"]


@pytest.mark.parametrize("accept", CBOR_FIRST)
def test_the_service_answers_in_cbor(client: httpx.Client, accept: str) -> None:
    response = client.get(f"/entries/{'A' * 43}", headers={"Accept": accept})
    assert problem(response)["code"] == "missing.entry"


def test_a_concise_problem_is_a_map_of_rfc_9290() -> None:
    value = cbor.decode(concise(NO_ENTRY.at("entry 7", "gone")))
    assert value == {
        -1: "Not Found",
        -2: "entry 7: There is no entry with this id in this log: gone",
        CUSTOM: {
            "code": "missing.entry",
            "status": 404,
            "where": "entry 7",
            "remedy": NO_ENTRY.remedy,
        },
    }


def test_facts_and_location_are_members() -> None:
    error = SAME_CONTENT.at("signature", "", location="abc", entry=7)
    value = cbor.decode(concise(error))
    assert isinstance(value, dict)
    ours = value[CUSTOM]
    assert isinstance(ours, dict)
    assert (ours["location"], ours["entry"], ours["status"]) == ("/entries/abc", 7, 409)
    assert json.loads(problem_json(error))["location"] == "/entries/abc"


def test_what_is_wrong_inside_stays_inside() -> None:
    error = UNREADABLE.at("/srv/secret/ledger.db", "password of user cellbook")
    for data in (concise(error), problem_json(error)):
        assert b"secret" not in data
        assert b"password" not in data
        assert b"unavailable.store.unreadable" in data


def test_statuses_are_those_of_the_class_but_for_http_itself() -> None:
    assert status_of(NO_ENTRY.at()) == CLASSES["missing"].http_status
    assert status_of(MEDIA_TYPE.at()) == 415
    assert status_of(BATCH_COUNT.at()) == 413
    assert status_of(FAULT.at()) == 500
