"""The rows of public lists beside a copy of a log, each under the root that a snapshot states."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from keys.durable import write_whole
from ledger.custody.governance.statements import ListSnapshot
from ledger.custody.lists.rows import MAX_DOCUMENT, ListDocument, check_root, parse_document
from ledger.custody.lists.schemes import check_scheme
from ledger.monitor.source import LogSource
from ledger.wire.base64text import encode_base64url


def rows_path(scheme: str, root: bytes) -> str:
    """Where the list document with this root is published. Raises ``malformed.list.scheme``."""
    return f"lists/{check_scheme(scheme)}/rows/{encode_base64url(root)}"


def copy_rows(source: LogSource, folder: Path, snapshots: Iterable[ListSnapshot]) -> int:
    """Write the rows that ``folder`` lacks; of how many snapshots nobody has handed them in.

    Raises ``failed.list.root``, ``malformed.list.*``, ``OSError``, and what the
    source raises.
    """
    missing = 0
    for snapshot in snapshots:
        path = rows_path(snapshot.scheme, snapshot.root)
        if (folder / path).exists():
            continue
        data = fetch_rows(source, snapshot)
        if data is None:
            missing += 1
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / path, data)
    return missing


def fetch_rows(source: LogSource, snapshot: ListSnapshot) -> bytes | None:
    """The list document that ``snapshot`` states; None where it is not there.

    Raises ``failed.list.root``, ``malformed.list.*`` and what the source raises.
    """
    data = source.fetch(rows_path(snapshot.scheme, snapshot.root), MAX_DOCUMENT)
    if data is not None:
        document = parse_document(data)
        check_root(document, snapshot.root, snapshot.leaves, snapshot.rows)
    return data


class CopiedRows:
    """The lists whose rows ``source`` has (``ledger.proof.checks.listings.Documents``)."""

    def __init__(self, source: LogSource) -> None:
        self._source = source

    def __call__(self, scheme: str, root: bytes) -> ListDocument | None:
        """The list with this root; None where its rows are not there.

        Raises ``failed.list.root``, ``malformed.list.*`` and what the source raises.
        """
        data = self._source.fetch(rows_path(scheme, root), MAX_DOCUMENT)
        if data is None:
            return None
        document = parse_document(data)
        check_root(document, root, len(document.leaves), document.rows)
        return document
