"""Changes of many subjects at once, and the index root after them.

Only blocks on the ways of the changed keys are read and written, each once, and only nodes on
these ways are hashed: 10,000 changes in a tree of a million keys touch some 9,600 blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from ledger.tree.merkle import HASH
from ledger.tree.prefix import KEY
from ledger.tree.prefix_blocks import (
    BLOCK_BITS,
    DEEPEST,
    HEADER,
    INNER_TAG,
    LEAF_TAG,
    LINK_TAG,
    BlockReader,
    BlockWriter,
    hash_at,
    read_blocks,
    root_block,
    well_formed,
)
from ledger.tree.prefix_full import LINKS, hash_full, is_full
from ledger.tree.prefix_insertion import Insertion, with_key

_FEW = 8
_FEW_WAYS = 2
CHUNK = 1024
"""Keys changed at a time; the blocks on their ways are in memory. A block is 26 KB at most, and
neighbouring keys share the upper ones: some 5 MB as a rule, 60 MB where no way shares one."""


def change(writer: BlockWriter, values: Mapping[bytes, bytes]) -> bytes:
    """Give keys their new values, and return the new root; a key that is not there is added.

    Keys and values are 32 bytes. The same keys give the same root and the same blocks, however
    they are spread over calls. Raises ``malformed.prefix.key`` before anything is changed,
    ``damaged.tree.block``, and what the writer raises; then what was written must not stay.
    """
    if any(type(item) is not bytes or len(item) != HASH for row in values.items() for item in row):
        raise KEY.at("changes")
    keys = sorted(values)
    # Neighbours share blocks, so parts of the sorted keys have only the upper ones in common.
    with well_formed():
        for start in range(0, len(keys), CHUNK):
            part = keys[start : start + CHUNK]
            writer.put_blocks(_Descent(writer, part, values).changed())
        return hash_at(root_block(writer), 0)


class _Link(msgspec.Struct, frozen=True):
    """Where a block has the link to the one at ``place``: keys ``first`` to ``end`` go there."""

    at: int
    place: bytes
    first: int
    end: int


class _Touched(msgspec.Struct, frozen=True):
    """A block on the ways: its bytes, inner nodes on the ways (None where the block is full: they
    are those above the links), and keys that it does not have."""

    place: bytes
    data: bytearray
    dirty: set[int] | None
    links: list[_Link]
    new: list[bytes]


class _Descent:
    """Down all ways with ``keys``, which are sorted, and up again."""

    def __init__(
        self, reader: BlockReader, keys: Sequence[bytes], values: Mapping[bytes, bytes]
    ) -> None:
        self._reader = reader
        self._keys = keys
        self._values = values
        self._done: dict[bytes, bytes] = {}

    def changed(self) -> dict[bytes, bytes]:
        """The blocks on the ways as they are after the change, and those that it adds."""
        top = self._touched(b"", root_block(self._reader), 0, len(self._keys))
        rows = [[top] if top else []]
        while rows[-1]:
            rows.append(self._below(rows[-1]))
        for row in reversed(rows):
            for touched in row:
                self._finish(touched)
        return self._done

    def _below(self, row: Sequence[_Touched]) -> list[_Touched]:
        links = {link.place: link for touched in row for link in touched.links}
        hashes = {
            link.place: bytes(touched.data[link.at + 1 : link.at + 1 + HASH])
            for touched in row
            for link in touched.links
        }
        blocks = read_blocks(self._reader, hashes)
        below = (
            self._touched(place, blocks[place], link.first, link.end)
            for place, link in links.items()
        )
        return [touched for touched in below if touched is not None]

    def _touched(self, place: bytes, block: bytes, first: int, end: int) -> _Touched | None:
        """Follow the keys through the block; keys that agree in its eight bits go one way.

        None where that was all.
        """
        keys, byte_at = self._keys, len(place)
        if is_full(block):
            return self._linked(place, block, first, end)
        if end - first <= _FEW_WAYS:
            changed = self._with_few(block, byte_at * BLOCK_BITS, keys[first:end])
            if changed is not None:
                self._done[place] = changed
                return None
        data = bytearray(block)
        dirty: set[int] = set()
        touched = _Touched(place, data, dirty, [], [])
        if byte_at * BLOCK_BITS == DEEPEST:
            touched.new.extend(keys[first:end])
            return touched
        while first < end:
            byte, stop = keys[first][byte_at], first + 1
            while stop < end and keys[stop][byte_at] == byte:
                stop += 1
            start, mask, way = 0, 0x80, []
            while data[start] == INNER_TAG:
                way.append(start)
                if byte & mask:  # Inlined, not right_of: every level of every way comes here.
                    start += data[start + 33] << 16 | data[start + 34] << 8 | data[start + 35]
                start += HEADER
                mask >>= 1
            if self._arrive(touched, start, first, stop):
                dirty.update(way)
            first = stop
        return touched

    def _with_few(self, block: bytes, depth: int, keys: Sequence[bytes]) -> bytes | None:
        """``block`` with the values of a few keys, one by one; None where that cannot be done."""
        changed: bytes | None = block
        for key in keys:
            if changed is not None:
                changed = with_key(changed, depth, key, self._values[key])
        return changed

    def _linked(self, place: bytes, block: bytes, first: int, end: int) -> _Touched:
        """Follow the keys through a full block: from link to link."""
        keys, byte_at = self._keys, len(place)
        touched = _Touched(place, bytearray(block), None, [], [])
        while first < end:
            byte, stop = keys[first][byte_at], first + 1
            while stop < end and keys[stop][byte_at] == byte:
                stop += 1
            below = keys[first][: byte_at + 1]
            touched.links.append(_Link(LINKS[byte], below, first, stop))
            first = stop
        return touched

    def _arrive(self, touched: _Touched, start: int, first: int, stop: int) -> bool:
        """Where the ways of these keys end, at ``start``; False where they must be put in first."""
        data, key = touched.data, self._keys[first]
        tag = data[start]
        if tag == LINK_TAG:
            place = key[: len(touched.place) + 1]
            touched.links.append(_Link(start, place, first, stop))
        elif tag == LEAF_TAG and stop == first + 1 and data[start + 1 : start + 33] == key:
            data[start + 33 : start + 65] = self._values[key]
        else:
            touched.new.extend(self._keys[first:stop])
            return False
        return True

    def _finish(self, touched: _Touched) -> None:
        """Hash what lies on the ways, once the blocks below are done."""
        data = touched.data
        for link in touched.links:
            data[link.at + 1 : link.at + 1 + HASH] = self._done[link.place][1 : 1 + HASH]
        if touched.dirty is None:
            hash_full(data, (link.place[-1] for link in touched.links))
        else:
            _hash(data, touched.dirty)
        block = bytes(data)
        if touched.new:
            block = self._grown(block, len(touched.place) * BLOCK_BITS, touched.new)
        self._done[touched.place] = block

    def _grown(self, block: bytes, depth: int, new: Sequence[bytes]) -> bytes:
        """With keys that it does not have: one by one where they are few."""
        rest = list(new)
        while rest and len(new) <= _FEW:
            grown = with_key(block, depth, rest[-1], self._values[rest[-1]])
            if grown is None:
                break
            block = grown
            rest.pop()
        return Insertion(rest, self._values, self._done).run(block, depth) if rest else block


def _hash(data: bytearray, inner: set[int]) -> None:
    """Hash the ``inner`` nodes again; in preorder, what is below a node comes after it."""
    for start in sorted(inner, reverse=True):
        left = start + HEADER
        right = left + (data[start + 33] << 16 | data[start + 34] << 8 | data[start + 35])
        # Inlined, not hash_at and inner_node: most of the time of a change is spent here.
        one = data[left + 1 : left + 33] if data[left] >= INNER_TAG else hash_at(data, left)
        two = data[right + 1 : right + 33] if data[right] >= INNER_TAG else hash_at(data, right)
        data[start + 1 : start + 33] = sha256(b"\x23" + one + two).digest()
