"""The index, told again from the entries: what heads state of it, and what the store keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from ledger.custody.governance.statements import Head
from ledger.log.integrity.damage import (
    ENTRY,
    INDEX_BLOCK,
    INDEX_PIN,
    INDEX_UNDO,
    SUBJECT,
    damage,
    differs,
)
from ledger.store.indexing import Row, block_id
from ledger.store.pinning import Undo
from ledger.store.records import Counts
from ledger.store.sql import SqlStore
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_memory import MemoryIndex

_PAGE = 1000


class RetoldIndex:
    """Grows the index epoch by epoch, and compares it with heads, and at the end with the store."""

    def __init__(self) -> None:
        self._index = _Dated()
        self._pins: dict[str, int] = {}
        self._undo = 0

    def pin(self, pins: Mapping[str, int]) -> None:
        """Before the first entry: the tree sizes of which overwritten blocks must be stored."""
        self._pins = dict(pins)

    def add(self, subjects: Sequence[str], index: int, leaf_hash: bytes) -> None:
        """The next entry, and whom it concerns."""
        self._index.add(subjects, index, leaf_hash)

    def check_head(self, head: Head, store: SqlStore) -> None:
        """The head that ends the epoch. Raises ``damaged.entry`` where it states another root, and
        ``damaged.index-undo`` where what it has overwritten is not kept for the pins."""
        size = head.tree_size + 1
        overwritten, root = self._index.close_at(size)
        if root != head.index_root:
            detail = f"the head states index root {head.index_root.hex()}, it is {root.hex()}"
            raise damage(ENTRY, f"index {head.tree_size}", "leaf", detail)
        if any(pin < size for pin in self._pins.values()):
            self._check_undo(store, size, overwritten)

    def finish(self, store: SqlStore, counts: Counts) -> None:
        """After the last entry: chains, blocks as of the last head, and that there are no others.
        Raises ``damaged.subject``, ``damaged.index-block``, ``damaged.index-undo``,
        ``damaged.index-pin``."""
        count, names = 0, self._index.subjects()
        while page := list(islice(names, _PAGE)):
            stored = store.stored_chains(page)
            for uri in page:
                _check_chain(uri, stored.get(uri), self._index.chain(uri))
            count += len(page)
        if counts.chains != count:
            detail = f"{counts.chains} subjects have a count, {count} were expected"
            raise damage(SUBJECT, "of a subject without entries", "count", detail)
        self._check_blocks(store)
        self._check_pins(counts)

    def _check_undo(
        self, store: SqlStore, until: int, overwritten: Mapping[bytes, tuple[int, bytes]]
    ) -> None:
        expected = {
            block_id(place): row
            for place, row in overwritten.items()
            if any(row[0] <= pin < until for pin in self._pins.values())
        }
        for number, _, since, data in _undo_at(store, until):
            where = f"id {number}, until {until}"
            if number not in expected:
                raise damage(INDEX_UNDO, where, "", "no pin needs it")
            right_since, right = expected.pop(number)
            if since not in (0, right_since):
                raise differs(INDEX_UNDO, where, "since", since, right_since)
            if data != right:
                raise differs(INDEX_UNDO, where, "data", data, right)
            self._undo += 1
        for number in sorted(expected):
            raise damage(INDEX_UNDO, f"id {number}, until {until}", "", "the row is missing")

    def _check_blocks(self, store: SqlStore) -> None:
        expected = {block_id(place): place for place in self._index.held}
        page = store.iterate_blocks()
        while page:
            for row in page:
                self._check_block(row, expected.pop(row[0], None))
            page = store.iterate_blocks(page[-1][0])
        for number in sorted(expected):
            raise damage(INDEX_BLOCK, f"id {number}", "", "the row is missing")

    def _check_block(self, row: Row, place: bytes | None) -> None:
        number, data, written = row
        if place is None:
            raise damage(INDEX_BLOCK, f"id {number}", "", "the index has no such block")
        if data != self._index.held[place]:
            raise differs(INDEX_BLOCK, f"id {number}", "data", data, self._index.held[place])
        # 0: written before sizes were kept.
        if written not in (0, self._index.written[place]):
            right = self._index.written[place]
            raise differs(INDEX_BLOCK, f"id {number}", "written", written, right)

    def _check_pins(self, counts: Counts) -> None:
        for purpose, size in self._pins.items():
            if size not in self._index.sizes:
                raise damage(INDEX_PIN, f"purpose {purpose}", "size", f"no head is before {size}")
        if counts.undo != self._undo:
            detail = f"{counts.undo} rows are stored, {self._undo} were expected"
            raise damage(INDEX_UNDO, "of no head", "", detail)


class _Dated(MemoryIndex):
    """Knows since which tree size each block is as it is, and what the last head has overwritten.

    ``sizes`` are those of all heads, each with its head.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[bytes, int] = {}
        self.sizes: set[int] = set()
        self._size = 0
        self._overwritten: dict[bytes, tuple[int, bytes]] = {}

    def close_at(self, size: int) -> tuple[dict[bytes, tuple[int, bytes]], bytes]:
        """(place → (since, block) of what the head changes, the root after it)."""
        self._size, self._overwritten = size, {}
        self.sizes.add(size)
        root = self.close()
        return self._overwritten, root

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        """As ``BlockWriter`` says."""
        for place in blocks:
            written = self.written.get(place, self._size)
            if written < self._size:
                self._overwritten[place] = written, self.held[place]
            self.written[place] = self._size
        super().put_blocks(blocks)


def _undo_at(store: SqlStore, until: int) -> Iterator[Undo]:
    page = store.iterate_undo(until)
    while page:
        yield from page
        page = store.iterate_undo(until, page[-1][0])


def _check_chain(uri: str, stored: Chain | None, expected: Chain) -> None:
    row = f"uri {uri}"
    if stored is None:
        raise damage(SUBJECT, row, "", "the row is missing")
    if stored.count != expected.count:
        raise differs(SUBJECT, row, "count", stored.count, expected.count)
    if stored.hash != expected.hash:
        raise differs(SUBJECT, row, "chain", stored.hash, expected.hash)
