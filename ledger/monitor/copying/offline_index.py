"""Which entries of a copied log concern whom, and the log's index: told from its entries once.

The entries are folded as at registration; that each decision was right is for an audit, and
signatures of issuers are not verified. What comes out must be the index whose root the last head
states, so that no entry about a subject is missed. It is kept in a file, which grows with the copy.

Memory: some 3 kB for each battery of one event, 300 bytes for each further entry.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from keys.durable import write_whole
from keys.errors import CellbookError, declare
from ledger.custody.citing import Registered
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head
from ledger.custody.names.naming import log_uri
from ledger.custody.replay import DecisionReplay
from ledger.custody.states import LogState, decode_state
from ledger.monitor.auditing.faults import wrong_entry
from ledger.monitor.entries import Entries, Timed, read_leaf
from ledger.tree.prefix_chain import Chain
from ledger.tree.prefix_memory import MemoryIndex
from ledger.wire.statement import parse_statement

INDEX = declare(
    "failed.published.index",
    "The index that the last head states is not that of the log's entries.",
    "Audit the log: it names the first head that is wrong. No dossier of this copy would be true.",
)

Progress = Callable[[int, int], None]
_STEP = 256
_DIGEST = 32


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """The file: all of an ``OfflineIndex`` at ``size``. Lists of entries are 8 bytes each."""

    size: int
    root: bytes
    governance: int
    states: dict[str, bytes]
    chains: dict[str, tuple[int, bytes]]
    entries: dict[str, bytes]
    blocks: dict[bytes, bytes]
    heads: bytes
    ids: bytes
    version: int = 1


class OfflineIndex(DecisionReplay):
    """The log up to its first ``size`` entries, the last of which is a head."""

    def __init__(self) -> None:
        super().__init__(self._look_up, self._first_entries, _unverified)
        self.index = MemoryIndex()
        self._entries: dict[str, array[int]] = {}
        self._heads = array("Q")
        self._ids = bytearray()
        self._places: dict[bytes, int] = {}
        self._leaves: Entries | None = None

    def extend(self, leaves: Entries, size: int, progress: Progress) -> None:
        """Take in the entries below ``size``.

        Raises ``failed.audit.entry`` for an entry that cannot stand there, ``failed.published.*``
        and what ``Entries`` raises; then this is of no more use.
        """
        self._leaves = leaves
        self._places = {self._id(index): index for index in range(self.size)}
        for timed in leaves.timed(self.size):
            try:
                self._take(timed)
            except CellbookError as error:
                raise wrong_entry(timed.index, error) from error
            if timed.index % _STEP == 0:
                progress(timed.index, size)
        self._places = {}

    def check_root(self, last: bytes) -> None:
        """That the index is the one which ``last`` states, the entry before the size. Raises
        ``failed.published.index``."""
        head, root = read_content(parse_statement(last)), self.index.close()
        if not isinstance(head, Head) or head.index_root != root:
            raise INDEX.at(f"entry {self.size - 1}", f"it is {root.hex()}")

    def indexes(self, uri: str) -> list[int]:
        """The entries that concern ``uri``, ascending."""
        return list(self._entries.get(uri, ()))

    def head_after(self, index: int) -> int:
        """The first head at or after entry ``index``, which is below the size."""
        return self._heads[bisect_left(self._heads, index)]

    def encode(self, root: bytes) -> bytes:
        """The bytes that ``decode`` takes, for the tree with ``root``."""
        kept = _Kept(
            size=self.size,
            root=root,
            governance=self.governance,
            states=self.states,
            chains={uri: (chain.count, chain.hash) for uri, chain in self.index.chains.items()},
            entries={uri: indexes.tobytes() for uri, indexes in self._entries.items()},
            blocks=self.index.held,
            heads=self._heads.tobytes(),
            ids=bytes(self._ids),
        )
        data = msgspec.msgpack.encode(kept)
        return sha256(data).digest() + data

    def _take(self, timed: Timed) -> None:
        statement = read_leaf(timed.leaf)
        entry_id = sha256(timed.leaf).digest()
        replayed = self.decide(statement, entry_id, timed.time)
        subjects = replayed.decision.subjects
        self.index.add(subjects, timed.index, statement.leaf_hash)
        for uri in subjects:
            self._entries.setdefault(uri, array("Q")).append(timed.index)
        if isinstance(replayed.content, Head):
            self._heads.append(timed.index)
        self._ids += entry_id
        self._places[entry_id] = timed.index

    def _id(self, index: int) -> bytes:
        return bytes(self._ids[index * _DIGEST : (index + 1) * _DIGEST])

    def _look_up(self, entry_id: bytes, size: int) -> Registered | None:
        index = self._places.get(entry_id)
        return None if index is None or index >= size else self._registered(index)

    def _first_entries(self, uri: str, size: int, limit: int) -> list[Registered]:
        return [self._registered(index) for index in self._entries.get(uri, ())[:limit]]

    def _registered(self, index: int) -> Registered:
        assert self._leaves is not None  # noqa: S101 - set before entries are taken
        statement = parse_statement(self._leaves.leaf(index))
        return Registered(index, statement.entry_id, statement, read_content(statement))


def decode(data: bytes, origin: str) -> tuple[OfflineIndex, bytes] | None:
    """The index in ``data`` and the root of its tree; None where it is damaged, or none."""
    if sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        return None
    made = OfflineIndex()
    try:
        kept = msgspec.msgpack.decode(data[_DIGEST:], type=_Kept)
        log = decode_state(kept.states[log_uri(origin)])
    except (msgspec.MsgspecError, KeyError):
        return None
    if kept.version != 1 or not isinstance(log, LogState):
        return None
    made.size, made.governance, made.states, made.log = kept.size, kept.governance, kept.states, log
    made.index.chains = {uri: Chain(*chain) for uri, chain in kept.chains.items()}
    made.index.held = kept.blocks
    made._entries = {uri: array("Q", indexes) for uri, indexes in kept.entries.items()}
    made._heads, made._ids = array("Q", kept.heads), bytearray(kept.ids)
    return made, kept.root


def read_index(file: Path, origin: str) -> tuple[OfflineIndex, bytes] | None:
    """What ``keep_index`` has written; None where there is nothing that can be used."""
    with suppress(OSError):
        return decode(file.read_bytes(), origin)
    return None


def keep_index(file: Path, index: OfflineIndex, root: bytes) -> None:
    """Write ``index``. Where that fails, it is made anew the next time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, index.encode(root))


def _unverified(raw: bytes, message: bytes, signature: bytes) -> None:
    """In place of the check of an Ed25519 signature: it has no part in whom an entry concerns."""
