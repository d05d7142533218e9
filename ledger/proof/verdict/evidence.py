"""Which of the documents that a dossier states by their digests does the buyer hold?

A pure comparison of digests. It shows that a file is the one whose digest was signed, and nothing
about what is in it; that a file is not held shows nothing about the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ledger.custody.events import Evidence, kind_of
from ledger.proof.checks.history import Decided, History
from ledger.proof.verdict.values import StatedDocument

_SUFFIX = "sha256"


class HeldFile(msgspec.Struct, frozen=True):
    """A file that the buyer holds: its name and its size in bytes. Its SHA-256 is its key."""

    name: str
    size: int


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


def match_evidence(
    documents: Sequence[StatedDocument], files: Mapping[bytes, HeldFile]
) -> EvidenceMatch:
    """Compare the digests in ``documents`` with ``files`` by their SHA-256.

    Media types and the contents of files are not checked.
    """
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


def stated_documents(history: History) -> tuple[StatedDocument, ...]:
    """Every digest of a document that an entry states, in log order and in the order of fields."""
    stated = [document for decided in history.events for document in _in_event(decided)]
    stated += [
        StatedDocument(
            index=item.entry.index,
            event="document",
            place="payload",
            sha256=item.envelope.sha256,
            media_type=item.envelope.media_type,
        )
        for item in history.documents
    ]
    return tuple(sorted(stated, key=lambda document: document.index))


def _in_event(decided: Decided) -> Iterator[StatedDocument]:
    for place, holder, digest in _digests(decided.event, ""):
        about = holder if isinstance(holder, Evidence) else None
        yield StatedDocument(
            index=decided.entry.index,
            event=kind_of(decided.event),
            place=place,
            sha256=digest,
            kind=None if about is None else about.kind,
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
