"""``fsck`` from the command line: a sound ledger, damage, and what cannot be looked at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli import output
from ledger.store.engine import sqlite_driver
from tests.cli.running import console, refused, run, run_json
from tests.log.building import World


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    with World(folder, operators=("owner",)) as world:
        pack = world.battery()
        world.live(pack, "manufacture", "install")
    return folder / "ledger"


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "ledger"))


def flip_payload(folder: Path, index: int) -> None:
    """Change a letter of the event in the leaf of an entry."""
    connection = sqlite_driver().connect(str(folder / "ledger.db"))
    (row,) = connection.execute('SELECT leaf FROM entry WHERE "index" = ?', (index,)).fetchall()
    leaf = bytes(row[0]).replace(b"manufacture", b"Manufacture")
    assert leaf != bytes(row[0])
    connection.execute('UPDATE entry SET leaf = ? WHERE "index" = ?', (leaf, index))
    connection.commit()
    connection.close()


def test_a_sound_ledger(sound: Path) -> None:
    report = run_json("fsck", sound)
    assert (report["size"], report["unpublished"]) == (6, 0)
    printed = run("fsck", sound)
    assert "no damage was found" in printed.stdout
    assert report["root"] in printed.stdout
    assert printed.stderr == ""


def test_the_first_damaged_row_is_named(copy: Path) -> None:
    flip_payload(copy, 3)
    process = console("fsck", copy)
    assert (process.returncode, process.stdout) == (1, "")
    assert "index 3" in process.stderr
    error = run_json("fsck", copy, code=1)["error"]
    assert error["code"].startswith("damaged.")
    assert (error["table"], error["row"]) == ("entry", "index 3")


def test_another_log_than_the_one_that_is_meant(copy: Path, tmp_path: Path) -> None:
    run("init", tmp_path / "other")
    args = ("fsck", copy, "--trust", tmp_path / "other" / "trust.toml", "--json")
    assert '"row": "index 0"' in run(*args, code=1).stdout


def test_a_store_that_cannot_be_used(copy: Path, tmp_path: Path) -> None:
    refused("usage.home.missing", "fsck", tmp_path / "none", code=2)
    (copy / "ledger.db").write_bytes(b"no database" * 1000)
    refused("damaged.store.file", "fsck", copy, code=1)
    (copy / "ledger.db").unlink()
    assert "unavailable.store" in run("fsck", copy, code=3).stderr
    (copy / "cellbook.toml").write_text("name = 1")
    refused("usage.home.config", "fsck", copy, code=2)


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with output.progress("checking entries") as tell:
        tell(1, 2)
        tell(2, 2)
    with output.progress("checking entries", quiet=True) as tell:
        tell(1, 2)
