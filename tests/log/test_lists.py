"""Lists in a log: which rows it takes, what it shows, and how fsck finds damage to them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.lists.rows import ListDocument, document_of, encode_document
from tests.log.building import World
from tests.log.listing import (
    AFTER,
    BEFORE,
    GREEN,
    PUBLISHER,
    SCHEME,
    SECOND,
    Publishers,
    row,
)


@pytest.fixture
def publishers(world: World) -> Publishers:
    return Publishers(world, PUBLISHER, SECOND)


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(CellbookError) as refused:
        call(*arguments)
    return refused.value.code


def test_a_log_without_lists(world: World) -> None:
    lists = world.ledger.lists
    assert lists.schemes() == []
    assert code_of(lists.view, SCHEME) == "missing.list"
    assert code_of(lists.rows, SCHEME, BEFORE.root) == "missing.list"
    assert code_of(lists.put_rows, SCHEME, BEFORE.root, b"") == "missing.list"
    assert code_of(lists.participation, SCHEME, GREEN, "2026-07-30") == "missing.list"


def test_a_list_is_shown_with_what_was_stated_of_it(world: World, publishers: Publishers) -> None:
    first = publishers.state(BEFORE, "2023-01-05", announcement="60/2022")
    world.end_epoch()
    world.accepted(publishers.snapshot(AFTER, "2026-07-30", by=SECOND))
    publishers.state(BEFORE, "2024-01-01", scheme="other-scheme")
    view = world.ledger.lists.view(SCHEME)
    assert view.utc_offset_min == 480
    assert [item.snapshot.publisher for item in view.snapshots] == [PUBLISHER, SECOND]
    assert [item.has_rows for item in view.snapshots] == [True, False]
    assert [item.log_time is None for item in view.snapshots] == [False, True]
    assert view.snapshots[0].snapshot.index == first
    assert world.ledger.lists.schemes() == [SCHEME, "other-scheme"]


def test_schemes_are_found_page_by_page(
    world: World, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.log.reading.lists._PAGE", 2)
    names = [f"scheme-{letter}" for letter in "abcde"]
    for name in names:
        publishers.state(BEFORE, "2024-01-01", scheme=name)
    assert world.ledger.lists.schemes() == names


def test_rows_are_kept_beside_the_log(world: World, publishers: Publishers) -> None:
    publishers.state(BEFORE, "2023-01-05")
    lists, data = world.ledger.lists, encode_document(BEFORE)
    assert lists.rows(SCHEME, BEFORE.root) == data
    lists.put_rows(SCHEME, BEFORE.root, data)
    assert world.store.counts().list_documents == 1
    assert world.store.list_roots() == [BEFORE.root]


def test_rows_of_a_list_that_was_not_handed_in(world: World, publishers: Publishers) -> None:
    world.accepted(publishers.snapshot(BEFORE, "2023-01-05"))
    lists = world.ledger.lists
    assert code_of(lists.rows, SCHEME, BEFORE.root) == "missing.list.rows"
    assert code_of(lists.rows, SCHEME, AFTER.root) == "missing.list.snapshot"
    world.end_epoch()
    assert code_of(lists.participation, SCHEME, GREEN, "2026-07-30") == "missing.list.rows"


@pytest.mark.parametrize(
    ("document", "changes", "handed", "code"),
    [
        (BEFORE, {}, encode_document(AFTER), "failed.list.root"),
        (BEFORE, {"rows": 3}, encode_document(BEFORE), "failed.list.root"),
        (BEFORE, {}, b"", "malformed.cbor.empty"),
        (BEFORE, {}, b"\xa0", "malformed.list.document"),
    ],
)
def test_other_rows_are_refused(
    world: World,
    publishers: Publishers,
    document: ListDocument,
    changes: Any,
    handed: bytes,
    code: str,
) -> None:
    world.accepted(publishers.snapshot(document, "2023-01-05", **changes))
    assert code_of(world.ledger.lists.put_rows, SCHEME, document.root, handed) == code
    assert world.store.counts().list_documents == 0


def test_rows_that_the_scheme_does_not_allow(world: World, publishers: Publishers) -> None:
    strange = document_of([("NOT-A-USCC", row())])
    put = world.ledger.lists.put_rows
    for scheme in (SCHEME, "other-scheme"):
        world.accepted(publishers.snapshot(strange, "2023-01-05", scheme=scheme))
    assert code_of(put, SCHEME, strange.root, encode_document(strange)) == "malformed.uscc"
    put("other-scheme", strange.root, encode_document(strange))


@pytest.mark.parametrize("by", [SECOND, PUBLISHER], ids=["another publisher", "the same publisher"])
def test_one_list_for_one_day_of_one_publisher(
    world: World, publishers: Publishers, by: str
) -> None:
    publishers.state(BEFORE, "2026-07-30")
    (outcome,) = world.register(publishers.snapshot(AFTER, "2026-07-30", by=by))
    code = None if outcome.error is None else outcome.error.code
    assert code == (None if by == SECOND else "rejected.list.effective")


def test_the_next_policy_takes_a_publisher_away(world: World, publishers: Publishers) -> None:
    world.accepted(world.next_policy())
    assert world.refused(publishers.snapshot(BEFORE, "2023-01-05")) == "rejected.issuer.authority"


def test_fsck_knows_the_rows_of_lists(world: World, publishers: Publishers) -> None:
    publishers.state(BEFORE, "2023-01-05")
    publishers.state(AFTER, "2026-07-30")
    world.end_epoch()
    assert world.fsck().list_documents == 2


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("UPDATE list_document SET data = substr(data, 2)", "data"),
        ("UPDATE list_document SET root = zeroblob(32)", "root"),
        ("UPDATE list_document SET data = x''", "data"),
    ],
)
def test_fsck_names_the_damaged_row(
    world: World, publishers: Publishers, sql: str, column: str
) -> None:
    publishers.state(BEFORE, "2023-01-05")
    world.end_epoch()
    change(world.home.path / "ledger.db", sql)
    with pytest.raises(CellbookError) as found:
        world.fsck()
    assert found.value.code == "damaged.list-document"
    assert found.value.facts["table"] == "list_document"
    assert found.value.facts["column"] == column


def test_damaged_rows_are_replaced_by_the_right_ones(world: World, publishers: Publishers) -> None:
    publishers.state(BEFORE, "2023-01-05")
    world.end_epoch()
    change(world.home.path / "ledger.db", "UPDATE list_document SET data = x'a0'")
    world.ledger.lists.put_rows(SCHEME, BEFORE.root, encode_document(BEFORE))
    assert world.fsck().list_documents == 1


def change(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()
