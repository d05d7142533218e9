"""What tests write, and what other processes of a test do."""

from __future__ import annotations

import hashlib

import msgspec

from ledger.store.records import NewEntry
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing

HASHES = {index: hashlib.sha256(b"%d" % index).digest() for index in range(1000)}
"""Leaf hashes of entries that are no statements."""


def new_entry(index: int, name: str = "") -> NewEntry:
    """An entry whose hashes depend on its index and name."""
    leaf = f"{index} {name}".encode() + bytes(range(256))
    return NewEntry(
        index, hashlib.sha256(leaf).digest(), hashlib.sha256(b"content" + leaf).digest(), leaf
    )


def grow(writing: Writing, count: int = 1, name: str = "") -> list[NewEntry]:
    """Append entries and move the head."""
    size = writing.head.size
    entries = [new_entry(size + i, name) for i in range(count)]
    writing.append(entries)
    writing.put_head(msgspec.structs.replace(writing.head, size=size + count, root=b"\xff" * 32))
    return entries


def append_groups(url: str, name: str, groups: int) -> None:
    """Append groups of 1 to 5 entries, each with a subject and a tile, as a process of its own."""
    store = SqlStore.open(url)
    for number in range(groups):
        with store.writing() as writing:
            entries = grow(writing, 1 + number % 5, name)
            uri = f"urn:{name}"
            seen = int(writing.states([uri]).get(uri, b"0"))
            writing.put_subjects({uri: str(seen + len(entries)).encode()})
            writing.put_subjects({}, [(uri, entry.index) for entry in entries], HASHES)
            writing.put_tiles({(0, 0): entries[-1].entry_id * (1 + number % 5)})
    store.close()


def create(url: str) -> None:
    """Make the tables, as a process of its own."""
    store = SqlStore.open(url)
    store.create()
    store.close()
