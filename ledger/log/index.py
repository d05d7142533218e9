"""The index at a head: what entries since the last one add to it.

Chains and blocks change in the transaction that appends the head, and only there, so that they are
always those of the last head. Entries of other processes are in the store like our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keys.errors import declare
from ledger.custody.decision import read_content
from ledger.custody.governance import Head
from ledger.store.indexing import Pair
from ledger.store.writing import Writing
from ledger.tree.merkle import HASH
from ledger.tree.prefix import EMPTY, key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change
from ledger.tree.tiles import TILE, TILE_BITS, tile_width
from ledger.wire.statement import parse_statement

INDEX = declare(
    "damaged.log.index",
    "The stored index is not the one whose root the last head states.",
    "No head is signed any more. Run `cellbook fsck`; restore the database from a copy.",
)


def extend_index(writing: Writing, last_head: int | None, stop: int) -> bytes:
    """Take in the entries after ``last_head`` (None: all) and before ``stop``; the root after them.

    A page of 16,384 pairs of entry and subject at a time is in memory, some 20 MB with the blocks
    that they lead to. Raises ``damaged.log.index`` where the stored index is not that of the last
    head, ``damaged.store.tile``, ``damaged.tree.block``, ``unavailable.*``.
    """
    blocks = _Blocks(writing, stop + 1)
    root = change(blocks, {})
    if root != _stated(writing, last_head):
        # To go on would sign a root over subjects that were never in the log, or without some.
        raise INDEX.at(f"entry {last_head}", "the blocks lead to another root")
    after: Pair = (0 if last_head is None else last_head, -1)
    leaf_hashes = _LeafHashes(writing, stop)
    while page := writing.concerned(after, stop):
        root = change(blocks, _extend_chains(writing, page, leaf_hashes))
        after = page[-1]
    return root


def _stated(writing: Writing, last_head: int | None) -> bytes:
    """The index root in the last head; that of no subjects before there is one."""
    if last_head is None:
        return EMPTY
    entry = writing.entry(last_head)
    content = None if entry is None else read_content(parse_statement(entry.leaf))
    if not isinstance(content, Head):
        raise INDEX.at(f"entry {last_head}", "it is no head")
    return content.index_root


def _extend_chains(
    writing: Writing, page: Sequence[Pair], leaf_hashes: _LeafHashes
) -> dict[bytes, bytes]:
    """The new values of the subjects of ``page``, by their keys."""
    named = writing.chains({subject_id for _, subject_id in page})
    chains: dict[int, Chain] = {}
    for index, subject_id in page:
        before = chains.get(subject_id) or named[subject_id][1]
        chains[subject_id] = before.after(index, leaf_hashes.of(index))
    writing.put_chains(chains)
    return {key_of(named[number][0]): chain.value for number, chain in chains.items()}


class _Blocks:
    """The blocks in one transaction (``BlockWriter``), which ends in a tree of ``size``."""

    def __init__(self, writing: Writing, size: int) -> None:
        self.blocks = writing.blocks
        self._writing = writing
        self._size = size

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        self._writing.put_blocks(blocks, self._size)


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
