"""What anybody may copy: keys, checkpoint, tiles."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import httpx
import pytest

from keys.cose_key import CoseKey, from_map
from ledger.custody.governance.policy import log_key
from ledger.log.heads import read_head
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.proof.consistency import verify_consistency_receipt
from ledger.proof.signed_root import parse_signed_root, verify_signed_root
from ledger.store.engine import sqlite_driver
from ledger.tree.merkle import leaf_hash, root_of
from ledger.tree.tiles import decode_entry_bundle, tile_path
from ledger.wire import cbor
from ledger.wire.base64text import encode_base64url
from ledger.wire.verifier import Verifier
from tests.api.exchange import items, post_batch, problem
from tests.log.building import ORIGIN, World
from tests.log.test_bad_input import good
from tests.service import running_service


@pytest.fixture(scope="module")
def checkpoint(world: World, client: httpx.Client) -> Checkpoint:
    """A checkpoint that covers more than one full tile."""
    assert len(items(post_batch(client, *(good(world) for _ in range(300))))) == 300
    deadline = time.monotonic() + 60
    while True:
        response = client.get("/checkpoint")
        found, _ = open_checkpoint(response.content, verifier(world))
        if found.size > 300:
            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            assert response.headers["cache-control"] == "no-cache"
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def verifier(world: World) -> Verifier:
    key = log_key(world.ledger.log(), "checkpoint", 2)
    assert isinstance(key, CoseKey)
    return Verifier.from_key(ORIGIN, key)


def test_the_checkpoint_does_not_go_back(tmp_path: Path) -> None:
    """Also where the database does, while the service runs."""
    with World(tmp_path, operators=("owner",)) as world:
        world.end_epoch()
        world.live(world.battery(), "manufacture")
        newest = world.end_epoch()
    with running_service(world.home.path) as running:
        assert httpx.get(f"{running.url}/checkpoint").content == newest
        connection = sqlite_driver().connect(str(world.home.path / "ledger.db"))
        connection.execute("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)")
        connection.commit()
        (left,) = connection.execute("SELECT count(*) FROM checkpoint").fetchone()
        connection.close()
        assert left > 0
        assert httpx.get(f"{running.url}/checkpoint").content == newest


def test_signed_roots(world: World, client: httpx.Client, checkpoint: Checkpoint) -> None:
    """One for each checkpoint, for ever the same; genuine by the policy's key."""
    newest = client.get("/signed-root")
    assert newest.headers["content-type"] == "application/cose"
    assert newest.headers["cache-control"] == "no-cache"
    one = client.get(f"/signed-root/{checkpoint.size}")
    assert "immutable" in one.headers["cache-control"]
    signed = parse_signed_root(one.content)
    head = read_head(world.store, checkpoint.size - 1)
    key = log_key(world.ledger.log(), "receipts", checkpoint.size)
    verify_signed_root(signed, key, world.ledger.uri, checkpoint.size, head.time, checkpoint.root)
    assert parse_signed_root(newest.content).size >= checkpoint.size
    for path, code in (
        ("3", "missing.checkpoint"),
        ("1" * 18, "missing.checkpoint"),
        ("1" * 19, "usage.http.query"),
        ("02", "usage.http.query"),
        ("-2", "usage.http.query"),
        ("two", "usage.http.query"),
        ("\u0662", "usage.http.query"),
    ):
        assert problem(client.get(f"/signed-root/{path}"))["code"] == code


def tile(client: httpx.Client, path: str) -> httpx.Response:
    response = client.get("/" + path)
    assert response.status_code == 200, path
    assert response.headers["content-type"] == "application/octet-stream"
    return response


def test_the_log_can_be_copied_and_checked_from_its_tiles(
    client: httpx.Client, checkpoint: Checkpoint
) -> None:
    rest = checkpoint.size - 256
    leaves: list[bytes] = []
    hashes = b""
    for n, width in ((0, 256), (1, rest)):
        hashes += tile(client, tile_path(0, n, width)).content
        leaves += decode_entry_bundle(tile(client, tile_path(None, n, width)).content)
    assert [leaf_hash(leaf) for leaf in leaves] == [
        hashes[n : n + 32] for n in range(0, len(hashes), 32)
    ]
    assert root_of([leaf_hash(leaf) for leaf in leaves]) == checkpoint.root
    first = root_of([leaf_hash(leaf) for leaf in leaves[:256]])
    assert tile(client, tile_path(1, 0, 1)).content == first


def test_full_tiles_may_be_kept_for_ever_and_partial_ones_not(
    client: httpx.Client, checkpoint: Checkpoint
) -> None:
    full = tile(client, tile_path(0, 0, 256)).headers["cache-control"]
    partial = tile(client, tile_path(0, 1, checkpoint.size - 256)).headers["cache-control"]
    assert "immutable" in full
    assert "immutable" not in partial


def test_a_partial_tile_is_served_until_it_is_full(
    client: httpx.Client, checkpoint: Checkpoint
) -> None:
    rest = checkpoint.size - 256
    for level in (0, None):
        assert tile(client, tile_path(level, 1, rest)).content
        assert tile(client, tile_path(level, 1, rest - 1)).content
        for width in (1, 255):
            response = client.get("/" + tile_path(level, 0, width))
            assert response.status_code == 404
            assert problem(response)["code"] == "missing.tile"
    assert tile(client, tile_path(1, 0, 1)).content


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "x-gzip"])
def test_entry_bundles_are_packed_where_it_is_asked_for(
    client: httpx.Client, checkpoint: Checkpoint, accepted: str
) -> None:
    path = tile_path(None, 0)
    plain = client.get("/" + path, headers={"Accept-Encoding": "identity"})
    packed = client.get("/" + path, headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000", "br"])
def test_nothing_is_packed_where_it_is_not_asked_for(
    client: httpx.Client, checkpoint: Checkpoint, accepted: str
) -> None:
    for path in (tile_path(None, 0), tile_path(0, 0)):
        response = client.get("/" + path, headers={"Accept-Encoding": accepted})
        assert "content-encoding" not in response.headers
    hashes = client.get("/" + tile_path(0, 0), headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in hashes.headers


def test_a_tile_beyond_the_checkpoint_is_not_there(
    client: httpx.Client, checkpoint: Checkpoint
) -> None:
    for path in (tile_path(0, 1, 256), tile_path(0, 2, 256), tile_path(3, 0, 1)):
        response = client.get("/" + path)
        assert response.status_code == 404
        assert problem(response)["code"] == "missing.tile"


@pytest.mark.parametrize("path", ["0", "0/00", "0/x000", "0/000.p/256", "0/000.p/0", "64/000", "a"])
def test_a_path_that_is_none_is_refused(client: httpx.Client, path: str) -> None:
    response = client.get(f"/tile/{path}")
    assert response.status_code in (400, 404)
    assert problem(response)["code"].startswith(("malformed.", "missing."))


def test_receipt_keys_are_a_cose_key_set(world: World, client: httpx.Client) -> None:
    response = client.get("/.well-known/scitt-keys")
    assert response.headers["content-type"] == "application/cbor"
    keys = cbor.decode(response.content)
    assert isinstance(keys, list)
    (key,) = keys
    assert isinstance(key, dict)
    (ours,) = world.ledger.keys()
    assert from_map(key).kid == ours.kid == key[2]


def test_one_key_is_found_by_its_kid(world: World, client: httpx.Client) -> None:
    (ours,) = world.ledger.keys()
    response = client.get(f"/.well-known/scitt-keys/{encode_base64url(ours.kid)}")
    assert response.headers["content-type"] == "application/cbor"
    key = cbor.decode(response.content)
    assert isinstance(key, dict)
    assert from_map(key).raw == ours.raw


@pytest.mark.parametrize(
    "kid", [encode_base64url(hashlib.sha256(b"x").digest()), "A", "not base64", "é"]
)
def test_an_unknown_kid_is_not_found(client: httpx.Client, kid: str) -> None:
    response = client.get(f"/.well-known/scitt-keys/{kid}")
    assert response.status_code == 404
    assert problem(response)["code"] == "missing.key"


def test_receipts_of_consistency(
    world: World, client: httpx.Client, checkpoint: Checkpoint
) -> None:
    """Between the checkpoints of two sizes, and no other sizes."""
    post_batch(client, good(world))
    deadline, newer = time.monotonic() + 60, checkpoint
    while newer.size == checkpoint.size:
        assert time.monotonic() < deadline
        newer, _ = open_checkpoint(client.get("/checkpoint").content, verifier(world))
        time.sleep(0.05)
    answer = client.get(f"/consistency/{checkpoint.size}/{newer.size}")
    assert answer.headers["content-type"] == "application/cose"
    assert "immutable" in answer.headers["cache-control"]
    key = log_key(world.ledger.log(), "receipts", newer.size)
    facts = verify_consistency_receipt(answer.content, key, checkpoint)
    assert facts.newer == newer
    for sizes, code in (
        (f"{newer.size}/{newer.size}", "usage.consistency"),
        (f"{newer.size}/{checkpoint.size}", "usage.consistency"),
        (f"0/{newer.size}", "usage.consistency"),
        (f"{checkpoint.size - 1}/{newer.size}", "missing.checkpoint"),
        (f"{checkpoint.size}/{newer.size + 1}", "missing.checkpoint"),
        (f"0{checkpoint.size}/{newer.size}", "usage.http.query"),
        (f"x/{newer.size}", "usage.http.query"),
    ):
        assert problem(client.get(f"/consistency/{sizes}"))["code"] == code
