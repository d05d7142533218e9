"""One group of statements, one transaction; and the head that ends an epoch, in one of its own.

Everything is read and decided after the head row is locked, and nothing that this process
remembers is trusted unless it agrees with that row: another process may have written in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from keys.errors import CellbookError, UnavailableError, declare
from ledger.custody.governance.statements import Head, encode_governance
from ledger.custody.states import LogState
from ledger.log.desk import Desk
from ledger.log.index import extend_index, look_ahead
from ledger.log.outcome import FAULT, Placed
from ledger.log.publishing.memory import Continuity
from ledger.log.registration import Prepared, unchecked
from ledger.log.signers import LogSigners
from ledger.log.stored import STATE
from ledger.store.failures import uncertain
from ledger.store.records import LogHead
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing
from ledger.tree.growth import Growth
from ledger.wire.statement import TYP_HEAD, parse_statement, sign_statement

Clock = Callable[[], int]
"""Unix seconds."""
IsDue = Callable[[LogHead, LogState], bool]

TREE = declare(
    "damaged.log.tree",
    "The stored tiles are not those of the tree whose root the log has signed.",
    "Nothing more is registered. Run `cellbook fsck`; restore the database from a copy.",
)

_log = logging.getLogger("cellbook.commit")


class Commit(msgspec.Struct, frozen=True):
    """What a transaction has made durable.

    ``head`` is the head row now, ``log`` the policy in force, ``placed`` one item for each
    statement of the group. ``has_opened`` says that the epoch that is open began with it.
    """

    head: LogHead
    log: LogState
    placed: tuple[Placed | CellbookError, ...]
    governance_changed: bool = False
    has_opened: bool = False


class GroupCommit:
    """Writes the log at ``log_uri``. For one thread; other processes may write it as well."""

    def __init__(
        self, store: SqlStore, log_uri: str, clock: Clock, past: Continuity | None = None
    ) -> None:
        """``past`` is the log as it must have been; it grows with what is committed."""
        self.log_uri = log_uri
        self._past = past or Continuity(None)
        self._store = store
        self._clock = clock
        self._growth: Growth | None = None
        self._size_before = 0

    def run(self, group: Sequence[Prepared]) -> Commit:
        """Register ``group``, each statement after those before it; a refused one fails alone.

        Raises ``unavailable.*`` and ``damaged.*`` for the whole group, then nothing was written;
        ``StoreUncertain`` where that is not known: ``look_up`` finds out.
        """
        with self._writing() as writing:
            head = writing.head
            self._size_before = head.size
            time = _epoch_time(head, self._clock())
            desk = Desk(writing, self.log_uri, time)
            desk.expect(group)
            placed = tuple(_place(desk, item) for item in group)
            if desk.leaf_hashes:
                head = msgspec.structs.replace(head, epoch_time=time)
            elif _is_any_registered(placed):
                # Who answers that a statement is durable must have made it so: another process's
                # commit may be visible here whose wait for a standby was broken off.
                writing.put_head(head)
            return self._finish(writing, desk, head, placed)

    def close_epoch(self, signers: LogSigners, is_due: IsDue) -> Commit | None:
        """Append the head that ends the open epoch, or an empty one, if it ``is_due``, else None.

        ``is_due`` is asked under the lock. The head passes the same decision as every statement.
        """
        with self._store.looking() as view:
            ahead = look_ahead(view, view.head.last_head, view.head.size)
        with self._writing() as writing:
            head = writing.head
            time = _epoch_time(head, self._clock())
            desk = Desk(writing, self.log_uri, time)
            log = _policy(desk, self.log_uri)
            if not is_due(head, log):
                return None
            index_root = extend_index(writing, head.last_head, head.size, ahead)
            leaf = _sign_head(signers, log, self.log_uri, head, time, index_root)
            placed = desk.take(unchecked(parse_statement(leaf)))
            head = msgspec.structs.replace(
                head, epoch_time=None, last_time=time, last_head=placed.index
            )
            return self._finish(writing, desk, head, (placed,))

    def look_up(self, group: Sequence[Prepared]) -> Commit:
        """After an unknown outcome: which of ``group`` are registered; the others count as not.

        The write lock waits for the transaction in doubt to end, and a commit after it makes
        durable what is found. Raises as ``run`` does.
        """
        with self._writing() as writing:
            content_ids = [item.statement.content_id for item in group]
            found = writing.contents(content_ids)
            placed = tuple(self._looked_up(item, found) for item in group)
            writing.put_head(writing.head)
            desk = Desk(writing, self.log_uri, 0)
            done = self._finish(writing, desk, writing.head, placed)
        # Whether governance was among what the lost commit did is not known here.
        return msgspec.structs.replace(done, governance_changed=True)

    def _looked_up(
        self, item: Prepared, found: dict[bytes, tuple[int, bytes]]
    ) -> Placed | CellbookError:
        index, entry_id = found.get(item.statement.content_id, (0, b""))
        if entry_id != item.entry_id:
            return uncertain("commit", "the statement was not found afterwards")
        return Placed(index, entry_id, index >= self._size_before)

    def _finish(
        self,
        writing: Writing,
        desk: Desk,
        head: LogHead,
        placed: tuple[Placed | CellbookError, ...],
    ) -> Commit:
        log = _policy(desk, self.log_uri)
        if not desk.leaf_hashes:
            return Commit(head, log, placed)
        growth = self._right_edge(writing)
        grown = growth.append(desk.leaf_hashes)
        desk.write()
        writing.put_tiles(grown.tiles)
        head = msgspec.structs.replace(
            head,
            size=grown.size,
            root=grown.root,
            edge=grown.growth.to_bytes(),
            governance=head.governance + desk.governance,
        )
        writing.put_head(head)
        self._growth = grown.growth
        has_opened = writing.head.epoch_time is None and head.epoch_time is not None
        return Commit(head, log, placed, desk.governance > 0, has_opened)

    def _right_edge(self, writing: Writing) -> Growth:
        """The tree's right edge at the locked head."""
        growth, head = self._growth, writing.head
        if growth is None or growth.size != head.size or growth.root != head.root:
            growth = Growth.load(head.size, writing)
            if growth.root != head.root:
                # To go on would sign a root that contradicts those which were signed before.
                raise TREE.at(f"tree size {head.size}", "the tiles lead to another root")
        return growth

    def _check_past(self, writing: Writing) -> None:
        """That the log goes on from where it was; cheap where only this process has written."""
        growth, head = self._growth, writing.head
        is_ours = growth is not None and (growth.size, growth.root) == (head.size, head.root)
        self._past.check(self._past.known, head, writing, is_ours=is_ours)

    @contextmanager
    def _writing(self) -> Iterator[Writing]:
        """A write transaction after whose failure nothing is remembered of what it would do."""
        try:
            with self._store.writing() as writing:
                self._check_past(writing)
                yield writing
        except BaseException:
            self._growth = None
            raise


def end_time(head: LogHead) -> int:
    """The log time of the tree's last entry: of the open epoch, or of the one that ended."""
    return head.last_time if head.epoch_time is None else head.epoch_time


def _epoch_time(head: LogHead, now: int) -> int:
    """The log time of the open epoch, or of the one that opens now; it never decreases."""
    return max(now, head.last_time) if head.epoch_time is None else head.epoch_time


def _place(desk: Desk, item: Prepared) -> Placed | CellbookError:
    try:
        return desk.take(item)
    except UnavailableError:
        raise
    except CellbookError as error:
        return error
    except Exception as error:
        _log.exception("a fault in the decision about entry %s", item.statement.locator)
        return FAULT.at("decision", type(error).__name__)


def _is_any_registered(placed: Sequence[Placed | CellbookError]) -> bool:
    return any(isinstance(item, Placed) for item in placed)


def _policy(desk: Desk, log_uri: str) -> LogState:
    log = desk.log
    if log is None:
        raise STATE.at(f"subject {log_uri}", "there is none")
    return log


def _sign_head(
    signers: LogSigners, log: LogState, log_uri: str, head: LogHead, time: int, index_root: bytes
) -> bytes:
    content = Head(tree_size=head.size, time=time, index_root=index_root, previous=head.last_head)
    return sign_statement(
        signers.in_force(log, "statements", head.size),
        typ=TYP_HEAD,
        iss=log_uri,
        sub=log_uri,
        aud=log.family,
        iat=time,
        payload=encode_governance(content),
    )
