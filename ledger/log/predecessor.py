"""The log before this one, as a process has it at hand: the folder of that ledger."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from keys.errors import declare
from ledger.custody.governance import Policy, parse_governance
from ledger.custody.handover import Freeze, Predecessor, Proved
from ledger.custody.states import LogState
from ledger.log.home import Home
from ledger.log.reading import PublishedLog
from ledger.log.receipts import Receipts
from ledger.log.stored import find_log_uri, log_state
from ledger.proof.assemble_past import assemble_past
from ledger.proof.checkpoint import parse_body
from ledger.proof.predecessor import Recalled, read_levels, verify_past
from ledger.proof.reader import LogReader
from ledger.proof.receipt import parse_receipt
from ledger.store.sql import SqlStore
from ledger.tree.proofs import Proofs
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement

OPEN = declare(
    "usage.successor.open",
    "The log has not ended, or no log may follow it.",
    "End it first: `cellbook policy freeze --successor ORIGIN`.",
)
OTHER = declare(
    "usage.successor.other",
    "This is not the log that the ledger follows, as it ended.",
    "Name its folder as `predecessor` in cellbook.toml.",
)


class PastLogs:
    """The logs before one, the newest first. They were frozen: nothing of them changes."""

    def __init__(self, folder: Path) -> None:
        """Raises ``usage.home.*``, ``usage.keyfile.*`` and ``unavailable.store.*``."""
        self._opened: list[tuple[SqlStore, Receipts, str]] = []
        place: Path | None = folder
        try:
            while place is not None:
                home = Home.open(place)
                store = home.open_store()
                uri = find_log_uri(store)
                self._opened.append((store, Receipts(home.signers(), uri, Proofs(store)), uri))
                place = home.predecessor
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, home: Home) -> PastLogs | None:
        """Those before the log of ``home``; None where it follows none. Raises as the constructor
        does."""
        return None if home.predecessor is None else cls(home.predecessor)

    def check(self, log: LogState) -> None:
        """That the newest of them is the one that ``log`` follows, at its end. Raises
        ``usage.successor.other``."""
        reader, end = self.readers()[0], log.predecessor
        found = parse_body(reader.checkpoint().rpartition(b"\n\n")[0] + b"\n")
        if end is None or (found.origin, found.size, found.root) != (
            end.origin,
            end.size,
            end.root,
        ):
            raise OTHER.at(found.origin, f"size {found.size}")

    def readers(self) -> list[LogReader]:
        """A reader of each, for one use. Raises ``missing.checkpoint``."""
        return [PublishedLog(store, receipts, uri) for store, receipts, uri in self._opened]

    def close(self) -> None:
        """Let go of their databases."""
        for store, _, _ in self._opened:
            store.close()


def named_successor(folder: Path) -> str:
    """The origin of the log that may follow that of the ledger in ``folder``.

    Raises ``usage.successor.open`` where none may, and what ``Home.open`` raises.
    """
    with closing(Home.open(folder).open_store()) as store:
        log = log_state(store, find_log_uri(store))
    if log.successor is None:
        raise OPEN.at(str(folder), "its freeze names no log" if log.frozen else "it goes on")
    return log.successor[0]


def stated_end(reader: LogReader) -> Predecessor:
    """What the genesis of a successor says of the log of ``reader``. Raises
    ``usage.successor.open`` where it is not frozen."""
    size = reader.checkpoint_size()
    genesis, freeze, head = (
        Proved(leaf=reader.leaf(index), path=_path(reader, index, size))
        for index in (0, size - 2, size - 1)
    )
    statement = parse_statement(freeze.leaf)
    content = parse_governance(statement.payload) if statement.typ == TYP_GOVERNANCE else None
    if not isinstance(content, Freeze):
        raise OPEN.at("predecessor", f"entry {size - 2} is no freeze")
    origin = parse_statement(genesis.leaf).sub.removeprefix("urn:cellbook:log:")
    return Predecessor(
        origin=origin, checkpoint=reader.checkpoint(), genesis=genesis, freeze=freeze, head=head
    )


def check_end(policy: Policy, family: str, readers: list[LogReader]) -> Recalled:
    """That the genesis ``policy`` of ``family`` may follow the log of the first of ``readers``:
    its policies, its freeze and its last checkpoint are verified.

    Raises ``failed.*``, ``rejected.*`` and what the readers raise.
    """
    past = assemble_past(readers, ())
    return verify_past(past, read_levels((), past)[1:], policy, family, frozenset())


def _path(reader: LogReader, index: int, size: int) -> tuple[bytes, ...]:
    (receipt,) = reader.receipts([index], size)
    _, proofs = parse_receipt(receipt)
    return tuple(proofs[0].path)
