"""A frozen log over HTTP: it says that it is closed, and goes on giving what it has."""

from __future__ import annotations

import httpx

from ledger.wire.base64text import encode_base64url
from tests.api.exchange import location, outline, post, post_batch, problem
from tests.log.building import World


def test_a_frozen_log_answers_410_and_goes_on_giving(world: World, client: httpx.Client) -> None:
    pack = world.battery()
    made = world.event("manufacture", pack)
    assert post(client, made).status_code == 201
    freeze = world.freeze("log.example/next")
    assert post(client, freeze).status_code == 201
    refused = post(client, world.event("install", pack))
    assert refused.status_code == 410
    found = problem(refused)
    assert (found["code"], found["successor"]) == ("rejected.log.frozen", "log.example/next")
    batch = post_batch(client, made, world.event("install", pack), freeze)
    assert outline(batch) == [None, "rejected.log.frozen", None]
    assert client.get(location(made)).status_code == 200
    segment = encode_base64url(pack.encode())
    assert client.get(f"/batteries/{segment}/dossier").status_code == 200
    assert client.get("/checkpoint").status_code == 200
    assert client.get("/readyz").status_code == 200
