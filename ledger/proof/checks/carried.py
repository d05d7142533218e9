"""Whose histories the dossier of a battery carries: what its verdict rests on, and no more.

A battery is told *whole* with all that it is made of: the batteries that were repurposed into it,
and the units inside of it, to any depth. A unit that a pack set free, or that stayed in what became
of it, rests on that pack's history, but not on those of the pack's other units: where these went is
another customer's matter. Of them it is known when they were inside, because the pack's own history
says so, and nothing of them is judged.

A unit that no event tells to have left the pack may be in what became of it: it is carried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from ledger.custody.decision import Content
from ledger.custody.events import Correction, Manufacture, Repurpose, Resolution
from ledger.custody.placing import placed_by
from ledger.custody.refold import UPHELD

Entry = tuple[bytes, Content]
"""An entry id, and what the entry says."""
Fetch = Callable[[str], Iterable[Entry]]
"""All entries that concern a battery."""


def follow(batteries: Iterable[str], fetch: Fetch) -> frozenset[str]:
    """``batteries``, which are told whole, and all on whose histories theirs rest.

    ``fetch`` is called for carried batteries only. Log order is no help: a pack is opened with
    another one after its modules were put into it, so a module leads to the other pack. Each
    battery is followed at most twice, and the inputs of each event too, whatever a hostile file
    says: nothing of it is verified yet.
    """
    is_whole: dict[str, bool] = {}
    waiting = [(uri, True) for uri in sorted(set(batteries))]
    ties = _Ties()
    chains: dict[str, _Chain] = {}
    while waiting:
        uri, whole = waiting.pop()
        if is_whole.get(uri, False) or is_whole.get(uri) == whole:
            continue
        is_whole[uri] = whole
        if uri not in chains:
            chains[uri] = _Chain(uri, fetch(uri), ties)
        waiting += sorted(chains[uri].rests_on(whole))
    return frozenset(is_whole)


def carried_by(subject: str, entries: Iterable[Entry]) -> frozenset[str]:
    """All batteries whose histories the dossier of ``subject`` carries, by its ``entries``."""
    known = list(entries)
    by_id = dict(known)
    by_name: dict[str, list[Entry]] = {}
    for entry in known:
        about = content = entry[1]
        if isinstance(content, Correction | Resolution):
            about = by_id.get(content.entry_ref, content)
        for uri in _tied(about):
            by_name.setdefault(uri, []).append(entry)
    return follow([subject], lambda uri: by_name.get(uri, ()))


_Placed = frozenset[tuple[str, str | None]]


class _Tie(msgspec.Struct, frozen=True):
    """An event that makes or opens batteries. ``placed`` is what ``placed_by`` says of it, the same
    object wherever it is equal; ``inside`` has the units that it puts inside of each battery."""

    inputs: frozenset[str]
    outputs: frozenset[str]
    placed: _Placed
    units: frozenset[str]
    inside: Mapping[str | None, list[str]]


class _Ties:
    """The ties of all batteries: each is read once, and leads to its inputs once as whole and once
    as not, since many batteries may have it."""

    def __init__(self) -> None:
        self._read: dict[bytes, _Tie] = {}
        self._alike: dict[_Placed, _Placed] = {}
        self._followed: set[tuple[bytes, bool]] = set()

    def of(self, entry_id: bytes, event: Manufacture | Repurpose) -> _Tie:
        if entry_id not in self._read:
            self._read[entry_id] = self._tie(event)
        return self._read[entry_id]

    def inputs(self, entry_id: bytes, whole: bool) -> frozenset[str]:
        """The inputs of an event; none where they were given before."""
        if (entry_id, whole) in self._followed:
            return frozenset()
        self._followed.add((entry_id, whole))
        return self._read[entry_id].inputs

    def _tie(self, event: Manufacture | Repurpose) -> _Tie:
        inputs, outputs = frozenset[str](), frozenset[str]()
        if isinstance(event, Repurpose):
            inputs = frozenset(item.id for item in event.inputs)
            outputs = frozenset(output.id for output in event.outputs)
        found = placed_by(event)
        inside: dict[str | None, list[str]] = {}
        for unit, outer in found.items():
            inside.setdefault(outer, []).append(unit)
        placed = frozenset(found.items())
        placed = self._alike.setdefault(placed, placed)
        return _Tie(inputs, outputs, placed, frozenset(found), inside)


class _Chain:
    """What the entries about one battery say of its ties to others."""

    def __init__(self, uri: str, entries: Iterable[Entry], ties: _Ties) -> None:
        self._uri = uri
        self._all = ties
        self._ties: dict[bytes, _Tie] = {}
        self._changes: dict[bytes, list[Correction | Resolution]] = {}
        for entry_id, content in entries:
            if isinstance(content, Manufacture | Repurpose):
                self._ties[entry_id] = ties.of(entry_id, content)
            elif isinstance(content, Correction | Resolution):
                self._changes.setdefault(content.entry_ref, []).append(content)

    def rests_on(self, whole: bool) -> Iterator[tuple[str, bool]]:
        """Other batteries that are carried with this one, and whether they are told whole."""
        for entry_id, tie in self._ties.items():
            is_output = self._uri in tie.outputs
            if is_output or self._uri in tie.units:
                is_whole = whole and is_output
                yield from ((uri, is_whole) for uri in self._all.inputs(entry_id, is_whole))
        is_unsettled = any(self._is_unsettled(entry_id) for entry_id in self._ties)
        # After such a change the battery's own history does not tell any more where they are.
        if whole or is_unsettled:
            inside = [uri for tie in self._ties.values() for uri in tie.inside.get(self._uri, ())]
            gone = self._gone() if inside and not is_unsettled else frozenset()
            yield from ((uri, True) for uri in inside if uri not in gone)

    def _gone(self) -> frozenset[str]:
        """The units of which is told what became of them when this battery was opened."""
        opened = (tie.units for tie in self._ties.values() if self._uri in tie.inputs)
        return frozenset().union(*opened)

    def _is_unsettled(self, entry_id: bytes) -> bool:
        """Whether an event about insides was taken back, or replaced by one that says otherwise."""
        placed = self._ties[entry_id].placed
        for change in self._changes.get(entry_id, ()):
            if isinstance(change, Resolution):
                if change.outcome == UPHELD:
                    return True
            elif change.kind == "did-not-happen":
                return True
            elif change.replacement is not None:
                anew = self._ties.get(change.replacement)
                if anew is None or anew.placed is not placed:
                    return True
        return False


def _tied(content: Content) -> tuple[str, ...]:
    """The batteries that an event makes or opens, and those inside."""
    if isinstance(content, Manufacture):
        return (content.ids[0].uri, *content.children)
    if isinstance(content, Repurpose):
        outputs = tuple(output.id for output in content.outputs)
        return (*(item.id for item in content.inputs), *outputs, *placed_by(content))
    return ()
