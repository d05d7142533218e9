"""A list in JSON: its snapshots in words, with links. For convenience and proven by nothing."""

from __future__ import annotations

import msgspec

from ledger.log.reading.lists import ListView, SnapshotView
from ledger.wire.base64text import encode_base64url


class SchemeDocument(msgspec.Struct, frozen=True):
    """A scheme of lists, and where it is shown."""

    scheme: str
    list: str


class SchemesDocument(msgspec.Struct, frozen=True):
    """All schemes of which there is a snapshot."""

    lists: list[SchemeDocument]


class SnapshotDocument(msgspec.Struct, frozen=True):
    """A list as its publisher copied it. ``effective`` is a day of the scheme's time zone,
    ``log_time`` (Unix seconds) null until its epoch has ended; ``rows_path`` is null until the
    rows are handed in. ``root`` is in unpadded base64url, ``source_sha256`` in hex."""

    index: int
    locator: str
    publisher: str
    announcement: str
    effective: str
    log_time: int | None
    identifiers: int
    rows: int
    root: str
    source_sha256: str
    rows_path: str | None
    receipt: str


class ListDocument(msgspec.Struct, frozen=True):
    """A scheme with its snapshots, in log order. Its days are those of a place
    ``utc_offset_min`` minutes ahead of UTC."""

    scheme: str
    utc_offset_min: int
    snapshots: list[SnapshotDocument]


def schemes_document(schemes: list[str]) -> SchemesDocument:
    """The document of all lists."""
    return SchemesDocument([SchemeDocument(name, f"/lists/{name}") for name in schemes])


def list_document(view: ListView) -> ListDocument:
    """The document of a list."""
    snapshots = [_snapshot(view.scheme, item) for item in view.snapshots]
    return ListDocument(view.scheme, view.utc_offset_min, snapshots)


def rows_path(scheme: str, root: bytes) -> str:
    """Where the rows of a list are."""
    return f"/lists/{scheme}/rows/{encode_base64url(root)}"


def _snapshot(scheme: str, view: SnapshotView) -> SnapshotDocument:
    snapshot, locator = view.snapshot, encode_base64url(view.entry_id)
    return SnapshotDocument(
        index=snapshot.index,
        locator=locator,
        publisher=snapshot.publisher,
        announcement=snapshot.announcement,
        effective=snapshot.effective,
        log_time=view.log_time,
        identifiers=snapshot.leaves,
        rows=snapshot.rows,
        root=encode_base64url(snapshot.root),
        source_sha256=snapshot.source_sha256.hex(),
        rows_path=rows_path(scheme, snapshot.root) if view.has_rows else None,
        receipt=f"/entries/{locator}",
    )
