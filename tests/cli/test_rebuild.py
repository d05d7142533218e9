"""``cellbook rebuild``: a ledger's derived rows from its entries."""

# ruff: noqa: S608  (the statements are made of names that stand in this file)

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx

from ledger.custody.lists.rows import encode_document
from ledger.store.engine import sqlite_driver
from tests.cli.running import console, refused, run, run_json
from tests.log.building import World
from tests.log.listing import BEFORE, Publishers
from tests.log.writers import now
from tests.service import running_service


def test_a_spoilt_ledger(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        pack = world.battery()
        world.live(pack, "manufacture", "install")
        world.end_epoch()
        folder = world.home.path
    before = run_json("dossier", pack, "--home", folder, "--out", tmp_path / "before")["sha256"]
    change(folder, "DELETE FROM tile", "DELETE FROM term", "UPDATE subject SET state = NULL")
    refused("damaged.tile", "fsck", folder, code=1)
    done = run_json("rebuild", folder)
    assert done["heads"] == done["checkpoints"]
    assert done["unpublished"] == 0
    assert "everything derived is new" in run("rebuild", folder).stdout
    assert run_json("fsck", folder)["root"] == done["root"]
    after = run_json("dossier", pack, "--home", folder, "--out", tmp_path / "after")["sha256"]
    assert after == before


def test_a_lost_database(tmp_path: Path) -> None:
    """From a copy and the keys: the same log, which goes on."""
    copy, first = tmp_path / "copy", tmp_path / "world"
    with World(first, clock=now) as world:
        pack = world.battery()
        world.live(pack, "manufacture", "install")
        world.accepted(Publishers(world).snapshot(BEFORE, "2026-01-01"))
        world.store.put_list_document(BEFORE.root, encode_document(BEFORE))
        world.live(pack, "decommission", "assessment", "repurpose")
        later = world.event("manufacture", world.battery())
        folder = world.home.path
    mirrored(world, copy)
    shutil.copytree(copy, tmp_path / "older")
    with running_service(folder) as service:
        run("submit", written(tmp_path, later), "--url", service.url)
    mirrored(world, copy)
    before = rows_of(folder)
    refused("usage.log.not-empty", "rebuild", folder, "--from", copy, code=2)
    for file in folder.glob("ledger.db*"):
        file.unlink()
    (tmp_path / "empty").mkdir()
    refused("missing.published", "rebuild", folder, "--from", tmp_path / "empty", code=3)
    run("init", tmp_path / "other")
    for file in (tmp_path / "other").glob("ledger.db*"):
        file.unlink()
    refused("damaged.entry", "rebuild", tmp_path / "other", "--from", copy, code=1)
    # What the keys have signed is not in this one: the log would tell two histories.
    refused("damaged.log.rolled-back", "rebuild", folder, "--from", tmp_path / "older", code=1)
    done = run_json("rebuild", folder, "--from", copy)
    assert done["unpublished"] == 0
    assert run_json("fsck", folder)["size"] == done["size"]
    assert rows_of(folder) == before
    with running_service(folder) as service:
        published = httpx.get(f"{service.url}/checkpoint").content
        assert published == (copy / "checkpoint").read_bytes()
        run("dossier", pack, "--url", service.url, "--out", tmp_path / "served")
    run("dossier", pack, "--from", copy, "--out", tmp_path / "copied")
    assert (tmp_path / "served").read_bytes() == (tmp_path / "copied").read_bytes()


def written(folder: Path, statement: bytes) -> Path:
    (folder / "later.cose").write_bytes(statement)
    return folder / "later.cose"


def mirrored(world: World, copy: Path) -> None:
    with running_service(world.home.path) as service:
        run("mirror", service.url, copy)


def rows_of(folder: Path) -> dict[str, object]:
    """All rows of all tables; which numbers subjects have is left out."""
    connection = sqlite_driver().connect(str(folder / "ledger.db"))
    join = "JOIN subject ON id = subject_id"
    selects = {
        "entry": "SELECT * FROM entry ORDER BY 1",
        "checkpoint": "SELECT * FROM checkpoint ORDER BY 1",
        "head": "SELECT * FROM log_head",
        "tile": "SELECT * FROM tile ORDER BY 1, 2",
        "list": "SELECT * FROM list_document",
        "block": "SELECT * FROM index_block ORDER BY 1",
        "subject": "SELECT uri, state, count, chain FROM subject ORDER BY 1",
        "of": f'SELECT uri, "index" FROM subject_entry {join} ORDER BY 1, 2',
        "term": f"SELECT kind, value, uri FROM term {join} ORDER BY 1, 2, 3",
    }
    found = {name: connection.execute(sql).fetchall() for name, sql in selects.items()}
    connection.close()
    return found


def test_what_is_refused(tmp_path: Path) -> None:
    with World(tmp_path, operators=("owner",)) as world:
        world.live(world.battery(), "manufacture")
        folder = world.home.path
    run("init", tmp_path / "other")
    trust = ("--trust", tmp_path / "other" / "trust.toml")
    assert "entry_id" in refused("damaged.entry", "rebuild", folder, *trust, code=1)
    change(folder, 'UPDATE entry SET leaf = entry_id WHERE "index" = 3')
    refused("damaged.entry", "rebuild", folder, code=1)
    refused("usage.home.missing", "rebuild", tmp_path / "none", code=2)
    printed = console("rebuild", folder, "--json")
    assert printed.returncode == 1
    assert json.loads(printed.stdout)["error"]["row"] == "index 3"


def change(folder: Path, *statements: str) -> None:
    connection = sqlite_driver().connect(str(folder / "ledger.db"), isolation_level=None)
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    connection.close()
