"""Rows of ``subject`` as a write transaction holds them: id, state, and the chain of entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ledger.tree.prefix_chain import Chain


class Subject(msgspec.Struct, frozen=True):
    """A row under its URI; id 0 while it has none."""

    id: int
    state: bytes | None
    chain: Chain


_NEW = Subject(0, None, Chain())


def changed_subjects(
    known: Mapping[str, Subject],
    states: Mapping[str, bytes],
    pairs: Sequence[tuple[str, int]],
    leaf_hashes: Mapping[int, bytes],
) -> dict[str, Subject]:
    """The rows of all that ``states`` and ``pairs`` name, as they are after these.

    ``pairs`` are (URI, index of an entry that concerns it), ascending; ``known`` are the rows that
    there are.
    """
    chains: dict[str, Chain] = {}
    for uri, index in pairs:
        before = chains.get(uri) or known.get(uri, _NEW).chain
        chains[uri] = before.after(index, leaf_hashes[index])
    rows = ((uri, known.get(uri, _NEW)) for uri in {**states, **chains})
    return {
        uri: Subject(row.id, states.get(uri, row.state), chains.get(uri, row.chain))
        for uri, row in rows
    }


def columns(
    rows: Mapping[str, Subject], uris: Sequence[str], *, with_uri: bool = False
) -> list[list[Any]]:
    """The columns of these rows, in the order of the table; the chain of no entries is null."""
    chosen = [rows[uri] for uri in uris]
    return [
        [row.id for row in chosen],
        *([list(uris)] if with_uri else []),
        [row.state for row in chosen],
        [row.chain.count for row in chosen],
        [row.chain.hash if row.chain.count else None for row in chosen],
    ]
