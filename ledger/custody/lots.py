"""Lots: many units under one Merkle root, each of which can be shown to be in it by itself.

An event states the count and the root where it would have to name more than 256 units, or units of
several customers. The leaves are the units' URIs, ascending, each once, and each with a salt: codes
are easily guessed, and without it the hashes of a proof would tell who the neighbours are. Whoever
made the lot keeps the *lot document* (the URIs and the secret from which the salts come) and gives
out proofs, one for each unit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from hmac import digest
from itertools import pairwise

import msgspec

from keys.errors import declare
from ledger.custody.events import Event, Manufacture, Recycle, Repurpose
from ledger.custody.identifiers import parse_subject
from ledger.tree.merkle import inclusion_path, leaf_hash, root_of, verify_inclusion
from ledger.wire import cbor
from ledger.wire.cbor import Limits, Value

DOCUMENT = declare(
    "malformed.lot.document",
    "This is not a lot document: type, version, secret, and units in ascending order, each once.",
    "Make it with `cellbook lot make`.",
)
PROOF = declare(
    "malformed.lot.proof",
    "This is not the proof that a unit is in a lot.",
    "Get the proof again: `cellbook lot prove` makes it.",
)
NO_UNIT = declare(
    "missing.lot.unit",
    "The unit is not in the lot.",
    "Check the code, and whether this is the lot that you mean.",
)
OTHER_LOT = declare(
    "failed.lot.other",
    "The proof is for another lot than the one that was stated.",
    "Ask whoever gave you the proof, and compare count and root with those of the event.",
)

TYPE, PROOF_TYPE = "cellbook-lot", "cellbook-lot-proof"
MAX_UNITS = 1_000_000
SALT_SIZE, SECRET_SIZE = 16, 32
LIMITS = Limits(size=256 << 20, depth=3, items=MAX_UNITS, total=MAX_UNITS + 16)
PROOF_LIMITS = Limits(size=65_535, depth=3, items=64, total=128)


class Lot(msgspec.Struct, frozen=True, dict=True):
    """The units of a lot, ascending, and the secret from which their salts come (32 bytes)."""

    units: tuple[str, ...]
    secret: bytes

    @property
    def count(self) -> int:
        return len(self.units)

    @cached_property
    def leaf_hashes(self) -> tuple[bytes, ...]:
        return tuple(leaf_hash(_leaf(uri, self.salt(uri))) for uri in self.units)

    @cached_property
    def root(self) -> bytes:
        """The Merkle root (RFC 9162) over the salted units."""
        return root_of(self.leaf_hashes)

    def salt(self, uri: str) -> bytes:
        """The 16 bytes that hide ``uri`` from whoever guesses it."""
        return digest(self.secret, uri.encode(), "sha256")[:SALT_SIZE]


class LotProof(msgspec.Struct, frozen=True):
    """That ``unit`` is the leaf at ``index`` of the lot of ``count`` units under ``root``."""

    unit: str
    salt: bytes
    index: int
    count: int
    root: bytes
    path: tuple[bytes, ...]


class StatedLot(msgspec.Struct, frozen=True):
    """A lot as an event states it: what it is to the event, and its name if it has one."""

    role: str
    name: str | None
    count: int
    root: bytes


def lot_of(uris: Iterable[str], secret: bytes) -> Lot:
    """The lot of ``uris``, given in any order; ``secret`` is 32 random bytes.

    Raises ``malformed.lot.document`` for a unit that stands twice, as ``parse_subject`` does for
    one that is not written in its one form.
    """
    lot = Lot(tuple(sorted(parse_subject(uri).uri for uri in uris)), secret)
    _check(lot)
    return lot


def encode_lot(lot: Lot) -> bytes:
    """The lot document. It is secret: who has it can tell every unit."""
    units: list[Value] = list(lot.units)
    return cbor.encode({"type": TYPE, "version": 1, "secret": lot.secret, "units": units})


def parse_lot(data: bytes) -> Lot:
    """The lot in a lot document. Raises ``malformed.cbor.*`` and ``malformed.lot.document``."""
    value = cbor.decode(data, limits=LIMITS)
    if type(value) is not dict or value.keys() != {"type", "version", "secret", "units"}:
        raise DOCUMENT.at("lot document")
    units, secret = value["units"], value["secret"]
    if (value["type"], value["version"]) != (TYPE, 1) or type(units) is not list:
        raise DOCUMENT.at("lot document", "another type or version")
    names = tuple(uri for uri in units if type(uri) is str)
    if len(names) != len(units) or type(secret) is not bytes:
        raise DOCUMENT.at("lot document", "a unit is no text, or the secret no bytes")
    lot = Lot(names, secret)
    _check(lot)
    return lot


def prove_unit(lot: Lot, uri: str) -> LotProof:
    """The proof that ``uri`` is in ``lot``; it tells no other unit. Raises ``missing.lot.unit``."""
    index = bisect_left(lot.units, uri)
    if index == lot.count or lot.units[index] != uri:
        raise NO_UNIT.at("lot", uri)
    path = inclusion_path(lot.leaf_hashes, index)
    return LotProof(uri, lot.salt(uri), index, lot.count, lot.root, path)


def encode_lot_proof(proof: LotProof) -> bytes:
    """The bytes of a proof file; ``parse_lot_proof`` gives it back."""
    path: list[Value] = list(proof.path)
    value = msgspec.structs.asdict(proof) | {"type": PROOF_TYPE, "version": 1, "path": path}
    return cbor.encode(value)


def parse_lot_proof(data: bytes) -> LotProof:
    """The proof in a proof file; nothing is verified.

    Raises ``malformed.cbor.*`` and ``malformed.lot.proof``.
    """
    value = cbor.decode(data, limits=PROOF_LIMITS)
    if type(value) is not dict or value.get("type") != PROOF_TYPE or value.get("version") != 1:
        raise PROOF.at("lot proof", "another type or version")
    fields = {name: item for name, item in value.items() if name not in ("type", "version")}
    if fields.keys() != set(LotProof.__struct_fields__):
        raise PROOF.at("lot proof", "its fields")
    try:
        proof = msgspec.convert(fields, LotProof)
    except msgspec.ValidationError as error:
        raise PROOF.at("lot proof", str(error)[:200]) from None
    if encode_lot_proof(proof) != data or len(proof.salt) != SALT_SIZE:
        raise PROOF.at("lot proof", "another form of a value")
    return proof


def verify_lot_proof(proof: LotProof, count: int, root: bytes) -> str:
    """The unit that is in the lot of ``count`` units under ``root``, as ``proof`` shows.

    Raises ``failed.lot.other``, ``malformed.proof.*``, ``failed.inclusion``, and as
    ``parse_subject`` does. Not checked: that the lot holds each unit once and ``count`` of them;
    whoever made it could have put anything into the other leaves.
    """
    if (proof.count, proof.root) != (count, root):
        raise OTHER_LOT.at("lot proof", f"{proof.count} units under {proof.root.hex()}")
    hashed = leaf_hash(_leaf(proof.unit, proof.salt))
    verify_inclusion(hashed, proof.index, count, proof.path, root)
    return parse_subject(proof.unit).uri


def lots_in(event: Event) -> Iterator[StatedLot]:
    """The lots that ``event`` states."""
    if isinstance(event, Manufacture) and event.children_count is not None:
        yield StatedLot("child", None, event.children_count, event.children_root or b"")
    elif isinstance(event, Recycle) and event.inputs_count is not None:
        yield StatedLot("input", event.lot_id, event.inputs_count, event.inputs_root or b"")
    elif isinstance(event, Repurpose):
        for lot in event.input_lots:
            yield StatedLot("input", lot.lot, lot.count, lot.root)
        for left in event.remainder:
            if left.count is not None:
                yield StatedLot("remainder", left.lot, left.count, left.root or b"")


def _leaf(uri: str, salt: bytes) -> bytes:
    return cbor.encode([uri, salt])


def _check(lot: Lot) -> None:
    if not 0 < lot.count <= MAX_UNITS or len(lot.secret) != SECRET_SIZE:
        raise DOCUMENT.at("lot document", f"{lot.count} units, secret of {len(lot.secret)} bytes")
    for before, after in pairwise(lot.units):
        if after <= before:
            raise DOCUMENT.at("units", f"{after} after {before}")
