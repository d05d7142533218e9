"""Every decision of a published log once more, and what must be remembered for the next ones.

Memory grows with the number of subjects: their encoded states, and a number each. What grows with
entries is in files: 16 bytes for each, and 16 for each subject of each; the table of ids takes at
most 128 more while the audit runs.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from keys.cose_key import Backend
from keys.errors import CellbookError, declare
from ledger.custody.citing import Registered
from ledger.custody.decision import Content, read_content
from ledger.custody.governance import Head
from ledger.custody.naming import log_uri
from ledger.custody.replay import DecisionReplay
from ledger.custody.states import LogState, decode_state
from ledger.monitor.entries import Entries, Timed, read_leaf
from ledger.monitor.identities import KEY, Identities
from ledger.monitor.records import DAMAGED
from ledger.monitor.state import Mark, StateFolder
from ledger.wire.statement import parse_statement

TWICE = declare(
    "failed.published.twice",
    "One statement stands in the log twice, which registration refuses.",
    "Keep the evidence, and tell whoever runs the ledger.",
)

_LINK = 16
_NONE = (1 << 64) - 1
_PAGE = 1 << 16
_SLACK = 16 << 20
"""Bytes that states may take on disk beside those that count."""


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """A subject in the file of states: its state, and the last link of its chain."""

    uri: str
    state: bytes | None
    link: int | None


class AuditReplay(DecisionReplay):
    """A log as ``folder`` remembers it. ``entries`` must be set before entries are decided."""

    def __init__(self, folder: StateFolder, backend: Backend) -> None:
        """Raises ``damaged.audit.state`` and ``unavailable.audit.state``."""
        super().__init__(self._look_up, self._follow, backend)
        self.entries: Entries | None = None
        self.heads = 0
        self.last: Content | None = None
        self.trouble: CellbookError | None = None
        self._folder = folder
        self._dirty: set[str] = set()
        self._ends: dict[str, int] = {}
        mark = folder.mark()
        self._name = mark.states if mark else "states-0"
        self._states = folder.open_records(self._name, mark.states_bytes if mark else 0)
        self._links = folder.open_records("links", mark.links_bytes if mark else 0)
        self._ids = folder.open_records("ids", mark.size * 2 * KEY if mark else 0)
        self._table = Identities(folder.path)
        self._most = _SLACK + 4 * self._states.size
        if mark is not None:
            self._load(mark)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._states, self._links, self._ids):
            file.close()
        self._table.close()

    @property
    def subjects(self) -> int:
        """How many subjects there are."""
        return len(self.states.keys() | self._ends.keys())

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
        for uri in replayed.decision.subjects:
            before = self._ends.get(uri, _NONE)
            self._ends[uri] = self._links.size // _LINK
            self._links.append(timed.index.to_bytes(8, "little") + before.to_bytes(8, "little"))
        self._dirty.update(replayed.decision.subjects, replayed.decision.after)
        self._remember(entry_id, statement.content_id, timed.index)
        self._ids.append(entry_id[:KEY] + statement.content_id[:KEY])
        self.heads += isinstance(replayed.content, Head)
        self.last = replayed.content
        return replayed.content

    def mark(self, note: bytes, origin: str, genesis: bytes) -> Mark:
        """Write what has changed into the growing files, and give the mark that makes it count.

        Raises ``unavailable.audit.state``.
        """
        if self._states.size > self._most:
            self._begin_states_anew()
        for uri in sorted(self._dirty):
            row = _Row(uri, self.states.get(uri), self._ends.get(uri))
            self._states.append_framed(msgspec.msgpack.encode(row))
        self._dirty.clear()
        for file in (self._states, self._links, self._ids):
            file.sync()
        return Mark(
            origin=origin,
            genesis=genesis,
            note=note,
            size=self.size,
            heads=self.heads,
            governance=self.governance,
            states=self._name,
            states_bytes=self._states.size,
            links_bytes=self._links.size,
        )

    def _begin_states_anew(self) -> None:
        """A new file of states, without those that were replaced; the old one stays as it is."""
        self._states.close()
        self._name = f"states-{int(self._name.rpartition('-')[2]) + 1}"
        self._states = self._folder.open_records(self._name, 0)
        self._dirty = self.states.keys() | self._ends.keys()
        live = sum(len(uri) + len(self.states.get(uri, b"")) for uri in self._dirty)
        self._most = _SLACK + 4 * live

    def _load(self, mark: Mark) -> None:
        self.size, self.heads, self.governance = mark.size, mark.heads, mark.governance
        self._load_states(log_uri(mark.origin))
        self._load_ids(mark.size)

    def _load_ids(self, size: int) -> None:
        for start in range(0, size, _PAGE):
            data = self._ids.read(start * 2 * KEY, min(_PAGE, size - start) * 2 * KEY)
            for at in range(0, len(data), 2 * KEY):
                index = start + at // (2 * KEY)
                self._remember(data[at : at + KEY], data[at + KEY : at + 2 * KEY], index)

    def _load_states(self, log: str) -> None:
        try:
            for data in self._states.framed():
                row = msgspec.msgpack.decode(data, type=_Row)
                if row.state is not None:
                    self.states[row.uri] = row.state
                if row.link is not None:
                    self._ends[row.uri] = row.link
            state = decode_state(self.states[log])
        except (msgspec.MsgspecError, KeyError) as error:
            raise DAMAGED.at(self._name, str(error)[:200]) from None
        if isinstance(state, LogState):
            self.log = state

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
        link = self._ends.get(uri, _NONE)
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


def _registered(index: int, leaf: bytes) -> Registered:
    statement = parse_statement(leaf)
    return Registered(index, statement.entry_id, statement, read_content(statement))
