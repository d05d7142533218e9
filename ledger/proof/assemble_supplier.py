"""Makes a supplier file from a published log. Nothing here is secret."""

from __future__ import annotations

from ledger.custody.governance import Head, ListSnapshot, parse_governance
from ledger.custody.listed import wanted
from ledger.custody.membership import ListProof, prove
from ledger.custody.schemes import identifier_of
from ledger.custody.snapshots import day_of
from ledger.custody.times import parse_date
from ledger.proof.assemble import LogReader
from ledger.proof.assemble_lists import stated_lists
from ledger.proof.dossier import DossierEntry
from ledger.proof.listings import CARRIED, Documents
from ledger.proof.supplier import Supplier, encode_supplier
from ledger.wire.statement import parse_statement


def assemble_supplier(reader: LogReader, documents: Documents, operator: str, day: str) -> bytes:
    """What is signed about ``operator``, and what lists say of it on ``day`` and on the day of the
    reader's checkpoint.

    A scheme is left out where the rows of a list that counts are not at hand. Raises what the
    reader raises, and ``malformed.date``. That the operator is registered is for the caller.
    """
    parse_date(day, "day")
    size = reader.checkpoint_size()
    log_uri = parse_statement(reader.leaf(0)).sub
    stated = set(reader.indexes(operator, size))
    lists: dict[str, dict[str, dict[int, ListProof]]] = {}
    for scheme in CARRIED:
        found = _proofs(reader, documents, scheme, operator, day)
        if found is not None:
            lists[scheme] = {identifier_of(operator): found[0]}
            stated |= found[1]
    indexes = stated | {reader.head_after(index, size) for index in stated}
    ordered = sorted(indexes | {size - 1, *reader.indexes(log_uri, size)})
    entries = tuple(
        DossierEntry(index, reader.leaf(index), receipt)
        for index, receipt in zip(ordered, reader.receipts(ordered, size), strict=True)
    )
    return encode_supplier(Supplier(operator, day, reader.checkpoint(), entries, lists))


def _proofs(
    reader: LogReader, documents: Documents, scheme: str, operator: str, day: str
) -> tuple[dict[int, ListProof], set[int]] | None:
    """The proofs for both days, and the entries of all snapshots of the scheme."""
    snapshots = stated_lists(reader, scheme)
    if not snapshots:
        return None
    first = parse_governance(parse_statement(reader.leaf(snapshots[0].snapshot.index)).payload)
    head = parse_governance(parse_statement(reader.leaf(reader.checkpoint_size() - 1)).payload)
    assert isinstance(first, ListSnapshot)  # noqa: S101 - nothing else concerns a list
    assert isinstance(head, Head)  # noqa: S101 - the reader's word
    proofs: dict[int, ListProof] = {}
    for asked in (day, day_of(head.time, first.utc_offset_min)):
        for item in wanted(snapshots, asked):
            document = documents(scheme, item.snapshot.root)
            if document is None:
                return None
            proofs[item.snapshot.index] = prove(document, identifier_of(operator))
    return proofs, {item.snapshot.index for item in snapshots}
