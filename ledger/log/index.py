"""The index at a head: what entries since the last one add to it.

Blocks change in the transaction that appends the head, and only there, so that they are always
those of the last head. Chains have grown with the entries already, whichever process wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping

from keys.errors import declare
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head
from ledger.store.indexing import Pair
from ledger.store.writing import Writing
from ledger.tree.prefix import EMPTY, key_of
from ledger.tree.prefix_growth import change
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
    head, ``damaged.tree.block``, ``unavailable.*``.
    """
    blocks = _Blocks(writing, stop + 1)
    root = change(blocks, {})
    if root != _stated(writing, last_head):
        # To go on would sign a root over subjects that were never in the log, or without some.
        raise INDEX.at(f"entry {last_head}", "the blocks lead to another root")
    after: Pair = (0 if last_head is None else last_head, -1)
    while page := writing.concerned(after, stop):
        chains = writing.chains({subject_id for _, subject_id in page})
        root = change(blocks, {key_of(uri): chain.value for uri, chain in chains.values()})
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


class _Blocks:
    """The blocks in one transaction (``BlockWriter``), which ends in a tree of ``size``."""

    def __init__(self, writing: Writing, size: int) -> None:
        self.blocks = writing.blocks
        self._writing = writing
        self._size = size

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        self._writing.put_blocks(blocks, self._size)
