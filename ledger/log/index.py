"""The index at a head: what entries since the last one add to it.

Chains and blocks change in the transaction that appends the head, and only there, so that they are
always those of the last head. Entries of other processes are in the store like our own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.store.indexing import Pair
from ledger.store.writing import Writing
from ledger.tree.merkle import HASH
from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change
from ledger.tree.tiles import TILE, TILE_BITS, tile_width


def extend_index(writing: Writing, start: int, stop: int) -> bytes:
    """Take in entries start ≤ index < stop, the first that the index lacks; the root after them.

    A page of 16,384 pairs of entry and subject at a time is in memory, some 20 MB with the blocks
    that they lead to. Raises ``damaged.store.tile``, ``damaged.tree.block``, ``unavailable.*``.
    """
    after: Pair = (start, -1)
    leaf_hashes = _LeafHashes(writing, stop)
    root = change(writing, {})
    while page := writing.concerned(after, stop):
        root = _take(writing, page, leaf_hashes)
        after = page[-1]
    return root


def _take(writing: Writing, page: Sequence[Pair], leaf_hashes: _LeafHashes) -> bytes:
    named = writing.chains({subject_id for _, subject_id in page})
    chains: dict[int, Chain] = {}
    for index, subject_id in page:
        before = chains.get(subject_id) or named[subject_id][1]
        chains[subject_id] = before.after(index, leaf_hashes.of(index))
    writing.put_chains(chains)
    values = {key_of(named[number][0]): chain.value for number, chain in chains.items()}
    return change(writing, values)


class _LeafHashes:
    """Leaf hashes from the lowest tiles, of which the last one is kept."""

    def __init__(self, writing: Writing, size: int) -> None:
        self._writing = writing
        self._size = size
        self._n = -1
        self._tile = b""

    def of(self, index: int) -> bytes:
        n, place = index >> TILE_BITS, (index & (TILE - 1)) * HASH
        if n != self._n:
            self._tile = self._writing.tile(0, n, tile_width(0, n, self._size))
            self._n = n
        return self._tile[place : place + HASH]
