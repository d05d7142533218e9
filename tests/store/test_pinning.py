"""Old sizes of the index: whatever is pinned stays provable, and nothing else is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing
from ledger.tree.prefix import verify_absence, verify_presence
from ledger.tree.prefix_growth import change

KEYS = [sha256(b"%d" % n).digest() for n in range(600)]
# Blocks below the root's come with many keys: some heads change these, some a few keys only.
PURPOSES = ("published", "candidate", "audited")
Changes = dict[bytes, bytes]


class At:
    """The blocks within one transaction, which ends at tree size ``size``."""

    def __init__(self, writing: Writing, size: int) -> None:
        self._writing, self._size = writing, size
        self.blocks = writing.blocks

    def put_blocks(self, blocks: Changes) -> None:
        self._writing.put_blocks(blocks, self._size)


class Heads:
    """Heads without a log around them, and what each of them said."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.values: dict[int, Changes] = {0: {}}
        self.roots: dict[int, bytes] = {}
        self.pins: dict[str, int] = {}
        self.newest = 0

    def add(self, values: Changes, moves: dict[str, int | None] | None = None) -> int:
        """One head more, 3 entries after the last; pins may move in its transaction."""
        size = self.newest + 3
        with self.store.writing() as writing:
            self.roots[size] = change(At(writing, size), values)
            # The test is about the index only: entries are claimed, and not written.
            writing._stored = size
            writing.put_head(msgspec.structs.replace(writing.head, size=size, last_head=size - 1))
            if moves is not None:
                writing.move_pins(moves)
        self.values[size] = self.values[self.newest] | values
        self.newest = size
        return size

    def check(self) -> None:
        """Proofs of all keys at every size that is kept; no row that no pin needs."""
        for size in {self.newest, *self.pins.values()} - {0}:
            values = self.values[size]
            for key, found in self.store.prove(KEYS[:40], size).items():
                assert found.root == self.roots[size]
                if key in values:
                    verify_presence(key, values[key], found.proof, self.roots[size])
                else:
                    verify_absence(key, found.proof, self.roots[size])
        assert self.store.pins() == self.pins
        kept = [row for until in self.roots for row in self.store.iterate_undo(until)]
        assert len(kept) == self.store.counts().undo
        for _, until, since, _ in kept:
            assert any(since <= pin < until for pin in self.pins.values())

    def move(self, moves: dict[str, int | None]) -> None:
        """Move pins, and note it where they may be there."""
        wanted = {size for size in moves.values() if size is not None}
        if wanted <= {self.newest, *self.pins.values()}:
            self.store.move_pins(moves)
            merged = {**self.pins, **moves}
            self.pins = {purpose: size for purpose, size in merged.items() if size is not None}
            return
        with pytest.raises(CellbookError) as refused:
            self.store.move_pins(moves)
        assert refused.value.code == "unavailable.index.unkept"


@contextmanager
def a_store() -> Iterator[SqlStore]:
    with tempfile.TemporaryDirectory() as folder:
        opened = SqlStore.open(f"sqlite:///{folder}/log.db")
        opened.create()
        yield opened
        opened.close()


def change_of(first: int, count: int, value: int) -> Changes:
    return {key: sha256(b"%d" % value).digest() for key in KEYS[first : first + count]}


CHANGES = st.builds(
    change_of, st.integers(0, 580), st.sampled_from([0, 1, 3, 40, 500]), st.integers(0, 99)
)
MOVES = st.dictionaries(st.sampled_from(PURPOSES), st.integers(0, 12), min_size=1)
STEPS = st.lists(st.one_of(CHANGES, MOVES), max_size=14)


def resolved(heads: Heads, moves: dict[str, int]) -> dict[str, int | None]:
    """A number names one of the sizes that there were; 12 takes the pin away."""
    sizes = [heads.newest, *heads.pins.values(), *reversed(heads.roots)]
    return {purpose: None if n == 12 else sizes[n % len(sizes)] for purpose, n in moves.items()}


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_proofs_at_every_pin_lead_to_the_root_of_then(steps: list[dict]) -> None:
    with a_store() as store:
        heads = Heads(store)
        heads.add(change_of(0, 30, 0))
        for step in steps:
            if any(key in PURPOSES for key in step):
                heads.move(resolved(heads, step))
            else:
                heads.add(step)
            heads.check()


def test_the_same_on_each_database(store: SqlStore) -> None:
    heads = Heads(store)
    first = heads.add(change_of(0, 600, 1))
    heads.move({"audited": first, "published": first})
    second = heads.add(change_of(10, 300, 2))
    heads.check()
    heads.move({"published": second})
    third = heads.add(change_of(0, 20, 3))
    heads.move({"candidate": third})
    heads.add(change_of(300, 300, 4))
    heads.check()
    heads.move({"audited": third, "candidate": None})
    heads.check()
    heads.move({"published": heads.newest, "audited": heads.newest})
    heads.check()
    assert store.counts().undo == 0
    heads.move({"published": None, "audited": None})
    assert store.pins() == {}


def test_a_head_can_pin_itself(store: SqlStore) -> None:
    heads = Heads(store)
    heads.pins = {"candidate": heads.add(change_of(0, 40, 1), {"candidate": 3})}
    heads.add(change_of(0, 40, 2))
    heads.check()


def test_nothing_is_kept_while_nothing_is_pinned(store: SqlStore) -> None:
    heads = Heads(store)
    for number in range(3):
        heads.add(change_of(0, 600, number))
    assert store.counts().undo == 0
    found = store.prove(KEYS[:1], 3)[KEYS[0]]
    assert found.root == heads.roots[9]


def test_a_pin_that_is_refused_moves_none(store: SqlStore) -> None:
    heads = Heads(store)
    heads.add(change_of(0, 40, 1))
    heads.add(change_of(0, 40, 2))
    heads.move({"published": 6})
    heads.move({"published": None, "audited": 3})
    heads.move({"audited": 5})
    heads.check()
