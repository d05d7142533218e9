"""Which of our files some bytes are, and what they say. Nothing is verified here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from api.sequence import read_sequence
from cli.notation import read_item
from keys import cose_key
from keys.algorithms import ALGORITHMS
from keys.errors import CellbookError
from ledger.custody.times import format_moment
from ledger.wire import cose
from ledger.wire.base64text import decode_base64
from ledger.wire.cbor import Tag, Value
from ledger.wire.statement import CONTENT_OF, parse_statement

Facts = dict[str, Any]
"""Label and value, as they are printed."""

RECEIPTS_HEADER, VDS = 394, 395
_NOTE_MARK = "— "
_TRUST_MARK = "cellbook-trust"
_PRIVATE_KEY = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_HASH = 32
_MOST_ITEMS = 1 << 20


class Content(msgspec.Struct, frozen=True):
    """What a file is: its kind, what it says in short, and its value; text files have ``text``."""

    kind: str
    facts: Facts
    value: Value = None
    text: str | None = None


def recognise(data: bytes, name: str) -> Content:
    """What ``data``, from the file ``name``, is.

    Raises ``malformed.cbor.*`` with the offset of the fault for what is none of our files,
    ``malformed.sequence``, ``malformed.trust``, ``malformed.key.*`` and ``rejected.key.private``.
    """
    if data.startswith(_PRIVATE_KEY):
        return Content("encrypted private key", {}, text="Its content is not shown.")
    tile = _tile(data, name)
    if tile is not None:
        return tile
    try:
        item = read_item(data)
    except CellbookError as error:
        other = _text_file(data) or _bundle(data) or _sequence(data)
        if other is None:
            raise error from None
        return other
    return _item(data, item)


def _item(data: bytes, item: Value) -> Content:
    if isinstance(item, Tag):
        return _sign1(data, item)
    if isinstance(item, bytes):
        return Content("batch", {"statements": 1}, [item])
    if isinstance(item, list) and item and all(map(_is_key, item)):
        return Content("COSE_KeySet", {"keys": len(item)}, item)
    if isinstance(item, dict):
        if _is_key(item):
            return Content("COSE_Key", _key_facts(cose_key.from_map(item)), item)
        describe = _MAPS.get(item.get("type"))
        if describe is not None:
            kind, facts = describe
            return Content(kind, _facts_or_refusal(lambda: facts(data)), item)
    return Content("CBOR", {}, item)


def _facts_or_refusal(facts: Callable[[], Facts]) -> Facts:
    """What a parser of ours finds, or why it refuses a file that is worth looking at all the
    more."""
    try:
        return facts()
    except CellbookError as error:
        return {"refused": f"{error.code}: {error.describe()}"}


# Signed messages


def _sign1(data: bytes, item: Tag) -> Content:
    headers = _protected(item)
    if headers is None:
        return Content("CBOR", {}, item)
    typ = headers.get(cose.TYP)
    if VDS in headers:
        return Content("receipt", _facts_or_refusal(lambda: _receipt(data)), item)
    if typ not in CONTENT_OF:
        return Content("COSE_Sign1", {}, item)
    receipts = _receipts(item)
    kind = "Signed Statement" if receipts is None else "Transparent Statement"
    facts = _facts_or_refusal(lambda: _statement(data))
    return Content(kind, facts if receipts is None else {**facts, "receipts": receipts}, item)


def _protected(item: Tag) -> dict[Any, Value] | None:
    parts = item.value
    if not isinstance(parts, list) or len(parts) != 4 or not isinstance(parts[0], bytes):
        return None
    with suppress(CellbookError):
        headers = read_item(parts[0])
        return headers if isinstance(headers, dict) else None
    return None


def _receipts(item: Tag) -> int | None:
    assert isinstance(item.value, list)  # noqa: S101 - it has a protected header
    unprotected = item.value[1]
    receipts = unprotected.get(RECEIPTS_HEADER) if isinstance(unprotected, dict) else None
    return len(receipts) if isinstance(receipts, list) else None


def _statement(data: bytes) -> Facts:
    statement = parse_statement(data)
    return {
        "typ": statement.typ,
        "content": _payload_type(statement.payload),
        "issuer": statement.iss,
        "subject": statement.sub,
        "family": statement.aud,
        "issued at": format_moment(statement.iat),
        "algorithm": ALGORITHMS[statement.alg].name if statement.alg in ALGORITHMS else "unknown",
        "kid": statement.kid.hex(),
        "entry id": statement.locator,
    }


def _payload_type(payload: bytes) -> str:
    with suppress(CellbookError):
        value = read_item(payload)
        if isinstance(value, dict) and isinstance(kind := value.get("type"), str):
            return f"{kind}, version {value.get('version')!r}"
    return "unknown"


def _receipt(data: bytes) -> Facts:
    from ledger.proof.receipt import parse_receipt
    from ledger.wire.cwt import parse_claims

    message, proofs = parse_receipt(data)
    claims = parse_claims(message.headers.get(cose.CWT_CLAIMS, {}), "receipt, CWT Claims")
    return {
        "log": claims.iss or "not stated",
        "time": "not stated" if claims.iat is None else format_moment(claims.iat),
        "kid": "not stated" if message.kid is None else message.kid.hex(),
        "proofs": "; ".join(f"entry {proof.index} of {proof.size}" for proof in proofs),
    }


# Maps


def _dossier(data: bytes) -> Facts:
    from ledger.proof.dossier import decode_dossier

    dossier = decode_dossier(data)
    indexes = [entry.index for entry in dossier.entries]
    return {
        "battery": dossier.subject,
        "entries": len(indexes),
        "indexes": ", ".join(map(str, indexes[:40])) + (", …" if len(indexes) > 40 else ""),
    }


def _request(data: bytes) -> Facts:
    from cli.request import parse_request

    request = parse_request(data)
    roles = ", ".join(request.roles or ())
    return {
        "operator": request.uri,
        "asks": f"to register {request.name}, {request.country}: {roles}"
        if roles
        else "to add a key",
        "family": request.family,
        **_key_facts(cose_key.from_cbor(request.key)),
    }


_MAPS: dict[object, tuple[str, Callable[[bytes], Facts]]] = {
    "cellbook-dossier": ("dossier", _dossier),
    "cellbook-operator-request": ("request to the registrar", _request),
}


def _is_key(item: Value) -> bool:
    return isinstance(item, dict) and 1 in item and all(type(key) is int for key in item)


def _key_facts(key: cose_key.CoseKey) -> Facts:
    return {"algorithm": ALGORITHMS[key.alg].name, "kid": key.kid.hex()}


# What is not one CBOR item


def _text_file(data: bytes) -> Content | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if f"\n\n{_NOTE_MARK}" in text:
        return _note(text)
    if _TRUST_MARK in text:
        return _trust(data, text)
    return None


def _note(text: str) -> Content:
    from ledger.proof.checkpoint import parse_body

    body, _, signatures = text.rpartition(f"\n\n{_NOTE_MARK}")
    signers = [_signer(line) for line in signatures.split(f"\n{_NOTE_MARK}")]
    facts: Facts = {"signed by": "; ".join(signers)}
    try:
        checkpoint = parse_body(f"{body}\n".encode())
    except CellbookError:
        return Content("signed note", facts, text=text)
    said = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    return Content("checkpoint", {**said, **facts}, text=text)


def _signer(line: str) -> str:
    name, _, encoded = line.rstrip("\n").partition(" ")
    with suppress(ValueError):
        return f"{name}, key id {decode_base64(encoded)[:4].hex()}"
    return f"{name}, unreadable signature"


def _trust(data: bytes, text: str) -> Content:
    from cli.trust import trust_facts
    from ledger.proof.trust import load_trust, trust_digest

    return Content("trust file", trust_facts(load_trust(data), trust_digest(data)), text=text)


def _bundle(data: bytes) -> Content | None:
    """An entry bundle: its leaves are messages with tag 18, each after two bytes of length."""
    if data[2:3] != b"\xd2":
        return None
    from ledger.tree.tiles import decode_entry_bundle

    try:
        leaves: list[Value] = list(decode_entry_bundle(data))
    except CellbookError:
        return None
    return Content("entry bundle", {"entries": len(leaves)}, leaves)


def _sequence(data: bytes) -> Content | None:
    if not data or data[0] >> 5 != 2:
        return None
    items, error = read_sequence(data, _MOST_ITEMS)
    if error is not None:
        raise error
    return Content("batch", {"statements": len(items)}, list(items))


def _tile(data: bytes, name: str) -> Content | None:
    """A tile of hashes has no mark of its own, so its path must say what it is."""
    path = name.replace("\\", "/")
    if "tile/" not in path:
        return None
    from ledger.tree.tiles import parse_tile_path

    try:
        level, _, width = parse_tile_path(path[path.rindex("tile/") :])
    except CellbookError:
        return None
    if level is None or len(data) != width * _HASH:
        return None
    hashes: list[Value] = [data[at : at + _HASH] for at in range(0, len(data), _HASH)]
    return Content("tile", {"level": level, "hashes": width}, hashes)
