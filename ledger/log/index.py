"""The index at a head: what entries since the last one add to it.

Blocks change in the transaction that appends the head, and only there, so that they are always
those of the last head. Chains have grown with the entries already, whichever process wrote them.

So most of the work can be done before that transaction: until the next head is there, nobody
changes the blocks that it reads. It is kept only if the last head is still the same then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol

import msgspec

from keys.errors import declare
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head
from ledger.store.indexing import IndexView, Pair
from ledger.store.writing import Writing
from ledger.tree.prefix import EMPTY, key_of
from ledger.tree.prefix_blocks import BlockReader
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import CHUNK, change
from ledger.wire.statement import parse_statement

INDEX = declare(
    "damaged.log.index",
    "The stored index is not the one whose root the last head states.",
    "No head is signed any more. Run `cellbook fsck`; restore the database from a copy.",
)

HELD = 64 * 2**20
"""Bytes of changed blocks that are held in memory, together with those of one part of the keys
more, before they are stored. In an index of a million subjects they are those of 30,000 changes."""
_STORED = 1024
"""Blocks stored in one statement."""


class Ahead(msgspec.Struct, frozen=True):
    """What the next head adds to the index, as far as it was computed before the lock was taken.

    It goes on from the index root ``before``, which is that of the head at entry ``last_head``;
    pairs up to ``upto`` are taken in. ``blocks`` are those that change, by place; ``left`` are
    values that are not in them, by key.
    """

    last_head: int | None
    before: bytes
    upto: Pair
    blocks: Mapping[bytes, bytes]
    left: Mapping[bytes, bytes]


def look_ahead(view: IndexView, last_head: int | None, stop: int) -> Ahead:
    """Compute what the entries after ``last_head`` and before ``stop`` change, and store nothing.

    At most a page of 16,384 pairs of entry and subject is taken in, and ``HELD``; the rest is left
    to ``extend_index``. Raises ``damaged.tree.block``, ``unavailable.*``.
    """
    held = _Held(view)
    before = change(held, {})
    upto = _beginning(last_head)
    left: dict[bytes, bytes] = {}
    for after, values in _pages(view, upto, stop):
        for part in _parts(values):
            if held.size < HELD:
                change(held, part)
            else:
                left |= part
        upto = after
        break
    return Ahead(last_head, before, upto, held.changed, left)


def extend_index(
    writing: Writing, last_head: int | None, stop: int, ahead: Ahead | None = None
) -> bytes:
    """Take in the entries after ``last_head`` (None: all) and before ``stop``; the root after them.

    ``ahead`` is what was computed before the lock: it is used if it goes on from the same head. A
    page of 16,384 pairs of entry and subject at a time is in memory, with the blocks that they
    change: ``HELD`` at most. Raises ``damaged.log.index`` where the stored index is not that of the
    last head, ``damaged.tree.block``, ``unavailable.*``.
    """
    held = _Held(writing)
    root = change(held, {})
    if root != _stated(writing, last_head):
        # To go on would sign a root over subjects that were never in the log, or without some.
        raise INDEX.at(f"entry {last_head}", "the blocks lead to another root")
    upto = _beginning(last_head)
    left: Mapping[bytes, bytes] = {}
    if ahead is not None and (ahead.last_head, ahead.before) == (last_head, root):
        held.put_blocks(ahead.blocks)
        upto, left = ahead.upto, ahead.left
    rest = (values for _, values in _pages(writing, upto, stop))
    for values in chain((left,), rest):
        for part in _parts(values):
            change(held, part)
            if held.size >= HELD:
                held.store(writing, stop + 1)
    root = change(held, {})
    held.store(writing, stop + 1)
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


class _Source(BlockReader, Protocol):
    """An index and what has been registered: in a snapshot, or under the lock."""

    def concerned(self, after: Pair, stop: int) -> list[Pair]: ...

    def chains(self, subject_ids: Iterable[int]) -> dict[int, tuple[str, Chain]]: ...


def _beginning(last_head: int | None) -> Pair:
    """Before the first pair that the index at this head does not have."""
    return (0 if last_head is None else last_head, -1)


def _pages(source: _Source, after: Pair, stop: int) -> Iterator[tuple[Pair, dict[bytes, bytes]]]:
    """What has changed after ``after``, a page at a time: its last pair, and key → new value."""
    while page := source.concerned(after, stop):
        after = page[-1]
        chains = source.chains({subject_id for _, subject_id in page})
        yield after, {key_of(uri): chain.value for uri, chain in chains.values()}


def _parts(values: Mapping[bytes, bytes]) -> Iterator[dict[bytes, bytes]]:
    """Neighbouring keys together: they share blocks."""
    keys = sorted(values)
    for start in range(0, len(keys), CHUNK):
        yield {key: values[key] for key in keys[start : start + CHUNK]}


class _Held:
    """Blocks of ``reader`` with changes that are held in memory (``BlockWriter``).

    ``size`` counts every change, also those of a block that was changed before.
    """

    def __init__(self, reader: BlockReader) -> None:
        self.changed: dict[bytes, bytes] = {}
        self.size = 0
        self._reader = reader

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """As ``BlockReader`` says."""
        found = {place: self.changed[place] for place in places if place in self.changed}
        if len(found) == len(places):
            return found
        return {**self._reader.blocks([p for p in places if p not in found]), **found}

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        """As ``BlockWriter`` says."""
        self.changed |= blocks
        self.size += sum(map(len, blocks.values()))

    def store(self, writing: Writing, size: int) -> None:
        """Put what was changed into the transaction, which ends in a tree of ``size``."""
        places = sorted(self.changed)
        for start in range(0, len(places), _STORED):
            part = places[start : start + _STORED]
            writing.put_blocks({place: self.changed[place] for place in part}, size)
        self.changed, self.size = {}, 0
