"""Files as evidence: their digest, size and media type, computed and not typed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from mimetypes import MimeTypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.output import READ
from keys.errors import declare

if TYPE_CHECKING:
    from ledger.proof.verdict.evidence import EvidenceMatch, HeldFile
    from ledger.proof.verdict.values import StatedDocument

ATTACH = declare(
    "usage.event.attach",
    "A file is attached without saying what it is.",
    "Write KIND:FILE, such as --attach report:assessment.pdf.",
)

MOST_FILES = 100_000


def attached(text: str) -> dict[str, Any]:
    """The evidence item of ``KIND:FILE``, by wire names. The file stays where it is.

    Raises ``usage.event.attach`` and ``usage.file.read``.
    """
    kind, colon, name = text.partition(":")
    if not colon or not kind.strip() or not name:
        raise ATTACH.at("--attach", repr(text)[:80])
    digest, size = digest_of(Path(name))
    item: dict[str, Any] = {"kind": kind.strip(), "sha256": digest, "size": size}
    media_type = media_type_of(name)
    return item if media_type is None else {**item, "media_type": media_type}


def media_type_of(name: str) -> str | None:
    """The media type by the file's ending; None where it says none."""
    # Not the system's table: two computers shall sign the same.
    media_type, encoding = MimeTypes(filenames=()).guess_type(name)
    return media_type if encoding is None else None


def digest_of(file: Path) -> tuple[bytes, int]:
    """SHA-256 and size of a file of any length. Raises ``usage.file.read``."""
    try:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").digest()
            return digest, opened.tell()
    except (OSError, ValueError) as error:
        raise READ.at(str(file), getattr(error, "strerror", None) or "not a file name") from None


def held_files(folder: Path) -> dict[bytes, HeldFile]:
    """The files in a folder and those below it, by SHA-256; of equal ones the first by name.

    Raises ``usage.file.read``.
    """
    from ledger.proof.verdict.evidence import HeldFile

    held: dict[bytes, HeldFile] = {}
    for file in sorted(_files(folder)):
        digest, size = digest_of(file)
        held.setdefault(digest, HeldFile(str(file.relative_to(folder)), size))
    return held


def evidence_facts(match: EvidenceMatch) -> dict[str, Any]:
    """Which documents are held, as ``verify --json`` prints it."""
    return {
        "held": [
            {
                **_document_facts(item.document),
                "file": item.file.name,
                "size_differs": item.size_differs,
            }
            for item in match.held
        ],
        "not_held": [_document_facts(document) for document in match.not_held],
        "of_no_entry": [file.name for file in match.unknown],
    }


def evidence_text(match: EvidenceMatch) -> str:
    """Which documents are held, for people. What is not held is not shown as checked."""
    from ledger.proof.report.table import shown

    held, missing = match.held, match.not_held
    lines = [f"DOCUMENTS {len(held)} of {len(held) + len(missing)} are in your folder, by SHA-256"]
    for item in held:
        lines.append(f"  held      {_named(item.document)}: {shown(item.file.name)}")
        if item.size_differs:
            stated = item.document.size
            lines.append(f"            FALSE: {stated} bytes are stated, it has {item.file.size}")
    lines += [f"  not held  {_named(document)}" for document in missing]
    lines += [f"  no entry states {shown(file.name)}" for file in match.unknown]
    lines.append("  Digests were compared. What is in the documents was not checked.")
    return "\n".join(lines) + "\n"


def _named(document: StatedDocument) -> str:
    from ledger.proof.report.table import shown

    kind = "" if document.kind is None else f" ({shown(document.kind)})"
    return f"entry {document.index}, {document.event}, {document.place}{kind}"


def _document_facts(document: StatedDocument) -> dict[str, Any]:
    return {
        "index": document.index,
        "event": document.event,
        "place": document.place,
        "sha256": document.sha256.hex(),
        "kind": document.kind,
        "size": document.size,
        "media_type": document.media_type,
    }


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise READ.at(str(folder), "not a folder")
    for number, file in enumerate(path for path in folder.rglob("*") if path.is_file()):
        if number == MOST_FILES:
            raise READ.at(str(folder), f"more than {MOST_FILES} files")
        yield file
