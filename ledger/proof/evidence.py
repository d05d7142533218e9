"""Which of the documents that a dossier states by their digests does the buyer hold?

A pure comparison of digests. It shows that a file is the one whose digest was signed, and nothing
about what is in it; that a file is not held shows nothing about the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ledger.custody.events import Evidence, kind_of
from ledger.proof.history import Decided

_SUFFIX = "sha256"


class HeldFile(msgspec.Struct, frozen=True):
    """A file that the buyer holds: its name and its size in bytes. Its SHA-256 is its key."""

    name: str
    size: int


class StatedDocument(msgspec.Struct, frozen=True):
    """A digest in an event. ``place`` is the field, such as ``evidence.1`` or ``report_sha256``;
    ``size`` is None where the event does not state it."""

    index: int
    event: str
    place: str
    sha256: bytes
    size: int | None = None
    media_type: str | None = None


class Matched(msgspec.Struct, frozen=True):
    """A stated document and the file with this digest; ``size_differs`` where the event states
    another size, so that what was signed contradicts itself."""

    document: StatedDocument
    file: HeldFile
    size_differs: bool


class EvidenceMatch(msgspec.Struct, frozen=True):
    """What is held of what is stated. ``unknown`` files have a digest that no event states."""

    held: tuple[Matched, ...]
    not_held: tuple[StatedDocument, ...]
    unknown: tuple[HeldFile, ...]

    @property
    def contradicts(self) -> bool:
        """Whether a size is stated that the document with this digest does not have."""
        return any(matched.size_differs for matched in self.held)


def match_evidence(events: Sequence[Decided], files: Mapping[bytes, HeldFile]) -> EvidenceMatch:
    """Compare the digests in ``events``, in log order, with ``files`` by their SHA-256.

    Media types and the contents of files are not checked.
    """
    documents = [document for decided in events for document in stated_documents(decided)]
    held = []
    for document in documents:
        file = files.get(document.sha256)
        if file is not None:
            differs = document.size is not None and document.size != file.size
            held.append(Matched(document, file, differs))
    stated = {document.sha256 for document in documents}
    return EvidenceMatch(
        held=tuple(held),
        not_held=tuple(document for document in documents if document.sha256 not in files),
        unknown=tuple(file for digest, file in files.items() if digest not in stated),
    )


def stated_documents(decided: Decided) -> Iterator[StatedDocument]:
    """Every digest of a document that an event states, in the order of its fields."""
    event = decided.event
    for place, holder, digest in _digests(event, ""):
        about = holder if isinstance(holder, Evidence) else None
        yield StatedDocument(
            index=decided.entry.index,
            event=kind_of(event),
            place=place,
            sha256=digest,
            size=None if about is None else about.size,
            media_type=None if about is None else about.media_type,
        )


def _digests(part: msgspec.Struct, above: str) -> Iterator[tuple[str, msgspec.Struct, bytes]]:
    for name in part.__struct_fields__:
        for place, value in _items(f"{above}{name}", getattr(part, name)):
            if isinstance(value, msgspec.Struct):
                yield from _digests(value, f"{place}.")
            elif isinstance(value, bytes) and name.endswith(_SUFFIX):
                # The digest of an evidence item is the item itself.
                shown = above.removesuffix(".") if isinstance(part, Evidence) else place
                yield shown, part, value


def _items(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, tuple):
        yield from ((f"{place}.{number}", item) for number, item in enumerate(value, 1))
    else:
        yield place, value
