"""A battery's state from its own chain alone, without the entries that count no more.

What it has from other units is not in its chain; the state before says what that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ledger.custody.events import Event, Manufacture, Repurpose, Withdrawal
from ledger.custody.fold import fold
from ledger.custody.governance.handover import CarriedOver
from ledger.custody.profiles import HEIRS
from ledger.custody.recall import cited_in
from ledger.custody.states import BatteryState, Mark, State
from ledger.custody.subjects import Named, cited_by, named_by
from ledger.custody.values.times import parse_moment

if TYPE_CHECKING:
    from ledger.custody.citing import Registered

Chain = Sequence["Registered"]
"""The entries that concern one battery, ascending."""
TAKEN_BACK = b""


def folded_again(uri: str, battery: BatteryState, chain: Chain, core: int) -> BatteryState:
    """``battery`` as its chain tells it, without what ``battery.corrected`` takes out of it.

    Its disputes and corrections stay as they are. A battery whose beginning was taken back is
    folded as if it had not been, and marked as unmade. Since version 4 of ``core`` a last event
    that was taken back stays the last one: nothing is taken back step by step.
    """
    told = _Telling(uri, battery, chain, core)
    for entry in chain:
        told.take(entry)
    return told.end()


class _Telling:
    def __init__(self, uri: str, battery: BatteryState, chain: Chain, core: int) -> None:
        self._uri = uri
        self._core = core
        self._before = battery
        self._by_id = {**cited_in(chain), **{entry.entry_id: entry for entry in chain}}
        self._corrected = dict(battery.corrected)
        self._inherited = dict(battery.inherited)
        self._wasted_with = dict(battery.wasted_with)
        self._state: BatteryState | None = None
        self._unmade: Mark | None = None

    def take(self, entry: Registered) -> None:
        """Fold the next entry of the chain, or what counts in its place."""
        event = entry.content
        if isinstance(event, CarriedOver):
            self._state = _carried(event, self._uri)
            return
        if not isinstance(event, Event) or event.corrects is not None or is_said(event):
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
        last = self._state.last
        if self._core >= HEIRS and last.index < self._before.last.index:
            last = self._before.last
        return replace(
            self._state,
            last=last,
            disputed=self._before.disputed,
            corrected=self._before.corrected,
            inherited=self._before.inherited,
            wasted_with=self._before.wasted_with,
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
        after = fold(event, (name,), states, issuer, mark, self._core).get(self._uri)
        if isinstance(after, BatteryState):
            is_born = self._uri not in states and isinstance(event, Repurpose)
            if isinstance(event, Manufacture) and name.part == "sub":
                after = self._as_made(after)
            self._state = self._as_output(after) if is_born else after

    def _whence(self, event: Event, mark: Mark) -> dict[str, State]:
        """Stand-ins for other units from which this one has its owner or waste by this entry."""
        owner, waste = self._inherited.get(mark.index), self._wasted_with.get(mark.index)
        if (owner is None and waste is None) or not isinstance(event, Repurpose):
            return {}
        whole = self._state.parent if self._state is not None else event.inputs[0].id
        own = self._state.owner if self._state is not None else self._before.owner
        stand_in = replace(self._before, owner=owner or own, waste=waste or (), stated=None)
        return {} if whole is None else {whole: stand_in}

    def _as_made(self, begun: BatteryState) -> BatteryState:
        """Where its parts were waste is not in its own chain."""
        waste = self._before.facts.waste
        return replace(begun, stated=replace(begun.facts, waste=waste), waste=waste)

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


def is_said(content: object) -> bool:
    """Whether ``content`` is about entries and folds nothing but disputes, which stay."""
    is_about = isinstance(content, Event) and cited_by(content) is not None
    return is_about and not isinstance(content, Withdrawal)


def _speaker(entry: Registered) -> str:
    event = entry.content
    on_behalf = event.on_behalf_of if isinstance(event, Event) else None
    return on_behalf or entry.statement.iss
