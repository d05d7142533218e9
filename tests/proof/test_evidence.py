"""Documents that a dossier states, compared with the files that a buyer holds."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ledger.custody.events import Evidence
from ledger.custody.events.life import DataInterface
from ledger.proof.checks.history import History, read_entries, replay
from ledger.proof.dossier import decode_dossier
from ledger.proof.verdict.evidence import HeldFile, match_evidence, stated_documents
from tests.log.building import World

REPORT, PHOTO, MANUAL, LOG = b"report", b"photo", b"manual", b"log"


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def told(tmp_path: Path) -> History:
    """A battery whose events state four documents."""
    with World(tmp_path, operators=("owner",)) as world:
        pack = world.battery()
        evidence = (
            Evidence(kind="report", sha256=digest(REPORT), size=6, media_type="application/pdf"),
            Evidence(kind="photo", sha256=digest(PHOTO)),
        )
        interface = DataInterface(
            protocol="CAN",
            read_only=True,
            credentials_needed=False,
            document_sha256=digest(MANUAL),
        )
        world.accepted(
            world.event("manufacture", pack, evidence=evidence, data_interface=interface)
        )
        world.live(pack, "install")
        world.accepted(world.event("decommission", pack, log_sha256=digest(LOG)))
        dossier = decode_dossier(world.ledger.dossier(pack))
        return replay(read_entries(dossier.entries), frozenset({pack}))


def held(*data: bytes) -> dict[bytes, HeldFile]:
    return {digest(item): HeldFile(item.decode(), len(item)) for item in data}


def test_every_digest_of_a_document_is_found(tmp_path: Path) -> None:
    documents = stated_documents(told(tmp_path))
    nothing = match_evidence(documents, {})
    places = [(document.event, document.place) for document in nothing.not_held]
    assert places == [
        ("manufacture", "evidence.1"),
        ("manufacture", "evidence.2"),
        ("manufacture", "data_interface.document_sha256"),
        ("decommission", "log_sha256"),
    ]
    assert (nothing.held, nothing.unknown) == ((), ())
    report = nothing.not_held[0]
    assert (report.size, report.media_type) == (6, "application/pdf")


def test_what_is_held_what_is_not_and_what_is_not_spoken_of(tmp_path: Path) -> None:
    match = match_evidence(stated_documents(told(tmp_path)), held(REPORT, LOG, b"else"))
    assert [matched.file.name for matched in match.held] == ["report", "log"]
    assert [document.sha256 for document in match.not_held] == [digest(PHOTO), digest(MANUAL)]
    assert [file.name for file in match.unknown] == ["else"]
    assert not match.contradicts


def test_a_size_that_the_document_does_not_have(tmp_path: Path) -> None:
    files = {digest(REPORT): HeldFile("report", 7), digest(PHOTO): HeldFile("photo", 9)}
    match = match_evidence(stated_documents(told(tmp_path)), files)
    assert [matched.size_differs for matched in match.held] == [True, False]
    assert match.contradicts
