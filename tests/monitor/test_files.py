"""The files of an audit: the table of ids, and files that only grow."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.monitor.identities import Identities
from ledger.monitor.records import Records

IDS = st.binary(min_size=1, max_size=1).map(lambda key: key * 16) | st.binary(
    min_size=16, max_size=16
)


@given(st.lists(IDS, max_size=60), st.lists(IDS, max_size=5))
def test_the_table_gives_every_place_of_an_id(known: list[bytes], asked: list[bytes]) -> None:
    with Identities(Path(tempfile.gettempdir())) as table:
        for index, identity in enumerate(known):
            table.add(identity, index)
        for identity in (*known, *asked):
            places = [i for i, each in enumerate(known) if each[:8] == identity[:8]]
            assert sorted(table.find(identity)) == places


def test_the_table_grows(tmp_path: Path) -> None:
    count = 10_000
    with Identities(tmp_path) as table:
        for index in range(count):
            table.add((index * 977).to_bytes(8, "big"), index)
        for index in range(count):
            assert list(table.find((index * 977).to_bytes(8, "big"))) == [index]
        assert list(table.find(bytes(7) + b"\x01")) == []
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_records_come_back(records: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Records(Path(folder) / "records", 0)
        for record in records:
            file.append_framed(record)
        assert list(file.framed()) == records
        file.sync()
        file.close()
        file = Records(Path(folder) / "records", file.size)
        assert list(file.framed()) == records
        file.close()


def test_large_records_come_back_across_pages(tmp_path: Path) -> None:
    records = [bytes([n]) * (700_000 + n) for n in range(5)]
    file = Records(tmp_path / "records", 0)
    for record in records:
        file.append_framed(record)
    assert list(file.framed()) == records
    file.close()


def test_what_was_not_marked_is_cut_off(tmp_path: Path) -> None:
    file = Records(tmp_path / "records", 0)
    file.append_framed(b"kept")
    kept = file.size
    file.append_framed(b"lost")
    file.sync()
    file.close()
    file = Records(tmp_path / "records", kept)
    assert list(file.framed()) == [b"kept"]
    file.close()
    file = Records(tmp_path / "records", kept - 1)
    with pytest.raises(CellbookError) as caught:
        list(file.framed())
    assert caught.value.code == "damaged.audit.state"
    file.close()
    with pytest.raises(CellbookError) as caught:
        Records(tmp_path / "records", kept)
    assert caught.value.code == "damaged.audit.state"
