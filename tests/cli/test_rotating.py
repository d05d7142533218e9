"""``cellbook policy rotate-root | rotate-log-key | freeze``, and what old trust files say then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.signing import load_signer
from ledger.custody.events import encode_event
from ledger.custody.governance.policy import key_of
from ledger.log.home import Home
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from ledger.wire.statement import TYP_EVENT, sign_statement
from tests.cli.running import refused, run, run_json
from tests.log.building import World
from tests.log.writers import now
from tests.service import running_service

SOON = 100_000


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with World(tmp_path, clock=now, operators=("owner",)) as made:
        yield made


def spare(path: Path, name: str) -> Path:
    file = path / f"{name}.pem"
    run_json("keygen", file, "--save-passphrase")
    return file


def rotate_root(world: World, key: Path, new: Path, **options: Any) -> Any:
    return run_json("policy", "rotate-root", "--home", world.home.path, "--next-root", key,
                    "--spare", new, "--yes", **options)  # fmt: skip


def rotate(world: World, purpose: str, root: Path, *more: object, **options: Any) -> Any:
    return run_json("policy", "rotate-log-key", purpose, "--home", world.home.path,
                    "--root", root, "--yes", *more, **options)  # fmt: skip


def test_an_old_trust_file_verifies_after_two_rotations_of_all_keys(world: World) -> None:
    trust = load_trust(world.home.trust_bytes())
    pack = world.battery()
    world.live(pack, "manufacture")
    old_root = world.path / "root" / "root.pem"
    next_root, first_spare = world.path / "root" / "next-root.pem", spare(world.path, "spare-1")
    assert rotate_root(world, next_root, first_spare)["number"] == 1
    for purpose in ("checkpoint", "receipts", "statements"):
        rotate(world, purpose, next_root)
    world.live(pack, "install")
    second_spare = spare(world.path, "spare-2")
    assert rotate_root(world, first_spare, second_spare)["number"] == 5
    for purpose in ("statements", "receipts", "checkpoint"):
        rotate(world, purpose, first_spare)
    world.live(pack, "decommission")
    verdict = verify_dossier(world.ledger.dossier(pack), trust, now() + SOON)
    assert (verdict.record.policy, verdict.record.events) == (8, 3)
    assert len(world.ledger.log().log_keys) == 9
    assert len({k.key for k in world.ledger.log().log_keys}) == 9
    world.fsck()
    home = ("--home", world.home.path, "--yes")
    for thief in (old_root, next_root):
        limit = ("policy", "publish", *home, "--root", thief, "--limit", "skew_s", 60)
        refused("rejected.key.unknown", *limit, code=1)
        end = ("policy", "freeze", *home, "--root", thief, "--no-successor")
        refused("rejected.key.unknown", *end, code=1)
        again = ("policy", "rotate-root", *home, "--next-root", thief, "--spare", second_spare)
        refused("usage.policy.next-root", *again, code=2)
    assert world.ledger.log().number == 8


def test_a_running_service_finds_the_new_keys(world: World) -> None:
    root = world.path / "root" / "root.pem"
    pack = world.battery()
    trust = load_trust(world.home.trust_bytes())
    with (
        running_service(world.home.path) as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        for purpose in ("statements", "checkpoint", "receipts"):
            rotate(world, purpose, root)
            headers = {"Content-Type": "application/cose"}
            kind = "manufacture" if purpose == "statements" else "incident"
            data = world.event(kind, pack)
            assert client.post("/entries", content=data, headers=headers).status_code == 201
        run("dossier", pack, "--url", service.url, "--out", world.path / "pack.dossier")
        assert client.get("/readyz").status_code == 200
    verdict = verify_dossier((world.path / "pack.dossier").read_bytes(), trust, now() + SOON)
    assert (verdict.record.policy, verdict.record.events) == (3, 3)


def test_a_new_key_signs_from_a_size_that_has_not_come_yet(world: World) -> None:
    root, size = world.path / "root" / "root.pem", world.store.head().size
    keys = sorted((world.home.path / "keys").glob("*"))
    found = rotate(world, "receipts", root, "--from-size", size, code=2)
    assert found["error"]["code"] == "usage.policy.passed"
    assert sorted((world.home.path / "keys").glob("*")) == keys, "the key is not kept"
    rotate(world, "receipts", root, "--from-size", size + 40)
    old = world.home.signers().receipts.key.kid
    world.live(world.battery(), "manufacture")
    log = world.ledger.log()
    assert world.home.signers().in_force(log, "receipts", size + 39).key.kid == old
    new = world.home.signers().in_force(log, "receipts", size + 40).key
    assert key_of(log.log_keys[-1].key) == new != old
    assert {key.kid for key in [*world.ledger.keys()]} == {old, new.kid}


def test_the_end_of_a_log(world: World) -> None:
    freeze = ("policy", "freeze", "--home", world.home.path,
              "--root", world.path / "root" / "root.pem", "--yes")  # fmt: skip
    run(*freeze, code=2)
    run(*freeze, "--successor", "log.example/2", "--no-successor", code=2)
    out = world.path / "freeze.cose"
    run_json(*freeze, "--successor", "log.example/2", "--out", out)
    shown = run_json("inspect", out)
    assert "freeze" in json.dumps(shown)
    found = run_json(*freeze, "--successor", "log.example/2")
    assert found["successor"] == "log.example/2"
    head = world.store.head()
    assert head.checkpoint == head.size == found["index"] + 2
    shown = run_json("policy", "show", "--home", world.home.path)
    assert (shown["frozen"], shown["successor"]) == (found["index"], "log.example/2")
    printed = run("policy", "show", "--home", world.home.path).stdout
    assert "log.example/2 follows" in printed
    assert world.refused(world.event("manufacture", world.battery())) == "rejected.log.frozen"


def test_what_rotate_root_needs(world: World) -> None:
    base = ("policy", "rotate-root", "--home", world.home.path, "--yes",
            "--next-root", world.path / "root" / "next-root.pem")  # fmt: skip
    run(*base, code=2)
    refused("usage.policy.kid", *base, "--spare-kid", "00", code=2)
    assert run_json(*base, "--spare-kid", "ab" * 32)["number"] == 1
    shown = run_json("policy", "show", "--home", world.home.path)
    assert shown["next_root_kid"] == "ab" * 32


def test_the_next_root_lies_in_another_place(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    made = run_json("init", tmp_path / "shop", "--next-root-dir", stick)
    assert made["next_root_dir"] == str(stick)
    assert sorted(file.name for file in stick.iterdir()) == ["next-root.pem", "passphrase"]
    assert not (tmp_path / "shop-root" / "next-root.pem").exists()
    secrets = [(folder / "passphrase").read_text() for folder in (stick, tmp_path / "shop-root")]
    assert secrets[0] != secrets[1]
    assert Home.open(tmp_path / "shop").trust_path.exists()
    other = tmp_path / "other"
    refused("usage.home.root-key", "init", other, "--next-root-dir", other / "keys", code=2)


def test_a_ledger_that_follows_another_one(tmp_path: Path) -> None:
    """From `init` to a dossier that spans both, with a real service."""
    with World(tmp_path / "old", clock=now) as old:
        pack = old.battery()
        old.live(pack, "manufacture", "install")
        folder, key = old.home.path, old.path / "root" / "next-root.pem"
        follow = ("init", tmp_path / "new", "--successor-of", folder, "--root", key)
        refused("usage.successor.open", *follow, code=2)
        run("init", tmp_path / "new", "--successor-of", folder, code=2)
        run_json("policy", "freeze", "--home", folder, "--root", old.path / "root" / "root.pem",
                 "--successor", "log.example/2", "--yes")  # fmt: skip
        other = ("--origin", "log.example/3")
        refused("rejected.policy.predecessor", *follow, *other, code=1)
        made = run_json(*follow)
        assert made["trust"]["origin"] == "log.example/2"
        assert made["trust"]["family"] == old.family
        home = Home.open(tmp_path / "new")
        assert sorted(file.name for file in (tmp_path / "new-root").iterdir()) == [
            "next-root.pem",
            "passphrase",
        ]
        with running_service(home.path) as service:
            request = tmp_path / "owner.request"
            signer = tmp_path / "owner.pem"
            run_json("keygen", signer, "--save-passphrase")
            run_json("operator", "request", "--key", signer, "--uri", "https://owner.example",
                     "--name", "Owner", "--country", "CN", "--role", "dismantler",
                     "--role", "installer", "--trust", home.trust_path,
                     "--out", request)  # fmt: skip
            run_json("operator", "add", request, "--url", service.url, "--yes", "--registrar",
                     tmp_path / "new-registrar" / "registrar.pem",
                     "--trust", home.trust_path)  # fmt: skip
            event = sign_statement(
                load_signer(signer, None),
                typ=TYP_EVENT,
                iss="https://owner.example",
                sub=pack,
                aud=old.family,
                iat=now(),
                payload=encode_event(old.make("decommission", pack)),
            )
            headers = {"Content-Type": "application/cose"}
            answer = httpx.post(
                f"{service.url}/entries", content=event, headers=headers, timeout=60
            )
            assert answer.status_code == 201, answer.content
            file = tmp_path / "pack.dossier"
            run("dossier", pack, "--url", service.url, "--out", file)
            audit = ("audit", service.url, "--trust", home.trust_path, "--state")
            assert run_json(*audit, tmp_path / "audit")["resting"] == 1
            with running_service(folder) as frozen:
                run("mirror", frozen.url, tmp_path / "copy")
            both = (*audit, tmp_path / "both", "--before", tmp_path / "copy")
            assert run_json(*both)["resting"] == 0
        found = run_json("verify", file, "--trust", home.trust_path)
        assert [event["kind"] for event in found["life"]] == [
            "manufacture",
            "install",
            "decommission",
        ]
        run("verify", file, "--trust", home.trust_path)
        run("verify", file, "--trust", folder / "trust.toml", code=3)
        run("inspect", file)
        run("fsck", home.path)
        again = tmp_path / "again.dossier"
        run("dossier", pack, "--home", home.path, "--out", again)
        run("verify", again, "--trust", home.trust_path)
