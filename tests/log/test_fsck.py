"""Damage to every table and column, one at a time: fsck names the row."""

# ruff: noqa: S608  (the statements are made of names that stand in this file)

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.states import decode_state, encode_state
from ledger.log.integrity.fsck import Report, fsck
from ledger.log.registration import parse_submission
from ledger.store.engine import sqlite_driver
from ledger.store.sql import SqlStore
from tests.log.building import World

ENTRIES = 300
"""More than a tile."""


class Sound:
    """A closed log of a few hundred entries, and where things are in it."""

    def __init__(self, world: World) -> None:
        self.battery, self.other = world.battery(), world.battery()
        world.live(self.battery, "manufacture", "install", "decommission")
        aliased = world.event("manufacture", self.other, uris=(self.other, world.battery()))
        world.accepted(aliased)
        world.end_epoch()
        (incident,) = world.accepted(world.event("incident", self.battery, units=(self.other,)))
        world.accepted(world.event("dispute", self.battery, entry_ref=incident.entry_id))
        world.end_epoch()
        world.accepted(*(world.event("manufacture", world.battery()) for _ in range(ENTRIES)))
        self.extra = parse_submission(world.event("manufacture", world.battery()))
        world.close()
        self.path = world.home.path / "ledger.db"
        store = SqlStore.open(f"sqlite:///{self.path}")
        self.report = fsck(store)
        self.head = store.head()
        self.family = world.family
        self.log_uri = world.ledger.uri
        store.close()
        self.genesis = self.entry(0)["entry_id"]

    def entry(self, index: int) -> dict[str, Any]:
        (row,) = query(self.path, 'SELECT * FROM entry WHERE "index" = ?', index)
        return row


def connect(path: Path) -> Any:
    connection = sqlite_driver().connect(str(path), isolation_level=None)
    connection.row_factory = sqlite_driver().Row
    return connection


def query(path: Path, sql: str, *parameters: object) -> list[dict[str, Any]]:
    connection = connect(path)
    try:
        return [dict(row) for row in connection.execute(sql, parameters).fetchall()]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    with World(tmp_path_factory.mktemp("sound")) as world:
        yield Sound(world)


def check(sound: Sound, tmp_path: Path, *changes: tuple[str, tuple[object, ...]]) -> Report:
    """``fsck`` of a copy in which the statements ``changes`` were run."""
    path = tmp_path / "damaged.db"
    shutil.copy(sound.path, path)
    connection = connect(path)
    for sql, parameters in changes:
        assert connection.execute(sql, parameters).rowcount != 0, "the test changes nothing"
    connection.close()
    store = SqlStore.open(f"sqlite:///{path}")
    try:
        return fsck(store)
    finally:
        store.close()


def damage(
    sound: Sound, tmp_path: Path, sql: str, *parameters: object
) -> tuple[object, object, object]:
    with pytest.raises(CellbookError) as raised:
        check(sound, tmp_path, (sql, parameters))
    assert raised.value.error_class.name == "damaged"
    facts = raised.value.facts
    assert str(facts["row"]) in raised.value.where
    return facts["table"], facts["row"], facts["column"]


def flipped(data: bytes, place: int = -1) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def test_a_sound_log_is_summed_up(sound: Sound) -> None:
    report = sound.report
    assert (report.size, report.root) == (sound.head.size, sound.head.root)
    assert report.heads == report.checkpoints == 4
    assert report.unpublished == 0
    assert report.tiles == 3
    assert report.size == 2 + 8 + 6 + ENTRIES + 3


def test_the_genesis_may_be_demanded(sound: Sound) -> None:
    store = SqlStore.open(f"sqlite:///{sound.path}")
    fsck(store, genesis=sound.genesis)
    with pytest.raises(CellbookError) as raised:
        fsck(store, genesis=bytes(32))
    assert raised.value.facts["row"] == "index 0"
    store.close()


def test_progress_is_reported(sound: Sound) -> None:
    store, seen = SqlStore.open(f"sqlite:///{sound.path}"), []
    fsck(store, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, sound.head.size), (256, sound.head.size)]
    store.close()


@pytest.mark.parametrize("index", [0, 1, 5, 100, 255, 256, 300])
@pytest.mark.parametrize("column", ["leaf", "entry_id", "content_id"])
def test_a_changed_entry(sound: Sound, tmp_path: Path, index: int, column: str) -> None:
    changed = flipped(sound.entry(index)[column])
    sql = f'UPDATE entry SET "{column}" = ? WHERE "index" = ?'
    assert damage(sound, tmp_path, sql, changed, index) == ("entry", f"index {index}", column)


@pytest.mark.parametrize("column", ["leaf", "entry_id", "content_id"])
def test_text_in_place_of_bytes(sound: Sound, tmp_path: Path, column: str) -> None:
    sql = f"UPDATE entry SET {column} = 'text' WHERE \"index\" = 7"
    assert damage(sound, tmp_path, sql) == ("entry", "index 7", column)


def test_an_entry_exchanged_with_all_its_hashes(sound: Sound, tmp_path: Path) -> None:
    """Another statement, whole in itself: its signature is not its issuer's."""
    leaf = flipped(sound.entry(20)["leaf"])
    other = parse_submission(leaf)
    sql = 'UPDATE entry SET leaf = ?, entry_id = ?, content_id = ? WHERE "index" = 20'
    parameters = (leaf, other.entry_id, other.statement.content_id)
    assert damage(sound, tmp_path, sql, *parameters) == ("entry", "index 20", "leaf")


@pytest.mark.parametrize("index", [0, 5, 255, -1])
def test_a_missing_entry(sound: Sound, tmp_path: Path, index: int) -> None:
    index = index if index >= 0 else sound.head.size - 1
    sql = 'DELETE FROM entry WHERE "index" = ?'
    assert damage(sound, tmp_path, sql, index) == ("entry", f"index {index}", "")


def test_an_entry_moved(sound: Sound, tmp_path: Path) -> None:
    sql = 'UPDATE entry SET "index" = 100000 WHERE "index" = 50'
    assert damage(sound, tmp_path, sql) == ("entry", "index 50", "")


def test_entries_exchanged(sound: Sound, tmp_path: Path) -> None:
    with pytest.raises(CellbookError) as raised:
        check(
            sound,
            tmp_path,
            ('UPDATE entry SET "index" = -1 WHERE "index" = 11', ()),
            ('UPDATE entry SET "index" = 11 WHERE "index" = 12', ()),
            ('UPDATE entry SET "index" = 12 WHERE "index" = -1', ()),
        )
    assert raised.value.facts["row"] == "index 11"


def test_an_entry_appended_by_hand(sound: Sound, tmp_path: Path) -> None:
    """Genuine, and never registered."""
    extra = sound.extra
    sql = "INSERT INTO entry VALUES (?, ?, ?, ?)"
    index = sound.head.size
    parameters = (index, extra.entry_id, extra.statement.content_id, extra.statement.leaf)
    assert damage(sound, tmp_path, sql, *parameters) == ("entry", f"index {index}", "")


@pytest.mark.parametrize(("level", "n"), [(0, 0), (0, 1), (1, 0)])
def test_a_changed_tile(sound: Sound, tmp_path: Path, level: int, n: int) -> None:
    (tile,) = query(sound.path, "SELECT * FROM tile WHERE level = ? AND n = ?", level, n)
    expected = ("tile", f"level {level}, n {n}", "data")
    sql = "UPDATE tile SET data = ? WHERE level = ? AND n = ?"
    for changed in (flipped(tile["data"]), tile["data"][:-1], tile["data"] + b"\0", b""):
        assert damage(sound, tmp_path, sql, changed, level, n) == expected


@pytest.mark.parametrize("column", ["level", "n"])
def test_a_moved_tile(sound: Sound, tmp_path: Path, column: str) -> None:
    sql = f"UPDATE tile SET {column} = 9 WHERE level = 0 AND n = 1"
    assert damage(sound, tmp_path, sql) == ("tile", "level 0, n 1", "")


def test_tiles_missing_and_too_many(sound: Sound, tmp_path: Path) -> None:
    sql = "DELETE FROM tile WHERE level = 0 AND n = 0"
    assert damage(sound, tmp_path, sql) == ("tile", "level 0, n 0", "")
    sql = "INSERT INTO tile VALUES (2, 0, x'00')"
    assert damage(sound, tmp_path, sql) == ("tile", "beyond the tree", "")


def test_a_changed_checkpoint(sound: Sound, tmp_path: Path) -> None:
    (newest, *_) = query(sound.path, "SELECT * FROM checkpoint ORDER BY size DESC")
    sql = "UPDATE checkpoint SET note = ? WHERE size = ?"
    expected = ("checkpoint", f"size {newest['size']}", "note")
    for place in (0, 30, -10):
        changed = flipped(newest["note"], place)
        assert damage(sound, tmp_path, sql, changed, newest["size"]) == expected
    assert damage(sound, tmp_path, sql, b"", newest["size"]) == expected


def test_a_checkpoint_of_another_tree(sound: Sound, tmp_path: Path) -> None:
    first, second, *_ = query(sound.path, "SELECT * FROM checkpoint ORDER BY size")
    sql = "UPDATE checkpoint SET note = ? WHERE size = ?"
    expected = ("checkpoint", f"size {second['size']}", "note")
    assert damage(sound, tmp_path, sql, first["note"], second["size"]) == expected


def test_checkpoints_missing_and_too_many(sound: Sound, tmp_path: Path) -> None:
    size = query(sound.path, "SELECT size FROM checkpoint ORDER BY size")[1]["size"]
    missing = ("checkpoint", f"size {size}", "")
    assert damage(sound, tmp_path, "DELETE FROM checkpoint WHERE size = ?", size) == missing
    sql = "UPDATE checkpoint SET size = size + 1 WHERE size = ?"
    assert damage(sound, tmp_path, sql, size) == missing
    sql = "INSERT INTO checkpoint VALUES (?, x'00')"
    assert damage(sound, tmp_path, sql, 5) == ("checkpoint", "size 5", "")
    assert damage(sound, tmp_path, sql, 10**6) == ("checkpoint", "size 1000000", "")


@pytest.mark.parametrize("kind", ["battery", "log", "operator", "key", "alias"])
def test_a_changed_state(sound: Sound, tmp_path: Path, kind: str) -> None:
    for row in query(sound.path, "SELECT * FROM subject ORDER BY uri"):
        state = decode_state(row["state"])
        if state.__struct_config__.tag == kind:
            break
    else:
        pytest.fail("there is no such state in the log")
    expected = ("subject", f"uri {row['uri']}", "state")
    sql = "UPDATE subject SET state = ? WHERE id = ?"
    for changed in (flipped(row["state"]), row["state"] + b"\0", None):
        assert damage(sound, tmp_path, sql, changed, row["id"]) == expected


def test_a_state_that_says_another_owner(sound: Sound, tmp_path: Path) -> None:
    (row,) = query(sound.path, "SELECT * FROM subject WHERE uri = ?", sound.battery)
    changed = encode_state(msgspec.structs.replace(decode_state(row["state"]), owner="urn:thief"))
    sql = "UPDATE subject SET state = ? WHERE uri = ?"
    expected = ("subject", f"uri {sound.battery}", "state")
    assert damage(sound, tmp_path, sql, changed, sound.battery) == expected


def test_subjects_missing_renamed_and_too_many(sound: Sound, tmp_path: Path) -> None:
    uri = sound.battery
    missing = ("subject", f"uri {uri}", "")
    with_rows = "DELETE FROM subject WHERE uri = ?"
    assert damage(sound, tmp_path, with_rows, uri) == missing
    sql = "UPDATE subject SET uri = ? WHERE uri = ?"
    assert damage(sound, tmp_path, sql, uri + "Z", uri) == missing
    added = "INSERT INTO subject VALUES (100000, ?, NULL, 0, NULL)"
    assert damage(sound, tmp_path, added, "a") == ("subject", "uri a", "uri")
    assert damage(sound, tmp_path, added, "zz") == ("subject", "uri zz", "uri")


def test_rows_that_say_which_entries_concern_a_subject(sound: Sound, tmp_path: Path) -> None:
    (subject,) = query(sound.path, "SELECT id FROM subject WHERE uri = ?", sound.battery)
    rows = query(
        sound.path,
        'SELECT "index" FROM subject_entry WHERE subject_id = ? ORDER BY "index"',
        subject["id"],
    )
    second = rows[1]["index"]
    row = ("subject_entry", f"subject {sound.battery}, index {second}", "")
    sql = 'DELETE FROM subject_entry WHERE subject_id = ? AND "index" = ?'
    assert damage(sound, tmp_path, sql, subject["id"], second) == row
    sql = 'UPDATE subject_entry SET "index" = 200 WHERE subject_id = ? AND "index" = ?'
    assert damage(sound, tmp_path, sql, subject["id"], second) == row
    sql = "INSERT INTO subject_entry VALUES (?, 3)"
    added = ("subject_entry", f"subject {sound.battery}, index 3", "")
    assert damage(sound, tmp_path, sql, subject["id"]) == added
    sql = "INSERT INTO subject_entry VALUES (100000, 3)"
    nobody = ("subject_entry", "of a subject that is not there", "subject_id")
    assert damage(sound, tmp_path, sql) == nobody


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("size", 3),
        ("size", 10**6),
        ("root", bytes(32)),
        ("edge", b""),
        ("epoch_time", 1),
        ("last_time", 0),
        ("last_time", 2**40),
        ("last_head", None),
        ("last_head", 1),
        ("governance", 0),
        ("checkpoint", 2),
        ("checkpoint", 10**6),
    ],
)
def test_a_changed_head_row(sound: Sound, tmp_path: Path, column: str, value: object) -> None:
    sql = f"UPDATE log_head SET {column} = ?"
    assert damage(sound, tmp_path, sql, value) == ("log_head", "id 1", column)


def test_an_open_epoch_needs_its_time(tmp_path: Path) -> None:
    with World(tmp_path / "world", epoch_s=600) as world:
        world.end_epoch()
        world.accepted(world.event("manufacture", world.battery()))
        store = world.store
        fsck(store)
        path = world.home.path / "ledger.db"
        time = store.head().epoch_time
        for value in (None, store.head().last_time - 1):
            query(path, "UPDATE log_head SET epoch_time = ?", value)
            with pytest.raises(CellbookError) as raised:
                fsck(store)
            assert raised.value.facts["column"] == "epoch_time"
        query(path, "UPDATE log_head SET epoch_time = ?", time)
        fsck(store)
