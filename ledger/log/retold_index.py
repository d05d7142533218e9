"""The index, told again from the entries: what heads state of it, and what the store keeps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from keys.errors import CellbookError
from ledger.custody.governance import Head
from ledger.log.damage import ENTRY, INDEX_BLOCK, SUBJECT_CHAIN, damage, differs
from ledger.store.indexing import block_id
from ledger.store.records import Counts
from ledger.store.sql import SqlStore
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_memory import MemoryIndex

_PAGE = 1000


class RetoldIndex:
    """Grows the index epoch by epoch, and compares it with heads, and at the end with the store."""

    def __init__(self) -> None:
        self._index = MemoryIndex()

    def add(self, subjects: Sequence[str], index: int, leaf_hash: bytes) -> None:
        """The next entry, and whom it concerns."""
        self._index.add(subjects, index, leaf_hash)

    def check_head(self, head: Head) -> None:
        """The head that ends the epoch. Raises ``damaged.entry`` where it states another root."""
        root = self._index.close()
        if root != head.index_root:
            detail = f"the head states index root {head.index_root.hex()}, it is {root.hex()}"
            raise damage(ENTRY, f"index {head.tree_size}", "leaf", detail)

    def finish(self, store: SqlStore, counts: Counts) -> None:
        """After the last entry: chains and blocks as of the last head, and that there are no
        others. Raises ``damaged.subject-chain`` and ``damaged.index-block``."""
        chains = self._index.chains
        names = iter(chains)
        while page := list(islice(names, _PAGE)):
            stored = store.stored_chains(page)
            for uri in page:
                if stored.get(uri) != chains[uri]:
                    raise _wrong_chain(uri, stored.get(uri), chains[uri])
        if counts.chains != len(chains):
            detail = f"{counts.chains} rows are stored, {len(chains)} were expected"
            raise damage(SUBJECT_CHAIN, "of a subject without entries", "", detail)
        self._check_blocks(store)

    def _check_blocks(self, store: SqlStore) -> None:
        expected = {block_id(place): data for place, data in self._index.held.items()}
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


def _wrong_chain(uri: str, stored: Chain | None, expected: Chain) -> CellbookError:
    row = f"subject {uri}"
    if stored is None:
        return damage(SUBJECT_CHAIN, row, "", "the row is missing")
    if stored.count != expected.count:
        return differs(SUBJECT_CHAIN, row, "count", stored.count, expected.count)
    return differs(SUBJECT_CHAIN, row, "hash", stored.hash, expected.hash)
