"""What every store does, whichever database holds it."""

# ruff: noqa: PT012  (what is tested is how a whole `writing` block ends)

from __future__ import annotations

import hashlib

import msgspec
import pytest
from sqlalchemy import update

from keys.errors import CellbookError, ConflictError, DamagedError, UsageError
from ledger.store.records import Counts, LogHead, NewEntry, StoredEntry, StoredSubject
from ledger.store.sql import SqlStore
from ledger.store.tables import LOG_HEAD
from tests.store.writers import HASHES, grow, new_entry

ALL_BYTES = bytes(range(256))


def stored(entry: NewEntry) -> StoredEntry:
    return StoredEntry(entry.index, entry.entry_id, entry.content_id, entry.leaf)


def set_size(store: SqlStore, size: int) -> None:
    with store._writer.begin() as connection:
        connection.execute(update(LOG_HEAD).values(size=size))


def test_an_empty_log_has_the_root_of_nothing(store: SqlStore) -> None:
    assert store.head() == LogHead(size=0, root=hashlib.sha256(b"").digest(), edge=b"")
    assert store.counts() == Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert store.checkpoint() is None
    assert store.entry(0) is None
    store.check_schema()


def test_what_was_committed_is_there_after_reopening(url: str, store: SqlStore) -> None:
    head = LogHead(2, b"\x00" * 32, ALL_BYTES, 1_800_000_000, 1_799_999_999, 1, 7)
    entries = [new_entry(0), new_entry(1)]
    with store.writing() as writing:
        writing.append(entries)
        writing.put_subjects({"urn:a": ALL_BYTES, "urn:b": b""})
        writing.put_subjects({}, [("urn:a", 0), ("urn:b", 0), ("urn:a", 1)], HASHES)
        writing.put_tiles({(0, 0): ALL_BYTES[:64], (1, 0): b"\x00" * 32})
        writing.put_head(head)
    store.put_checkpoint(2, b"note\n\n" + ALL_BYTES)
    store.close()

    again = SqlStore.open(url)
    assert again.head() == msgspec.structs.replace(head, checkpoint=2, published=2)
    assert again.entries(0, 10) == [stored(entry) for entry in entries]
    assert again.entry_by_id(entries[1].entry_id) == stored(entries[1])
    assert again.states(["urn:a", "urn:b", "urn:c"]) == {"urn:a": ALL_BYTES, "urn:b": b""}
    assert again.subject_entries("urn:a", 2) == [0, 1]
    assert again.tile(0, 0, 2) == ALL_BYTES[:64]
    assert again.checkpoint() == (2, b"note\n\n" + ALL_BYTES)
    assert again.counts() == Counts(2, 2, 3, 2, 1, 0, 0, 0, 0, 2)
    again.close()


def test_every_blob_comes_back_as_bytes(store: SqlStore) -> None:
    with store.writing() as writing:
        (entry,) = grow(writing)
        writing.put_subjects({"urn:a": ALL_BYTES})
        writing.put_tiles({(0, 0): b"\x80" * 32})
        blobs: list[object] = [writing.head.root, writing.tile(0, 0, 1), writing.states(["urn:a"])]
        (found,) = writing.contents([entry.content_id]).items()
        blobs += [found[0], found[1][1], *writing.entries_by_id([entry.entry_id])]
    read = store.entry(0)
    assert read is not None
    blobs += [store.head().edge, read.leaf, read.entry_id, read.content_id, store.state("urn:a")]
    blobs += [*store.by_content([entry.content_id]), *store.iterate_subjects()]
    kinds = {type(blob) for blob in blobs}
    assert kinds == {bytes, dict, StoredSubject}


def test_subjects_are_found_by_terms_page_by_page(store: SqlStore) -> None:
    uris = [f"urn:{n}" for n in range(7)]
    with store.writing() as writing:
        writing.put_subjects(dict.fromkeys(uris, b"s"))
        writing.put_terms([("operator", "urn:o", uri) for uri in uris])
        writing.put_terms([("serial", "A\u00e4", uris[5]), ("operator", "urn:o", uris[0])])
    terms = [("operator", "urn:o"), ("serial", "A\u00e4"), ("serial", "\0"), ("batch", "urn:o")]
    pages, after = [], None
    while page := store.search(terms, ["urn:2", "urn:none"], after, 3):
        pages.append(page)
        after = page[-1][0]
    assert [sorted({uri for uri, _ in page}) for page in pages] == [uris[:3], uris[3:6], uris[6:]]
    kinds = {
        uri: [kind for other, kind in (hit for page in pages for hit in page) if other == uri]
        for uri in uris
    }
    assert kinds["urn:2"] == ["identifier", "operator"]
    assert kinds["urn:5"] == ["operator", "serial"]
    assert store.search(terms, [], "urn:none", 3) is None
    assert store.search([("operator", "urn:O")], [], None, 3) == []
    assert store.counts().terms == 8
    first = store.iterate_terms(None, 5)
    assert [row[0] for row in first + store.iterate_terms(first[-1], 5)] == [
        *["operator"] * 7,
        "serial",
    ]


def test_a_term_needs_its_subject(store: SqlStore) -> None:
    with pytest.raises(KeyError), store.writing() as writing:
        writing.put_terms([("serial", "1", "urn:none")])
    assert store.counts().terms == 0


def test_an_exception_leaves_nothing(store: SqlStore) -> None:
    before = store.head()
    with pytest.raises(KeyError, match="mine"), store.writing() as writing:
        grow(writing)
        writing.put_subjects({"urn:a": b"state"})
        raise KeyError("mine")
    assert store.head() == before
    assert store.counts() == Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("same", ["content_id", "entry_id"])
def test_a_second_entry_with_the_same_id_is_refused(store: SqlStore, same: str) -> None:
    with store.writing() as writing:
        (first,) = grow(writing)
    second = msgspec.structs.replace(new_entry(1), **{same: getattr(first, same)})
    with pytest.raises(ConflictError) as caught, store.writing() as writing:
        writing.append([second])
    assert caught.value.code == "conflict.store.duplicate"
    assert store.counts().entries == 1


def test_an_error_that_the_caller_swallowed_still_prevents_the_commit(store: SqlStore) -> None:
    with store.writing() as writing:
        (first,) = grow(writing)
    with pytest.raises(ConflictError), store.writing() as writing:
        writing.put_subjects({"urn:a": b"state"})
        with pytest.raises(ConflictError):
            writing.append([msgspec.structs.replace(new_entry(1), content_id=first.content_id)])
        with pytest.raises(ConflictError):
            writing.put_subjects({"urn:b": b"state"})
    assert store.states(["urn:a", "urn:b"]) == {}


def test_entries_go_on_unbroken_from_the_head(store: SqlStore) -> None:
    for wrong in ([new_entry(1)], [new_entry(0), new_entry(2)], [new_entry(0), new_entry(0)]):
        with pytest.raises(ValueError, match="from index 0"), store.writing() as writing:
            writing.append(wrong)


def test_a_head_that_does_not_count_the_entries_is_refused(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="the head says 0"), store.writing() as writing:
        writing.append([new_entry(0)])
    with pytest.raises(ValueError, match="the head says 2"), store.writing() as writing:
        writing.append([new_entry(0)])
        writing.put_head(LogHead(2, b"", b""))
    assert store.counts().entries == 0


def test_a_transaction_is_over_when_its_block_is(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing)
    with pytest.raises(RuntimeError):
        writing.put_subjects({"urn:a": b""})


def test_indexes_are_64_bits_wide(store: SqlStore) -> None:
    size = 2**62
    set_size(store, size)
    with store.writing() as writing:
        (entry,) = grow(writing)
        writing.put_subjects({}, [("urn:a", size)], {size: HASHES[0]})
        writing.put_tiles({(7, 2**54): b"t" * 32})
        head = msgspec.structs.replace(
            writing.head, size=size + 1, last_time=2**40, epoch_time=2**40, last_head=size
        )
        writing.put_head(head)
    store.put_checkpoint(size + 1, b"note\n\n")
    assert store.head() == msgspec.structs.replace(head, checkpoint=size + 1, published=size + 1)
    assert store.entry(size) == stored(entry)
    assert store.subject_entries("urn:a", size + 1) == [size]
    assert store.tile(7, 2**54, 1) == b"t" * 32


def test_contents_and_ids_find_only_what_is_registered(store: SqlStore) -> None:
    with store.writing() as writing:
        entries = grow(writing, 700)  # more than one chunk
        stranger = new_entry(9999)
        ids = [entry.content_id for entry in entries]
        found = writing.contents([*ids, stranger.content_id, ids[0]])
        assert found == {e.content_id: (e.index, e.entry_id) for e in entries}
        assert writing.contents([]) == {}
        by_id = writing.entries_by_id([entries[3].entry_id, stranger.entry_id])
        assert by_id == {entries[3].entry_id: stored(entries[3])}
    assert store.by_content([*ids, stranger.content_id]) == found
    assert store.by_content([]) == {}
    assert store.entry_by_id(stranger.entry_id) is None


def test_states_are_inserted_replaced_and_read_in_the_transaction(store: SqlStore) -> None:
    with store.writing() as writing:
        writing.put_subjects({"urn:a": b"1", "urn:b": b"1"})
    with store.writing() as writing:
        assert writing.states(["urn:a", "urn:x"]) == {"urn:a": b"1"}
        writing.put_subjects({"urn:x": b"2", "urn:a": b"2"})
        writing.put_subjects({"urn:x": b"3", "urn:y": b"3", "urn:b": b"3"})
        assert writing.states(["urn:a", "urn:b", "urn:x"]) == {
            "urn:a": b"2",
            "urn:b": b"3",
            "urn:x": b"3",
        }
    assert store.states(["urn:a", "urn:b", "urn:x", "urn:y", "urn:z"]) == {
        "urn:a": b"2",
        "urn:b": b"3",
        "urn:x": b"3",
        "urn:y": b"3",
    }
    assert store.state("urn:z") is None


def test_a_subject_may_have_entries_and_no_state_or_a_state_and_no_entries(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing, 2)
        writing.put_subjects({}, [("urn:entries", 0), ("urn:both", 1)], HASHES)
        writing.put_subjects({"urn:claim": b"claim", "urn:both": b"both"})
    assert store.states(["urn:entries", "urn:claim"]) == {"urn:claim": b"claim"}
    assert store.subject_entries("urn:claim", 2) == []
    assert store.iterate_subjects() == [
        StoredSubject("urn:both", b"both", (1,)),
        StoredSubject("urn:claim", b"claim", ()),
        StoredSubject("urn:entries", None, (0,)),
    ]


def test_subject_entries_are_ascending_and_below_the_size(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing, 6)
        writing.put_subjects({}, [("urn:a", i) for i in (5, 0, 3)] + [("urn:b", 1)], HASHES)
    with store.writing() as writing:
        grow(writing, 1)
        writing.put_subjects({}, [("urn:a", 6)], HASHES)
    assert store.subject_entries("urn:a", 7) == [0, 3, 5, 6]
    assert store.subject_entries("urn:a", 5) == [0, 3]
    assert store.subject_entries("urn:none", 7) == []


def test_subjects_are_paged_in_the_order_of_their_bytes(store: SqlStore) -> None:
    uris = ["urn:B", "urn:a", "urn:Z", "urn:é", "urn:a-b", "urn:ab", "urn:电"]
    with store.writing() as writing:
        writing.put_subjects({uri: uri.encode() for uri in uris})
    seen: list[str] = []
    while page := store.iterate_subjects(seen[-1] if seen else "", 3):
        seen += [subject.uri for subject in page]
    assert seen == sorted(uris, key=str.encode)


def test_a_tile_grows_and_a_short_one_is_damage(store: SqlStore) -> None:
    with store.writing() as writing:
        writing.put_tiles({(0, 0): b"a" * 32, (1, 0): b"b" * 32})
    with store.writing() as writing:
        writing.put_tiles({(0, 0): b"a" * 64})
        assert writing.tile(0, 0, 2) == b"a" * 64
    assert store.tile(0, 0, 1) == b"a" * 32
    assert store.tile(1, 0, 1) == b"b" * 32
    for level, n, width in ((0, 0, 3), (0, 1, 1), (2, 0, 1)):
        with pytest.raises(DamagedError) as caught:
            store.tile(level, n, width)
        assert caught.value.code == "damaged.store.tile"


def test_a_checkpoint_has_one_text_for_a_size(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing, 9)
    for size in (3, 9, 5):
        store.put_checkpoint(size, b"log\n%d\n\nsignature" % size)
    store.put_checkpoint(9, b"log\n9\n\nanother signature")
    assert store.checkpoint() == (9, b"log\n9\n\nsignature")
    assert store.checkpoint(3) == (3, b"log\n3\n\nsignature")
    assert store.checkpoint(4) is None
    assert store.head().checkpoint == 9
    for size, note in ((9, b"log\n9 \n\nsignature"), (10, b"log\n10\n\nsignature")):
        with pytest.raises(ConflictError) as caught:
            store.put_checkpoint(size, note)
        assert caught.value.code == "conflict.checkpoint"
    assert store.counts().checkpoints == 3


def test_putting_the_head_does_not_move_the_checkpoint_back(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing)
        old = writing.head
    store.put_checkpoint(1, b"log\n1\n\n")
    with store.writing() as writing:
        assert writing.head.checkpoint == 1
        writing.put_head(msgspec.structs.replace(old, size=1))
    assert store.head().checkpoint == 1


def test_ranges_of_entries_are_bounded(store: SqlStore) -> None:
    with store.writing() as writing:
        entries = [stored(entry) for entry in grow(writing, 10)]
    assert store.entries(2, 5) == entries[2:5]
    assert store.entries(8, 100) == entries[8:]
    assert store.entries(3, 3) == []
    assert list(store.iterate_entries(1, 9, chunk=3)) == entries[1:9]
    assert list(store.iterate_entries(0, 2**60, chunk=4)) == entries
    for start, stop in ((-1, 1), (5, 4), (0, 2**40)):
        with pytest.raises(UsageError) as caught:
            store.entries(start, stop)
        assert caught.value.code == "usage.store.range"


def test_what_no_database_can_hold_is_not_there(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing)
        writing.put_subjects({"urn:a": b"state"})
    for uri in ("urn:\0", "urn:\ud800"):
        assert store.states([uri, "urn:a"]) == {"urn:a": b"state"}
        assert store.subject_entries(uri, 1) == []
    huge = 2**64
    assert store.entry(huge) is None
    assert store.entry(-1) is None
    assert store.checkpoint(huge) is None
    assert store.subject_entries("urn:a", huge) == []
    for level, n in ((0, huge), (huge, 0)):
        with pytest.raises(DamagedError):
            store.tile(level, n, 1)
    with pytest.raises(UsageError):
        store.entries(huge, huge + 1)


def test_a_reader_sees_what_is_committed_while_a_writer_is_at_work(store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing, 3)
        writing.put_tiles({(0, 0): b"x" * 32})
        assert store.head().size == 0
        assert store.entries(0, 3) == []
    assert store.head().size == 3


def test_creating_twice_changes_nothing(url: str, store: SqlStore) -> None:
    with store.writing() as writing:
        grow(writing, 2)
    again = SqlStore.open(url)
    again.create()
    assert again.head().size == 2
    again.close()


def test_every_refusal_is_a_cellbook_error_with_a_remedy(store: SqlStore) -> None:
    with pytest.raises(CellbookError) as caught:
        store.tile(0, 0, 1)
    assert caught.value.remedy


def test_rows_of_lists_are_kept_by_their_root(store: SqlStore) -> None:
    assert store.list_document(b"\x01" * 32) is None
    assert store.list_roots() == []
    store.put_list_document(b"\x02" * 32, b"two")
    store.put_list_document(b"\x01" * 32, b"one")
    store.put_list_document(b"\x02" * 32, b"again")
    assert store.list_roots() == [b"\x01" * 32, b"\x02" * 32]
    assert store.list_document(b"\x02" * 32) == b"again"
    assert store.counts().list_documents == 2
    assert store.head().size == 0
