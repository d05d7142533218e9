"""The index: a compact sparse Merkle tree, and the checks of its proofs of presence and absence.

A subject lies where the bits of its key lead, the most significant first. A subtree with one key is
this key's leaf, whatever its height; one without keys is the empty node: so a tree of n subjects
has some log2(n) levels. Tags differ for everything that is hashed here and in the log's own tree.
Algorithms and CDDL are in ``docs/index.md``.

From one root a key's bits lead to one node, by inner nodes that are hashes of what is below them:
a leaf of this key, a leaf of another one, or the empty node. So no root, however it was made, has
proofs both of a key's presence and of its absence, or of two values.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Self

import msgspec

from keys.errors import declare
from ledger.tree.merkle import HASH, number
from ledger.wire.cbor import Value

KEY_BITS = 256
SUBJECT = "subject"
"""The kind of all keys of this version: everything that entries can concern has a URI of its own,
and needs no kind to be told apart."""

_KEY, _EMPTY, _LEAF, _INNER = b"\x20", b"\x21", b"\x22", b"\x23"
EMPTY = sha256(_EMPTY).digest()
"""The node over no keys, and the root of the empty tree."""

_REMEDY = "Get the proof again, for the head that is meant."
KEY = declare("malformed.prefix.key", "A key, value or root is not 32 bytes.", _REMEDY)
SHAPE = declare(
    "malformed.prefix.proof", "The proof is not in the one form that proofs have.", _REMEDY
)
NOT_PRESENT = declare(
    "failed.prefix.presence",
    "The index is not shown to hold this subject with these entries.",
    "Get the dossier again; if it is the same, the index states something else.",
)
NOT_ABSENT = declare(
    "failed.prefix.absence",
    "The index is not shown to lack this subject.",
    "Get the proof again; if it is the same, the index may hold the subject.",
)


class PrefixProof(msgspec.Struct, frozen=True):
    """The way from the root down to the node at which a key's bits end.

    ``depth`` nodes lie on it below the root. Bit i of ``present`` (the most significant first)
    says that the sibling of the i-th is not empty; ``siblings`` are these, 32 bytes each, from the
    root down. ``other`` is key and value of the leaf that is there instead of the key asked for.
    """

    depth: int
    present: bytes
    siblings: bytes
    other: tuple[bytes, bytes] | None = None

    def to_value(self) -> list[Value]:
        """As an item of CBOR: ``[depth, present, siblings, ? other key, ? other value]``."""
        return [self.depth, self.present, self.siblings, *(self.other or ())]

    @classmethod
    def from_value(cls, value: Value, where: str = "prefix proof") -> Self:
        """The inverse of ``to_value``. Raises ``malformed.prefix.proof``; verifies nothing."""
        if type(value) is not list or len(value) not in (3, 5):
            raise SHAPE.at(where, "not [depth, present, siblings] or with another leaf")
        depth, present, siblings, *other = value
        proof = cls(depth, present, siblings, (other[0], other[1]) if other else None)  # type: ignore[arg-type]
        _check_shape(proof, where)
        return proof


def key_of(uri: str, kind: str = SUBJECT) -> bytes:
    """The key of ``uri``: SHA-256(0x20 ‖ kind ‖ 0x00 ‖ URI). A kind holds no NUL character."""
    return sha256(_KEY + kind.encode() + b"\x00" + uri.encode()).digest()


def leaf_node(key: bytes, value: bytes) -> bytes:
    """The node of one key: SHA-256(0x22 ‖ key ‖ value). Lengths are not checked."""
    return sha256(_LEAF + key + value).digest()


def inner_node(left: bytes, right: bytes) -> bytes:
    """The node over at least two keys: SHA-256(0x23 ‖ left ‖ right). Lengths are not checked."""
    return sha256(_INNER + left + right).digest()


def verify_presence(key: bytes, value: bytes, proof: PrefixProof, root: bytes) -> None:
    """That the tree with ``root`` has ``key`` with ``value``.

    Raises ``malformed.prefix.*`` and ``failed.prefix.presence``. Whose root it is the caller must
    know already.
    """
    _check_hash(value, "value")
    _check(key, proof, root)
    if proof.other is not None or _climb(leaf_node(key, value), key, proof) != root:
        raise NOT_PRESENT.at("prefix proof")


def verify_absence(key: bytes, proof: PrefixProof, root: bytes) -> None:
    """That the tree with ``root`` does not have ``key``.

    Raises ``malformed.prefix.*`` and ``failed.prefix.absence``. Whose root it is the caller must
    know already.
    """
    _check(key, proof, root)
    if proof.other is None:
        node = EMPTY
    else:
        other, value = proof.other
        shared = KEY_BITS - (_position(other) ^ _position(key)).bit_length()
        # Where the other key has left the way of this one, its leaf shows nothing about this one.
        if other == key or shared < proof.depth:
            raise NOT_ABSENT.at("prefix proof", "the other leaf is not on the way of this key")
        node = leaf_node(other, value)
    if _climb(node, key, proof) != root:
        raise NOT_ABSENT.at("prefix proof")


def _climb(node: bytes, key: bytes, proof: PrefixProof) -> bytes:
    position, stop = _position(key), len(proof.siblings)
    for level in range(proof.depth - 1, -1, -1):
        sibling = EMPTY
        if _is_set(proof.present, level):
            sibling = proof.siblings[stop - HASH : stop]
            stop -= HASH
        is_right = position >> (KEY_BITS - 1 - level) & 1
        node = inner_node(sibling, node) if is_right else inner_node(node, sibling)
    return node


def _check(key: bytes, proof: PrefixProof, root: bytes) -> None:
    _check_hash(key, "key")
    _check_hash(root, "root")
    _check_shape(proof, "prefix proof")


def _check_shape(proof: PrefixProof, where: str) -> None:
    depth, present, siblings = proof.depth, proof.present, proof.siblings
    if type(depth) is not int or not 0 <= depth <= KEY_BITS:
        raise SHAPE.at(where, f"depth {number(depth)}")
    if type(present) is not bytes or len(present) != -(-depth // 8):
        raise SHAPE.at(where, "there is not one bit for each level")
    bits = int.from_bytes(present, "big")
    # A node whose sibling is empty lies further up, unless it is inner: the lowest sibling is none.
    if depth and bits & ((1 << (-depth % 8 + 1)) - 1) != 1 << -depth % 8:
        raise SHAPE.at(where, "the last level has no sibling, or there are bits after it")
    if type(siblings) is not bytes or len(siblings) != bits.bit_count() * HASH:
        raise SHAPE.at(where, "the siblings are not as many as the bits say")
    if EMPTY in (siblings[i : i + HASH] for i in range(0, len(siblings), HASH)):
        raise SHAPE.at(where, "an empty sibling is written out")
    for item in proof.other or ():
        _check_hash(item, where)


def _check_hash(value: bytes, where: str) -> None:
    if type(value) is not bytes or len(value) != HASH:
        raise KEY.at(where)


def _is_set(bits: bytes, place: int) -> int:
    return bits[place >> 3] >> (7 - (place & 7)) & 1


def _position(key: bytes) -> int:
    return int.from_bytes(key, "big")
