"""Statements that every reader of a log needs, found in its entries: policies and list snapshots.

A copy must hold more than tiles: the receipts' key is named by a policy, the rows of lists by their
snapshots. Where they stand is kept beside the copy, so that each entry is looked at once.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from keys.cose_key import CoseKey
from keys.durable import write_whole
from keys.errors import CellbookError, declare
from ledger.custody.decision import Content, read_content
from ledger.custody.governance.policy import key_of
from ledger.custody.governance.statements import Head, ListSnapshot, Policy
from ledger.monitor.checked import CheckedTiles
from ledger.monitor.entries import NO_HEAD
from ledger.tree.tiles import TILE
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement

NO_KEY = declare(
    "failed.published.policy",
    "The log's policies do not name the key of its receipts.",
    "Read the log from somewhere else; if it is the same there, trust nothing in it.",
)

_TYP = TYP_GOVERNANCE.encode()
_VERSION = 1


class _Found(msgspec.Struct, frozen=True):
    """Where policies and snapshots stand among the first ``size`` entries."""

    size: int = 0
    policies: tuple[int, ...] = ()
    snapshots: tuple[int, ...] = ()
    version: int = _VERSION


class Notices:
    """The policies and list snapshots of the tree in ``tiles``. Nobody's right to state them is
    checked.

    ``kept`` is a file for what was found, for this log's copy only; None to keep nothing. Raises
    what ``CheckedTiles.entries`` raises.
    """

    def __init__(self, tiles: CheckedTiles, kept: Path | None = None) -> None:
        self._tiles = tiles
        self._found = _look(tiles, _read(kept, tiles.size))
        if kept is not None and self._found.size == tiles.size:
            with suppress(OSError):  # then they are looked for again
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_whole(kept, msgspec.json.encode(self._found))

    def policy(self) -> Policy:
        """The newest policy. Raises ``failed.published.policy``."""
        newest = self._found.policies[-1] if self._found.policies else 0
        content = _content(self._leaf(newest))
        if not isinstance(content, Policy):
            raise NO_KEY.at(f"entry {newest}", "it is no policy")
        return content

    def log_key(self, purpose: str) -> CoseKey:
        """The log's key for ``purpose`` at the tree's size. Raises ``failed.published.policy``."""
        size = self._tiles.size
        for item in self.policy().log_keys:
            begun = item.purpose == purpose and item.from_size <= size
            if begun and (item.to_size is None or size < item.to_size):
                return key_of(item.key)
        raise NO_KEY.at(f"tree size {size}")

    def head(self) -> Head:
        """The head that is the tree's last entry. Raises ``failed.published.head``."""
        last = self._tiles.size - 1
        content = _content(self._leaf(last)) if last >= 0 else None
        if not isinstance(content, Head):
            raise NO_HEAD.at(f"entry {last}", entry=last)
        return content

    def snapshots(self) -> list[ListSnapshot]:
        """All snapshots of lists, in log order."""
        contents = [_content(self._leaf(index)) for index in self._found.snapshots]
        return [content for content in contents if isinstance(content, ListSnapshot)]

    def _leaf(self, index: int) -> bytes:
        return self._tiles.entries(index // TILE)[index % TILE]


def _look(tiles: CheckedTiles, found: _Found) -> _Found:
    policies, snapshots = list(found.policies), list(found.snapshots)
    for n in range(found.size // TILE, -(-tiles.size // TILE)):
        for index, leaf in enumerate(tiles.entries(n), n * TILE):
            if index < found.size or _TYP not in leaf:
                continue
            content = _content(leaf)
            if isinstance(content, Policy):
                policies.append(index)
            elif isinstance(content, ListSnapshot):
                snapshots.append(index)
    return _Found(max(tiles.size, found.size), tuple(policies), tuple(snapshots))


def _content(leaf: bytes) -> Content | None:
    """What an entry says; None where it cannot be read, which is for an audit to tell."""
    try:
        return read_content(parse_statement(leaf))
    except CellbookError:
        return None


def _read(kept: Path | None, size: int) -> _Found:
    """What was kept. It helps to look in the right places; it is never what is believed."""
    if kept is not None:
        with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            found = msgspec.json.decode(kept.read_bytes(), type=_Found)
            places = (*found.policies, *found.snapshots)
            if found.version == _VERSION and found.size <= size and max(places, default=0) < size:
                return found
    return _Found()
