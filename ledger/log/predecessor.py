"""The logs before this one, as a process has them at hand: a ledger's folder, or a copy."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from keys.errors import declare
from ledger.custody.governance.handover import Freeze, Predecessor, Proved
from ledger.custody.governance.statements import Policy, parse_governance
from ledger.custody.states import LogState
from ledger.log.home import CONFIG_FILE, Home
from ledger.log.reading.published import PublishedLog
from ledger.log.receipts import Receipts
from ledger.log.stored import find_log_uri
from ledger.monitor.copying.offline import OfflineLog
from ledger.proof.assembly.past import assemble_past
from ledger.proof.assembly.reader import LogReader
from ledger.proof.checkpoint import parse_body
from ledger.proof.checks.predecessor import Recalled, read_levels, verify_past
from ledger.proof.receipt import parse_receipt
from ledger.tree.prefix import PrefixProof
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
LINE = declare(
    "usage.successor.line",
    "The log of this copy follows another one, which is not at hand.",
    "Name the folder of that ledger in place of the copy: it names the ones before.",
)


class PastLogs:
    """The logs before one, the newest first. They were frozen: nothing of them changes."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is that of the newest ledger, or a copy of its log as `cellbook mirror` makes
        it. May be used from several threads.

        Raises ``usage.home.*``, ``usage.keyfile.*``, ``unavailable.store.*``, for a copy what
        ``OfflineLog`` raises, and ``usage.successor.line``.
        """
        self._opened: list[_Kept | Guarded] = []
        place: Path | None = folder
        try:
            while place is not None:
                place = self._open(place)
        except BaseException:
            self.close()
            raise

    def _open(self, folder: Path) -> Path | None:
        """Open one; the folder of the log before it."""
        if (folder / CONFIG_FILE).exists() or not (folder / "checkpoint").exists():
            home = Home.open(folder)
            self._opened.append(_Kept(home))
            return home.predecessor
        copy = OfflineLog(folder)
        self._opened.append(Guarded(copy))
        if genesis_of(copy).predecessor is not None:
            raise LINE.at(str(folder))
        return None

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
        return [log.reader() for log in self._opened]

    def close(self) -> None:
        """Let go of their databases and files."""
        for log in self._opened:
            log.close()


class _Kept:
    """The log of a ledger's folder."""

    def __init__(self, home: Home) -> None:
        self._store = home.open_store()
        self._uri = find_log_uri(self._store)
        self._receipts = Receipts(home.signers(), self._uri, Proofs(self._store))

    def reader(self) -> LogReader:
        return PublishedLog(self._store, self._receipts, self._uri)

    def close(self) -> None:
        self._store.close()


class Guarded:
    """A copy of a log, for several threads; itself a ``LogReader``."""

    def __init__(self, copy: OfflineLog) -> None:
        self._copy = copy
        self._lock = threading.Lock()

    def reader(self) -> LogReader:
        return self

    def close(self) -> None:
        """Stop the threads that read."""
        self._copy.close()

    def checkpoint(self) -> bytes:
        """See ``LogReader``."""
        return self._copy.checkpoint()

    def checkpoint_size(self) -> int:
        """See ``LogReader``."""
        return self._copy.checkpoint_size()

    def leaf(self, index: int) -> bytes:
        """See ``LogReader``."""
        with self._lock:
            return self._copy.leaf(index)

    def indexes(self, uri: str, size: int) -> list[int]:
        """See ``LogReader``."""
        with self._lock:
            return self._copy.indexes(uri, size)

    def head_after(self, index: int, size: int) -> int:
        """See ``LogReader``."""
        with self._lock:
            return self._copy.head_after(index, size)

    def receipts(self, indexes: Sequence[int], size: int) -> list[bytes]:
        """See ``LogReader``."""
        with self._lock:
            return self._copy.receipts(indexes, size)

    def prove(self, uris: Sequence[str]) -> Mapping[str, PrefixProof]:
        """See ``LogReader``."""
        with self._lock:
            return self._copy.prove(uris)


def named_successor(folder: Path) -> str:
    """The origin of the log that may follow that of the ledger in ``folder``.

    Raises ``usage.successor.open`` where none may, and what ``PastLogs`` raises.
    """
    with closing(PastLogs(folder)) as past:
        reader = past.readers()[0]
        successor = _freeze_of(reader.leaf(reader.checkpoint_size() - 2)).successor
    if successor is None:
        raise OPEN.at(str(folder), "its freeze names no log")
    return successor.origin


def family_name_of(folder: Path) -> str:
    """The name of the family of the log of the ledger in ``folder``. Raises what ``PastLogs``
    raises."""
    with closing(PastLogs(folder)) as past:
        return genesis_of(past.readers()[0]).family_name


def genesis_of(reader: LogReader) -> Policy:
    """The first policy of a log."""
    content = parse_governance(parse_statement(reader.leaf(0)).payload)
    assert isinstance(content, Policy)  # noqa: S101 - every log begins with it
    return content


def _freeze_of(leaf: bytes) -> Freeze:
    statement = parse_statement(leaf)
    content = parse_governance(statement.payload) if statement.typ == TYP_GOVERNANCE else None
    if not isinstance(content, Freeze):
        raise OPEN.at("predecessor", "the last entry before its head is no freeze")
    return content


def stated_end(reader: LogReader) -> Predecessor:
    """What the genesis of a successor says of the log of ``reader``. Raises
    ``usage.successor.open`` where it is not frozen."""
    size = reader.checkpoint_size()
    genesis, freeze, head = (
        Proved(leaf=reader.leaf(index), path=_path(reader, index, size))
        for index in (0, size - 2, size - 1)
    )
    _freeze_of(freeze.leaf)
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
