"""Hashing and the two checks: published figures, every small tree, and whatever may come in."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.tree.merkle import (
    EMPTY_ROOT,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_from_path,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.tree.reference import Tree, hashes

LEAVES = hashes(130)
TREE = Tree(LEAVES)
ROOTS = [TREE.root(0, size) for size in range(131)]

# The eight leaves and the roots over the first 1, 2, … 8 of them that Certificate Transparency's
# implementations share as test data.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243",
        "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]


def inclusion_code(*arguments: Any) -> str:
    with pytest.raises(CellbookError) as refused:
        verify_inclusion(*arguments)
    return refused.value.code


def consistency_code(*arguments: Any) -> str:
    with pytest.raises(CellbookError) as refused:
        verify_consistency(*arguments)
    return refused.value.code


def flipped(data: bytes, bit: int = 0) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


def test_published_hashes() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert bytes.fromhex(empty) == EMPTY_ROOT == root_of([])
    leaf = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert leaf_hash(b"L123456").hex() == leaf
    node = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert node_hash(b"N123", b"N456").hex() == node


def test_published_roots() -> None:
    leaves = [leaf_hash(leaf) for leaf in CT_LEAVES]
    assert [root_of(leaves[:size]) for size in range(1, 9)] == CT_ROOTS


def test_a_leaf_is_no_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_roots_of_all_small_trees() -> None:
    for size in range(131):
        assert root_of(LEAVES[:size]) == ROOTS[size]
    assert root_of(iter(LEAVES)) == ROOTS[130]


def test_every_inclusion_proof_of_all_small_trees() -> None:
    for size in range(1, 131):
        for index in range(size):
            path = TREE.path(index, size)
            verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])
            assert root_from_path(LEAVES[index], index, size, path) == ROOTS[size]


def test_every_path_of_all_small_trees() -> None:
    for size in range(1, 34):
        leaves = hashes(size)
        tree = Tree(leaves)
        for index in range(size):
            assert list(inclusion_path(leaves, index)) == tree.path(index, size)
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_path(hashes(3), index)


def test_every_consistency_proof_of_all_small_trees() -> None:
    for size2 in range(1, 131):
        for size1 in range(1, size2 + 1):
            path = TREE.proof(size1, size2)
            verify_consistency(size1, size2, ROOTS[size1], ROOTS[size2], path)


def test_names_of_parameters() -> None:
    path = TREE.path(2, 5)
    verify_inclusion(leaf_hash=LEAVES[2], index=2, size=5, path=path, root=ROOTS[5])
    root = root_from_path(leaf_hash=LEAVES[2], index=2, size=5, path=tuple(path))
    assert root == root_of(leaf_hashes=LEAVES[:5])
    path = TREE.proof(3, 5)
    verify_consistency(size1=3, size2=5, root1=ROOTS[3], root2=ROOTS[5], path=path)


@pytest.mark.parametrize("size", range(1, 34))
def test_inclusion_of_something_else(size: int) -> None:
    root = ROOTS[size]
    for index in range(size):
        leaf, path = LEAVES[index], TREE.path(index, size)
        for place in range(len(path)):
            changed = [*path[:place], flipped(path[place], place), *path[place + 1 :]]
            assert inclusion_code(leaf, index, size, changed, root) == "failed.inclusion"
        assert inclusion_code(flipped(leaf), index, size, path, root) == "failed.inclusion"
        assert inclusion_code(leaf, index, size, path, flipped(root)) == "failed.inclusion"
        assert inclusion_code(leaf, index, size, path, ROOTS[size - 1]) == "failed.inclusion"
        longer = ([*path, root], [root, *path], [*path, *path, root], [*path, bytes(32)])
        for other in (*longer, path[1:] if path else [root], path[:-1] if path else [leaf]):
            assert inclusion_code(leaf, index, size, other, root) == "malformed.proof.path"


@pytest.mark.parametrize("size", range(1, 34))
def test_inclusion_at_another_index(size: int) -> None:
    for index in range(size):
        path = TREE.path(index, size)
        for other in range(size):
            if other != index:
                code = inclusion_code(LEAVES[index], other, size, path, ROOTS[size])
                assert code in ("failed.inclusion", "malformed.proof.path")
        for other in (size, size + 1, -1, index - size, 2**63, index + 2**64):
            if not 0 <= other < size:
                code = inclusion_code(LEAVES[index], other, size, path, ROOTS[size])
                assert code == "malformed.proof.index"


def test_a_path_fits_other_sizes_but_not_their_roots() -> None:
    """Why a size is never taken from a bare proof: leaf 5 of 6 is also 5 of 7 … by its path."""
    path = TREE.path(0, 6)
    assert root_from_path(LEAVES[0], 0, 6, path) == root_from_path(LEAVES[0], 0, 7, path)
    for size in range(1, 131):
        for index in range(0, size, 3):
            path = TREE.path(index, size)
            for other in {size - 1, size + 1, size * 2, size // 2} - {size}:
                if index < other < 131:
                    code = inclusion_code(LEAVES[index], index, other, path, ROOTS[other])
                    assert code in ("failed.inclusion", "malformed.proof.path")


@pytest.mark.parametrize("size2", range(2, 34))
def test_consistency_of_something_else(size2: int) -> None:
    root2 = ROOTS[size2]
    for size1 in range(1, size2):
        root1, path = ROOTS[size1], TREE.proof(size1, size2)
        for place in range(len(path)):
            changed = [*path[:place], flipped(path[place], place), *path[place + 1 :]]
            assert consistency_code(size1, size2, root1, root2, changed) == "failed.consistency"
        for roots in ((flipped(root1), root2), (root1, flipped(root2)), (root2, root1)):
            assert consistency_code(size1, size2, *roots, path) == "failed.consistency"
        for other in ([], path[1:], path[:-1], [*path, root1], [root1, *path], [path[0], *path]):
            code = consistency_code(size1, size2, root1, root2, other)
            assert code == "malformed.proof.path"
        for sizes in ((size1 - 1, size2), (size1 + 1, size2), (size1, size2 * 2), (size2, size1)):
            assert consistency_code(*sizes, root1, root2, path)


def test_forked_trees_are_not_consistent() -> None:
    fork = Tree([*LEAVES[:7], *LEAVES[70:]])
    for size1 in range(8, 33):
        for size2 in range(size1, 33):
            for path in (TREE.proof(size1, size2), fork.proof(size1, size2)):
                roots = ROOTS[size1], fork.root(0, size2)
                assert consistency_code(size1, size2, *roots, path) == "failed.consistency"


def test_equal_sizes_need_equal_roots_and_an_empty_path() -> None:
    for size in (0, 1, 2, 3, 64, 100):
        root = ROOTS[size]
        verify_consistency(size, size, root, root, [])
        assert consistency_code(size, size, root, flipped(root), []) == "failed.consistency"
        assert consistency_code(size, size, root, root, [root]) == "malformed.proof.path"
        assert consistency_code(size, size, root, root, [b""]) == "malformed.proof.path"


def test_nothing_is_shown_about_the_empty_tree() -> None:
    for path in ([], [ROOTS[1]], TREE.path(0, 5)):
        assert consistency_code(0, 5, EMPTY_ROOT, ROOTS[5], path) == "malformed.proof.size"
        assert consistency_code(5, 0, ROOTS[5], EMPTY_ROOT, path) == "malformed.proof.size"
        assert inclusion_code(LEAVES[0], 0, 0, path, EMPTY_ROOT) == "malformed.proof.size"
    assert consistency_code(0, 0, ROOTS[1], ROOTS[1], []) == "failed.consistency"
    assert consistency_code(1, 1, EMPTY_ROOT, EMPTY_ROOT, []) == "failed.consistency"


BAD_NUMBERS: list[Any] = [
    True, False, None, 1.0, "1", b"\x01", [1], -1, -(2**63), 2**63, 2**64 - 1, 2**64 + 1, 10**5000,
    float("nan"), object(),
]  # fmt: skip
BAD_HASHES: list[Any] = [
    b"", bytes(31), bytes(33), bytes(10**6), "0" * 32, None, 0, 32, bytearray(32),
    memoryview(bytes(32)), [0] * 32, True,
]  # fmt: skip
BAD_PATHS: list[Any] = [
    None, b"", bytes(96), "", {}, set(), iter([bytes(32)]), 3, True, {"a": 1}, object(),
]  # fmt: skip


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=lambda value: repr(type(value)))
def test_numbers_that_are_none(number: Any) -> None:
    leaf, path, root = LEAVES[1], TREE.path(1, 5), ROOTS[5]
    assert inclusion_code(leaf, number, 5, path, root) == "malformed.proof.index"
    assert inclusion_code(leaf, 1, number, path, root) == "malformed.proof.size"
    path = TREE.proof(1, 5)
    assert consistency_code(number, 5, ROOTS[1], root, path) == "malformed.proof.size"
    assert consistency_code(1, number, ROOTS[1], root, path) == "malformed.proof.size"
    assert consistency_code(number, number, ROOTS[1], ROOTS[1], []) == "malformed.proof.size"


@pytest.mark.parametrize("value", BAD_HASHES, ids=lambda value: repr(type(value)))
def test_hashes_that_are_none(value: Any) -> None:
    path, root = TREE.path(2, 5), ROOTS[5]
    code = "malformed.proof.hash"
    assert inclusion_code(value, 2, 5, path, root) == code
    assert inclusion_code(LEAVES[2], 2, 5, path, value) == code
    assert inclusion_code(LEAVES[0], 0, 1, [], value) == code
    for place in range(len(path)):
        changed = [*path[:place], value, *path[place + 1 :]]
        assert inclusion_code(LEAVES[2], 2, 5, changed, root) == code
    path = TREE.proof(3, 5)
    assert consistency_code(3, 5, value, root, path) == code
    assert consistency_code(3, 5, ROOTS[3], value, path) == code
    assert consistency_code(5, 5, value, value, []) == code
    for place in range(len(path)):
        changed = [*path[:place], value, *path[place + 1 :]]
        assert consistency_code(3, 5, ROOTS[3], root, changed) == code


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda value: repr(type(value)))
def test_paths_that_are_none(path: Any) -> None:
    code = "malformed.proof.path"
    assert inclusion_code(LEAVES[2], 2, 5, path, ROOTS[5]) == code
    assert inclusion_code(LEAVES[0], 0, 1, path, LEAVES[0]) == code
    assert consistency_code(3, 5, ROOTS[3], ROOTS[5], path) == code
    assert consistency_code(5, 5, ROOTS[5], ROOTS[5], path) == code


class Endless(list[Any]):
    """A path whose length is known, and of which nobody may read an item."""

    def __len__(self) -> int:
        return 10**6

    def __iter__(self) -> Any:
        raise AssertionError("it was read")

    def __getitem__(self, place: Any) -> Any:
        raise AssertionError("it was read")


def test_endless_paths_are_not_read() -> None:
    path = Endless()
    for size in (1, 5, 2**63 - 1):
        assert inclusion_code(LEAVES[0], 0, size, path, ROOTS[1]) == "malformed.proof.path"
        code = consistency_code(1, size, ROOTS[1], ROOTS[1], path)
        assert code == "malformed.proof.path"
    assert inclusion_code(LEAVES[0], 0, 10**5000, path, ROOTS[1]) == "malformed.proof.size"
    assert inclusion_code(LEAVES[0], 10**5000, 5, path, ROOTS[1]) == "malformed.proof.index"


def test_the_largest_tree() -> None:
    size = 2**63 - 1
    for index, length in ((0, 63), (2**62 - 1, 63), (size - 1, 62), (2**62, 63)):
        path = LEAVES[:length]
        root = root_from_path(LEAVES[99], index, size, path)
        verify_inclusion(LEAVES[99], index, size, path, root)
        assert inclusion_code(LEAVES[98], index, size, path, root) == "failed.inclusion"
        for other in (LEAVES[: length - 1], LEAVES[: length + 1]):
            code = inclusion_code(LEAVES[99], index, size, other, root)
            assert code == "malformed.proof.path"


@given(
    st.integers(1, 130),
    st.data(),
    st.binary(min_size=32, max_size=32),
)
def test_nothing_else_is_included(size: int, data: st.DataObject, other: bytes) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = TREE.path(index, size)
    verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])
    place = data.draw(st.integers(0, len(path)))
    leaf = other if place == len(path) else LEAVES[index]
    path[place : place + 1] = [other] if place < len(path) else []
    assert inclusion_code(leaf, index, size, path, ROOTS[size]) == "failed.inclusion"


@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.integers(-2, 40),
    st.integers(-2, 40),
    st.binary(max_size=40),
)
def test_whatever_comes_in_is_refused(path: Any, number: int, size: int, root: bytes) -> None:
    codes = ("failed.", "malformed.proof.")
    assert inclusion_code(sha256(root).digest(), number, size, path, root).startswith(codes)
    assert consistency_code(number, size, root, sha256(root).digest(), path).startswith(codes)
