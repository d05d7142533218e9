"""What the lists that a dossier carries say of those who recycled or repurposed the battery."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.custody.events import kind_of
from ledger.custody.governance.statements import ListSnapshot
from ledger.custody.lists.listed import MISSING
from ledger.custody.lists.schemes import list_uri
from ledger.custody.lists.snapshots import Stated, snapshot_of, stated
from ledger.custody.rules.listing import CATEGORY_FOR, Work
from ledger.proof.checks.history import History, ReadEntry
from ledger.proof.checks.listings import ListProofs, judge_works, worker_of


def without_lists(entries: Iterable[ReadEntry], lists: ListProofs) -> tuple[ReadEntry, ...]:
    """``entries`` but for the snapshots of the schemes in ``lists``, which belong to them."""
    uris = {list_uri(scheme) for scheme in lists}
    return tuple(
        entry
        for entry in entries
        if not (isinstance(entry.content, ListSnapshot) and entry.statement.sub in uris)
    )


def works_in(history: History, lists: ListProofs) -> tuple[Work, ...]:
    """What ``lists`` prove of every signer in ``history`` who should be listed.

    Raises ``failed.list.*``, ``malformed.list.*``, ``malformed.proof.*``, ``failed.inclusion``.
    """
    workers = [
        worker_of(item.entry.statement, item.event, item.entry.index, item.time)
        for item in history.events
        if kind_of(item.event) in CATEGORY_FOR
    ]
    works: list[Work] = []
    for scheme, proofs in lists.items():
        uri = list_uri(scheme)
        snapshots = stated_in(history, uri)
        if not snapshots:
            raise MISSING.at("dossier, lists", f"no snapshot of {scheme}")
        offset = next(
            item.content.utc_offset_min
            for item in history.snapshots
            if item.entry.statement.sub == uri
        )
        works += judge_works(scheme, workers, snapshots, offset, proofs)
    return tuple(works)


def stated_in(history: History, uri: str) -> tuple[Stated, ...]:
    """The snapshots about ``uri`` in a history, in log order, with their log times."""
    return tuple(
        stated(
            snapshot_of(item.entry.statement.iss, item.content, item.entry.index),
            item.time,
            item.content.utc_offset_min,
        )
        for item in history.snapshots
        if item.entry.statement.sub == uri
    )
