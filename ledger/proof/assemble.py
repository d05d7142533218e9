"""Makes a dossier from a published log. Nothing here is secret: who has the log can make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ledger.custody.decision import Content, read_content
from ledger.proof.completeness import Stated, names_of
from ledger.proof.contents import has_log_time, origins
from ledger.proof.dossier import Dossier, DossierEntry, encode_dossier
from ledger.tree.prefix import PrefixProof
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import Statement, parse_statement


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


def assemble(reader: LogReader, subject: str) -> bytes:
    """The dossier of the battery ``subject`` at the reader's checkpoint.

    Raises what the reader raises. That ``subject`` names a battery is for the caller to check:
    the dossier of a name without entries verifies as none.
    """
    return _Assembly(reader, subject).run()


class _Assembly:
    def __init__(self, reader: LogReader, subject: str) -> None:
        self._reader = reader
        self._subject = subject
        self._size = reader.checkpoint_size()
        self._read: dict[int, tuple[Statement, Content]] = {}
        self._wanted: set[int] = {self._size - 1}
        self._chains: dict[str, Chain] = {}

    def run(self) -> bytes:
        self._take_batteries()
        self._take_names()
        for index in list(self._wanted):
            if has_log_time(self._entry(index)[1]):
                self._wanted.add(self._reader.head_after(index, self._size))
        return self._encoded()

    def _take_batteries(self) -> None:
        """All entries of the battery and of those on whose histories its own rests."""
        self._carried = {self._subject}
        waiting = [self._subject]
        while waiting:
            uri = waiting.pop()
            for index in self._take(uri):
                new = set(origins(self._entry(index)[1], self._carried)) - self._carried
                self._carried |= new
                waiting += sorted(new)

    def _take_names(self) -> None:
        """The statements about the log, and about whoever and whatever the entries rest on."""
        self._take(self._entry(0)[0].sub)
        while True:
            read = (self._entry(index) for index in sorted(self._wanted))
            rows = [(statement.iss, statement.sub, content) for statement, content in read]
            new = names_of(rows, self._carried) - self._chains.keys()
            if not new:
                return
            for name in sorted(new):
                self._take(name)

    def _take(self, name: str) -> list[int]:
        """All entries that concern ``name``."""
        indexes = self._reader.indexes(name, self._size)
        chain = Chain()
        for index in indexes:
            chain = chain.after(index, self._entry(index)[0].leaf_hash)
        self._wanted.update(indexes)
        self._chains[name] = chain
        return indexes

    def _entry(self, index: int) -> tuple[Statement, Content]:
        if index not in self._read:
            statement = parse_statement(self._reader.leaf(index))
            self._read[index] = statement, read_content(statement)
        return self._read[index]

    def _encoded(self) -> bytes:
        indexes = sorted(self._wanted)
        receipts = self._reader.receipts(indexes, self._size)
        entries = tuple(
            DossierEntry(index, self._entry(index)[0].leaf, receipt)
            for index, receipt in zip(indexes, receipts, strict=True)
        )
        names = sorted(self._chains, key=str.encode)
        proofs = self._reader.prove(names)
        index = tuple(Stated(name, self._chains[name], proofs[name]) for name in names)
        return encode_dossier(Dossier(self._subject, self._reader.checkpoint(), entries, index))
