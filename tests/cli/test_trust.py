"""``trust show``."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from ledger.proof.trust import load_trust
from ledger.wire.base64text import encode_base64url
from tests.cli.running import refused, run, run_json


@pytest.fixture
def file(tmp_path: Path) -> Path:
    run("init", tmp_path / "shop", "--origin", "log.example/shop", "--name", "電池 shop")
    return tmp_path / "shop" / "trust.toml"


def test_it_shows_what_a_verifier_relies_on(file: Path) -> None:
    data = file.read_bytes()
    trust = load_trust(data)
    shown = run_json("trust", "show", file)
    assert shown == {
        "ok": True,
        "name": "電池 shop",
        "origin": "log.example/shop",
        "genesis": encode_base64url(trust.genesis),
        "family": trust.family,
        "root_kid": trust.root_key.kid.hex(),
        "root_alg": "Ed25519",
        "minimum_policy": 0,
        "completeness": "stated",
        "max_age_days": 7,
        "witnesses": [],
        "witness_quorum": None,
        "auditors": [],
        "auditor_quorum": None,
        "sha256": sha256(data).hexdigest(),
    }
    printed = run("trust", "show", file).stdout
    for key, value in shown.items():
        assert key == "ok" or not value or str(value) in printed
    assert "must come by another way than the dossiers" in printed


def test_it_reads_standard_input(file: Path) -> None:
    assert run_json("trust", "show", "-", stdin=file.read_bytes())["origin"] == "log.example/shop"


def test_what_is_no_trust_file(file: Path, tmp_path: Path) -> None:
    refused("usage.file.read", "trust", "show", tmp_path / "none", code=2)
    changed = tmp_path / "changed.toml"
    changed.write_bytes(file.read_bytes().replace(b"version = 1", b"version = 9"))
    refused("unsupported.trust", "trust", "show", changed, code=3)
    changed.write_bytes(b"\x00" * 70_000)
    refused("usage.file.read", "trust", "show", changed, code=2)
    changed.write_bytes(b"not TOML")
    refused("malformed.trust", "trust", "show", changed, code=1)
