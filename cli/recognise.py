"""Which of our files some bytes are, and what they say. Nothing is verified here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from api.sequence import read_sequence
from cli.content import Content, Facts, facts_or_refusal
from cli.messages import signed_message
from cli.notation import read_item
from cli.proving_files import MAPS
from keys import cose_key
from keys.algorithms import ALGORITHMS
from keys.errors import CellbookError
from ledger.wire.base64text import decode_base64
from ledger.wire.cbor import Tag, Value

_NOTE_MARK = "— "
_TRUST_MARK = "cellbook-trust"
_PRIVATE_KEY = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_HASH = 32
_MOST_ITEMS = 1 << 20


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
        return signed_message(data, item)
    if isinstance(item, bytes):
        return Content("batch", {"statements": 1}, [item])
    if isinstance(item, list) and item and all(map(_is_key, item)):
        return Content("COSE_KeySet", {"keys": len(item)}, item)
    if isinstance(item, dict):
        if _is_key(item):
            return Content("COSE_Key", _key_facts(cose_key.from_map(item)), item)
        name = item.get("type")
        if isinstance(name, str) and name in _MAPS:
            kind, facts = _MAPS[name]
            return Content(kind, facts_or_refusal(lambda: facts(data)), item)
    return Content("CBOR", {}, item)


# Maps


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


_MAPS: dict[str, tuple[str, Callable[[bytes], Facts]]] = {
    **MAPS,
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
