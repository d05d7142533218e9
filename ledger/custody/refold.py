"""A battery's state once more from its own entries, after one of them was corrected or annulled.

Nothing is undone silently: entries stay where they are, the state says which of them count no more
(``BatteryState.corrected``), and what follows a corrected entry is flagged. Only the batteries of
the corrected entry are folded again, each from its own chain; what others have taken over from them
stays as it was. Only these statements cost a reading of the chain, and registration bounds it.

Rules do not judge again: what was registered was decided then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from keys.errors import declare
from ledger.custody.content import Registered
from ledger.custody.events import Correction, Event, Repurpose, Resolution, Withdrawal
from ledger.custody.fold import fold
from ledger.custody.governance.handover import CarriedOver
from ledger.custody.governance.past_entries import HISTORY
from ledger.custody.profiles import CORE, version_of
from ledger.custody.recall import cited_in, whole_chain
from ledger.custody.states import (
    MAX_CORRECTED,
    MAX_DISPUTED,
    BatteryState,
    LogState,
    Mark,
    State,
)
from ledger.custody.subjects import CitedEntry, Named, cited_by, named_by
from ledger.custody.values.times import parse_moment

MAX_ENTRIES = 2_000
SINCE = 2
"""The version of ``core`` from which on corrections have an effect on states."""

TOO_LONG = declare(
    "rejected.correction.history",
    f"To correct this, more than {MAX_ENTRIES} entries would have to be read, or one battery would "
    f"have more than {MAX_CORRECTED} corrected ones.",
    "Dispute the entry instead: both claims stay in the record.",
)

Chain = Sequence[Registered]
"""The entries that concern one battery, ascending."""
Fetch = Callable[[str, int], Chain]
"""The chain of a battery, before the statement that is decided; at most so many of it."""

TAKEN_BACK = b""
UPHELD = "upheld"


class Change(msgspec.Struct, frozen=True):
    """What a correction or resolution says of an entry: what counts in its place, or nothing."""

    entry: CitedEntry
    instead: bytes


def change_of(
    content: object, cited: Mapping[bytes, CitedEntry], log: LogState | None
) -> Change | None:
    """The change that ``content`` asks for under the policy ``log``; None for other statements."""
    if not isinstance(content, Correction | Resolution):
        return None
    if log is None or version_of(CORE, log.profiles) < SINCE:
        return None
    entry = cited.get(content.entry_ref)
    if entry is None:
        return None
    if isinstance(content, Resolution):
        return Change(entry, TAKEN_BACK) if content.outcome == UPHELD else None
    if content.kind == "did-not-happen":
        return Change(entry, TAKEN_BACK)
    instead = content.replacement
    return None if instead is None or instead not in cited else Change(entry, instead)


def fetch_chains(
    change: Change | None, fetch: Fetch, log: LogState | None = None
) -> dict[str, Chain]:
    """The chains that a change needs under the policy ``log``; none without one. With the entries
    of the logs before, where the log holds them.

    Raises ``rejected.correction.history`` where they are too long together.
    """
    chains: dict[str, Chain] = {}
    left = MAX_ENTRIES
    if change is None:
        return chains
    for uri in change.entry.subjects:
        chains[uri] = fetch(uri, left + 1)
        if log is not None and log.predecessor is not None:
            chains[uri] = whole_chain(uri, chains[uri], log.predecessor)
        left -= len(chains[uri])
        if left < 0:
            raise TOO_LONG.at("payload.entry_ref", f"the batteries of entry {change.entry.index}")
    return chains


def changed(
    content: Event,
    change: Change,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    chains: Mapping[str, Chain],
) -> dict[str, State]:
    """The states after ``content`` of the batteries of the changed entry.

    ``states`` are those after the fold of ``content`` itself. Raises
    ``rejected.correction.history``, and ``rejected.predecessor.history`` where the changed entry is
    of a log before and its battery's past is not in this one.
    """
    after: dict[str, State] = {}
    for uri in (name.uri for name in named):
        before = states.get(uri)
        if not isinstance(before, BatteryState) or uri not in chains:
            continue
        if isinstance(content, Correction) and rests(content, change.entry, before):
            disputed = dict.fromkeys((*before.disputed, change.entry.entry_id))
            after[uri] = replace(before, disputed=tuple(disputed)[:MAX_DISPUTED])
        else:
            _check_past(uri, change.entry, chains[uri])
            after[uri] = folded_again(uri, _with_change(before, change, chains[uri]), chains[uri])
    return after


def _check_past(uri: str, changed: CitedEntry, chain: Chain) -> None:
    if changed.index < 0 and all(entry.entry_id != changed.entry_id for entry in chain):
        raise HISTORY.at("payload.entry_ref", f"entry {changed.index} of {uri}")


def rests(content: Correction, entry: CitedEntry, battery: BatteryState) -> bool:
    """Whether ``content`` takes back what others rest on: COR-3 opens a dispute then.

    They do where anything happened to the battery since, and where batteries came out of the entry.
    """
    if content.kind != "did-not-happen":
        return False
    begets = entry.kind in ("repurpose", "manufacture") and len(entry.subjects) > 1
    return begets or battery.last.entry_id != entry.entry_id


def following(change: Change, chain: Chain) -> Iterator[int]:
    """The indexes of entries in a chain that come after the changed one and are about the unit."""
    for entry in chain:
        if entry.index > change.entry.index and not _is_said_only(entry.content):
            yield entry.index


def folded_again(uri: str, battery: BatteryState, chain: Chain) -> BatteryState:
    """``battery`` as its chain tells it, without what ``battery.corrected`` takes out of it.

    Its disputes and corrections stay as they are. A battery whose beginning was taken back is
    folded as if it had not been, and marked as unmade.
    """
    told = _Telling(uri, battery, chain)
    for entry in chain:
        told.take(entry)
    return told.end()


class _Telling:
    def __init__(self, uri: str, battery: BatteryState, chain: Chain) -> None:
        self._uri = uri
        self._before = battery
        self._by_id = {**cited_in(chain), **{entry.entry_id: entry for entry in chain}}
        self._corrected = dict(battery.corrected)
        self._inherited = dict(battery.inherited)
        self._state: BatteryState | None = None
        self._unmade: Mark | None = None

    def take(self, entry: Registered) -> None:
        """Fold the next entry of the chain, or what counts in its place."""
        event = entry.content
        if isinstance(event, CarriedOver):
            self._state = _carried(event, self._uri)
            return
        if not isinstance(event, Event) or event.corrects is not None or _is_said(event):
            return
        issuer, sub = _speaker(entry), entry.statement.sub
        instead = self._corrected.get(entry.entry_id)
        other = self._by_id.get(instead or b"")
        if other is not None and isinstance(other.content, Event) and other.content.corrects:
            event, issuer = other.content, _speaker(other)
        elif instead is not None and self._state is not None:
            return
        named = [name for name in self._named(event, sub) if name.uri == self._uri]
        mark = Mark(
            entry_id=entry.entry_id, index=entry.index, occurred=parse_moment(event.occurred_at)
        )
        for name in named:
            self._fold(event, name, issuer, mark)
        if instead == TAKEN_BACK and named:
            self._unmade = mark
        elif self._state is not None and self._state.made == mark:
            self._unmade = None

    def end(self) -> BatteryState:
        """The state after the chain."""
        if self._state is None:  # a file that lies: nothing in it begins this battery
            return self._before
        return replace(
            self._state,
            disputed=self._before.disputed,
            corrected=self._before.corrected,
            inherited=self._before.inherited,
            unmade=self._unmade,
        )

    def _named(self, event: Event, sub: str) -> tuple[Named, ...]:
        """The batteries of an event; a withdrawal has those of its release."""
        named = named_by(event, sub)
        release = self._by_id.get(cited_by(event) or b"")
        if release is None or not isinstance(release.content, Event):
            return named
        others = named_by(release.content, release.statement.sub)
        known = {name.uri for name in named}
        return (*named, *(Named(n.uri, "unit") for n in others if n.uri not in known))

    def _fold(self, event: Event, name: Named, issuer: str, mark: Mark) -> None:
        states: dict[str, State] = {}
        if self._state is not None and not (self._unmade and name.part == "sub"):
            states[self._uri] = self._state
        states |= self._whence(event, mark)
        after = fold(event, (name,), states, issuer, mark).get(self._uri)
        if isinstance(after, BatteryState):
            is_born = self._uri not in states and isinstance(event, Repurpose)
            self._state = self._as_output(after) if is_born else after

    def _whence(self, event: Event, mark: Mark) -> dict[str, State]:
        """Stand-ins for other units from which this one has its owner by this entry."""
        owner = self._inherited.get(mark.index)
        if owner is None or not isinstance(event, Repurpose):
            return {}
        whole = self._state.parent if self._state is not None else event.inputs[0].id
        return {} if whole is None else {whole: replace(self._before, owner=owner, stated=None)}

    def _as_output(self, begun: BatteryState) -> BatteryState:
        """What it had from its predecessors is not in its own chain."""
        split = None if self._before.split is None else begun.made
        known = self._before.facts
        facts = replace(begun.facts, chemistry=known.chemistry, waste=known.waste)
        return replace(begun, split=split, stated=facts, waste=known.waste)


def _carried(content: CarriedOver, uri: str) -> BatteryState | None:
    """What the log's predecessor has told of the battery."""
    states = (item.state for item in content.subjects if item.uri == uri)
    return next((state for state in states if isinstance(state, BatteryState)), None)


def _with_change(battery: BatteryState, change: Change, chain: Chain) -> BatteryState:
    """With the change on the list; where it is about a correction, that one is undone."""
    corrected = dict(battery.corrected)
    about = next((e.content for e in chain if e.entry_id == change.entry.entry_id), None)
    if isinstance(about, Correction):
        corrected.pop(about.entry_ref, None)
    elif not _is_said(about):
        corrected[change.entry.entry_id] = change.instead
    if len(corrected) > MAX_CORRECTED:
        raise TOO_LONG.at("payload.entry_ref", f"{len(corrected)} corrected entries")
    return replace(battery, corrected=tuple(corrected.items()))


def _is_said(content: object) -> bool:
    """Whether ``content`` is about entries and folds nothing but disputes, which stay."""
    is_about = isinstance(content, Event) and cited_by(content) is not None
    return is_about and not isinstance(content, Withdrawal)


def _is_said_only(content: object) -> bool:
    return not isinstance(content, Event) or _is_said(content)


def _speaker(entry: Registered) -> str:
    event = entry.content
    on_behalf = event.on_behalf_of if isinstance(event, Event) else None
    return on_behalf or entry.statement.iss
