"""A frozen log over HTTP: it says that it is closed, and goes on giving what it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx

from ledger.log.integrity.fsck import fsck
from ledger.monitor.copying.mirror import mirror
from ledger.wire.base64text import encode_base64url
from tests.api.exchange import location, outline, post, post_batch, problem
from tests.log.building import World
from tests.log.writers import now
from tests.monitor.publishing import LedgerSource
from tests.service import running_service


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


def test_two_workers_take_over_from_a_copy(tmp_path: Path) -> None:
    """Each statement comes to one of two processes, and both look into the same copy."""
    origin = "log.example/next"
    with World(tmp_path / "old", clock=now) as old:
        packs = [old.battery() for _ in range(12)]
        old.accepted(*(old.event("manufacture", pack) for pack in packs))
        old.accepted(old.freeze(origin))
        old.ledger.close()
        mirror(LedgerSource(old.ledger), tmp_path / "copy")
        new = World(tmp_path / "new", clock=now, origin=origin, follows=old, copy=tmp_path / "copy")
        with new, running_service(new.home.path, workers=2) as service:
            events = [new.event("install", pack) for pack in packs]
            again = [new.event("incident", pack) for pack in packs]
            with ThreadPoolExecutor(4) as threads:
                url = f"{service.url}/entries"
                answers = [*threads.map(partial(posted, url), [*events, *events])]
                answers += threads.map(partial(posted, url), again)
            # Both may come to be first; nobody is refused for what another process has said.
            assert {code for code in answers if code != 201} == set()
            for pack in packs:
                kinds = [entry.kind for entry in new.ledger.battery(pack).entries]
                assert kinds[0] == "carried-over"
                assert kinds[1:] == ["install", "incident"]
        fsck(new.home.open_store())


def posted(url: str, data: bytes) -> int:
    headers = {"Content-Type": "application/cose"}
    return httpx.post(url, content=data, headers=headers, timeout=60).status_code
