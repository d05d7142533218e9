"""The entries of a checked tree in order, each with the log time at which it was decided.

Bundles are fetched ahead of their use, and the newest ones are kept, in bounded memory: the time of
an epoch stands in the head at its end, which is looked for before the epoch's first entry is given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head
from ledger.monitor.checked import CheckedTiles
from ledger.proof.checks.heads import LATEST
from ledger.tree.tiles import TILE
from ledger.wire.statement import TYP_HEAD, Statement, parse_statement

NOT_A_LEAF = declare(
    "failed.published.leaf",
    "An entry is not written as leaves are: with an empty unprotected header.",
    "Keep the evidence; the log holds what registration refuses.",
)
NO_HEAD = declare(
    "failed.published.head",
    "The checkpoint's last entry is not a head, so that nothing states the time of the entries.",
    "Keep the evidence; the log signs checkpoints that end elsewhere than at a head.",
)

NO_TIME = declare(
    "failed.published.time",
    "A head states a time that is in no calendar.",
    "Keep the evidence; the log's times cannot be relied on.",
)

_AHEAD = 4
_KEPT_BYTES = 16 << 20
_TYP_HEAD = TYP_HEAD.encode()


class Timed(msgspec.Struct, frozen=True):
    """An entry of the tree. ``time`` is the log time of its epoch (Unix seconds), as the head that
    ends it says; nothing is decided yet."""

    index: int
    leaf: bytes
    time: int


class Entries:
    """The entries of ``tiles``. Close it to stop what is fetched ahead."""

    def __init__(self, tiles: CheckedTiles) -> None:
        self._tiles = tiles
        self._threads = ThreadPoolExecutor(_AHEAD, "cellbook-fetch")
        self._waiting: OrderedDict[int, Future[list[bytes]]] = OrderedDict()
        self._kept: OrderedDict[int, list[bytes]] = OrderedDict()
        self._bytes = 0

    def __enter__(self) -> Entries:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what is fetched ahead."""
        self._threads.shutdown(cancel_futures=True)

    def leaf(self, index: int) -> bytes:
        """The entry at ``index``, which is below the tree size. Raises as ``CheckedTiles``."""
        return self._bundle(index // TILE)[index % TILE]

    def timed(self, start: int) -> Iterator[Timed]:
        """The entries from ``start`` to the end, in order.

        Raises as ``CheckedTiles``, ``failed.published.head`` where no head follows, and
        ``failed.published.time``.
        """
        time: int | None = None
        for index, leaf in self._from(start, ahead=True):
            if time is None:
                time = self._time(index)
            yield Timed(index, leaf, time)
            if _head(leaf) is not None:
                time = None

    def _from(self, start: int, *, ahead: bool = False) -> Iterator[tuple[int, bytes]]:
        stop = -(-self._tiles.size // TILE) if start < self._tiles.size else 0
        for n in range(start // TILE, stop):
            if ahead:
                self._order(n)
            for place, leaf in enumerate(self._bundle(n)):
                if n * TILE + place >= start:
                    yield n * TILE + place, leaf

    def _time(self, start: int) -> int:
        for index, leaf in self._from(start):
            head = _head(leaf)
            if head is None:
                continue
            if head.time > LATEST:
                raise NO_TIME.at(f"entry {index}", entry=index)
            return head.time
        last = self._tiles.size - 1
        raise NO_HEAD.at(f"entry {last}", entry=last)

    def _order(self, n: int) -> None:
        """Let the bundles after ``n`` be fetched."""
        for following in range(n, min(n + _AHEAD, -(-self._tiles.size // TILE))):
            if following not in self._kept and following not in self._waiting:
                self._waiting[following] = self._threads.submit(self._tiles.entries, following)

    def _bundle(self, n: int) -> list[bytes]:
        kept = self._kept.get(n)
        if kept is not None:
            self._kept.move_to_end(n)
            return kept
        waiting = self._waiting.pop(n, None)
        leaves = self._tiles.entries(n) if waiting is None else waiting.result()
        self._kept[n] = leaves
        self._bytes += sum(map(len, leaves))
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= sum(map(len, oldest))
        return leaves


def read_leaf(leaf: bytes) -> Statement:
    """The statement in an entry. Raises ``failed.published.leaf``, and as ``parse_statement``."""
    statement = parse_statement(leaf)
    if statement.leaf != leaf:
        raise NOT_A_LEAF.at("leaf")
    return statement


def _head(leaf: bytes) -> Head | None:
    """The head that an entry is, if it is one; whether it is the log's is decided in its turn."""
    if _TYP_HEAD not in leaf:
        return None
    try:
        statement = parse_statement(leaf)
        content = read_content(statement) if statement.typ == TYP_HEAD else None
    except CellbookError:
        return None
    return content if isinstance(content, Head) else None
