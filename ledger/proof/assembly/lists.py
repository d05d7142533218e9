"""What a published log says of public lists, for who makes dossiers and participation files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ledger.custody.governance.statements import Head, ListSnapshot, parse_governance
from ledger.custody.lists.membership import ListProof
from ledger.custody.lists.schemes import list_uri
from ledger.custody.lists.snapshots import Stated, snapshot_of, stated
from ledger.proof.checks.listings import Documents, Worker, prove_works
from ledger.wire.statement import parse_statement

if TYPE_CHECKING:
    from ledger.proof.assembly.dossier import LogReader


def list_proofs(
    reader: LogReader, scheme: str, workers: Iterable[Worker], documents: Documents
) -> tuple[dict[str, dict[int, ListProof]], tuple[int, ...]]:
    """What the lists of ``scheme`` say of ``workers``, and the entries of all its snapshots.

    Nothing where there is no snapshot, or the rows of one that counts are not at hand.
    """
    workers, snapshots = tuple(workers), stated_lists(reader, scheme)
    if not workers or not snapshots:
        return {}, ()
    indexes = tuple(item.snapshot.index for item in snapshots)
    first = parse_governance(parse_statement(reader.leaf(indexes[0])).payload)
    assert isinstance(first, ListSnapshot)  # noqa: S101 - nothing else concerns a list
    proofs = prove_works(scheme, workers, snapshots, first.utc_offset_min, documents)
    return (proofs, indexes) if proofs else ({}, ())


def stated_lists(reader: LogReader, scheme: str) -> tuple[Stated, ...]:
    """All snapshots of a scheme at the reader's checkpoint, in log order."""
    size = reader.checkpoint_size()
    found = []
    for index in reader.indexes(list_uri(scheme), size):
        statement = parse_statement(reader.leaf(index))
        content = parse_governance(statement.payload)
        head = parse_governance(
            parse_statement(reader.leaf(reader.head_after(index, size))).payload
        )
        assert isinstance(content, ListSnapshot)  # noqa: S101 - nothing else concerns a list
        assert isinstance(head, Head)  # noqa: S101 - the reader's word
        snapshot = snapshot_of(statement.iss, content, index)
        found.append(stated(snapshot, head.time, content.utc_offset_min))
    return tuple(found)
