"""Public lists as the log keeps them: snapshots from entries, and their rows beside the log.

Rows are taken from anybody: they are those of a root that a publisher signed, or they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from keys.errors import CellbookError, MissingError, declare
from ledger.custody.lists.rows import ListDocument, check_root, parse_document
from ledger.custody.lists.schemes import LIST_PREFIX, check_listing, list_uri
from ledger.custody.states import ListedSnapshot, ListState, decode_state
from ledger.log.integrity.damage import LIST_DOCUMENT, damage
from ledger.log.reading.published import LogTimes, PublishedLog, read_entry
from ledger.log.stored import read_states
from ledger.proof.assembly.participation import assemble_participation
from ledger.store.sql import SqlStore

NO_LIST = declare(
    "missing.list",
    "There is no list of this scheme in this log.",
    "`cellbook list show` prints the schemes that there are.",
)
NO_SNAPSHOT = declare(
    "missing.list.snapshot",
    "No snapshot of this scheme states a list with this root.",
    "Register the publisher's statement first, then hand in the rows.",
)
NO_ROWS = declare(
    "missing.list.rows",
    "The rows of this list were not handed in.",
    "Ask the publisher for them; `cellbook list import` hands them in.",
)

_PAGE = 100
_KEPT = 8


class SnapshotView(msgspec.Struct, frozen=True):
    """A snapshot. ``log_time`` (Unix seconds) is None until its epoch has ended; ``has_rows``:
    the rows were handed in."""

    snapshot: ListedSnapshot
    entry_id: bytes
    log_time: int | None
    has_rows: bool


class ListView(msgspec.Struct, frozen=True):
    """A scheme as the log knows it now."""

    scheme: str
    utc_offset_min: int
    snapshots: tuple[SnapshotView, ...]


class Lists:
    """The lists of one log.

    ``published`` gives the log up to its newest checkpoint, after a while in which one of the size
    that it is given may come.
    """

    def __init__(self, store: SqlStore, published: Callable[[int], PublishedLog]) -> None:
        self._store = store
        self._published = published
        self._parsed: dict[bytes, ListDocument] = {}

    def schemes(self) -> list[str]:
        """The schemes of which there is a snapshot, ascending."""
        return [uri.removeprefix(LIST_PREFIX) for uri in self._uris()]

    def view(self, scheme: str) -> ListView:
        """The scheme and its snapshots, in log order. Raises ``missing.list``."""
        state = self._state(scheme)
        times, roots = LogTimes(self._store), set(self._store.list_roots())
        snapshots = tuple(
            SnapshotView(
                snapshot,
                read_entry(self._store, snapshot.index).entry_id,
                times.of(snapshot.index),
                snapshot.root in roots,
            )
            for snapshot in state.snapshots
        )
        return ListView(scheme, state.utc_offset_min, snapshots)

    def rows(self, scheme: str, root: bytes) -> bytes:
        """The list document with this root. Raises ``missing.list*``."""
        self._stating(scheme, root)
        data = self._store.list_document(root)
        if data is None:
            raise NO_ROWS.at(f"root {root.hex()}")
        return data

    def put_rows(self, scheme: str, root: bytes, data: bytes) -> None:
        """Keep the list document of a snapshot. The same one again changes nothing.

        Raises ``missing.list*``, ``malformed.list.*``, ``malformed.uscc``, ``failed.list.root``.
        """
        snapshot = self._stating(scheme, root)
        if self._store.list_document(root) == data:
            return
        document = parse_document(data)
        check_root(document, root, snapshot.leaves, snapshot.rows)
        check_listing(scheme, document)
        self._store.put_list_document(root, data)

    def participation(self, scheme: str, identifier: str, day: str) -> bytes:
        """The participation file: what the scheme's lists say of ``identifier`` on ``day``, proved.

        Waits a while for a checkpoint that covers the newest snapshot, then takes what there is.
        Raises ``missing.list*``, ``missing.checkpoint``, ``malformed.date``.
        """
        newest = self._state(scheme).snapshots[-1].index
        return assemble_participation(
            self._published(newest + 1),
            lambda root: self._document(scheme, root),
            scheme,
            identifier,
            day,
        )

    def document(self, scheme: str, root: bytes) -> ListDocument | None:
        """The list with this root; None where its rows were not handed in."""
        try:
            return self._document(scheme, root)
        except MissingError:
            return None

    def _document(self, scheme: str, root: bytes) -> ListDocument:
        """The parsed rows. A root has the same rows for ever, so the last few are kept."""
        document = self._parsed.get(root)
        if document is None:
            document = parse_document(self.rows(scheme, root))
            while len(self._parsed) >= _KEPT:
                self._parsed.pop(next(iter(self._parsed), b""), None)
            self._parsed[root] = document
        return document

    def _state(self, scheme: str) -> ListState:
        uri = list_uri(scheme)
        state = read_states(self._store.states([uri])).get(uri)
        if not isinstance(state, ListState):
            raise NO_LIST.at("scheme", scheme)
        return state

    def _stating(self, scheme: str, root: bytes) -> ListedSnapshot:
        for snapshot in self._state(scheme).snapshots:
            if snapshot.root == root:
                return snapshot
        raise NO_SNAPSHOT.at(f"root {root.hex()}")

    def _uris(self) -> Iterator[str]:
        after = LIST_PREFIX
        while page := self._store.iterate_subjects(after, _PAGE):
            for subject in page:
                if not subject.uri.startswith(LIST_PREFIX):
                    return
                yield subject.uri
            after = page[-1].uri


def check_list_documents(store: SqlStore, states: Mapping[str, bytes]) -> int:
    """That every stored list document is one that a snapshot states; their number.

    ``states`` are the encoded states of all subjects. A document that is not there was not handed
    in. Raises ``damaged.list-document``.
    """
    stated = _stated_roots(states)
    roots = store.list_roots()
    for root in roots:
        row = f"root {root.hex()}"
        if root not in stated:
            raise damage(LIST_DOCUMENT, row, "root", "no snapshot states it")
        snapshot = stated[root]
        try:
            document = parse_document(store.list_document(root) or b"")
            check_root(document, root, snapshot.leaves, snapshot.rows)
        except CellbookError as error:
            detail = f"{error.code}, {error.describe()}"
            raise damage(LIST_DOCUMENT, row, "data", detail) from error
    return len(roots)


def _stated_roots(states: Mapping[str, bytes]) -> dict[bytes, ListedSnapshot]:
    found: dict[bytes, ListedSnapshot] = {}
    for uri, data in states.items():
        if uri.startswith(LIST_PREFIX):
            state = decode_state(data)
            assert isinstance(state, ListState)  # noqa: S101 - nothing else has such a name
            found |= {snapshot.root: snapshot for snapshot in state.snapshots}
    return found
