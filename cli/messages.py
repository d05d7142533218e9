"""Signed messages as ``inspect`` sums them up. No signature is checked here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cli.content import Content, Facts, facts_or_refusal
from cli.notation import read_item
from keys.algorithms import ALGORITHMS
from keys.errors import CellbookError
from ledger.custody.values.times import format_moment
from ledger.wire import cose
from ledger.wire.cbor import Tag, Value
from ledger.wire.statement import CONTENT_OF, Statement, parse_statement

RECEIPTS_HEADER, VDS, VDP, CONSISTENCY = 394, 395, 396, -2
"""Labels of RFC 9942: the receipts of a Transparent Statement, the kind of a receipt's tree, its
proofs, and among these those of consistency."""


def signed_message(data: bytes, item: Tag) -> Content:
    """What a tagged item is: a statement, a receipt, another COSE_Sign1, or none."""
    headers = _protected(item)
    if headers is None:
        return Content("CBOR", {}, item)
    typ = headers.get(cose.TYP)
    if VDS in headers:
        kind = _proof_kind(_unprotected(item))
        return Content(kind, facts_or_refusal(lambda: _FACTS[kind](data)), item)
    if not isinstance(typ, str) or typ not in CONTENT_OF:
        return Content("COSE_Sign1", {}, item)
    receipts = _receipts(item)
    kind = "Signed Statement" if receipts is None else "Transparent Statement"
    facts = facts_or_refusal(lambda: _statement(data))
    return Content(kind, facts if receipts is None else {**facts, "receipts": receipts}, item)


def _proof_kind(unprotected: Value) -> str:
    """What a message about the log's tree is, by the proofs in its unprotected header."""
    proofs = unprotected.get(VDP) if isinstance(unprotected, dict) else None
    if isinstance(proofs, dict) and CONSISTENCY in proofs:
        return "consistency receipt"
    return "receipt" if unprotected else "signed root"


def _protected(item: Tag) -> dict[Any, Value] | None:
    parts = item.value
    if not isinstance(parts, list) or len(parts) != 4 or not isinstance(parts[0], bytes):
        return None
    with suppress(CellbookError):
        headers = read_item(parts[0])
        return headers if isinstance(headers, dict) else None
    return None


def _unprotected(item: Tag) -> Value:
    assert isinstance(item.value, list)  # noqa: S101 - it has a protected header
    return item.value[1]


def _receipts(item: Tag) -> int | None:
    unprotected = _unprotected(item)
    receipts = unprotected.get(RECEIPTS_HEADER) if isinstance(unprotected, dict) else None
    return len(receipts) if isinstance(receipts, list) else None


def _statement(data: bytes) -> Facts:
    statement = parse_statement(data)
    return {
        "typ": statement.typ,
        "content": _content(statement),
        "issuer": statement.iss,
        "subject": statement.sub,
        "family": statement.aud,
        "issued at": format_moment(statement.iat),
        "algorithm": ALGORITHMS[statement.alg].name if statement.alg in ALGORITHMS else "unknown",
        "kid": statement.kid.hex(),
        "entry id": statement.locator,
    }


def _content(statement: Statement) -> str:
    envelope = statement.envelope
    if envelope is None:
        return _payload_type(statement.payload)
    return f"hash envelope: {envelope.media_type}, SHA-256 {envelope.sha256.hex()}"


def _payload_type(payload: bytes) -> str:
    with suppress(CellbookError):
        value = read_item(payload)
        if isinstance(value, dict) and isinstance(kind := value.get("type"), str):
            return f"{kind}, version {value.get('version')!r}"
    return "unknown"


def _receipt(data: bytes) -> Facts:
    from ledger.proof.receipt import parse_receipt

    message, proofs = parse_receipt(data)
    told = "; ".join(f"entry {proof.index} of {proof.size}" for proof in proofs)
    return {**_signed_root(message), "proofs": told}


def _consistency(data: bytes) -> Facts:
    from ledger.proof.receipt import SHAPE

    message = _tree_message(data)
    proofs = message.unprotected.get(VDP)
    items = proofs.get(CONSISTENCY) if isinstance(proofs, dict) else None
    told = []
    for item in items if isinstance(items, list) else ():
        sizes = read_item(item) if isinstance(item, bytes) else None
        if not isinstance(sizes, list) or len(sizes) != 3:
            raise SHAPE.at("consistency proof", "not two sizes and a path")
        told.append(f"from size {sizes[0]!r} to {sizes[1]!r}")
    return {**_signed_root(message), "proofs": "; ".join(told) or "none"}


def _root(data: bytes) -> Facts:
    from ledger.proof.signed_root import parse_signed_root

    return {**_signed_root(_tree_message(data)), "size": parse_signed_root(data).size}


def _tree_message(data: bytes) -> cose.Sign1:
    from ledger.proof.receipt import LIMITS, TREE_SIZE

    return cose.parse_sign1(data, limits=LIMITS, understood=cose.UNDERSTOOD | {VDS, TREE_SIZE})


def _signed_root(message: cose.Sign1) -> Facts:
    """What the log says of a tree: when, and by which key."""
    from ledger.wire.cwt import parse_claims

    claims = parse_claims(message.headers.get(cose.CWT_CLAIMS, {}), "receipt, CWT Claims")
    return {
        "log": claims.iss or "not stated",
        "time": "not stated" if claims.iat is None else format_moment(claims.iat),
        "kid": "not stated" if message.kid is None else message.kid.hex(),
    }


_FACTS: dict[str, Callable[[bytes], Facts]] = {
    "receipt": _receipt,
    "consistency receipt": _consistency,
    "signed root": _root,
}
