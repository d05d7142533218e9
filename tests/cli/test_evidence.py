"""Files as evidence: ``event --attach`` states them, and a buyer's folder is compared."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from cli.evidence import attached, digest_of, held_files, media_type_of
from keys import keyfile
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.events import Evidence, parse_event
from ledger.wire.statement import parse_statement
from tests.cli.running import refused, run, run_json
from tests.log.building import World

PACK = "4A6PCPM27KLPCLE742946319"
FIELDS = (
    *("--country", "CN", "--facility-id", "F-1", "--level", "pack", "--batch-id", "B-1"),
    *("--model-ref", "urn:cellbook:model:LF280K-48:3", "--made-on", "2026-01-05"),
)


@pytest.fixture
def signing(tmp_path: Path) -> tuple[object, ...]:
    keyfile.save(tmp_path / "key.pem", generate(), "a long enough passphrase")
    keyfile.write_private(tmp_path / "passphrase", b"a long enough passphrase\n")
    family = "urn:cellbook:family:x"
    return (
        *("event", "manufacture", "--battery", PACK, "--key", tmp_path / "key.pem"),
        *("--issuer", "https://works.example", "--family", family, *FIELDS),
    )


def test_attached_files_are_stated(signing: tuple[object, ...], tmp_path: Path) -> None:
    report, log = tmp_path / "report.pdf", tmp_path / "log"
    report.write_bytes(b"%PDF-1.7" + bytes(100_000))
    log.write_bytes(b"")
    run(
        *signing,
        *("--attach", f"test report:{report}", "--attach", f"log:{log}"),
        *("--evidence", '{"kind": "photo", "sha256": "' + "d1" * 32 + '"}'),
        *("--out", tmp_path / "event.cose"),
    )
    event = parse_event(parse_statement((tmp_path / "event.cose").read_bytes()).payload)
    photo, first, second = event.evidence
    assert photo.kind == "photo"
    assert (first.kind, first.size, first.media_type) == ("test report", 100_008, "application/pdf")
    assert first.sha256 == sha256(report.read_bytes()).digest()
    assert (second.kind, second.size, second.media_type) == ("log", 0, None)


@pytest.mark.parametrize("text", ["report.pdf", ":report.pdf", "report:"])
def test_what_a_file_is_must_be_said(
    text: str, signing: tuple[object, ...], tmp_path: Path
) -> None:
    args = (*signing, "--attach", text, "--out", tmp_path / "event.cose")
    refused("usage.event.attach", *args, code=2)
    assert not (tmp_path / "event.cose").exists()


def test_a_file_that_is_not_there(signing: tuple[object, ...], tmp_path: Path) -> None:
    args = (*signing, "--attach", f"report:{tmp_path}/no.pdf", "--out", tmp_path / "event.cose")
    refused("usage.file.read", *args, code=2)


def test_colons_in_names_are_the_names(tmp_path: Path) -> None:
    file = tmp_path / "a:b.txt"
    file.write_bytes(b"x")
    assert attached(f"note:{file}")["media_type"] == "text/plain"


def test_media_types_do_not_depend_on_the_computer() -> None:
    assert media_type_of("a.pdf") == "application/pdf"
    assert media_type_of("a.jpg") == "image/jpeg"
    assert media_type_of("a.csv") == "text/csv"
    assert media_type_of("a.tar.gz") is None
    assert media_type_of("a") is None


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.pdf").write_bytes(b"two")
    (tmp_path / "a.pdf").write_bytes(b"one")
    (tmp_path / "copy.pdf").write_bytes(b"one")
    held = held_files(tmp_path)
    assert {digest: file.name for digest, file in held.items()} == {
        sha256(b"one").digest(): "a.pdf",
        sha256(b"two").digest(): "sub/b.pdf",
    }
    assert digest_of(tmp_path / "a.pdf") == (sha256(b"one").digest(), 3)
    with pytest.raises(CellbookError, match="not a folder"):
        held_files(tmp_path / "a.pdf")


@pytest.fixture
def dossier(tmp_path: Path) -> tuple[object, ...]:
    """A battery with a report and a photo, and the command that verifies its dossier."""
    with World(tmp_path / "world", operators=("owner",)) as world:
        pack = world.battery()
        evidence = (
            Evidence(kind="report", sha256=sha256(b"report").digest(), size=6),
            Evidence(kind="photo", sha256=sha256(b"photo").digest(), size=7),
        )
        world.accepted(world.event("manufacture", pack, evidence=evidence))
        world.end_epoch()
        file = tmp_path / "pack.dossier"
        file.write_bytes(world.ledger.dossier(pack))
        trust = tmp_path / "trust.toml"
        trust.write_bytes(world.home.trust_bytes())
    (tmp_path / "documents").mkdir()
    return ("verify", file, "--trust", trust, "--evidence", tmp_path / "documents")


def test_verify_says_which_documents_are_held(dossier: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "documents" / "report.pdf").write_bytes(b"report")
    (tmp_path / "documents" / "else.pdf").write_bytes(b"else")
    facts = run_json(*dossier)["evidence"]
    (held,), (missing,) = facts["held"], facts["not_held"]
    assert (held["file"], held["place"], held["kind"]) == ("report.pdf", "evidence.1", "report")
    assert missing["sha256"] == sha256(b"photo").hexdigest()
    assert facts["of_no_entry"] == ["else.pdf"]
    printed = run(*dossier).stdout
    assert "DOCUMENTS 1 of 2 are in your folder, by SHA-256\n" in printed
    assert "manufacture, evidence.1 (report): report.pdf\n" in printed
    assert "manufacture, evidence.2 (photo)\n" in printed
    assert "  no entry states else.pdf\n" in printed
    assert "What is in the documents was not checked.\n" in printed


def test_a_false_size_fails(dossier: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "documents" / "photo.jpg").write_bytes(b"photo")
    assert run_json(*dossier, code=1)["evidence"]["held"][0]["size_differs"] is True
    assert "FALSE: 7 bytes are stated, it has 5\n" in run(*dossier, code=1).stdout


def test_without_the_option_nothing_is_said(dossier: tuple[object, ...]) -> None:
    assert "evidence" not in run_json(*dossier[:-2])
    assert "DOCUMENTS" not in run(*dossier[:-2]).stdout
    refused("usage.file.read", *dossier[:-1], "nowhere", code=2)
