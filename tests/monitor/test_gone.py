"""The service is gone for good: what its log has shown is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx

from ledger.custody.lists.rows import encode_document
from tests.cli.running import refused, run, run_json
from tests.log.building import World, operator_uri
from tests.log.listing import BEFORE, GREEN, SCHEME, Publishers
from tests.log.writers import now
from tests.monitor.test_service import web_server
from tests.service import running_service

OTHER_FILES = (
    (("list", "prove", GREEN, "--scheme", SCHEME, "--at", "2026-05-01"), "participation"),
    (("supplier", operator_uri("repurposer"), "--at", "2026-05-01"), "supplier"),
)


def test_a_dossier_without_the_service(tmp_path: Path) -> None:
    """Mirrored from a real service; service, database and keys deleted; verified from the copy."""
    copy, trust, out = tmp_path / "copy", tmp_path / "trust.toml", tmp_path / "pack.dossier"
    with World(tmp_path / "world", clock=now) as world:
        pack = world.battery()
        world.live(pack, "manufacture", "install", "decommission", "assessment", "repurpose")
        world.live(world.battery(), "manufacture")
        world.accepted(Publishers(world).snapshot(BEFORE, "2026-01-01"))
        world.store.put_list_document(BEFORE.root, encode_document(BEFORE))
        home = world.home
        trust.write_bytes(home.trust_bytes())
    with running_service(home.path) as service:
        copied = run_json("mirror", service.url, copy)
        assert copied["without_rows"] == 0
        kept = tmp_path / "kept.dossier"
        run("dossier", pack, "--url", service.url, "--out", kept)
        for words, name in OTHER_FILES:
            run(*words, "--url", service.url, "--out", tmp_path / name)
        url = service.url
    shutil.rmtree(tmp_path / "world")
    assert not home.path.exists()
    try:
        httpx.get(url)
    except httpx.HTTPError:
        pass
    else:
        raise AssertionError("the service still answers")

    made = run_json("dossier", pack, "--from", copy, "--out", out)
    assert (made["subject"], made["tree_size"]) == (pack, copied["size"])
    assert out.read_bytes() == kept.read_bytes()
    assert run_json("verify", out, "--trust", trust)["ok"]
    args = ("--state", tmp_path / "state", "--trust", trust)
    assert run_json("audit", copy, *args)["size"] == copied["size"]
    with web_server(copy) as served:
        run("mirror", served, tmp_path / "second")
    again = ("--from", tmp_path / "second", "--out", out, "--overwrite")
    assert run_json("dossier", pack.rpartition(":")[2], *again)["sha256"] == made["sha256"]

    for words, name in OTHER_FILES:
        made = run_json(*words, "--from", copy, "--out", tmp_path / f"new-{name}")
        assert (tmp_path / name).read_bytes() == (tmp_path / f"new-{name}").read_bytes()
        assert run_json(words[0], "verify", made["file"], "--trust", trust)["ok"]
    supplier = ("supplier", "https://nobody.example", "--at", "2026-05-01", "--from", copy)
    refused("missing.copy.operator", *supplier, "--out", tmp_path / "none", code=3)
    run(*supplier, code=2)
    prove = ("list", "prove", GREEN, "--at", "2026-05-01", "--from", copy)
    rest = ("--scheme", "another", "--out", tmp_path / "none")
    refused("missing.copy.list", *prove, *rest, code=3)
    run(*prove, *rest, "--url", url, code=2)

    refused("missing.battery", "dossier", "4A6PCPM27KLPCLE742946319", *again, code=3)
    refused("usage.dossier.source", "dossier", pack, *again, "--url", url, code=2)
    (tmp_path / "empty").mkdir()
    empty = ("--from", tmp_path / "empty", "--out", out)
    refused("missing.published", "dossier", pack, *empty, code=3)
