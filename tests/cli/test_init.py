"""A new ledger from the command line: what a newcomer gets without saying anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cli.governing import REGISTRAR_URI
from cli.init import without_password
from keys import keyfile
from ledger.log.home import REGISTRAR_URI as REGISTRAR_OF_HOME
from ledger.log.home import Home
from ledger.proof.trust import load_trust
from tests.cli.running import refused, run, run_json


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_keep_the_keys_apart(tmp_path: Path) -> None:
    made = run_json("init", "shop")
    home = Home.open("shop")
    home.refuse_root_inside()
    assert home.config.name == "shop"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "shop",
        "shop-registrar",
        "shop-root",
    ]
    for folder, key in (("shop-root", "root"), ("shop-registrar", "registrar")):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        keyfile.load(f"{folder}/{key}.pem", Path(folder, "passphrase").read_text().strip())
    trust = load_trust(Path(made["trust_file"]).read_bytes())
    assert made["trust"]["root_kid"] == trust.root_key.kid.hex()
    assert made["registrar_key"] == "shop-registrar/registrar.pem"


def test_the_default_origin_is_new_each_time() -> None:
    first, second = run_json("init", "Shop Nr. 1"), run_json("init", "電池")
    origins = [made["trust"]["origin"] for made in (first, second)]
    assert origins[0].startswith("cellbook.internal/shop-nr.-1-")
    assert origins[1].startswith("cellbook.internal/ledger-")
    assert len({origin[-8:] for origin in origins}) == 2


def test_what_was_made_and_what_comes_next_is_printed() -> None:
    printed = run("init", "a shop", "--url", "https://log.example").stdout
    for part in ("move this folder to another medium", "cellbook serve 'a shop'", "a shop-root"):
        assert part in printed
    assert "--url https://log.example" in printed


def test_every_option_counts(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery\n")
    secret.chmod(0o600)
    run(
        *("init", "deep/shop", "--origin", "log.example/batteries", "--name", "Shop"),
        *("--root-dir", "stick", "--registrar-dir", "office", "--family-name", "Shops"),
        *("--database", "sqlite:///other.db", "--registrar", "https://registrar.example"),
        *("--epoch", "5", "--url", "https://log.example", "--passphrase-file", secret),
    )
    home = Home.open("deep/shop")
    assert (home.config.origin, home.config.family_name) == ("log.example/batteries", "Shops")
    assert Path("deep/shop/other.db").exists()
    keyfile.load("stick/root.pem", "correct horse battery")
    keyfile.load("office/registrar.pem", "correct horse battery")
    assert not Path("stick/passphrase").exists()
    policy = run_json("inspect", "deep/shop/trust.toml")
    assert policy["facts"]["name"] == "Shop"


def test_a_ledger_is_made_once() -> None:
    run("init", "shop")
    before = {path: path.read_bytes() for path in Path().rglob("*.*")}
    refused("usage.home.exists", "init", "shop", code=2)
    assert {path: path.read_bytes() for path in Path().rglob("*.*")} == before


@pytest.mark.parametrize(
    ("args", "error", "code"),
    [
        (["--origin", "Log.Example"], "malformed.origin", 1),
        (["--root-dir", "shop/root"], "usage.home.root-key", 2),
        (["--epoch", "0"], "usage.command-line", 2),
        (["--registrar", "somebody"], "rejected.operator.uri", 1),
        (["--passphrase-file", "none"], "usage.passphrase.file", 2),
    ],
)
def test_bad_options_leave_no_ledger(args: list[str], error: str, code: int) -> None:
    refused(error, "init", "shop", *args, code=code)
    assert not Path("shop/cellbook.toml").exists()
    run("init", "shop")


def test_the_registrar_has_the_same_name_for_all_commands() -> None:
    assert REGISTRAR_URI == REGISTRAR_OF_HOME


def test_passwords_of_databases_are_not_shown() -> None:
    shown = without_password("postgresql://ledger:s3cret@db.example:5432/ledger")
    assert shown == "postgresql://ledger:***@db.example:5432/ledger"
    for url in ("sqlite:///ledger.db", "postgresql://ledger@db.example:5432/ledger"):
        assert without_password(url) == url
