"""Where lists come from: a service, or a ledger's folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import click
import msgspec

from keys.errors import declare
from ledger.custody.lists.rows import MAX_DOCUMENT, ListDocument, parse_document
from ledger.wire.base64text import decode_base64url, encode_base64url

if TYPE_CHECKING:
    from cli.remote import Remote
    from ledger.log.ledger import Ledger

ANSWER = declare(
    "unavailable.service.list",
    "The service's answer about a list is none.",
    "Check the URL; if it is right, report it to whoever runs the service.",
)

LIST = "application/vnd.cellbook.list+cbor"
_MAX_JSON = 4 << 20
_MAX_PROOF = 32 << 20
_Kind = TypeVar("_Kind")


class ShownSnapshot(msgspec.Struct, frozen=True):
    """A snapshot, by the word of who shows it."""

    index: int
    publisher: str
    announcement: str
    effective: str
    log_time: int | None
    identifiers: int
    rows: int
    root: str
    source_sha256: str
    rows_path: str | None


class ShownList(msgspec.Struct, frozen=True):
    """A scheme and its snapshots in log order, by the word of who shows them."""

    scheme: str
    utc_offset_min: int
    snapshots: tuple[ShownSnapshot, ...]


class ListSource(Protocol):
    """What commands ask of a service or a folder. Raises ``missing.list*``, ``unavailable.*``."""

    def schemes(self) -> list[str]:
        """The schemes of which there is a snapshot."""
        ...

    def view(self, scheme: str) -> ShownList:
        """A scheme and its snapshots."""
        ...

    def rows(self, scheme: str, root: str) -> ListDocument:
        """The rows of a list; that they are those of ``root`` is checked."""
        ...

    def put_rows(self, scheme: str, root: str, data: bytes) -> None:
        """Hand in the rows of a list."""
        ...

    def participation(self, scheme: str, identifier: str, day: str) -> bytes:
        """A participation file, not verified."""
        ...

    def register(self, leaf: bytes) -> str:
        """Register a statement; where it is."""
        ...


@contextmanager
def open_source(url: str | None, home: Path | None) -> Iterator[ListSource]:
    """The service at ``url`` or the ledger in ``home``, one of which must be given."""
    if (url is None) == (home is None):
        raise click.UsageError("Give exactly one of --url and --home.")
    if home is None:
        from cli.remote import Remote

        with Remote(url or "") as remote:
            yield _Service(remote)
        return
    from ledger.log.home import Home
    from ledger.log.ledger import Ledger

    opened = Home.open(home)
    with closing(opened.open_store()) as store:
        ledger = Ledger(store, opened.signers(), clock=lambda: int(time.time()))
        ledger.start()
        with closing(ledger):
            yield _Folder(ledger)


class _Names(msgspec.Struct, frozen=True):
    scheme: str


class _Schemes(msgspec.Struct, frozen=True):
    lists: list[_Names]


class _Service:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def schemes(self) -> list[str]:
        data = self._remote.fetch("/lists", _MAX_JSON)
        return [item.scheme for item in _decoded(data, _Schemes, "/lists").lists]

    def view(self, scheme: str) -> ShownList:
        path = f"/lists/{scheme}"
        return _decoded(self._remote.fetch(path, _MAX_JSON), ShownList, path)

    def rows(self, scheme: str, root: str) -> ListDocument:
        return _checked(self._remote.fetch(f"/lists/{scheme}/rows/{root}", MAX_DOCUMENT), root)

    def put_rows(self, scheme: str, root: str, data: bytes) -> None:
        self._remote.put(f"/lists/{scheme}/rows/{root}", data, LIST)

    def participation(self, scheme: str, identifier: str, day: str) -> bytes:
        path = f"/lists/{scheme}/participation"
        return self._remote.fetch(path, _MAX_PROOF, identifier=identifier, day=day)

    def register(self, leaf: bytes) -> str:
        return self._remote.register(leaf).location


class _Folder:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lists = ledger.lists

    def schemes(self) -> list[str]:
        return self._lists.schemes()

    def view(self, scheme: str) -> ShownList:
        view = self._lists.view(scheme)
        snapshots = (
            ShownSnapshot(
                index=item.snapshot.index,
                publisher=item.snapshot.publisher,
                announcement=item.snapshot.announcement,
                effective=item.snapshot.effective,
                log_time=item.log_time,
                identifiers=item.snapshot.leaves,
                rows=item.snapshot.rows,
                root=encode_base64url(item.snapshot.root),
                source_sha256=item.snapshot.source_sha256.hex(),
                rows_path="kept" if item.has_rows else None,
            )
            for item in view.snapshots
        )
        return ShownList(view.scheme, view.utc_offset_min, tuple(snapshots))

    def rows(self, scheme: str, root: str) -> ListDocument:
        return _checked(self._lists.rows(scheme, decode_base64url(root)), root)

    def put_rows(self, scheme: str, root: str, data: bytes) -> None:
        self._lists.put_rows(scheme, decode_base64url(root), data)

    def participation(self, scheme: str, identifier: str, day: str) -> bytes:
        return self._lists.participation(scheme, identifier, day)

    def register(self, leaf: bytes) -> str:
        (outcome,) = self._ledger.register_now([leaf])
        if outcome.error is not None:
            raise outcome.error
        return f"entry {outcome.index}"


def _decoded(data: bytes, kind: type[_Kind], where: str) -> _Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ANSWER.at(where, str(error)[:200]) from None


def _checked(data: bytes, root: str) -> ListDocument:
    document = parse_document(data)
    if encode_base64url(document.root) != root:
        raise ANSWER.at(f"rows of {root}", "they have another root")
    return document
