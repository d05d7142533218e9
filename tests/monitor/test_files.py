"""The files of an audit: the table of ids, and files that only grow."""

from __future__ import annotations

import tempfile
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.monitor.auditing import identities, keyed, records
from ledger.monitor.auditing.identities import Identities
from ledger.monitor.auditing.keyed import Keyed
from ledger.monitor.auditing.records import Records
from ledger.monitor.auditing.state import StateFolder

IDS = st.binary(min_size=1, max_size=1).map(lambda key: key * 16) | st.binary(
    min_size=16, max_size=16
)


@given(st.lists(IDS, max_size=60), st.lists(IDS, max_size=5), st.integers(1, 70))
def test_the_table_gives_every_place_of_an_id(
    known: list[bytes], asked: list[bytes], waiting: int
) -> None:
    with (
        patch.object(identities, "_WAITING", waiting),
        patch.object(identities, "_SMALLEST", 1024),
        Identities(Path(tempfile.gettempdir())) as table,
    ):
        for index, identity in enumerate(known):
            table.add(identity, index)
        for identity in (*known, *asked):
            places = [i for i, each in enumerate(known) if each[:8] == identity[:8]]
            assert sorted(table.find(identity)) == places
        for index, identity in enumerate(known):
            table.move(identity, index, index + 1000)
        for identity in known:
            places = [i + 1000 for i, each in enumerate(known) if each[:8] == identity[:8]]
            assert sorted(table.find(identity)) == places


def test_the_table_grows(tmp_path: Path) -> None:
    count = 30_000
    with Identities(tmp_path) as table:
        for index in range(count):
            table.add((index * 977).to_bytes(8, "big"), index)
        for index in range(count):
            assert table.find((index * 977).to_bytes(8, "big")) == [index]
        assert table.find(bytes(7) + b"\x01") == []
    assert list(tmp_path.iterdir()) == []


def test_ids_that_crowd_together_wrap_around(tmp_path: Path) -> None:
    """All belong at the end of the table, so they stand at its beginning, also when it grows."""
    with (
        patch.object(identities, "_WAITING", 700),
        patch.object(identities, "_SMALLEST", 1024),
        Identities(tmp_path) as table,
    ):
        table._secret = 1
        for index in range(1600):
            table.add(((1 << 64) - 1 - index).to_bytes(8, "little"), index)
        for index in range(0, 1600, 10):
            assert table.find(((1 << 64) - 1 - index).to_bytes(8, "little")) == [index]


def pieces(file: Records) -> list[bytes]:
    found = list(file.pieces(2, lambda head: int.from_bytes(head, "little")))
    at = 0
    for place, piece in found:
        assert (place, file.read(place, len(piece))) == (at, piece)
        at += len(piece)
    return [piece[2:] for _, piece in found]


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 100))
def test_records_come_back(some: list[bytes], chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(records, "_CHUNK", chunk):
        file = Records(Path(folder) / "records", 0)
        for record in some:
            file.append(len(record).to_bytes(2, "little") + record)
        assert pieces(file) == some
        file.sync()
        file.close()
        file = Records(Path(folder) / "records", file.size)
        assert pieces(file) == some
        file.close()


class Rows:
    """``Keyed`` beside a dict: what it must hold, now and at the last mark."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder, "log.example", bytes(32))
        self.held: dict[bytes, bytes] = {}
        self.marked: tuple[str, int, dict[bytes, bytes]] = ("rows-0", 0, {})
        self.open()

    def open(self) -> None:
        name, size, self.held = self.marked[0], self.marked[1], dict(self.marked[2])
        seen: dict[bytes, bytes] = {}
        self.keyed = Keyed(self.state, name, size, 2000, lambda at, k, r: seen.update({k: r}))
        assert seen == self.held

    def check(self) -> None:
        for number in range(40):
            key = bytes([number % 20]) * (number // 20 + 1)
            assert self.keyed.get(key) == self.held.get(key)

    def do(self, step: int, key: bytes, record: bytes) -> None:
        if step < 20:
            assert self.keyed.get(key) == self.held.get(key)
            self.keyed.put(key, record)
            self.held[key] = record
        elif step == 20:
            self.keyed.sync()
            assert self.keyed.count == len(self.held)
            self.marked = (self.keyed.name, self.keyed.size, dict(self.held))
        else:
            # Killed: what was written since the mark is gone.
            self.keyed.close()
            self.open()


KEYS = st.tuples(st.integers(0, 19), st.integers(1, 2)).map(lambda pair: bytes([pair[0]]) * pair[1])


@given(st.lists(st.tuples(st.integers(0, 21), KEYS, st.binary(max_size=300)), max_size=120))
def test_the_newest_record_of_each_key_comes_back(steps: list[tuple[int, bytes, bytes]]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(keyed, "SLACK", 100),
        patch.object(keyed, "_digest", lambda key: sha256(key[:1]).digest()),
    ):
        rows = Rows(Path(folder))
        for step in steps:
            rows.do(*step)
        rows.check()
        rows.keyed.close()
        rows.state.close()


def framed(record: bytes) -> bytes:
    return len(record).to_bytes(2, "little") + record


def test_what_was_not_marked_is_cut_off(tmp_path: Path) -> None:
    file = Records(tmp_path / "records", 0)
    file.append(framed(b"kept"))
    kept = file.size
    file.append(framed(b"lost"))
    file.sync()
    file.close()
    file = Records(tmp_path / "records", kept)
    assert pieces(file) == [b"kept"]
    file.close()
    file = Records(tmp_path / "records", kept - 1)
    with pytest.raises(CellbookError) as caught:
        pieces(file)
    assert caught.value.code == "damaged.audit.state"
    file.close()
    with pytest.raises(CellbookError) as caught:
        Records(tmp_path / "records", kept)
    assert caught.value.code == "damaged.audit.state"
