"""What a file takes out of one log: entries with receipts, and what the index states of names."""

from __future__ import annotations

from collections.abc import Container

from ledger.custody.decision import Content, read_content
from ledger.custody.governance.handover import CarriedOver
from ledger.proof.assembly.reader import LogReader
from ledger.proof.checks.completeness import Stated, names_of
from ledger.proof.checks.contents import has_log_time
from ledger.proof.dossier import DossierEntry
from ledger.tree.prefix_chain import Chain
from ledger.wire.statement import Statement, parse_statement


class Gathered:
    """Entries of the log of ``reader``, up to its checkpoint. The last head is always among them.

    Raises what the reader raises.
    """

    def __init__(self, reader: LogReader) -> None:
        self.reader = reader
        self.size = reader.checkpoint_size()
        self.wanted: set[int] = {self.size - 1}
        self.chains: dict[str, Chain] = {}
        self._read: dict[int, tuple[Statement, Content]] = {}

    def entry(self, index: int) -> tuple[Statement, Content]:
        """The entry at ``index``, parsed."""
        if index not in self._read:
            statement = parse_statement(self.reader.leaf(index))
            self._read[index] = statement, read_content(statement)
        return self._read[index]

    def take(self, name: str) -> list[int]:
        """All entries that concern ``name``; their indexes."""
        indexes = self.reader.indexes(name, self.size)
        chain = Chain()
        for index in indexes:
            chain = chain.after(index, self.entry(index)[0].leaf_hash)
        self.wanted.update(indexes)
        self.chains[name] = chain
        return indexes

    def take_names(self, carried: Container[str]) -> None:
        """The statements about the log, and about whoever and whatever the entries rest on."""
        self.take(self.entry(0)[0].sub)
        while True:
            read = (self.entry(index) for index in sorted(self.wanted))
            rows = [(statement.iss, statement.sub, content) for statement, content in read]
            new = names_of(rows, carried) - self.chains.keys()
            if not new:
                return
            for name in sorted(new):
                self.take(name)

    def take_heads(self) -> None:
        """For each entry that has a log time the head that states it."""
        for index in list(self.wanted):
            if has_log_time(self.entry(index)[1]):
                self.wanted.add(self.reader.head_after(index, self.size))

    def fresh(self) -> set[str]:
        """The names of which the entries say that the log's predecessor does not have them."""
        contents = [self.entry(index)[1] for index in self.wanted]
        carried = [content for content in contents if isinstance(content, CarriedOver)]
        return {item.uri for content in carried for item in content.subjects if item.state is None}

    def entries(self) -> tuple[DossierEntry, ...]:
        """The entries that were taken, with receipts."""
        indexes = sorted(self.wanted)
        receipts = self.reader.receipts(indexes, self.size)
        return tuple(
            DossierEntry(index, self.entry(index)[0].leaf, receipt)
            for index, receipt in zip(indexes, receipts, strict=True)
        )

    def index(self) -> tuple[Stated, ...]:
        """What the index states of the names that were taken."""
        names = sorted(self.chains, key=str.encode)
        proofs = self.reader.prove(names)
        return tuple(Stated(name, self.chains[name], proofs[name]) for name in names)
