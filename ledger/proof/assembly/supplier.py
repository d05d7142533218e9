"""Makes a supplier file from a published log. Nothing here is secret."""

from __future__ import annotations

from ledger.custody.governance.statements import AboutLog, Head, ListSnapshot
from ledger.custody.lists.listed import wanted
from ledger.custody.lists.membership import ListProof, prove
from ledger.custody.lists.schemes import identifier_of, list_uri
from ledger.custody.lists.snapshots import day_of
from ledger.custody.values.times import parse_date
from ledger.proof.assembly.gathering import Gathered
from ledger.proof.assembly.lists import stated_lists
from ledger.proof.assembly.reader import LogReader
from ledger.proof.checks.listings import CARRIED, Documents
from ledger.proof.supplier import Supplier, encode_supplier


def assemble_supplier(reader: LogReader, documents: Documents, operator: str, day: str) -> bytes:
    """What is signed about ``operator``, and what lists say of it on ``day`` and on the day of the
    reader's checkpoint.

    A scheme is left out where the rows of a list that counts are not at hand. Raises what the
    reader raises, and ``malformed.date``. That the operator is registered is for the caller.
    """
    parse_date(day, "day")
    log = Gathered(reader)
    lists: dict[str, dict[str, dict[int, ListProof]]] = {}
    log.take(log.entry(0)[0].sub)
    log.take(operator)
    for scheme in CARRIED:
        proofs = _proofs(log, documents, scheme, operator, day)
        if proofs is not None:
            lists[scheme] = {identifier_of(operator): proofs}
            log.take(list_uri(scheme))
    for index in list(log.wanted):
        if not isinstance(log.entry(index)[1], AboutLog | Head):
            log.wanted.add(reader.head_after(index, log.size))
    note = reader.checkpoint()
    return encode_supplier(Supplier(operator, day, note, log.entries(), log.index(), lists))


def _proofs(
    log: Gathered, documents: Documents, scheme: str, operator: str, day: str
) -> dict[int, ListProof] | None:
    """The proofs for both days; None where they cannot be made."""
    snapshots = stated_lists(log.reader, scheme)
    if not snapshots:
        return None
    first, head = (log.entry(at)[1] for at in (snapshots[0].snapshot.index, log.size - 1))
    assert isinstance(first, ListSnapshot)  # noqa: S101 - nothing else concerns a list
    assert isinstance(head, Head)  # noqa: S101 - the reader's word
    proofs: dict[int, ListProof] = {}
    for asked in (day, day_of(head.time, first.utc_offset_min)):
        for item in wanted(snapshots, asked):
            document = documents(scheme, item.snapshot.root)
            if document is None:
                return None
            proofs[item.snapshot.index] = prove(document, identifier_of(operator))
    return proofs
