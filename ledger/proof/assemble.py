"""Makes a dossier from a published log. Nothing here is secret: who has the log can make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ledger.custody.decision import Content, read_content
from ledger.custody.events import Event, kind_of
from ledger.custody.governance import Head
from ledger.custody.membership import ListProof
from ledger.custody.rules.listing import CATEGORY_FOR
from ledger.custody.schemes import list_uri
from ledger.proof.assemble_lists import list_proofs
from ledger.proof.completeness import Stated, names_of
from ledger.proof.contents import has_log_time, origins
from ledger.proof.dossier import Dossier, DossierEntry, encode_dossier
from ledger.proof.listings import CARRIED, Documents, Worker, worker_of
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


def assemble(reader: LogReader, subject: str, documents: Documents | None = None) -> bytes:
    """The dossier of the battery ``subject`` at the reader's checkpoint.

    With ``documents`` it carries what public lists say of those who recycled or repurposed, if
    the rows of all that count are at hand. Raises what the reader raises. That ``subject`` names a
    battery is for the caller to check: the dossier of a name without entries verifies as none.
    """
    return _Assembly(reader, subject, documents).run()


class _Assembly:
    def __init__(self, reader: LogReader, subject: str, documents: Documents | None) -> None:
        self._documents = documents
        self._lists: dict[str, dict[str, dict[int, ListProof]]] = {}
        self._reader = reader
        self._subject = subject
        self._size = reader.checkpoint_size()
        self._read: dict[int, tuple[Statement, Content]] = {}
        self._wanted: set[int] = {self._size - 1}
        self._chains: dict[str, Chain] = {}

    def run(self) -> bytes:
        self._take_batteries()
        self._take_names()
        if self._documents is not None:
            for scheme in CARRIED:
                self._take_list(scheme, self._documents)
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

    def _take_list(self, scheme: str, documents: Documents) -> None:
        """All snapshots of a scheme, and the proofs for those who should be listed."""
        workers = [self._worker(index) for index in sorted(self._wanted) if self._is_work(index)]
        proofs, indexes = list_proofs(self._reader, scheme, workers, documents)
        if proofs:
            self._lists[scheme] = proofs
            self._wanted.update(indexes)
            self._take(list_uri(scheme))

    def _is_work(self, index: int) -> bool:
        content = self._entry(index)[1]
        return isinstance(content, Event) and kind_of(content) in CATEGORY_FOR

    def _worker(self, index: int) -> Worker:
        statement, event = self._entry(index)
        assert isinstance(event, Event)  # noqa: S101 - ``_is_work`` has seen to it
        head = self._entry(self._reader.head_after(index, self._size))[1]
        assert isinstance(head, Head)  # noqa: S101 - the reader's word
        return worker_of(statement, event, index, head.time)

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
        checkpoint = self._reader.checkpoint()
        return encode_dossier(Dossier(self._subject, checkpoint, entries, index, self._lists))
