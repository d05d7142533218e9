"""The index, told again from the entries: what heads state of it, and what the store keeps of it.

Memory grows with the number of subjects: some 250 bytes each, for its chain and its leaf in blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from ledger.custody.governance import Head
from ledger.log.damage import ENTRY, INDEX_BLOCK, SUBJECT_CHAIN, damage, differs
from ledger.store.indexing import block_id
from ledger.store.records import Counts
from ledger.store.sql import SqlStore
from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change

_PAGE = 1000


class RetoldIndex:
    """Grows the index epoch by epoch, and compares it with heads, and at the end with the store."""

    def __init__(self) -> None:
        self._chains: dict[str, Chain] = {}
        self._blocks = _Memory()
        self._waiting: list[tuple[str, int, bytes]] = []

    def add(self, subjects: Sequence[str], index: int, leaf_hash: bytes) -> None:
        """The next entry, and whom it concerns."""
        self._waiting += [(uri, index, leaf_hash) for uri in subjects]

    def check_head(self, head: Head) -> None:
        """The head that ends the epoch. Raises ``damaged.entry`` where it states another root."""
        changed: dict[str, Chain] = {}
        for uri, index, leaf_hash in self._waiting:
            before = changed.get(uri) or self._chains.get(uri, Chain())
            changed[uri] = before.after(index, leaf_hash)
        self._waiting = []
        self._chains |= changed
        values = {key_of(uri): chain.value for uri, chain in changed.items()}
        root = change(self._blocks, values)
        if root != head.index_root:
            row = f"index {head.tree_size}"
            detail = f"the head states index root {head.index_root.hex()}, it is {root.hex()}"
            raise damage(ENTRY, row, "leaf", detail)

    def finish(self, store: SqlStore, counts: Counts) -> None:
        """After the last entry: chains and blocks as of the last head, and that there are no
        others. Raises ``damaged.subject-chain`` and ``damaged.index-block``."""
        names = iter(self._chains)
        while page := list(islice(names, _PAGE)):
            stored = store.stored_chains(page)
            for uri in page:
                if stored.get(uri) != self._chains[uri]:
                    raise _wrong_chain(uri, stored.get(uri), self._chains[uri])
        if counts.chains != len(self._chains):
            detail = f"{counts.chains} rows are stored, {len(self._chains)} were expected"
            raise damage(SUBJECT_CHAIN, "of a subject without entries", "", detail)
        self._check_blocks(store)

    def _check_blocks(self, store: SqlStore) -> None:
        expected = {block_id(place): data for place, data in self._blocks.held.items()}
        page = store.iterate_blocks()
        while page:
            for number, data in page:
                right = expected.pop(number, None)
                if right is None:
                    raise damage(INDEX_BLOCK, f"id {number}", "", "the index has no such block")
                if data != right:
                    raise differs(INDEX_BLOCK, f"id {number}", "data", data, right)
            page = store.iterate_blocks(page[-1][0])
        for number in sorted(expected):
            raise damage(INDEX_BLOCK, f"id {number}", "", "the row is missing")


def _wrong_chain(uri: str, stored: Chain | None, expected: Chain) -> Exception:
    row = f"subject {uri}"
    if stored is None:
        return damage(SUBJECT_CHAIN, row, "", "the row is missing")
    if stored.count != expected.count:
        return differs(SUBJECT_CHAIN, row, "count", stored.count, expected.count)
    return differs(SUBJECT_CHAIN, row, "hash", stored.hash, expected.hash)


class _Memory:
    """Blocks in memory (``BlockWriter``)."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {place: self.held[place] for place in places if place in self.held}

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        self.held.update(blocks)
