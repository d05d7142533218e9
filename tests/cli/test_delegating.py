"""Mandates, documents, guests and lots from the command line, with a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from keys import keyfile
from keys.keyfile import write_private
from keys.signer import Signer
from ledger.custody.lots import parse_lot
from ledger.wire.statement import TYP_ENVELOPE, TYP_MANDATE, parse_statement
from tests.cli.running import refused, run, run_json
from tests.cli.test_modules import check_light, loaded
from tests.log.building import World, operator_uri

CODE = "4A6PBPM27KLPCLE740000001"
NOW = "2026-09-21T22:13:20+08:00"
READING = ("--protocol", "SunSpec 802", "--country", "CN", "--read-at", NOW)
DAYS = ("--from", "2026-01-01", "--until", "2027-01-01")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    with World(tmp_path, operators=("owner", "installer", "assessor")) as made:
        Path("trust.toml").write_bytes(made.home.trust_bytes())
        save("owner.pem", made.operators["owner"].signer)
        save("installer.pem", made.operators["installer"].signer)
        yield made


def save(name: str, signer: Signer) -> None:
    keyfile.save(Path(name), signer, "a long enough passphrase")  # type: ignore[arg-type]
    write_private(Path(name + ".passphrase"), b"a long enough passphrase\n")


def signing(world: World, name: str = "owner") -> tuple[Any, ...]:
    at = "2026-09-21T22:13:20+08:00"
    return (
        "--key",
        f"{name}.pem",
        "--issuer",
        operator_uri(name),
        "--trust",
        "trust.toml",
        "--at",
        at,
    )


def submitted(world: World, file: str) -> str:
    """Register the statement in ``file``; gives its locator."""
    data = Path(file).read_bytes()
    world.accepted(data)
    return parse_statement(data).locator


def test_a_mandate_from_give_to_revoke(world: World) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    made = run_json(
        *("mandate", "give", "--to", operator_uri("installer"), "--kind", "reading"),
        *("--kind", "incident", *DAYS, "--out", "mandate.cose", *signing(world)),
    )
    assert parse_statement(Path("mandate.cose").read_bytes()).typ == TYP_MANDATE
    entry = submitted(world, "mandate.cose")
    assert made["entry"] == entry
    shown = run_json("mandate", "show", entry, "--home", "ledger")
    assert (shown["kinds"], shown["revoked"]) == (["incident", "reading"], None)
    run_json(
        *("event", "reading", "--battery", CODE, *READING, "--mandate", entry, "--on-behalf-of"),
        *(operator_uri("owner"), "--out", "reading.cose", *signing(world, "installer")),
    )
    submitted(world, "reading.cose")
    run("mandate", "revoke", entry, "--reason", "over", "--out", "over.cose", *signing(world))
    submitted(world, "over.cose")
    assert run_json("mandate", "show", entry, "--home", "ledger")["revoked"] is not None
    printed = run("mandate", "show", entry, "--home", "ledger").stdout
    assert "revoked by entry" in printed
    refused("missing.mandate", "mandate", "show", "A" * 43, "--home", "ledger", code=3)


def test_a_device_asks_and_gets_a_mandate(world: World) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    run("keygen", "gateway.pem", "--save-passphrase")
    asks = ("--key", "gateway.pem", "--uri", operator_uri("owner"), "--trust", "trust.toml")
    run("operator", "request", *asks, "--out", "gateway.request")
    give = ("mandate", "give", "--device", "gateway.request", "--kind", "reading", *DAYS)
    run_json(*give, "--out", "mandate.cose", *signing(world))
    entry = submitted(world, "mandate.cose")
    key = ("--key", "gateway.pem", "--issuer", "device", "--trust", "trust.toml")
    told = run_json(
        *("event", "reading", "--battery", CODE, *READING, "--mandate", entry, "--on-behalf-of"),
        *(
            operator_uri("owner"),
            "--out",
            "reading.cose",
            *key,
            "--at",
            "2026-09-21T22:13:20+08:00",
        ),
    )
    assert told["issuer"].startswith("urn:cellbook:device:")
    submitted(world, "reading.cose")
    other = ("--out", "other.cose", *signing(world, "installer"))
    assert "The device asks" in run(*give, *other, code=2).stderr
    assert "--to and --device" in run(*give, "--to", operator_uri("x"), *other, code=2).stderr


def test_a_guest_accepts_with_a_key_of_its_own(world: World) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    key = run_json("keygen", "guest.pem", "--save-passphrase")
    transfer = ("--transfer-id", "T-1", "--country", "CN")
    run(
        *("event", "release", "--battery", CODE, *transfer, "--guest-key", key["public_key"]),
        *("--moves", "possession", "--moves", "ownership", "--from", operator_uri("owner")),
        *("--out", "release.cose", *signing(world)),
    )
    entry = submitted(world, "release.cose")
    accept = ("event", "accept", "--battery", CODE, *transfer, "--release-ref", entry)
    guest = ("--key", "guest.pem", "--issuer", "guest", "--trust", "trust.toml")
    at = ("--at", NOW)
    told = run_json(*accept, "--out", "accept.cose", *guest, *at)
    assert told["issuer"] == f"urn:cellbook:guest:{key['kid']}"
    submitted(world, "accept.cose")
    wrong = ("event", "release", "--battery", CODE, *transfer, "--guest-key", "?", "--out", "x")
    refused("usage.event.value", *wrong, *signing(world), code=2)


def test_a_document_is_signed_by_its_digest(world: World) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    Path("report.pdf").write_bytes(b"%PDF")
    told = run_json("envelope", "report.pdf", "--battery", CODE, "--out", "d.cose", *signing(world))
    assert (told["sha256"], told["media_type"]) == (sha256(b"%PDF").hexdigest(), "application/pdf")
    statement = parse_statement(Path("d.cose").read_bytes())
    assert (statement.typ, statement.sub) == (TYP_ENVELOPE, pack)
    submitted(world, "d.cose")
    shown = run_json("inspect", "d.cose")
    assert "hash envelope" in shown["facts"]["content"]


def test_where_a_statement_goes(world: World) -> None:
    Path("report.pdf").write_bytes(b"%PDF")
    command = ("envelope", "report.pdf", "--battery", CODE, *signing(world))
    refused("usage.event.nowhere", *command, code=2)
    run(*command, "--out", "d.cose", "--receipt", "r", code=2)


# Lots


@pytest.fixture
def cells(world: World) -> list[str]:
    codes = [f"4A6CBPM27KLPCLE75{number:07d}" for number in range(300)]
    Path("cells.txt").write_text("\ufeff" + "\n".join(reversed(codes)) + "\n\n", "utf-8")
    return codes


def test_a_lot_from_make_to_verify(world: World, cells: list[str]) -> None:
    made = run_json("lot", "make", "cells.txt", "--out", "cells.lot")
    assert made["count"] == 300
    assert parse_lot(Path("cells.lot").read_bytes()).root.hex() == made["root"]
    assert Path("cells.lot").stat().st_mode & 0o077 == 0
    pack = world.battery()
    root = bytes.fromhex(made["root"])
    world.accepted(world.event("manufacture", pack, children_count=300, children_root=root))
    world.end_epoch()
    Path("pack.dossier").write_bytes(world.ledger.dossier(pack))

    proved = run_json("lot", "prove", "cells.lot", cells[7], "--out", "cell.proof")
    at = ("--at", "2026-09-22T22:13:20+08:00")
    by_dossier = ("--dossier", "pack.dossier", "--trust", "trust.toml", *at)
    verified = run_json("lot", "verify", "cell.proof", *by_dossier)
    assert verified["unit"] == proved["unit"] == f"urn:cellbook:gbt34014:{cells[7]}"
    assert f"manufacture of {pack}" in verified["stated"]
    known = ("--count", "300", "--root", made["root"])
    printed = run("lot", "verify", "cell.proof", *known).stdout
    assert printed.startswith("IN THE LOT urn:cellbook:gbt34014:")
    assert "NOT CHECKED" in printed

    refused("missing.lot.unit", "lot", "prove", "cells.lot", CODE, "--out", "x", code=3)
    other = ("--count", "299", "--root", made["root"])
    refused("failed.lot.other", "lot", "verify", "cell.proof", *other, code=1)
    run("lot", "verify", "cell.proof", "--count", "300", code=2)
    run("lot", "verify", "cell.proof", "--count", "300", "--root", "zz", code=2)


def test_a_lot_that_no_event_states(world: World, cells: list[str]) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    world.end_epoch()
    Path("pack.dossier").write_bytes(world.ledger.dossier(pack))
    run("lot", "make", "cells.txt", "--out", "cells.lot")
    run("lot", "prove", "cells.lot", cells[0], "--out", "cell.proof")
    at = ("--at", "2026-09-22T22:13:20+08:00")
    by_dossier = ("--dossier", "pack.dossier", "--trust", "trust.toml", *at)
    refused("failed.lot.not-stated", "lot", "verify", "cell.proof", *by_dossier, code=1)


def test_lines_of_codes_are_named(world: World, cells: list[str]) -> None:
    Path("bad.txt").write_text(f"{cells[0]}\nnonsense\n")
    printed = refused("malformed.code.length", "lot", "make", "bad.txt", "--out", "x", code=1)
    assert "bad.txt, line 2" in printed
    Path("twice.txt").write_text(f"{cells[0]}\n{cells[0]}\n")
    refused("malformed.lot.document", "lot", "make", "twice.txt", "--out", "x", code=1)
    Path("other.txt").write_bytes(b"\xff\xfe")
    run("lot", "make", "other.txt", "--out", "x", code=2)


def test_lots_are_verified_without_a_network(
    tmp_path: Path, world: World, cells: list[str]
) -> None:
    made = run_json("lot", "make", "cells.txt", "--out", "cells.lot")
    run("lot", "prove", "cells.lot", cells[3], "--out", "cell.proof")
    known = ("--count", "300", "--root", made["root"])
    check_light(loaded(tmp_path, "lot", "verify", "cell.proof", *known), "lot")
