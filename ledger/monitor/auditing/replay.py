"""Every decision of a published log once more, and what must be remembered for the next ones.

Memory grows neither with entries nor with subjects. On disk are, for each subject, a row with its
state and its chain in the index, and some 100 bytes of blocks; 16 bytes for each entry, and 16 for
each subject of each; and tables while the audit runs, at most 128 bytes for each entry and 128 for
each subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from keys.cose_key import Backend
from keys.errors import CellbookError, declare
from ledger.custody.citing import Registered
from ledger.custody.decision import Content, read_content
from ledger.custody.governance.carrying import resting_on
from ledger.custody.governance.handover import CarriedOver
from ledger.custody.governance.statements import Head
from ledger.custody.names.naming import log_uri
from ledger.custody.replay import DecisionReplay
from ledger.custody.states import LogState, decode_state
from ledger.monitor.auditing.identities import KEY, Identities
from ledger.monitor.auditing.keyed import Keyed
from ledger.monitor.auditing.past import PastLogs
from ledger.monitor.auditing.recomputed import RecomputedIndex
from ledger.monitor.auditing.records import DAMAGED
from ledger.monitor.auditing.state import Mark, StateFolder
from ledger.monitor.entries import Entries, Timed, read_leaf
from ledger.tree.merkle import HASH, leaf_hash
from ledger.tree.prefix_chain import START, Chain
from ledger.wire.statement import parse_statement

TWICE = declare(
    "failed.published.twice",
    "One statement stands in the log twice, which registration refuses.",
    "Keep the evidence, and tell whoever runs the ledger.",
)

_LINK = 16
_NONE = (1 << 64) - 1
_PAGE = 1 << 16
_CACHED = 16 << 20
"""Bytes of memory for rows of subjects, and as many for blocks of the index."""
_BLOCKS_EVERY = 8 << 20
"""Bytes of rows after which blocks are written down as well."""


_FIXED = 8 + 8 + HASH
_BLANK = _NONE.to_bytes(8, "little") + bytes(8) + START
"""A row: the last of the subject's links, how many entries its chain has, the chain's hash; and
then its state, nothing while it has none."""


class AuditReplay(DecisionReplay):
    """A log as ``folder`` remembers it. ``entries`` must be set before entries are decided."""

    def __init__(self, folder: StateFolder, backend: Backend, past: PastLogs | None = None) -> None:
        """``past`` are the logs before. Raises ``damaged.audit.state`` and
        ``unavailable.audit.state``."""
        super().__init__(self._look_up, self._follow, backend)
        self.entries: Entries | None = None
        self.heads = 0
        self.resting = 0
        self._past = past
        self.trouble: CellbookError | None = None
        self._after: dict[str, bytes] = {}
        mark = folder.mark()
        self._links = folder.open_records("links", mark.links_bytes if mark else 0)
        self._ids = folder.open_records("ids", mark.size * 2 * KEY if mark else 0)
        self._table = Identities(folder.path, 2 * mark.size if mark else 0)
        self._blocks_name = mark.blocks if mark else "blocks-0"
        self._blocks_bytes = mark.blocks_bytes if mark else 0
        self._put_in = mark.put_in if mark else 0
        self._blocks = Keyed(folder, self._blocks_name, self._blocks_bytes, _CACHED)
        self._index = RecomputedIndex(self._blocks)
        rows = (mark.states, mark.states_bytes) if mark else ("states-0", 0)
        self._rows = Keyed(folder, *rows, _CACHED, self._seen)
        if mark is not None:
            self._load(mark)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._rows, self._blocks, self._links, self._ids, self._table):
            file.close()

    @property
    def subjects(self) -> int:
        """How many subjects there were at the last mark."""
        return self._rows.count

    def take(self, timed: Timed) -> Content:
        """Decide the next entry again.

        Raises what registration would have refused it with, ``failed.published.*``, and what
        reading earlier entries raises: then ``trouble`` is that error.
        """
        statement = read_leaf(timed.leaf)
        for index in self._table.find(statement.content_id):
            if parse_statement(self._leaf(index)).content_id == statement.content_id:
                raise TWICE.at("leaf", f"entry {index} is the same")
        entry_id = sha256(timed.leaf).digest()
        replayed = self.decide(statement, entry_id, timed.time)
        self._keep_rows(timed, replayed.decision.subjects)
        self._remember(entry_id, statement.content_id, timed.index)
        self._ids.append(entry_id[:KEY] + statement.content_id[:KEY])
        self.heads += isinstance(replayed.content, Head)
        self.resting += resting_on(replayed.content) - self._compared(replayed.content)
        return replayed.content

    def _compared(self, content: Content) -> int:
        """How many batteries were compared with what the logs before knew of them."""
        if self._past is None or self.log is None or not isinstance(content, CarriedOver):
            return 0
        return self._past.compare(content, self.log, self._leaf(0))

    def index_root(self) -> bytes:
        """The root of the index over all entries so far. Raises ``damaged.audit.state``."""
        try:
            return self._index.root()
        except CellbookError as error:
            raise DAMAGED.at(self._blocks.name, error.describe()) from error

    def mark(self, note: bytes, origin: str, genesis: bytes) -> Mark:
        """Write what has changed into the growing files, and give the mark that makes it count.

        Raises ``unavailable.audit.state``, ``damaged.audit.state``.
        """
        if self._rows.sync() or self._rows.size - self._put_in > _BLOCKS_EVERY:
            self.index_root()
            self._blocks.sync()
            self._blocks_name, self._blocks_bytes = self._blocks.name, self._blocks.size
            self._put_in = self._rows.size
        for file in (self._links, self._ids):
            file.sync()
        return Mark(
            origin=origin,
            genesis=genesis,
            note=note,
            size=self.size,
            heads=self.heads,
            governance=self.governance,
            states=self._rows.name,
            states_bytes=self._rows.size,
            links_bytes=self._links.size,
            blocks=self._blocks_name,
            blocks_bytes=self._blocks_bytes,
            put_in=self._put_in,
            resting=self.resting,
        )

    def _state(self, uri: str) -> bytes | None:
        row = self._rows.get(uri.encode())
        return None if row is None else row[_FIXED:] or None

    def _keep(self, uri: str, state: bytes) -> None:
        self._after[uri] = state

    def _keep_rows(self, timed: Timed, subjects: Sequence[str]) -> None:
        after, self._after = self._after, {}
        index, hashed = timed.index.to_bytes(8, "little"), leaf_hash(timed.leaf)
        for uri in subjects:
            key = uri.encode()
            row = self._rows.get(key) or _BLANK
            chain = _chain(row).after(timed.index, hashed)
            self._index.set(uri, chain)
            link = self._links.size // _LINK
            self._links.append(index + row[:8])
            fixed = link.to_bytes(8, "little") + chain.count.to_bytes(8, "little") + chain.hash
            self._rows.put(key, fixed + (after.pop(uri, b"") or row[_FIXED:]))
        for uri, state in after.items():
            key = uri.encode()
            row = self._rows.get(key) or _BLANK
            self._rows.put(key, row[:_FIXED] + state)

    def _seen(self, at: int, key: bytes, record: bytes) -> None:
        """A row in the file: what is not in the blocks yet is put in."""
        if at >= self._put_in and (chain := _chain(record)).count:
            self._index.set(key.decode(), chain)

    def _load(self, mark: Mark) -> None:
        self.size, self.heads, self.governance = mark.size, mark.heads, mark.governance
        self.resting = mark.resting
        self._load_ids(mark.size)
        data = self._state(log_uri(mark.origin))
        state = None if data is None else decode_state(data)
        if not isinstance(state, LogState):
            raise DAMAGED.at(mark.states, "it has no policy")
        self.log = state

    def _load_ids(self, size: int) -> None:
        for start in range(0, size, _PAGE):
            data = self._ids.read(start * 2 * KEY, min(_PAGE, size - start) * 2 * KEY)
            for at in range(0, len(data), 2 * KEY):
                index = start + at // (2 * KEY)
                self._remember(data[at : at + KEY], data[at + KEY : at + 2 * KEY], index)

    def _remember(self, entry_id: bytes, content_id: bytes, index: int) -> None:
        self._table.add(entry_id, index)
        self._table.add(content_id, index)

    def _look_up(self, entry_id: bytes, size: int) -> Registered | None:
        for index in self._table.find(entry_id):
            leaf = self._leaf(index)
            if sha256(leaf).digest() == entry_id and index < size:
                return _registered(index, leaf)
        return None

    def _follow(self, uri: str, size: int, limit: int) -> list[Registered]:
        """From the newest back: where they are more than ``limit`` it is all the same which."""
        chain: list[Registered] = []
        link = int.from_bytes((self._rows.get(uri.encode()) or _BLANK)[:8], "little")
        while link != _NONE and len(chain) < limit:
            data = self._links.read(link * _LINK, _LINK)
            index, link = (int.from_bytes(part, "little") for part in (data[:8], data[8:]))
            chain.append(_registered(index, self._leaf(index)))
        return chain[::-1]

    def _leaf(self, index: int) -> bytes:
        assert self.entries is not None  # noqa: S101 - set by whoever replays
        try:
            return self.entries.leaf(index)
        except CellbookError as error:
            self.trouble = error
            raise


def _chain(row: bytes) -> Chain:
    return Chain(int.from_bytes(row[8:16], "little"), row[16:_FIXED])


def _registered(index: int, leaf: bytes) -> Registered:
    statement = parse_statement(leaf)
    return Registered(index, statement.entry_id, statement, read_content(statement))
