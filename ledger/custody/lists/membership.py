"""Proofs that an identifier is in a list, or is not, against the root that a publisher signed.

One leaf with its path shows what the list says of the identifier. Two leaves at neighbouring
indexes with the identifier between them show that it is not there, and so does the first or the
last leaf, or the empty list. This holds for a list in strict order, which the signature of its root
does not show: who hands in the rows shows it, and the service takes no others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import msgspec

from keys.errors import declare
from ledger.custody.lists.rows import (
    MAX_LEAF,
    MAX_LEAVES,
    ListDocument,
    ListLeaf,
    check_identifier,
    encode_leaf,
    parse_leaf,
)
from ledger.tree.merkle import EMPTY_ROOT, inclusion_path, leaf_hash, verify_inclusion
from ledger.wire.cbor import Value

SHAPE = declare(
    "malformed.list.proof",
    "The proof is not made of at most two leaves, each with its index and path.",
    "Get the proof again: `cellbook list prove`.",
)
NOT_SHOWN = declare(
    "failed.list.proof",
    "The leaves do not show what the list says of the identifier.",
    "Get the proof again; if it is the same, trust nothing in it.",
)


class ProvedLeaf(msgspec.Struct, frozen=True):
    """A leaf's bytes, its index, and the path from it to the root."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]


class ListProof(msgspec.Struct, frozen=True):
    """The leaves that show it, ascending: one or two, none for the empty list."""

    leaves: tuple[ProvedLeaf, ...]


def prove(document: ListDocument, identifier: str) -> ListProof:
    """What ``document`` says of ``identifier``, proved."""
    place = bisect_left(document.leaves, identifier, key=lambda leaf: leaf.identifier)
    wanted = [place - 1, place]
    if place < len(document.leaves) and document.leaves[place].identifier == identifier:
        wanted = [place]
    hashes = document.leaf_hashes
    return ListProof(
        tuple(
            ProvedLeaf(index, encode_leaf(document.leaves[index]), inclusion_path(hashes, index))
            for index in wanted
            if 0 <= index < len(hashes)
        )
    )


def verify_membership(
    proof: ListProof, identifier: str, count: int, root: bytes, where: str = "list proof"
) -> ListLeaf | None:
    """What the list of ``count`` leaves under ``root`` says of ``identifier``; None: nothing.

    Raises ``failed.list.proof``, ``malformed.list.*``, ``malformed.proof.*``,
    ``failed.inclusion``. That the list is in order as a whole is not checked.
    """
    check_identifier(identifier, where)
    leaves = [_verified(item, count, root, where) for item in proof.leaves]
    indexes = [item.index for item in proof.leaves]
    if len(leaves) == 1 and leaves[0].identifier == identifier:
        return leaves[0]
    if not leaves:
        is_absent = count == 0 and root == EMPTY_ROOT
    elif len(leaves) == 1:
        is_first = indexes[0] == 0 and identifier < leaves[0].identifier
        is_absent = is_first or (indexes[0] == count - 1 and leaves[0].identifier < identifier)
    else:
        is_between = leaves[0].identifier < identifier < leaves[1].identifier
        is_absent = len(leaves) == 2 and indexes[0] + 1 == indexes[1] and is_between
    if not is_absent:
        raise NOT_SHOWN.at(where, identifier)
    return None


def proof_value(proof: ListProof) -> list[Value]:
    """The proof as a CBOR value: ``[[index, leaf, [hash, …]], …]``."""
    return [[item.index, item.leaf, list(item.path)] for item in proof.leaves]


def parse_proof(value: Value, where: str = "list proof") -> ListProof:
    """The proof in a decoded CBOR value, within bounds. Raises ``malformed.list.proof``."""
    if type(value) is not list or len(value) > 2:
        raise SHAPE.at(where)
    return ListProof(tuple(_parse_item(item, where) for item in value))


def proofs_value(proofs: Mapping[int, ListProof]) -> list[Value]:
    """Proofs by the index of the snapshot's entry, as a CBOR value; ``parse_proofs`` reads it."""
    return [[index, proof_value(proofs[index])] for index in sorted(proofs)]


def parse_proofs(value: Value, where: str) -> dict[int, ListProof]:
    """Proofs in ascending index. Raises ``malformed.list.proof``."""
    if type(value) is not list:
        raise SHAPE.at(where)
    proofs: dict[int, ListProof] = {}
    last = -1
    for row in value:
        if type(row) is not list or len(row) != 2 or type(row[0]) is not int or row[0] <= last:
            raise SHAPE.at(where, "not [index, proof] in ascending index")
        last = row[0]
        proofs[last] = parse_proof(row[1], f"{where} of entry {last}"[:120])
    return proofs


def _parse_item(item: Value, where: str) -> ProvedLeaf:
    if type(item) is not list or len(item) != 3:
        raise SHAPE.at(where)
    index, leaf, path = item
    if type(index) is not int or not 0 <= index < MAX_LEAVES or type(leaf) is not bytes:
        raise SHAPE.at(where)
    if len(leaf) > MAX_LEAF or type(path) is not list or len(path) > MAX_LEAVES.bit_length():
        raise SHAPE.at(where)
    hashes = tuple(step for step in path if type(step) is bytes)
    if len(hashes) != len(path):
        raise SHAPE.at(where)
    return ProvedLeaf(index, leaf, hashes)


def _verified(item: ProvedLeaf, count: int, root: bytes, where: str) -> ListLeaf:
    verify_inclusion(leaf_hash(item.leaf), item.index, count, item.path, root)
    return parse_leaf(item.leaf, where)
