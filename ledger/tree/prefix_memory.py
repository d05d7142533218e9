"""An index in memory, grown entry by entry: for whoever recomputes what heads state.

Memory grows with the number of subjects: some 250 bytes each, for its chain and its leaf in blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ledger.tree.prefix import key_of
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_growth import change


class MemoryIndex:
    """``chains`` and ``held`` are as of the last call of ``close``, like a head's."""

    def __init__(self) -> None:
        self.chains: dict[str, Chain] = {}
        self.held: dict[bytes, bytes] = {}
        self._waiting: dict[str, Chain] = {}

    def add(self, subjects: Iterable[str], index: int, leaf_hash: bytes) -> None:
        """The next entry, and whom it concerns."""
        for uri in subjects:
            self._waiting[uri] = self.chain(uri).after(index, leaf_hash)

    def close(self) -> bytes:
        """The epoch has ended: the index root over all entries that were added."""
        self.chains |= self._waiting
        values = {key_of(uri): chain.value for uri, chain in self._waiting.items()}
        self._waiting = {}
        return change(self, values)

    def chain(self, uri: str) -> Chain:
        """Over all entries that were added."""
        return self._waiting.get(uri) or self.chains.get(uri, Chain())

    def subjects(self) -> Iterator[str]:
        """All of which there are entries."""
        yield from self.chains
        yield from (uri for uri in self._waiting if uri not in self.chains)

    def blocks(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """As ``BlockReader`` says."""
        return {place: self.held[place] for place in places if place in self.held}

    def put_blocks(self, blocks: Mapping[bytes, bytes]) -> None:
        """As ``BlockWriter`` says."""
        self.held |= blocks
