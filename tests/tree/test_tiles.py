"""Paths of tiles and bundles: one for each, and no other is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.tree.tiles import (
    TILE,
    decode_entry_bundle,
    encode_entry_bundle,
    parse_tile_path,
    tile_path,
    tile_width,
)

PATHS = {
    "tile/0/000": (0, 0, 256),
    "tile/0/000.p/1": (0, 0, 1),
    "tile/0/001.p/255": (0, 1, 255),
    "tile/1/999": (1, 999, 256),
    "tile/0/x001/000": (0, 1000, 256),
    "tile/0/x001/x234/067": (0, 1_234_067, 256),
    "tile/0/x001/x000/000": (0, 1_000_000, 256),
    "tile/63/000.p/9": (63, 0, 9),
    "tile/10/x100/010.p/10": (10, 100_010, 10),
    "tile/entries/000": (None, 0, 256),
    "tile/entries/x001/x234/067.p/67": (None, 1_234_067, 67),
    "tile/entries/x036/x028/x797/x018/x963/967.p/255": (None, 2**55 - 1, 255),
}

REFUSED = [
    "", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000",
    " tile/0/000", "tile/0/000 ", "tile/0/000\n", "\ntile/0/000", "tile/0/000\0", "Tile/0/000",
    "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/0/x000", "tile/0/x001",
    "tile/0/x000/000", "tile/0/x000/067", "tile/0/x000/x001/067", "tile/0/001/067",
    "tile/0/x001/x067", "tile/0/X001/067", "tile/0/xx01/067", "tile/0/x01/067", "tile/0/x0001/067",
    "tile/0/x001//067", "tile/0/x001/x-34/067", "tile/0/-01", "tile/0/+01", "tile/0/0_1",
    "tile/00/000", "tile/01/000", "tile/64/000", "tile/99/000", "tile/100/000", "tile/-1/000",
    "tile/+1/000", "tile/ 1/000", "tile/x/000", "tile/1.0/000", "tile/data/000",
    "tile/entries", "tile/entries/", "tile/entries/0", "tile/Entries/000", "tile/entries/0/000",
    "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01",
    "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/999", "tile/0/000.p/1000",
    "tile/0/000.p/-1", "tile/0/000.p/x1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/000p/1",
    "tile/0/000.P/1", "tile/0/000/p/1", "tile/0/000xp/1", "tile/0/../000", "tile/0/%30%30%30",
    "tile/0/٠٠٠", "tile/٠/000", "tile/0/000.p/٣", "tile/0/００1", "tile/²/000",
    "tile/0/x036/x028/x797/x018/x963/968", "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x001/" * 10**5 + "000", "tile/0/" + "9" * 10**5,
]  # fmt: skip


def code_of(action: Any, *arguments: Any) -> str:
    with pytest.raises(CellbookError) as refused:
        action(*arguments)
    return refused.value.code


@pytest.mark.parametrize("path", PATHS)
def test_paths(path: str) -> None:
    assert parse_tile_path(path) == PATHS[path]
    assert tile_path(*PATHS[path]) == path


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: repr(path[:40]))
def test_refused_paths(path: str) -> None:
    assert code_of(parse_tile_path, path) == "malformed.tile.path"


@pytest.mark.parametrize("path", [None, b"tile/0/000", 0, ["tile/0/000"], ("tile", "0", "000")])
def test_what_is_no_text(path: Any) -> None:
    assert code_of(parse_tile_path, path) == "malformed.tile.path"


@given(st.none() | st.integers(0, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_every_tile_has_its_path(level: int | None, n: int, width: int) -> None:
    path = tile_path(level, n, width)
    assert parse_tile_path(path) == (level, n, width)


@given(st.from_regex(r"tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,3}[0-9]{3}(\.p/[0-9]{1,3})?"))
def test_no_tile_has_two_paths(path: str) -> None:
    try:
        again = tile_path(*parse_tile_path(path))
    except CellbookError as error:
        again = error.code
    assert again in (path, "malformed.tile.path")


@pytest.mark.parametrize(
    ("level", "n", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 10**5000, 1), (0, 0, 0), (0, 0, 257),
     (0, 0, -1), (0, 0, 10**5000), (10**5000, 0, 1)],
    ids=range(10),
)  # fmt: skip
def test_tiles_that_cannot_be(level: int, n: int, width: int) -> None:
    assert code_of(tile_path, level, n, width) == "malformed.tile.path"


def test_widths() -> None:
    assert [tile_width(0, 0, size) for size in (0, 1, 255, 256, 257)] == [0, 1, 255, 256, 256]
    assert [tile_width(0, 1, size) for size in (256, 257, 511, 512)] == [0, 1, 255, 256]
    # A partial tile of level 0 has no hash at level 1.
    assert [tile_width(1, 0, size) for size in (255, 256, 511, 512, 65536)] == [0, 1, 1, 2, 256]
    assert [tile_width(2, 0, size) for size in (65535, 65536, 131071)] == [0, 1, 1]
    assert tile_width(7, 0, 2**63 - 1) == 127
    assert tile_width(63, 0, 2**63 - 1) == tile_width(0, 2**55, 2**63 - 1) == 0
    assert tile_width(0, 10**50, 5) == 0


def test_bundles() -> None:
    assert encode_entry_bundle([b"\xa0", b"", b"abc"]).hex() == "0001a000000003616263"
    for entries in ([b""], [b"x"] * TILE, [b"", b"y" * 65_535], [bytes(i) for i in range(TILE)]):
        assert decode_entry_bundle(encode_entry_bundle(entries)) == entries


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=TILE))
def test_bundles_come_back(entries: list[bytes]) -> None:
    assert decode_entry_bundle(encode_entry_bundle(entries)) == entries


@given(st.binary(max_size=600))
def test_bundles_have_one_form(data: bytes) -> None:
    again: bytes | str
    try:
        again = encode_entry_bundle(decode_entry_bundle(data))
    except CellbookError as error:
        again = error.code
    assert again in (data, "malformed.tile.bundle")


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(65_536)], [b"a", bytes(10**6)]])
def test_entries_that_are_no_bundle(entries: list[bytes]) -> None:
    assert code_of(encode_entry_bundle, entries) == "malformed.tile.bundle"


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\1", b"\0\0\0", b"\0\1aa", b"\0\1a\0", b"\xff\xff" + bytes(65_534),
     bytes(514), bytes(10**6)],
    ids=range(9),
)  # fmt: skip
def test_bytes_that_are_no_bundle(data: bytes) -> None:
    assert code_of(decode_entry_bundle, data) == "malformed.tile.bundle"


def test_every_cut_of_a_bundle_is_noticed() -> None:
    entries = [b"one", b"", b"three", bytes(300)]
    data = encode_entry_bundle(entries)
    whole = {0: 0, 5: 1, 7: 2, 14: 3}
    for stop in range(len(data)):
        if stop in whole and stop:
            assert decode_entry_bundle(data[:stop]) == entries[: whole[stop]]
        else:
            assert code_of(decode_entry_bundle, data[:stop]) == "malformed.tile.bundle"
