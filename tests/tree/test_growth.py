"""The right edge and the writer's tiles, at every size and by batches of every length."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.tree.edge import Edge
from ledger.tree.growth import Growth
from ledger.tree.merkle import EMPTY_ROOT, root_of
from tests.tree.reference import Tiles, Tree, hashes

LEAVES = hashes(66_200)
TREE = Tree(LEAVES)


class Shelf:
    """Tiles as a store keeps them: what was written last."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, n: int, width: int) -> bytes:
        return self.tiles[level, n][: width * 32]


def test_edge_at_every_size() -> None:
    edge = Edge.empty()
    assert edge.root() == EMPTY_ROOT
    for size in range(1, 400):
        edge = edge.append(LEAVES[size - 1])
        assert edge.size == size
        assert edge.root() == root_of(LEAVES[:size])
        assert len(edge.hashes) == size.bit_count()
        assert Edge.from_bytes(size, edge.to_bytes()) == edge
        assert Edge.empty().extend(LEAVES[:size]) == edge


def test_edge_holds_perfect_subtrees_the_largest_first() -> None:
    edge = Edge.empty().extend(LEAVES[:11])
    assert edge.hashes == (TREE.root(0, 8), TREE.root(8, 10), TREE.root(10, 11))
    assert edge.to_bytes() == b"".join(edge.hashes)


def test_appending_leaves_the_edge_before_as_it_was() -> None:
    edge = Edge.empty().extend(LEAVES[:7])
    before = edge.to_bytes()
    assert edge.append(LEAVES[7]).size == 8
    assert edge.extend([]) == edge
    assert (edge.size, edge.to_bytes()) == (7, before)


@pytest.mark.parametrize(
    ("size", "length"), [(0, 32), (1, 0), (1, 31), (1, 64), (3, 32), (4, 64), (-1, 32), (2**63, 32)]
)
def test_bytes_that_are_no_edge(size: int, length: int) -> None:
    with pytest.raises(CellbookError) as refused:
        Edge.from_bytes(size, bytes(length))
    assert refused.value.code == "malformed.tree.edge"


@pytest.mark.parametrize("leaf", [b"", bytes(31), bytes(33)])
def test_leaf_hashes_that_are_none(leaf: bytes) -> None:
    growth = Growth.empty().append(LEAVES[:5]).growth
    for batch in ([leaf], [LEAVES[5], leaf], [bytes(64 - len(leaf)), leaf]):
        with pytest.raises(CellbookError) as refused:
            growth.append(batch)
        assert refused.value.code == "malformed.proof.hash"


def test_a_tree_that_is_full() -> None:
    edge = Edge(2**63 - 1, tuple(LEAVES[:63]))
    with pytest.raises(CellbookError) as refused:
        edge.append(LEAVES[0])
    assert refused.value.code == "unavailable.tree.full"


def test_growth_leaf_by_leaf() -> None:
    growth, shelf = Growth.empty(), Shelf()
    assert (growth.size, growth.root, growth.to_bytes()) == (0, EMPTY_ROOT, b"")
    for size in range(1, 600):
        grown = growth.append([LEAVES[size - 1]])
        assert growth.size == size - 1
        growth = grown.growth
        assert (grown.size, grown.root) == (size, TREE.root(0, size)) == (growth.size, growth.root)
        assert growth.to_bytes() == Edge.empty().extend(LEAVES[:size]).to_bytes()
        expected = {(0, (size - 1) // 256)} | ({(1, 0)} if size % 256 == 0 else set())
        assert set(grown.tiles) == expected
        shelf.tiles.update(grown.tiles)
        assert shelf.tiles == Tiles(TREE, size).all()
        assert Growth.load(size, shelf) == growth


@pytest.mark.parametrize("seed", range(4))
def test_growth_by_random_batches(seed: int) -> None:
    chance = random.Random(seed)
    growth, shelf = Growth.empty(), Shelf()
    while growth.size < 3000:
        stop = growth.size + chance.choice((0, 1, 2, 3, 100, 255, 256, 257, 511, 513, 900))
        grown = growth.append(LEAVES[growth.size : stop])
        changed = {
            key: data for key, data in Tiles(TREE, stop).all().items()
            if shelf.tiles.get(key) != data
        }  # fmt: skip
        assert grown.tiles == changed
        shelf.tiles.update(grown.tiles)
        growth = grown.growth
        assert (grown.size, grown.root) == (stop, TREE.root(0, stop))
        assert Growth.load(stop, shelf) == growth


@pytest.mark.parametrize("size", [65_279, 65_280, 65_535, 65_536, 65_537, 66_048, 66_200])
def test_growth_where_a_level_begins(size: int) -> None:
    shelf = Shelf()
    before = Growth.empty().append(LEAVES[: size - 300])
    shelf.tiles.update(before.tiles)
    grown = before.growth.append(LEAVES[size - 300 : size])
    shelf.tiles.update(grown.tiles)
    assert grown.root == TREE.root(0, size)
    assert shelf.tiles == Tiles(TREE, size).all()
    assert Growth.load(size, shelf) == grown.growth


def test_loading_reads_one_tile_of_each_level_and_nothing_that_is_full() -> None:
    tiles = Tiles(TREE, 66_200)
    for size, read in (
        (0, []),
        (255, [(0, 0, 255)]),
        (256, [(1, 0, 1)]),
        (300, [(0, 1, 44), (1, 0, 1)]),
        (65_536, [(2, 0, 1)]),
        (66_200, [(0, 258, 152), (1, 1, 2), (2, 0, 1)]),
    ):
        tiles.read.clear()
        assert Growth.load(size, tiles).root == TREE.root(0, size)
        assert tiles.read == read


def test_loading_takes_no_more_than_the_size_has() -> None:
    shelf = Shelf()
    shelf.tiles.update(Growth.empty().append(LEAVES[:700]).tiles)

    class Generous:
        def tile(self, level: int, n: int, width: int) -> bytes:
            return shelf.tiles[level, n]

    assert Growth.load(520, Generous()) == Growth.empty().append(LEAVES[:520]).growth


@pytest.mark.parametrize("missing", [1, 31, 32, 10_000])
def test_loading_from_a_tile_that_is_too_short(missing: int) -> None:
    class Short:
        def tile(self, level: int, n: int, width: int) -> bytes:
            return bytes(max(0, width * 32 - missing))

    with pytest.raises(CellbookError) as refused:
        Growth.load(300, Short())
    assert refused.value.code == "damaged.tree.tile"


@pytest.mark.parametrize("size", [-1, 2**63, 10**5000], ids=["below", "above", "huge"])
def test_sizes_that_no_tree_has(size: int) -> None:
    with pytest.raises(CellbookError) as refused:
        Growth.load(size, Shelf())
    assert refused.value.code == "malformed.proof.size"


@given(st.lists(st.integers(0, 300), max_size=6))
def test_batches_make_no_difference(batches: list[int]) -> None:
    growth, tiles = Growth.empty(), {}
    for count in batches:
        grown = growth.append(LEAVES[growth.size : growth.size + count])
        tiles.update(grown.tiles)
        growth = grown.growth
    at_once = Growth.empty().append(LEAVES[: growth.size])
    assert growth == at_once.growth
    assert tiles == at_once.tiles
