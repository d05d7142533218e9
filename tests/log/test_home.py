"""The ledger's folder: made whole, opened again, and never with a root key in it."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from keys import keyfile
from keys.errors import CellbookError
from ledger.custody.governance.policy import key_of
from ledger.log.home import Home
from ledger.log.ledger import Ledger
from ledger.proof.trust import load_trust
from ledger.store.sql import SqlStore
from tests.log.building import NOW, ORIGIN, World


def create(base: Path, **changes: Any) -> Home:
    options = {
        "origin": ORIGIN,
        "name": 'A ledger of 电池 "and" more',
        "root_dir": base / "root",
        "registrar_dir": base / "registrar",
        "now": NOW,
        **changes,
    }
    return Home.create(options.pop("path", base / "ledger"), **options)


def code_of(action: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(CellbookError) as raised:
        action(*arguments, **options)
    return raised.value.code


def test_what_is_made(tmp_path: Path) -> None:
    home = create(tmp_path, url="https://log.example")
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {
        "ledger/cellbook.toml",
        "ledger/trust.toml",
        "ledger/ledger.db",
        "ledger/keys/checkpoint.pem",
        "ledger/keys/receipts.pem",
        "ledger/keys/statements.pem",
        "ledger/keys/passphrase",
        "root/root.pem",
        "root/next-root.pem",
        "root/passphrase",
        "registrar/registrar.pem",
        "registrar/passphrase",
    }
    for name in files:
        if name.endswith((".pem", "passphrase")):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert Home.open(home.path).config == home.config
    assert home.config.url == "https://log.example"
    home.refuse_root_inside()


def test_the_policy_names_the_keys_in_the_files(tmp_path: Path) -> None:
    home = create(tmp_path)
    store, signers = home.open_store(), home.signers()
    log = Ledger(store, signers, clock=lambda: NOW).log()
    passphrase = (tmp_path / "root" / "passphrase").read_text().strip()
    root = keyfile.load(tmp_path / "root" / "root.pem", passphrase).key
    next_root = keyfile.load(tmp_path / "root" / "next-root.pem", passphrase).key
    assert (key_of(log.root_key), log.next_root) == (root, next_root.kid)
    assert {k.purpose: key_of(k.key) for k in log.log_keys} == {
        "checkpoint": signers.checkpoint.key,
        "receipts": signers.receipts.key,
        "statements": signers.statements.key,
    }
    trust = load_trust(home.trust_bytes())
    assert (trust.origin, trust.family, trust.root_key) == (ORIGIN, log.family, root)
    genesis = store.entry(0)
    assert genesis is not None
    assert trust.genesis == genesis.entry_id == log.policy
    store.close()


def test_a_passphrase_of_ones_own_is_not_written(tmp_path: Path) -> None:
    create(tmp_path, passphrase="correct horse battery")
    assert not (tmp_path / "root" / "passphrase").exists()
    keyfile.load(tmp_path / "root" / "root.pem", "correct horse battery")
    keyfile.load(tmp_path / "registrar" / "registrar.pem", "correct horse battery")


def test_one_folder_for_root_and_registrar(tmp_path: Path) -> None:
    create(tmp_path, registrar_dir=tmp_path / "root")
    passphrase = (tmp_path / "root" / "passphrase").read_text().strip()
    keyfile.load(tmp_path / "root" / "registrar.pem", passphrase)


@pytest.mark.parametrize("inside", ["root_dir", "registrar_dir"])
def test_secrets_are_not_made_in_the_folder(tmp_path: Path, inside: str) -> None:
    changes = {inside: tmp_path / "ledger" / "secret"}
    assert code_of(create, tmp_path, **changes) == "usage.home.root-key"
    assert not (tmp_path / "ledger").exists()


def test_a_ledger_is_not_made_twice(tmp_path: Path) -> None:
    create(tmp_path)
    assert code_of(create, tmp_path) == "usage.home.exists"
    other = {"root_dir": tmp_path / "r", "registrar_dir": tmp_path / "r"}
    assert code_of(create, tmp_path, **other) == "usage.home.exists"
    assert code_of(create, tmp_path, path=tmp_path / "l", registrar_dir=tmp_path / "r") == (
        "usage.home.exists"
    )


def test_a_log_is_not_begun_in_the_database_of_another(tmp_path: Path) -> None:
    home = create(tmp_path)
    database = home.store_url()
    again = {"root_dir": tmp_path / "r", "registrar_dir": tmp_path / "r"}
    code = code_of(create, tmp_path, path=tmp_path / "l", database=database, **again)
    assert code == "usage.log.not-empty"
    assert not (tmp_path / "r").exists(), "no keys are made for a log that cannot begin"


@pytest.mark.parametrize("name", ["root.pem", "next-root.pem"])
def test_a_root_key_in_the_folder_is_found(tmp_path: Path, name: str) -> None:
    home = create(tmp_path)
    (home.path / "backup").mkdir()
    shutil.copy(tmp_path / "root" / name, home.path / "backup" / name)
    assert code_of(home.refuse_root_inside) == "usage.home.root-key"


def test_a_root_key_under_another_name_is_found_by_the_passphrase_beside_it(
    tmp_path: Path,
) -> None:
    home = create(tmp_path)
    shutil.copytree(tmp_path / "root", home.path / "old")
    (home.path / "old" / "next-root.pem").unlink()
    (home.path / "old" / "root.pem").rename(home.path / "old" / "x.pem")
    assert code_of(home.refuse_root_inside) == "usage.home.root-key"


def test_what_fails_half_way_can_be_done_again(tmp_path: Path) -> None:
    (tmp_path / "registrar").write_text("a file where a folder should be")
    assert code_of(create, tmp_path) == "usage.keyfile.write"
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in left if name.endswith((".pem", ".toml", "passphrase"))]
    (tmp_path / "registrar").unlink()
    create(tmp_path)


def test_a_weak_passphrase_makes_nothing(tmp_path: Path) -> None:
    assert code_of(create, tmp_path, passphrase="short") == "usage.keyfile.weak-passphrase"
    create(tmp_path)


def test_folders_that_are_none(tmp_path: Path) -> None:
    assert code_of(Home.open, tmp_path) == "usage.home.missing"
    for text in (b"", b"name = 1", b'x = "y"', b"\xff", b"[" * 100):
        (tmp_path / "cellbook.toml").write_bytes(text)
        assert code_of(Home.open, tmp_path) == "usage.home.config"


def test_the_log_keys_need_their_passphrase(tmp_path: Path) -> None:
    home = create(tmp_path)
    (home.path / "keys" / "passphrase").unlink()
    assert code_of(home.signers) == "usage.keyfile.read"
    keyfile.write_private(home.path / "keys" / "passphrase", b"wrong wrong wrong wrong")
    assert code_of(home.signers) == "usage.keyfile.passphrase"


def test_a_database_without_a_log(tmp_path: Path) -> None:
    home = create(tmp_path)
    store = SqlStore.open(f"sqlite:///{tmp_path}/empty.db")
    store.create()
    assert code_of(Ledger, store, home.signers(), clock=lambda: NOW) == "unavailable.log.empty"
    store.close()


@pytest.mark.postgres
def test_a_ledger_on_postgres(tmp_path: Path, postgres_url: str) -> None:
    with World(tmp_path, database=postgres_url, operators=("owner",)) as world:
        world.live(world.battery(), "manufacture", "install")
        assert not (world.home.path / "ledger.db").exists()
