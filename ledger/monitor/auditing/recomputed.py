"""The index, recomputed from the entries: what every head states of it must be what comes out.

Blocks of the index are on disk, those that were used lately in memory. They are written there with
the mark only now and then: whoever goes on from a mark is told again which subjects have changed
since (``set``), from the file in which their chains are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.monitor.auditing.keyed import Keyed
from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change

_MOST = 16_384
"""Subjects whose changes wait for the end of their epoch: more are put in before it."""


class RecomputedIndex:
    """A ``BlockWriter`` over ``blocks``, which are those of the index before what is ``set``."""

    def __init__(self, blocks: Keyed) -> None:
        self._blocks = blocks
        self._waiting: dict[bytes, bytes] = {}

    def set(self, uri: str, chain: Chain) -> None:
        """The entries of the subject ``uri`` are now those of ``chain``."""
        self._waiting[key_of(uri)] = chain.value
        if len(self._waiting) >= _MOST:
            self.root()

    def root(self) -> bytes:
        """The index root over all that was set."""
        values, self._waiting = self._waiting, {}
        return change(self, values)

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """As ``BlockReader`` says."""
        found = ((place, self._blocks.get(place)) for place in places)
        return {place: block for place, block in found if block is not None}

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        """As ``BlockWriter`` says."""
        for place, block in blocks.items():
            self._blocks.put(place, block)
