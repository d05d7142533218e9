"""Makes a participation file from a published log. Nothing here is secret."""

from __future__ import annotations

from collections.abc import Callable

from ledger.custody.lists.listed import wanted
from ledger.custody.lists.membership import prove
from ledger.custody.lists.rows import ListDocument, check_identifier
from ledger.custody.lists.schemes import list_uri
from ledger.custody.values.times import parse_date
from ledger.proof.assembly.dossier import LogReader
from ledger.proof.assembly.lists import stated_lists
from ledger.proof.checks.completeness import Stated as IndexRow
from ledger.proof.dossier import DossierEntry
from ledger.proof.participation import Participation, encode_participation
from ledger.tree.merkle import leaf_hash
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import parse_statement

Documents = Callable[[bytes], ListDocument]
"""The list with this root. Raises where its rows are not at hand."""


def assemble_participation(
    reader: LogReader, documents: Documents, scheme: str, identifier: str, day: str
) -> bytes:
    """What the lists of ``scheme`` say of ``identifier`` on ``day``, at the reader's checkpoint.

    Raises what the reader and ``documents`` raise, ``malformed.date``, ``malformed.list.leaf``.
    """
    parse_date(day, "day")
    check_identifier(identifier)
    size = reader.checkpoint_size()
    found = stated_lists(reader, scheme)
    proofs = {
        item.snapshot.index: prove(documents(item.snapshot.root), identifier)
        for item in wanted(found, day)
    }
    log_uri = parse_statement(reader.leaf(0)).sub
    indexes = {size - 1, *reader.indexes(log_uri, size)}
    for item in found:
        index = item.snapshot.index
        indexes.update((index, reader.head_after(index, size)))
    ordered = sorted(indexes)
    receipts = reader.receipts(ordered, size)
    entries = tuple(
        DossierEntry(index, reader.leaf(index), receipt)
        for index, receipt in zip(ordered, receipts, strict=True)
    )
    stated_names = _index(reader, sorted((log_uri, list_uri(scheme)), key=str.encode), size)
    file = Participation(
        scheme, identifier, day, reader.checkpoint(), entries, stated_names, proofs
    )
    return encode_participation(file)


def _index(reader: LogReader, names: list[str], size: int) -> tuple[IndexRow, ...]:
    proofs = reader.prove(names)
    rows = []
    for name in names:
        chain = Chain()
        for index in reader.indexes(name, size):
            chain = chain.after(index, leaf_hash(reader.leaf(index)))
        rows.append(IndexRow(name, chain, proofs[name]))
    return tuple(rows)
