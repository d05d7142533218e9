"""Makes a dossier from a published log. Nothing here is secret: who has the log can make it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.custody.decision import Content, read_content
from ledger.custody.events import Model
from ledger.proof.contents import has_log_time, models_of, origins, principals
from ledger.proof.dossier import Dossier, DossierEntry, encode_dossier
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

    def run(self) -> bytes:
        events = self._events()
        genesis, _ = self._entry(0)
        names = {genesis.sub}
        for index in events:
            statement, content = self._entry(index)
            names.update((statement.iss, *principals(content)))
            names.update(models_of(content, self._carried))
        for name in sorted(names):
            self._take_chain(name)
        for index in list(self._wanted):
            if has_log_time(self._entry(index)[1]):
                self._wanted.add(self._reader.head_after(index, self._size))
        return self._encoded()

    def _events(self) -> list[int]:
        """All entries of the battery and of those on whose histories its own rests."""
        self._carried = {self._subject}
        waiting = [self._subject]
        while waiting:
            for index in self._reader.indexes(waiting.pop(), self._size):
                self._wanted.add(index)
                new = set(origins(self._entry(index)[1], self._carried)) - self._carried
                self._carried |= new
                waiting += sorted(new)
        return sorted(self._wanted - {self._size - 1})

    def _take_chain(self, name: str) -> None:
        """The statements about an operator, a model or the log; and who signed the models."""
        for index in self._reader.indexes(name, self._size):
            self._wanted.add(index)
            statement, content = self._entry(index)
            if isinstance(content, Model):
                self._wanted.update(self._reader.indexes(statement.iss, self._size))

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
        return encode_dossier(Dossier(self._subject, self._reader.checkpoint(), entries))
