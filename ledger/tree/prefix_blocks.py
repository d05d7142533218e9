"""How the index is kept: in blocks of eight levels, each the node at a byte of the key's path.

A block is found by its place: the first bytes of the keys under it, none for the root's block. It
holds a node and what is below it down to the next border of eight levels, in preorder:

    empty  0x00
    leaf   0x01 ‖ key ‖ value
    inner  0x02 ‖ hash ‖ length of left (3 bytes) ‖ left ‖ right
    link   0x03 ‖ hash              an inner node at the border, in a block of its own

Borders are at depths 8, 16, … 56. What is in which block follows from the keys alone, not from the
order in which they came. A leaf of a tree of a million keys is three blocks away from the root's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from keys.errors import declare
from ledger.tree.merkle import HASH
from ledger.tree.prefix import EMPTY, leaf_node

BLOCK_BITS = 8
DEEPEST = 56
"""No border is deeper: a place is a 64-bit number for whoever keeps blocks. To find a few keys that
agree in so many bits takes a year of work, so what is below stays small."""
EMPTY_TAG, LEAF_TAG, INNER_TAG, LINK_TAG = range(4)
EMPTY_BYTES = bytes([EMPTY_TAG])
HEADER = 1 + HASH + 3
"""Bytes of an inner node before its left child."""

BLOCK = declare(
    "damaged.tree.block",
    "A block of the index is missing, or is not the one that the block above it names.",
    "Run `cellbook fsck`; restore the database from a copy.",
)


class BlockReader(Protocol):
    """Gives the blocks of one index."""

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Those of the blocks at ``places`` that there are, by place.

        Raises ``damaged.*`` or ``unavailable.*`` where it cannot.
        """
        ...


class BlockWriter(BlockReader, Protocol):
    """Keeps them as well: what was put is what is read next."""

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        """Insert or replace blocks, by place."""
        ...


def leaf_bytes(key: bytes, value: bytes) -> bytes:
    """A leaf as it is kept."""
    return b"\x01" + key + value


def link_bytes(block: bytes) -> bytes:
    """The link to ``block``, whose node is inner."""
    return b"\x03" + block[1 : 1 + HASH]


def hash_at(block: bytes | bytearray, start: int) -> bytes:
    """The hash of the node that begins at ``start``; that of an inner one is the stored one."""
    tag = block[start]
    if tag >= INNER_TAG:
        return bytes(block[start + 1 : start + 1 + HASH])
    if tag == EMPTY_TAG:
        return EMPTY
    return leaf_node(
        bytes(block[start + 1 : start + 1 + HASH]), bytes(block[start + 1 + HASH : start + 65])
    )


def right_of(block: bytes | bytearray, start: int) -> int:
    """Where the right child of the inner node at ``start`` begins."""
    return start + HEADER + int.from_bytes(block[start + 33 : start + 36], "big")


def root_block(reader: BlockReader) -> bytes:
    """The root's block; that of the empty tree where there is none."""
    return reader.blocks([b""]).get(b"", EMPTY_BYTES)


@contextmanager
def well_formed() -> Iterator[None]:
    """What is read in here are blocks: bytes that end too early are damage."""
    try:
        yield
    except IndexError:
        raise BLOCK.at("block", "it ends too early") from None


def read_blocks(reader: BlockReader, hashes: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """The blocks at the places that ``hashes`` has, whose nodes must have these hashes.

    Raises ``damaged.tree.block`` and what the reader raises. Hashes inside blocks are not computed
    again.
    """
    if not hashes:
        return {}
    blocks = reader.blocks(list(hashes))
    for place, expected in hashes.items():
        block = blocks.get(place)
        if block is None or block[:1] != b"\x02" or block[1 : 1 + HASH] != expected:
            raise BLOCK.at(f"block {place.hex()}", "missing" if block is None else "another hash")
    return blocks
