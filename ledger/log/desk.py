"""The log under the lock: statements are taken one by one, each after what those before it did.

A desk is made for one write transaction. It decides; it writes when all are decided. Nothing of it
outlives the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keys.errors import declare
from ledger.custody.admission import admit
from ledger.custody.citing import Registered, cited_entries
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Governance, Head
from ledger.custody.refold import change_of, fetch_chains
from ledger.custody.rules import Occasion
from ledger.custody.states import LogState, State, encode_state
from ledger.log.outcome import Placed
from ledger.log.registration import Prepared
from ledger.log.stored import read_states
from ledger.log.terms import Told
from ledger.store.records import NewEntry, StoredEntry
from ledger.store.writing import Writing
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import parse_statement

SAME_CONTENT = declare(
    "conflict.same-content",
    "The same content is registered under another signature.",
    "Use the entry that is registered; the error names its location.",
)


class Desk:
    """Takes statements at log time ``time`` (Unix seconds)."""

    def __init__(self, writing: Writing, log_uri: str, time: int) -> None:
        self.leaf_hashes: list[bytes] = []
        self.governance = 0
        self._writing = writing
        self._log_uri = log_uri
        self._time = time
        self._size = writing.head.size
        self._entries: list[NewEntry] = []
        self._pairs: list[tuple[str, int]] = []
        self._terms: list[Told] = []
        self._contents: dict[bytes, tuple[int, bytes]] = {}
        self._looked_up: set[bytes] = set()
        self._fetched: set[str] = set()
        self._encoded: dict[str, bytes] = {}
        self._states: dict[str, State] = {}
        self._changed: dict[str, None] = {}
        self._found: dict[bytes, Registered] = {}

    @property
    def size(self) -> int:
        """The tree size, with all that was taken."""
        return self._size + len(self._entries)

    @property
    def log(self) -> LogState | None:
        """The policy in force after all that was taken; None before genesis."""
        state = self._view([self._log_uri]).get(self._log_uri)
        return state if isinstance(state, LogState) else None

    def expect(self, group: Iterable[Prepared]) -> None:
        """Read at once what the statements of ``group`` need."""
        items = list(group)
        content_ids = [item.statement.content_id for item in items]
        self._look_up(content_ids)
        uris = {uri for item in items for uri in item.needed.uris}
        self._fetch([self._log_uri, *sorted(uris)])

    def take(self, item: Prepared) -> Placed:
        """Decide ``item`` as the next entry. On an error nothing of it stays behind.

        Raises ``rejected.*``, ``failed.*`` and ``conflict.same-content``.
        """
        before = self._registered(item)
        if before is not None:
            return before
        occasion = Occasion(self.size, self._time, item.entry_id)
        cited = cited_entries(item.needed, self._find, self._view)
        wanted = [*item.needed.uris, *(uri for entry in cited.values() for uri in entry.subjects)]
        log = self.log
        admission = admit(
            item.statement,
            item.content,
            occasion,
            log,
            self._view(wanted),
            cited,
            verified=item.verified,
            chains=fetch_chains(change_of(item.content, cited, log), self._chain, log),
        )
        self._append(item, admission.decision.subjects, admission.decision.after)
        return Placed(occasion.index, item.entry_id, True)

    def write(self) -> None:
        """Write all that was taken, but for tree and head."""
        if not self._entries:
            return
        self._writing.append(self._entries)
        states = {uri: encode_state(self._states[uri]) for uri in self._changed}
        leaf_hashes = dict(enumerate(self.leaf_hashes, self._size))
        self._writing.put_subjects(states, self._pairs, leaf_hashes)
        self._writing.put_terms(self._terms)

    def _registered(self, item: Prepared) -> Placed | None:
        content_id = item.statement.content_id
        self._look_up([content_id])
        known = self._contents.get(content_id)
        if known is None:
            return None
        index, entry_id = known
        if entry_id != item.entry_id:
            raise SAME_CONTENT.at(
                "signature", f"entry {index}", location=encode_base64url(entry_id)
            )
        return Placed(index, entry_id, False)

    def _append(self, item: Prepared, subjects: Sequence[str], after: dict[str, State]) -> None:
        index, statement = self.size, item.statement
        self._entries.append(NewEntry(index, item.entry_id, statement.content_id, statement.leaf))
        self.leaf_hashes.append(item.leaf_hash)
        self._pairs += [(uri, index) for uri in subjects]
        self._terms += item.terms
        self._contents[statement.content_id] = (index, item.entry_id)
        self._states.update(after)
        self._fetched.update(after)
        self._changed.update(dict.fromkeys(after))
        self._found[item.entry_id] = Registered(index, item.entry_id, statement, item.content)
        if isinstance(item.content, Governance) and not isinstance(item.content, Head):
            self.governance += 1

    def _look_up(self, content_ids: Iterable[bytes]) -> None:
        missing = [content_id for content_id in content_ids if content_id not in self._looked_up]
        if missing:
            self._looked_up.update(missing)
            self._contents |= self._writing.contents(missing)

    def _fetch(self, uris: Iterable[str]) -> None:
        missing = [uri for uri in uris if uri not in self._fetched]
        if missing:
            self._fetched.update(missing)
            self._encoded |= self._writing.states(missing)

    def _view(self, uris: Sequence[str]) -> dict[str, State]:
        """The states of ``uris`` alone: a decision must not depend on what else is at hand."""
        self._fetch(uris)
        # Decoded at first use, so that a damaged state fails its own statements only.
        new = {uri: self._encoded.pop(uri) for uri in uris if uri in self._encoded}
        if new:
            self._states |= read_states(new)
        states = self._states
        return {uri: states[uri] for uri in uris if uri in states}

    def _chain(self, uri: str, limit: int) -> list[Registered]:
        """The first entries that concern ``uri``, with those that were taken here."""
        stored = [read_stored(entry) for entry in self._writing.chain(uri, limit)]
        taken = [index for concerned, index in self._pairs if concerned == uri]
        new = [self._found[self._entries[index - self._size].entry_id] for index in taken]
        return [*stored, *new][:limit]

    def _find(self, entry_id: bytes) -> Registered | None:
        if entry_id not in self._found:
            stored = self._writing.entries_by_id([entry_id]).get(entry_id)
            if stored is None:
                return None
            self._found[entry_id] = read_stored(stored)
        return self._found[entry_id]


def read_stored(stored: StoredEntry) -> Registered:
    """A stored entry, read. Raises what ``parse_statement`` and ``read_content`` raise."""
    statement = parse_statement(stored.leaf)
    return Registered(stored.index, stored.entry_id, statement, read_content(statement))
