"""What files are made from: a log up to one checkpoint, wherever it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ledger.tree.prefix import PrefixProof


class LogReader(Protocol):
    """A log up to one checkpoint. Raises its own errors for what it cannot read."""

    def checkpoint(self) -> bytes:
        """The signed note."""
        ...

    def checkpoint_size(self) -> int:
        """The note's tree size; the last entry below it is a head."""
        ...

    def leaf(self, index: int) -> bytes:
        """The leaf bytes of an entry."""
        ...

    def indexes(self, uri: str, size: int) -> list[int]:
        """The entries below ``size`` that concern ``uri``, ascending."""
        ...

    def head_after(self, index: int, size: int) -> int:
        """The index of the first head at or after ``index``."""
        ...

    def receipts(self, indexes: Sequence[int], size: int) -> list[bytes]:
        """Receipts for entries at ``size``, in the order of ``indexes``."""
        ...

    def prove(self, uris: Sequence[str]) -> Mapping[str, PrefixProof]:
        """Proofs from the index of the head under the checkpoint."""
        ...
