"""What registration knows outside the lock: the policy and the operators, as of one moment.

A snapshot may be stale. It serves to find the key with which a signature is checked before the
lock is taken; what it says is decided again under the lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ledger.custody.states import LogState, State
from ledger.log.stored import log_state, read_states
from ledger.store.sql import SqlStore

MAX_OPERATORS = 10_000


class Snapshot(msgspec.Struct, frozen=True):
    """The log's policy and operators at ``governance``, the version in the head row.

    ``size`` is the tree size then: the next entry has this index or a greater one. ``operators``
    holds the issuers that were asked for so far and are known: operators that are registered,
    guests and devices whose keys were named. Of these two the keys never change.
    """

    governance: int
    size: int
    log: LogState
    operators: Mapping[str, State]


class Snapshots:
    """Gives out snapshots to any number of threads, each immutable.

    The newest one is kept; two threads that both replace it cost a read more, nothing else.
    """

    def __init__(self, store: SqlStore, log_uri: str) -> None:
        self._store = store
        self._log_uri = log_uri
        self._newest: Snapshot | None = None

    def covering(self, issuers: Iterable[str]) -> Snapshot:
        """A snapshot, maybe stale, that has those of ``issuers`` that are known operators."""
        newest = self._newest
        if newest is None:
            return self._read(issuers)
        missing = [uri for uri in issuers if uri not in newest.operators]
        if not missing:
            return newest
        return self._extend(newest, missing)

    def refreshed(self, stale: Snapshot, issuers: Iterable[str]) -> Snapshot:
        """``stale`` itself when the log's governance is still the same; else a new snapshot."""
        if self._store.head().governance == stale.governance:
            return stale
        return self._read(issuers)

    def registered(self, content_ids: Iterable[bytes]) -> Mapping[bytes, tuple[int, bytes]]:
        """content id → (index, entry id), of those that are registered."""
        return self._store.by_content(content_ids)

    def void(self) -> None:
        """Forget what is known: governance has changed."""
        self._newest = None

    def _read(self, issuers: Iterable[str]) -> Snapshot:
        # The head first: states that are read after it may be newer than its version says, never
        # older, so that a change in between is found as a change the next time.
        head = self._store.head()
        log = log_state(self._store, self._log_uri)
        operators = read_states(self._store.states(issuers))
        self._newest = Snapshot(head.governance, head.size, log, operators)
        return self._newest

    def _extend(self, newest: Snapshot, missing: list[str]) -> Snapshot:
        found = read_states(self._store.states(missing))
        if not found:
            return newest
        if len(newest.operators) + len(found) > MAX_OPERATORS:
            return self._read(missing)
        extended = msgspec.structs.replace(newest, operators={**newest.operators, **found})
        self._newest = extended
        return extended
