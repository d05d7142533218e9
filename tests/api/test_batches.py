"""Many statements in one request: every one answered, in order, whatever the others are."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.intake import GROUP
from api.sequence import byte_string
from keys.signer import generate
from ledger.custody.names.parties import guest_uri
from ledger.proof.receipt import verify_receipt
from ledger.wire.statement import parse_statement
from tests.api.exchange import BATCH, items, location, outline, post, post_batch, problem
from tests.log.building import World
from tests.log.test_bad_input import bad_signature, good, truncated


def test_each_statement_gets_its_receipt(world: World, client: httpx.Client) -> None:
    data = [good(world) for _ in range(600)]
    response = post_batch(client, *data)
    assert response.headers["cellbook-duplicates"] == "0"
    receipts = items(response)
    assert len(receipts) == len(data)
    key = world.ledger.keys()[0]
    for receipt, statement in zip(receipts, data, strict=True):
        verify_receipt(receipt=receipt, entry=parse_statement(statement).leaf, key=key)
    assert client.get(location(data[-1])).status_code == 200


def test_good_bad_and_known_statements_are_told_apart(world: World, client: httpx.Client) -> None:
    known = good(world)
    post(client, known)
    response = post_batch(
        client, good(world), truncated(world), known, b"", bad_signature(world), good(world)
    )
    assert outline(response) == [
        None, "malformed.cbor.truncated", None, "malformed.cbor.empty", "failed.signature", None,
    ]  # fmt: skip
    assert response.headers["cellbook-duplicates"] == "1"
    assert items(response)[4]["status"] == 400


def test_a_statement_twice_in_one_batch_is_registered_once(
    world: World, client: httpx.Client
) -> None:
    data = good(world)
    response = post_batch(client, data, data)
    assert outline(response) == [None, None]
    assert response.headers["cellbook-duplicates"] == "1"


def test_a_whole_life_in_one_batch(world: World, client: httpx.Client) -> None:
    battery = world.battery()
    manufacture, install = world.event("manufacture", battery), world.event("install", battery)
    early = world.event("decommission", battery, install_ref=parse_statement(install).entry_id)
    response = post_batch(client, manufacture, early, install, early)
    assert outline(response)[0::2] == [None, None]
    assert outline(response)[1] is not None
    assert outline(response)[3] is None


def test_an_operator_and_its_first_events_may_come_together(
    world: World, client: httpx.Client
) -> None:
    registration = world.registration("newcomer", ("maker",))
    events = [world.event("manufacture", world.battery(), by="newcomer") for _ in range(300)]
    assert set(outline(post_batch(client, registration, *events))) == {None}


def test_a_revocation_in_a_batch_holds_for_what_follows(world: World, client: httpx.Client) -> None:
    signer = generate()
    world.accepted(world.registration("brief", ("maker",), signer=signer))
    before = [world.event("manufacture", world.battery(), by="brief") for _ in range(300)]
    after = [world.event("manufacture", world.battery(), by="brief") for _ in range(300)]
    codes = outline(post_batch(client, *before, world.revoke_key("brief"), *after))
    assert codes == [None] * 301 + ["rejected.KEY-1"] * 300


ILL_FORMED: dict[str, bytes] = {
    "an integer": b"\x01",
    "a text": b"\x61a",
    "a bare statement": b"\xd2\x84",
    "indefinite length": b"\x5f\x41a\xff",
    "a length not in shortest form": b"\x58\x01a",
    "a reserved length": b"\x5c",
    "more than is left": b"\x59\xff\xff" + bytes(9),
    "half a head": b"\x59\xff",
}


@pytest.mark.parametrize("name", ILL_FORMED)
def test_an_ill_formed_item_ends_the_batch_there(
    world: World, client: httpx.Client, name: str
) -> None:
    first, second, lost = good(world), good(world), good(world)
    taken = byte_string(first) + byte_string(second)
    body = taken + ILL_FORMED[name] + byte_string(lost)
    response = client.post("/batches", content=body, headers=BATCH)
    assert outline(response) == [None, None, "malformed.sequence"]
    assert items(response)[2]["where"] == f"byte {len(taken)}"
    assert client.get(location(second)).status_code == 200
    assert client.get(location(lost)).status_code == 404


def test_an_empty_batch_has_an_empty_answer(client: httpx.Client) -> None:
    response = post_batch(client)
    assert (response.status_code, response.content) == (200, b"")


def test_too_many_statements_are_refused_as_a_whole(world: World, client: httpx.Client) -> None:
    data = good(world)
    body = byte_string(data) + b"\x40" * 4096
    response = client.post("/batches", content=body, headers=BATCH)
    assert response.status_code == 413
    assert problem(response)["code"] == "usage.http.batch-count"
    assert client.get(location(data)).status_code == 404
    body = byte_string(data) + b"\x40" * 4095
    assert len(items(client.post("/batches", content=body, headers=BATCH))) == 4096


def test_a_batch_of_unknown_length_is_taken(world: World, client: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(3):
            data = byte_string(good(world))
            yield data[:100]
            yield data[100:]

    response = client.post("/batches", content=parts(), headers=BATCH)
    assert outline(response) == [None] * 3


def test_a_guest_answers_in_the_group_after_its_release(world: World, client: httpx.Client) -> None:
    """Its key comes with the last statement of one group, and signs the first of the next."""
    battery, guest = world.battery(), generate()
    name, key = guest_uri(guest.key.kid), guest.key.to_cbor()
    before = [good(world) for _ in range(GROUP - 2)]
    made = world.event("manufacture", battery)
    released = world.event("release", battery, receiver=name, guest_key=key)
    entry_id = parse_statement(released).entry_id
    accepted = world.event("accept", battery, signer=guest, iss=name, release_ref=entry_id)
    response = post_batch(client, *before, made, released, accepted)
    assert outline(response)[-3:] == [None, None, None]
