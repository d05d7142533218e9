"""One statement over HTTP: registered, registered again, refused, fetched."""

from __future__ import annotations

import cbor2
import httpx
import pytest

from keys.algorithms import ESP256
from ledger.custody.events import encode_event
from ledger.log.ledger import RECEIPTS_LABEL
from ledger.proof.receipt import verify_receipt
from ledger.wire.cose import encode_sign1
from ledger.wire.statement import TYP_EVENT, parse_statement, sign_statement
from tests.api.exchange import location, outline, post, post_batch, problem
from tests.log.building import World
from tests.log.test_bad_input import BAD, good, twisted

# It is made against a clock that stands still.
BY_CLOCK = {"time_in_the_future"}


def verify(world: World, receipt: bytes, data: bytes) -> None:
    verify_receipt(receipt=receipt, entry=parse_statement(data).leaf, key=world.ledger.keys()[0])


def test_a_statement_is_registered_and_its_receipt_verifies(
    world: World, client: httpx.Client
) -> None:
    data = good(world)
    response = post(client, data)
    assert response.status_code == 201
    assert response.headers["location"] == location(data)
    assert response.headers["content-type"] == "application/scitt-receipt+cose"
    assert response.headers["cellbook-duplicates"] == "0"
    verify(world, response.content, data)


def test_the_same_bytes_again_give_the_same_location_and_a_valid_receipt(
    world: World, client: httpx.Client
) -> None:
    data = good(world)
    first, second = post(client, data), post(client, data)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["cellbook-duplicates"] == "1"
    verify(world, second.content, data)


def test_what_counts_is_the_leaf_and_not_the_unprotected_header(
    world: World, client: httpx.Client
) -> None:
    data = good(world)
    statement = parse_statement(data)
    noted = encode_sign1(
        statement.protected, {-70_001: b"note"}, statement.payload, statement.signature
    )
    assert post(client, noted).headers["location"] == location(data)
    assert post(client, data).headers["cellbook-duplicates"] == "1"


def test_the_scitt_media_type_is_taken_too(world: World, client: httpx.Client) -> None:
    data = good(world)
    headers = {"Content-Type": 'Application/SCITT-statement+cose; x="y"'}
    assert client.post("/entries", content=data, headers=headers).status_code == 201


def test_who_accepts_cose_alone_gets_the_receipt_as_cose(
    world: World, client: httpx.Client
) -> None:
    response = post(client, good(world), Accept="application/cbor, application/cose")
    assert response.headers["content-type"] == "application/cose"
    fetched = client.get(response.headers["location"], headers={"Accept": "application/cose"})
    assert fetched.headers["content-type"] == "application/cose"


def test_receipt_and_transparent_statement_are_fetched(world: World, client: httpx.Client) -> None:
    data = good(world)
    path = post(client, data).headers["location"]
    receipt = client.get(path)
    assert receipt.status_code == 200
    assert receipt.headers["content-type"] == "application/scitt-receipt+cose"
    verify(world, receipt.content, data)
    transparent = client.get(f"{path}/statement")
    assert transparent.headers["content-type"] == "application/scitt-statement+cose"
    parts = cbor2.loads(transparent.content).value
    assert parse_statement(transparent.content).leaf == parse_statement(data).leaf
    verify(world, parts[1][RECEIPTS_LABEL][0], data)


@pytest.mark.parametrize("suffix", ["", "/statement"])
def test_an_unknown_entry_is_not_found(client: httpx.Client, suffix: str) -> None:
    response = client.get(f"/entries/{'A' * 43}{suffix}")
    found = problem(response)
    assert (response.status_code, found["title"]) == (404, "Not Found")
    assert found["code"] == "missing.entry"


@pytest.mark.parametrize("locator", ["A", "A" * 42 + "B", "A" * 44, "é", "A" * 42 + "="])
def test_an_invalid_locator_is_refused_by_the_title_of_scrapi(
    client: httpx.Client, locator: str
) -> None:
    response = client.get(f"/entries/{locator}")
    found = problem(response)
    assert (response.status_code, found["title"]) == (400, "Invalid locator")
    assert found["code"] == "malformed.locator"


def test_the_same_content_under_another_signature_names_what_is_registered(
    world: World, client: httpx.Client
) -> None:
    post(client, world.registration("curved", ("maker",), alg=ESP256))
    operator, battery = world.operators["curved"], world.battery()
    first, second = twisted(
        sign_statement(
            operator.signer, typ=TYP_EVENT, iss=operator.uri, sub=battery, aud=world.family,
            iat=world.clock(), payload=encode_event(world.make("manufacture", battery)),
        )
    )  # fmt: skip
    registered = post(client, first)
    assert registered.status_code == 201
    response = post(client, second)
    found = problem(response)
    assert response.status_code == 409
    assert found["code"] == "conflict.same-content"
    assert found["location"] == response.headers["location"] == registered.headers["location"]
    in_json = post(client, second, Accept="application/json").json()
    assert in_json["location"] == registered.headers["location"]


@pytest.mark.parametrize("name", sorted(BAD.keys() - BY_CLOCK))
def test_bad_input_is_refused_alone_and_in_a_batch(
    world: World, client: httpx.Client, name: str
) -> None:
    code, make = BAD[name]
    data = make(world)
    response = post(client, data)
    found = problem(response)
    assert found["code"] == code
    assert response.status_code == (409 if code.startswith("conflict.") else 400)
    assert found["title"]
    assert found["detail"]
    assert found["remedy"]
    assert outline(post_batch(client, good(world), data, good(world))) == [None, code, None]


def test_a_time_in_the_future_is_refused(world: World, client: httpx.Client) -> None:
    data = world.event("manufacture", world.battery(), iat=world.clock() + 3600)
    assert problem(post(client, data))["code"] == "rejected.ORD-9"


def test_what_is_refused_is_not_there(world: World, client: httpx.Client) -> None:
    data = world.event("install", world.battery())
    assert problem(post(client, data))["code"] == "rejected.ORD-1"
    assert client.get(location(data)).status_code == 404
