"""What files that prove something say, for ``inspect``. Nothing is verified here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cli.content import Facts

_SHOWN = 40


def _dossier(data: bytes) -> Facts:
    from ledger.proof.dossier import decode_dossier

    dossier = decode_dossier(data)
    facts: Facts = {
        "battery": dossier.subject,
        **_entries(entry.index for entry in dossier.entries),
        "names proved": len(dossier.index),
        "lists": ", ".join(sorted(dossier.lists)) or "none",
    }
    past, logs = dossier.past, 0
    while past is not None:
        past, logs = past.past, logs + 1
    return {**facts, "logs before": logs} if logs else facts


def _supplier(data: bytes) -> Facts:
    from ledger.proof.supplier import decode_supplier

    file = decode_supplier(data)
    return {
        "operator": file.operator,
        "day": file.day,
        **_entries(entry.index for entry in file.entries),
        "names proved": len(file.index),
        "lists": ", ".join(sorted(file.lists)) or "none",
    }


def _participation(data: bytes) -> Facts:
    from ledger.proof.participation import decode_participation

    file = decode_participation(data)
    return {
        "scheme": file.scheme,
        "identifier": file.identifier,
        "day": file.day,
        **_entries(entry.index for entry in file.entries),
        "names proved": len(file.index),
        "snapshots": ", ".join(map(str, sorted(file.proofs))) or "none",
    }


def _list(data: bytes) -> Facts:
    from ledger.custody.lists.rows import parse_document

    document = parse_document(data)
    rows = sum(len(leaf.rows) for leaf in document.leaves)
    return {"identifiers": len(document.leaves), "rows": rows, "root": document.root.hex()}


def _lot(data: bytes) -> Facts:
    from ledger.custody.lots import parse_lot

    lot = parse_lot(data)
    return {
        "units": lot.count,
        "root": lot.root.hex(),
        "secret": "in the file: keep it to yourself",
    }


def _lot_proof(data: bytes) -> Facts:
    from ledger.custody.lots import parse_lot_proof

    proof = parse_lot_proof(data)
    place = f"unit {proof.index} of {proof.count}"
    return {"unit": proof.unit, "place": place, "root": proof.root.hex()}


MAPS: dict[str, tuple[str, Callable[[bytes], Facts]]] = {
    "cellbook-dossier": ("dossier", _dossier),
    "cellbook-supplier": ("supplier file", _supplier),
    "cellbook-participation": ("participation file", _participation),
    "cellbook-list": ("list document", _list),
    "cellbook-lot": ("lot document", _lot),
    "cellbook-lot-proof": ("proof of a unit in a lot", _lot_proof),
}
"""What a file is called, and who reads it, by its ``type``."""


def _entries(indexes: Iterable[int]) -> Facts:
    known = list(indexes)
    shown = ", ".join(map(str, known[:_SHOWN])) + (", …" if len(known) > _SHOWN else "")
    return {"entries": len(known), "indexes": shown}
