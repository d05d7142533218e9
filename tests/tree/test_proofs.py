"""Proofs from tiles are those of the RFC's definitions, whatever is cached and whoever asks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from keys.errors import CellbookError
from ledger.tree.growth import Growth
from ledger.tree.merkle import EMPTY_ROOT, verify_consistency, verify_inclusion
from ledger.tree.proofs import Proofs
from tests.tree.reference import Tiles, Tree, hashes

LEAVES = hashes(66_400)
TREE = Tree(LEAVES)
TILES = Tiles(TREE, 66_400)
EDGES = [
    *range(253, 260), *range(509, 516), 767, 768, 769, 1023, 1025, 65_279, 65_280, 65_281,
    *range(65_534, 65_539), 65_791, 65_792, 65_793, 66_400,
]  # fmt: skip


@pytest.fixture(scope="module")
def proofs() -> Proofs:
    return Proofs(TILES)


def interesting(size: int) -> Iterator[int]:
    yield from {0, 1, 254, 255, 256, 257, 511, 512, 65_535, 65_536, size - 1, size - 2, size // 2}
    yield from random.Random(size).sample(range(size), 20)


def test_all_small_trees(proofs: Proofs) -> None:
    for size in range(1, 131):
        assert proofs.root(size) == TREE.root(0, size)
        for index in range(size):
            assert proofs.inclusion(index, size) == TREE.path(index, size)


def test_all_consistency_proofs_of_small_trees(proofs: Proofs) -> None:
    for size2 in range(1, 66):
        for size1 in range(1, size2 + 1):
            assert proofs.consistency(size1, size2) == TREE.proof(size1, size2)


@pytest.mark.parametrize("size", EDGES)
def test_inclusion_where_tiles_end(proofs: Proofs, size: int) -> None:
    root = TREE.root(0, size)
    assert proofs.root(size) == root
    for index in interesting(size):
        if index < size:
            path = proofs.inclusion(index, size)
            assert path == TREE.path(index, size)
            verify_inclusion(LEAVES[index], index, size, path, root)


@pytest.mark.parametrize("size2", EDGES)
def test_consistency_where_tiles_end(proofs: Proofs, size2: int) -> None:
    for size1 in (*interesting(size2), *EDGES):
        if 0 < size1 < size2:
            path = proofs.consistency(size1, size2)
            assert path == TREE.proof(size1, size2)
            verify_consistency(size1, size2, TREE.root(0, size1), TREE.root(0, size2), path)


def test_the_empty_tree(proofs: Proofs) -> None:
    assert proofs.root(0) == EMPTY_ROOT


@pytest.mark.parametrize(
    ("index", "size"),
    [(0, 0), (1, 1), (-1, 1), (5, 4), (0, -1), (0, 2**63), (0, 10**5000), (10**5000, 5)],
    ids=range(8),
)
def test_what_has_no_inclusion_proof(proofs: Proofs, index: int, size: int) -> None:
    with pytest.raises(CellbookError) as refused:
        proofs.inclusion(index, size)
    assert refused.value.code == "usage.tree.range"


@pytest.mark.parametrize(
    ("size1", "size2"),
    [(0, 0), (0, 5), (-1, 5), (6, 5), (5, -1), (5, 2**63), (5, 10**5000), (10**5000, 5)],
    ids=range(8),
)
def test_what_has_no_consistency_proof(proofs: Proofs, size1: int, size2: int) -> None:
    with pytest.raises(CellbookError) as refused:
        proofs.consistency(size1, size2)
    assert refused.value.code == "usage.tree.range"


@pytest.mark.parametrize("size", [-1, 2**63])
def test_what_has_no_root(proofs: Proofs, size: int) -> None:
    with pytest.raises(CellbookError) as refused:
        proofs.root(size)
    assert refused.value.code == "usage.tree.range"


def test_a_growing_log_is_followed() -> None:
    """Every size in turn: what was computed for a partial tile is used again and stays right."""

    class Shelf:
        def __init__(self) -> None:
            self.tiles: dict[tuple[int, int], bytes] = {}

        def tile(self, level: int, n: int, width: int) -> bytes:
            return self.tiles[level, n][: width * 32]

    growth, shelf = Growth.empty(), Shelf()
    proofs = Proofs(shelf, capacity=2)
    chance = random.Random(7)
    while growth.size < 2000:
        grown = growth.append(LEAVES[growth.size : growth.size + chance.randint(1, 20)])
        shelf.tiles.update(grown.tiles)
        before, size, growth = growth.size, grown.size, grown.growth
        for index in {before, size - 1, chance.randrange(size)}:
            assert proofs.inclusion(index, size) == TREE.path(index, size)
        for older in {before, chance.randint(1, size)} - {0}:
            assert proofs.consistency(older, size) == TREE.proof(older, size)
            assert proofs.inclusion(older - 1, older) == TREE.path(older - 1, older)


def test_sizes_in_any_order() -> None:
    for seed in range(3):
        chance, proofs = random.Random(seed), Proofs(TILES, capacity=8)
        for _ in range(600):
            size = chance.randint(1, 1500)
            index = chance.randrange(size)
            assert proofs.inclusion(index, size) == TREE.path(index, size)
            assert proofs.root(size) == TREE.root(0, size)


def test_many_receipts_at_one_size_read_each_tile_once() -> None:
    tiles = Tiles(TREE, 66_400)
    proofs = Proofs(tiles)
    for index in range(66_000, 66_400):
        proofs.inclusion(index, 66_400)
    assert sorted(tiles.read) == sorted(set(tiles.read))
    assert {(level, n) for level, n, _ in tiles.read} == {
        (0, 257), (0, 258), (0, 259), (1, 1), (2, 0)
    }  # fmt: skip


def test_only_what_a_tree_has_is_read() -> None:
    """The reference refuses to give more; here is what a proof needs at a tile's first hash."""
    tiles = Tiles(TREE, 66_400)
    Proofs(tiles).inclusion(0, 257)
    assert set(tiles.read) == {(0, 0, 256), (0, 1, 1), (1, 0, 1)}


def test_no_more_tiles_are_kept_than_may_be() -> None:
    tiles = Tiles(TREE, 66_400)
    proofs = Proofs(tiles, capacity=4)
    for index in (*range(0, 2560, 256), 0):
        proofs.inclusion(index, 66_400)
    reads = [(level, n) for level, n, _ in tiles.read]
    assert reads.count((0, 0)) == 2
    assert reads.count((1, 0)) == 1, "used in every proof, never the oldest"


def test_a_tile_that_is_too_short() -> None:
    class Short:
        def tile(self, level: int, n: int, width: int) -> bytes:
            return TILES.tile(level, n, width)[:-1]

    proofs = Proofs(Short())
    for ask in (proofs.root, lambda size: proofs.inclusion(0, size)):
        with pytest.raises(CellbookError) as refused:
            ask(300)
        assert refused.value.code == "damaged.tree.tile"


def test_what_the_reader_raises_comes_through_and_is_not_remembered() -> None:
    class Failing:
        is_broken = True

        def tile(self, level: int, n: int, width: int) -> bytes:
            if self.is_broken:
                raise OSError("gone")
            return TILES.tile(level, n, width)

    reader = Failing()
    proofs = Proofs(reader)
    with pytest.raises(OSError, match="gone"):
        proofs.inclusion(5, 300)
    reader.is_broken = False
    assert proofs.inclusion(5, 300) == TREE.path(5, 300)


def test_a_damaged_tile_gives_a_proof_that_fails() -> None:
    class Damaged:
        def tile(self, level: int, n: int, width: int) -> bytes:
            data = bytearray(TILES.tile(level, n, width))
            data[40] ^= 1
            return bytes(data)

    path = Proofs(Damaged()).inclusion(0, 200)
    with pytest.raises(CellbookError) as refused:
        verify_inclusion(LEAVES[0], 0, 200, path, TREE.root(0, 200))
    assert refused.value.code == "failed.inclusion"


def test_what_was_read_wrong_is_not_used_after_repair() -> None:
    class Repaired:
        is_damaged = True

        def tile(self, level: int, n: int, width: int) -> bytes:
            data = TILES.tile(level, n, width)
            return data[::-1] if self.is_damaged else data

    reader = Repaired()
    proofs = Proofs(reader)
    assert proofs.inclusion(0, 100) != TREE.path(0, 100)
    reader.is_damaged = False
    assert proofs.inclusion(0, 200) == TREE.path(0, 200)


def test_threads_share_proofs() -> None:
    proofs = Proofs(TILES, capacity=3)

    def ask(seed: int) -> int:
        chance = random.Random(seed)
        wrong = 0
        for _ in range(300):
            size = chance.randint(1, 2000)
            index = chance.randrange(size)
            wrong += proofs.inclusion(index, size) != paths[index, size]
        return wrong

    paths = {}
    for seed in range(8):
        chance = random.Random(seed)
        for _ in range(300):
            size = chance.randint(1, 2000)
            index = chance.randrange(size)
            paths[index, size] = TREE.path(index, size)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 0
