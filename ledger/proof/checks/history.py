"""The entries of a dossier, read and decided once more in log order.

The same decision as at registration (``ledger.custody.admission``), with the difference that a
breach of a rule is a finding: the buyer is told what the log let pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

import msgspec

from keys.cose_key import Backend
from keys.errors import declare
from ledger.custody.admission import admit
from ledger.custody.citing import Registered, cited_entries
from ledger.custody.decision import Decision, decide, needed
from ledger.custody.events import Event
from ledger.custody.governance.mandates import MandateGiven
from ledger.custody.governance.statements import Head, ListSnapshot
from ledger.custody.placing import NO_WHOLES, Wholes, placed_by
from ledger.custody.profiles import Profiles
from ledger.custody.refold import Chain, change_of, fetch_chains
from ledger.custody.rules import Finding, Occasion, applicable
from ledger.custody.rules.listing import Work
from ledger.custody.states import LogState, OperatorState, State
from ledger.proof.checks.contents import has_log_time
from ledger.proof.checks.entries import ReadEntry as ReadEntry
from ledger.proof.checks.entries import at_entry
from ledger.proof.checks.entries import read_entries as read_entries
from ledger.proof.checks.heads import Heads
from ledger.proof.verdict.required import KEY_1
from ledger.wire.hash_envelope import HashEnvelope

TWICE = declare(
    "failed.dossier.twice",
    "One statement stands in the log twice, which registration refuses.",
    "Trust nothing in the file, and tell whoever runs the ledger.",
)


COR_2 = "COR-2"
"""What follows an entry that was changed later: the one rule that speaks of many other entries."""


class Decided(msgspec.Struct, frozen=True):
    """An event whose signature was verified, and that was decided after those before it.

    ``time`` is its log time (Unix seconds), ``subjects`` whom it concerns. ``rules`` are the ids
    of those that judged it, ``findings`` what they found; ``forbidden_by`` those rules of the
    policy in force for which registration must have refused it.
    """

    entry: ReadEntry
    event: Event
    time: int
    subjects: tuple[str, ...]
    findings: tuple[Finding, ...]
    rules: frozenset[str]
    forbidden_by: frozenset[str]


class DocumentEntry(msgspec.Struct, frozen=True):
    """A document whose digest was signed, and that existed at log time ``time`` (Unix seconds)."""

    entry: ReadEntry
    envelope: HashEnvelope
    time: int


class SnapshotEntry(msgspec.Struct, frozen=True):
    """A snapshot of a list, as its publisher signed it, and its log time (Unix seconds)."""

    entry: ReadEntry
    content: ListSnapshot
    time: int


class Signed(msgspec.Struct, frozen=True):
    """Whose key signed a statement, and its log time."""

    iss: str
    kid: bytes
    time: int


class History(msgspec.Struct, frozen=True):
    """What the entries of a dossier say together: policy, states, each event as decided, the
    documents that existed, the lists that were stated, and what they prove of signers (``works``:
    filled in by who has the proofs). ``wholes`` says of units that are not carried where they are,
    as far as the entries tell.

    Only signatures and decisions are verified: that the entries are in the log is shown by
    checkpoint and receipts.
    """

    log: LogState
    states: dict[str, State]
    events: tuple[Decided, ...]
    documents: tuple[DocumentEntry, ...] = ()
    snapshots: tuple[SnapshotEntry, ...] = ()
    works: tuple[Work, ...] = ()
    wholes: Wholes = NO_WHOLES
    mandates: Mapping[bytes, Signed] = {}


def replay(
    entries: tuple[ReadEntry, ...],
    carried: frozenset[str],
    backend: Backend | None = None,
    profiles: Profiles | None = None,
    wholes: Wholes = NO_WHOLES,
) -> History:
    """Decide ``entries`` in order; ``carried`` names the batteries whose histories they are.

    ``wholes`` is that of the log before. With ``profiles``, all events are judged by them, whatever
    policy was in force. That changes no state, and nothing of what makes a record genuine.

    Every event must have its head (the first one after it) among ``entries``. Raises
    ``failed.*`` and ``rejected.*``, with the entry in ``where``, and ``failed.dossier.head``.
    """
    told = _Replay(entries, carried, backend, profiles, wholes)
    for entry in entries:
        with at_entry(entry.index):
            told.take(entry)
    return told.history()


class _Options(TypedDict):
    refuse: bool
    carried: frozenset[str]
    chains: Mapping[str, Chain]
    wholes: Wholes


class _Replay:
    def __init__(
        self,
        entries: tuple[ReadEntry, ...],
        carried: frozenset[str],
        backend: Backend | None,
        profiles: Profiles | None,
        wholes: Wholes,
    ) -> None:
        self._carried = carried
        self._wholes = dict(wholes)
        self._backend = backend
        self._profiles = profiles
        found = (entry.content for entry in entries if isinstance(entry.content, Head))
        self._heads = Heads(found, backend)
        self._log: LogState | None = None
        self._states: dict[str, State] = {}
        self._known: dict[bytes, Registered] = {}
        self._events: list[Decided] = []
        self._documents: list[DocumentEntry] = []
        self._snapshots: list[SnapshotEntry] = []
        self._mandates: dict[bytes, Signed] = {}
        self._contents: set[bytes] = set()
        self._flagged: set[tuple[str, int]] = set()
        self._chains: dict[str, list[Registered]] = {}

    def take(self, entry: ReadEntry) -> None:
        """Decide the next entry."""
        if entry.statement.content_id in self._contents:
            raise TWICE.at("statement")
        self._contents.add(entry.statement.content_id)
        if isinstance(entry.content, Head):
            self._heads.take(entry.index, entry.statement, entry.content, self._log)
            return
        self._heads.pass_by(entry.index)
        time = self._heads.time(entry.index) if has_log_time(entry.content) else 0
        statement, content = entry.statement, entry.content
        wanted = needed(statement, content)
        cited = cited_entries(wanted, self._known.get, self._view)
        uris = [*wanted.uris, *(uri for about in cited.values() for uri in about.subjects)]
        options = _Options(
            refuse=False,
            carried=self._carried,
            chains=fetch_chains(change_of(content, cited, self._log), self._chain, self._log),
            wholes=self._wholes,
        )
        given = (
            statement,
            content,
            Occasion(entry.index, time, entry.entry_id),
            self._log,
            self._view(uris),
            cited,
        )
        decision = admit(*given, backend=self._backend, **options).decision
        if isinstance(content, Event):
            judged = decision
            if self._log is not None and self._profiles not in (None, self._log.profiles):
                judged = decide(*given, profiles=self._profiles, **options)
            told = _decided(entry, content, time, decision, judged)
            self._events.append(msgspec.structs.replace(told, findings=tuple(self._once(told))))
            self._place(content)
        self._states.update(decision.after)
        known = Registered(entry.index, entry.entry_id, statement, content)
        self._known[entry.entry_id] = known
        for uri in self._carried.intersection(decision.subjects):
            self._chains.setdefault(uri, []).append(known)
        if isinstance(content, HashEnvelope):
            self._documents.append(DocumentEntry(entry, content, time))
        elif isinstance(content, ListSnapshot):
            self._snapshots.append(SnapshotEntry(entry, content, time))
        elif isinstance(content, MandateGiven):
            self._mandates[entry.entry_id] = Signed(statement.iss, statement.kid, time)
        elif not isinstance(content, Event):
            self._log = _log_state(decision.after) or self._log

    def _once(self, decided: Decided) -> Iterator[Finding]:
        """The findings, with one of COR-2 about each entry before: however often what it rests on
        is changed, a verdict grows with the file."""
        for finding in decided.findings:
            flag = (finding.uri, finding.index)
            if finding.rule == COR_2 and finding.index != decided.entry.index:
                if flag in self._flagged:
                    continue
                self._flagged.add(flag)
            yield finding

    def _place(self, event: Event) -> None:
        """Remember of units that are not carried where they are from here on."""
        if event.corrects is None:
            placed = placed_by(event).items()
            self._wholes.update((uri, whole) for uri, whole in placed if uri not in self._carried)

    def _view(self, uris: Iterable[str]) -> dict[str, State]:
        return {uri: self._states[uri] for uri in uris if uri in self._states}

    def _chain(self, uri: str, limit: int) -> list[Registered]:
        return self._chains.get(uri, [])[:limit]

    def history(self) -> History:
        """What was decided, with the findings that only the end of the file shows."""
        assert self._log is not None  # noqa: S101 - admit refuses everything before a policy
        compromised = compromised_keys(self._states)
        events = tuple(flagged(decided, compromised, self._mandates) for decided in self._events)
        documents, snapshots = tuple(self._documents), tuple(self._snapshots)
        given = (self._log, self._states, events, documents, snapshots)
        return History(*given, wholes=self._wholes, mandates=self._mandates)


def _decided(
    entry: ReadEntry, event: Event, time: int, decision: Decision, judged: Decision
) -> Decided:
    return Decided(
        entry=entry,
        event=event,
        time=time,
        subjects=decision.subjects,
        findings=judged.findings,
        rules=frozenset(r.id for case in judged.cases for r in applicable(case)) | {KEY_1},
        forbidden_by=frozenset(found.rule for found in decision.findings if found.breach),
    )


def compromised_keys(states: Mapping[str, State]) -> dict[tuple[str, bytes], int]:
    """Since when (Unix seconds) keys were in other hands, by owner and kid."""
    operators = [state for state in states.values() if isinstance(state, OperatorState)]
    return {
        (state.uri, key.kid): key.compromised_since
        for state in operators
        for key in state.keys
        if key.compromised_since is not None
    }


def flagged(
    decided: Decided,
    compromised: Mapping[tuple[str, bytes], int],
    mandates: Mapping[bytes, Signed],
) -> Decided:
    """KEY-1: what was signed after a compromise date is flagged once, never removed; and so is
    what was signed under a mandate that was."""
    if KEY_1 in {found.rule for found in decided.findings}:
        return decided
    statement = decided.entry.statement
    mandate = mandates.get(decided.event.mandate or b"")
    if _was_in_other_hands(Signed(statement.iss, statement.kid, decided.time), compromised):
        detail = "by the registrar's word, the key that signed it was in other hands at that time"
    elif mandate is not None and _was_in_other_hands(mandate, compromised):
        detail = "by the registrar's word, the key that gave its mandate was in other hands then"
    else:
        return decided
    finding = Finding(KEY_1, False, statement.sub, decided.entry.index, detail)
    return msgspec.structs.replace(decided, findings=(*decided.findings, finding))


def _was_in_other_hands(signed: Signed, compromised: Mapping[tuple[str, bytes], int]) -> bool:
    since = compromised.get((signed.iss, signed.kid))
    return since is not None and signed.time >= since


def _log_state(after: dict[str, State]) -> LogState | None:
    return next((state for state in after.values() if isinstance(state, LogState)), None)
