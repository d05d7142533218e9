"""New keys in a block: nodes are made where they come, and a subtree that reaches over the border
of the block becomes a block of its own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from hashlib import sha256

from ledger.tree.merkle import HASH
from ledger.tree.prefix import EMPTY, KEY_BITS, inner_node
from ledger.tree.prefix_blocks import (
    BLOCK_BITS,
    DEEPEST,
    EMPTY_BYTES,
    EMPTY_TAG,
    HEADER,
    INNER_TAG,
    LEAF_TAG,
    hash_at,
    leaf_bytes,
    link_bytes,
    right_of,
)


class Insertion:
    """Puts ``keys``, sorted, with their ``values`` into one block, or replaces them there.

    ``blocks`` takes the blocks that come into being below it. No way of a key may lead to a link.

    Nodes are handed down as bytes, and come back as new bytes; with a node goes the range of the
    keys below it.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        values: Mapping[bytes, bytes],
        blocks: dict[bytes, bytes],
    ) -> None:
        self._keys = keys
        self._values = values
        self._blocks = blocks

    def run(self, block: bytes, depth: int) -> bytes:
        """The new bytes of ``block``, whose node is at ``depth``."""
        return self._inside(block, depth, 0, len(self._keys))

    def _node(self, node: bytes, depth: int, first: int, end: int) -> bytes:
        if first == end:
            return node
        new = self._inside(node, depth, first, end)
        if depth % BLOCK_BITS or depth > DEEPEST or new[0] != INNER_TAG:
            return new
        self._blocks[self._keys[first][: depth // BLOCK_BITS]] = new
        return link_bytes(new)

    def _inside(self, node: bytes, depth: int, first: int, end: int) -> bytes:
        tag, key = node[0], self._keys[first]
        is_its_leaf = tag == LEAF_TAG and node[1 : 1 + HASH] == key
        if end - first == 1 and (tag == EMPTY_TAG or is_its_leaf):
            return leaf_bytes(key, self._values[key])
        left, right = _children(node, depth)
        middle = self._middle(depth, first, end)
        left = self._node(left, depth + 1, first, middle)
        right = self._node(right, depth + 1, middle, end)
        return _joined(left, right)

    def _middle(self, depth: int, first: int, end: int) -> int:
        """The first of the keys in the range whose bit at ``depth`` is set."""
        if end - first == 1:
            return end - _bit(self._keys[first], depth)
        shift = KEY_BITS - 1 - depth
        prefix = int.from_bytes(self._keys[first], "big") >> shift | 1
        return bisect_left(self._keys, (prefix << shift).to_bytes(HASH, "big"), first, end)


def with_key(block: bytes, depth: int, key: bytes, value: bytes) -> bytes | None:
    """``block``, whose node is at ``depth``, with ``value`` for ``key``, whether it has it or not.

    None where the way leads to a link, where a block would come into being below it, and in the
    deepest blocks. The same as an Insertion, without making anew what is beside the way. Most
    blocks of a large tree are on one way only, and most of the time of a change is spent here:
    hence what is inlined.
    """
    if depth == DEEPEST:
        return None
    byte, mask, start = key[depth >> 3], 0x80, 0
    way: list[tuple[int, int]] = []
    while block[start] == INNER_TAG:
        left = start + HEADER
        right = left + (block[start + 33] << 16 | block[start + 34] << 8 | block[start + 35])
        # The node, and its child beside the way: a negative number where that is the left one.
        if byte & mask:
            way.append((start, -left))
            start = right
        else:
            way.append((start, right))
            start = left
        mask >>= 1
    data, more = bytearray(block), 0
    if block[start] == LEAF_TAG and block[start + 1 : start + 33] == key:
        data[start + 33 : start + 65] = value
        node = sha256(b"\x22" + key + value).digest()
    else:
        new = _in_place_of(block, start, depth + len(way), key, value)
        if new is None:
            return None
        stop = start + (1 if block[start] == EMPTY_TAG else 1 + 2 * HASH)
        data[start:stop] = new
        node, more = hash_at(new, 0), len(new) - (stop - start)
    for parent, beside in reversed(way):
        at = beside if beside > 0 else -beside
        tag = block[at]
        if tag >= INNER_TAG:
            sibling = block[at + 1 : at + 33]
        else:
            sibling = sha256(b"\x22" + block[at + 1 : at + 65]).digest() if tag else EMPTY
        if beside > 0 and more:
            length = beside - parent - HEADER + more
            data[parent + 33 : parent + 36] = length.to_bytes(3, "big")
        pair = node + sibling if beside > 0 else sibling + node
        data[parent + 1 : parent + 33] = node = sha256(b"\x23" + pair).digest()
    return bytes(data)


def _in_place_of(block: bytes, start: int, at: int, key: bytes, value: bytes) -> bytes | None:
    """What takes the place of the node at ``start``, which is at depth ``at``."""
    new = leaf_bytes(key, value)
    if block[start] == EMPTY_TAG:
        return new
    other = block[start + 1 : start + 1 + HASH]
    differing = int.from_bytes(key, "big") ^ int.from_bytes(other, "big")
    parting = KEY_BITS - differing.bit_length()
    # A border between the two would make a block; a border at the node itself as well.
    if (
        block[start] != LEAF_TAG
        or parting == KEY_BITS
        or parting // BLOCK_BITS != (at - 1) // BLOCK_BITS
    ):
        return None
    old = block[start : start + 1 + 2 * HASH]
    node = _joined(old, new) if _bit(key, parting) else _joined(new, old)
    for depth in range(parting - 1, at - 1, -1):
        node = _joined(EMPTY_BYTES, node) if _bit(key, depth) else _joined(node, EMPTY_BYTES)
    return node


def _children(node: bytes, depth: int) -> tuple[bytes, bytes]:
    """What is left and right below a node, once there are two keys: a leaf moves down."""
    if node[0] == INNER_TAG:
        right = right_of(node, 0)
        return node[HEADER:right], node[right:]
    if node[0] == LEAF_TAG and _bit(node[1:], depth):
        return EMPTY_BYTES, node
    return node, EMPTY_BYTES


def _joined(left: bytes, right: bytes) -> bytes:
    node = inner_node(hash_at(left, 0), hash_at(right, 0))
    return b"\x02" + node + len(left).to_bytes(3, "big") + left + right


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1
