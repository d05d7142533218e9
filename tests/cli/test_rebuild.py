"""``cellbook rebuild``: a ledger's derived rows from its entries."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.store.engine import sqlite_driver
from tests.cli.running import console, refused, run, run_json
from tests.log.building import World


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
