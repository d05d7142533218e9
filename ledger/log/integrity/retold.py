"""The published side of a log, told again from its leaves: tree, tiles, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keys.errors import CellbookError
from ledger.custody.governance.cosigners import cosigners
from ledger.custody.governance.policy import log_key
from ledger.custody.states import LogState
from ledger.log.integrity.damage import CHECKPOINT, INDEX_PIN, LOG_HEAD, TILE, damage, differs
from ledger.log.publishing.checkpoints import AUDITED, CANDIDATE, PUBLISHED
from ledger.proof.checkpoint import Checkpoint, format_body, open_checkpoint
from ledger.store.records import LogHead
from ledger.store.sql import SqlStore
from ledger.tree.growth import Growth
from ledger.wire.verifier import Verifier

_CHUNK = 1024
_FULL_TILE = 256 * 32


class Retold:
    """Grows the tree leaf by leaf and compares every tile and checkpoint with the store's."""

    def __init__(self, store: SqlStore, head: LogHead, others: Sequence[Verifier] = ()) -> None:
        """``others`` are cosigners whose lines on checkpoints are verified too."""
        self._others = others
        self.growth = Growth.empty()
        self.tiles = 0
        self.checkpoints = 0
        self.newest_checkpoint = 0
        self._store = store
        self._head = head
        self._waiting: list[bytes] = []
        self._partial: dict[tuple[int, int], bytes] = {}

    @property
    def root(self) -> bytes:
        """The root over all leaves so far. Raises ``damaged.tile``."""
        self._grow()
        return self.growth.root

    def add(self, leaf_hash: bytes) -> None:
        """The next leaf. Raises ``damaged.tile``."""
        self._waiting.append(leaf_hash)
        if len(self._waiting) >= _CHUNK:
            self._grow()

    def check_checkpoint(self, log: LogState, size: int) -> None:
        """The checkpoint of ``size``, whose last entry is a head that was added.

        It may be missing where the head row says that none so new is stored. Raises
        ``damaged.checkpoint`` and ``damaged.tile``.
        """
        self._grow()
        following = self._store.checkpoint_at_or_after(self.newest_checkpoint + 1)
        if following is not None and following[0] < size:
            raise self._without_head(following[0])
        if following is None or following[0] > size:
            if size <= self._head.checkpoint:
                raise damage(CHECKPOINT, f"size {size}", "", "the row is missing")
            return
        check_note(log, size, self.growth.root, following[1], self._others)
        self.newest_checkpoint = size
        self.checkpoints += 1

    def finish(self, stored_tiles: int) -> None:
        """After the last leaf: the tiles that are not full, and that there are no others.

        Raises ``damaged.tile`` and ``damaged.checkpoint``.
        """
        self._grow()
        for (level, n), data in sorted(self._partial.items()):
            self._compare(level, n, data)
        self.tiles += len(self._partial)
        if self.tiles != stored_tiles:
            detail = f"{stored_tiles} rows are stored, the tree has {self.tiles} tiles"
            raise damage(TILE, "beyond the tree", "", detail)
        following = self._store.checkpoint_at_or_after(self.newest_checkpoint + 1)
        if following is not None:
            raise self._without_head(following[0])

    def _grow(self) -> None:
        if not self._waiting:
            return
        grown = self.growth.append(self._waiting)
        self._waiting = []
        self.growth = grown.growth
        for (level, n), data in sorted(grown.tiles.items()):
            self._partial.pop((level, n), None)
            if len(data) == _FULL_TILE:
                self._compare(level, n, data)
                self.tiles += 1
            else:
                self._partial[level, n] = data

    def _compare(self, level: int, n: int, expected: bytes) -> None:
        row, stored = f"level {level}, n {n}", self._store.stored_tile(level, n)
        if stored is None:
            raise damage(TILE, row, "", "the row is missing")
        if stored != expected:
            raise damage(TILE, row, "data", _first_difference(stored, expected))

    def _without_head(self, size: int) -> CellbookError:
        return damage(CHECKPOINT, f"size {size}", "", "no head is the last entry of that tree")


def check_note(
    log: LogState, size: int, root: bytes, note: bytes, others: Sequence[Verifier] = ()
) -> None:
    """That ``note`` is the checkpoint of ``size`` with ``root``, signed by the key that the policy
    names, and that the lines of ``others`` and of the policy's cosigners on it are theirs. Lines by
    other keys are not judged. Raises ``damaged.checkpoint``."""
    row = f"size {size}"
    own = Verifier.from_key(log.origin, log_key(log, "checkpoint", size))
    known = cosigners((*log.witnesses, *log.auditors))
    try:
        text = open_checkpoint(note, own, dict.fromkeys((*known, *others)))[1].text
    except CellbookError as error:
        raise damage(CHECKPOINT, row, "note", error.describe()) from error
    expected = format_body(Checkpoint(log.origin, size, root))
    if text != expected:
        raise differs(CHECKPOINT, row, "note", text, expected)


def check_published(head: LogHead, pins: Mapping[str, int], store: SqlStore) -> None:
    """That what is published is a stored checkpoint, and that pins do not go beyond it. Raises
    ``damaged.log-head`` and ``damaged.index-pin``."""
    if head.checkpoint and store.checkpoint(head.published) is None:
        raise damage(LOG_HEAD, "id 1", "published", f"no checkpoint has size {head.published}")
    for purpose in (PUBLISHED, CANDIDATE, AUDITED):
        if pins.get(purpose, 0) > head.published:
            detail = f"{pins[purpose]} is beyond {head.published}, which is published"
            raise damage(INDEX_PIN, f"purpose {purpose}", "size", detail)


def _first_difference(stored: bytes, expected: bytes) -> str:
    if len(stored) != len(expected):
        return f"{len(stored)} bytes are stored, {len(expected)} were expected"
    place = next(i for i in range(len(stored)) if stored[i] != expected[i]) // 32
    found, right = (data[place * 32 : place * 32 + 32].hex() for data in (stored, expected))
    return f"hash {place} is {found}, {right} was expected"
