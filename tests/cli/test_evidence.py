"""Files as evidence: ``event --attach`` states them, and a buyer's folder is compared."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from cli.evidence import attached, digest_of, held_files, media_type_of
from keys import keyfile
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.events import parse_event
from ledger.wire.statement import parse_statement
from tests.cli.running import refused, run

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
