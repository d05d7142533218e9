"""Whose histories the dossier of a battery carries: what its verdict rests on, and no more.

A battery is told *whole* with all that it is made of: the batteries that were repurposed into it,
and the units inside of it, to any depth. A unit that a pack set free, or that stayed in what became
of it, rests on that pack's history, but not on those of the pack's other units: where these went is
another customer's matter. Of them it is known when they were inside, because the pack's own history
says so, and nothing of them is judged.

A unit that no event tells to have left the pack may be in what became of it: it is carried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
    battery is followed at most twice, whatever a hostile file says.
    """
    is_whole: dict[str, bool] = {}
    waiting = [(uri, True) for uri in sorted(set(batteries))]
    chains: dict[str, _Chain] = {}
    while waiting:
        uri, whole = waiting.pop()
        if is_whole.get(uri, False) or is_whole.get(uri) == whole:
            continue
        is_whole[uri] = whole
        if uri not in chains:
            chains[uri] = _Chain(uri, fetch(uri))
        waiting += sorted(chains[uri].rests_on(whole))
    return frozenset(is_whole)


def carried_by(subject: str, entries: Iterable[Entry]) -> frozenset[str]:
    """All batteries whose histories the dossier of ``subject`` carries, by its ``entries``."""
    known = list(entries)
    by_id = dict(known)
    by_name: dict[str, list[Entry]] = {}
    for entry_id, content in known:
        about = content
        if isinstance(content, Correction | Resolution):
            about = by_id.get(content.entry_ref, content)
        for uri in _tied(about):
            by_name.setdefault(uri, []).append((entry_id, content))
    return follow([subject], lambda uri: by_name.get(uri, ()))


class _Chain:
    """What the entries about one battery say of its ties to others."""

    def __init__(self, uri: str, entries: Iterable[Entry]) -> None:
        self._uri = uri
        self._ties: dict[bytes, Manufacture | Repurpose] = {}
        self._changes: list[Correction | Resolution] = []
        for entry_id, content in entries:
            if isinstance(content, Manufacture | Repurpose):
                self._ties[entry_id] = content
            elif isinstance(content, Correction | Resolution):
                self._changes.append(content)

    def rests_on(self, whole: bool) -> Iterator[tuple[str, bool]]:
        """Other batteries that are carried with this one, and whether they are told whole."""
        for event in self._ties.values():
            if isinstance(event, Repurpose):
                is_output = any(output.id == self._uri for output in event.outputs)
                if is_output or self._uri in placed_by(event):
                    yield from ((item.id, whole and is_output) for item in event.inputs)
        unsettled = {entry_id for entry_id in self._ties if self._is_unsettled(entry_id)}
        # After such a change the battery's own history does not tell any more where they are.
        if whole or unsettled:
            gone = set() if unsettled else set(self._gone())
            yield from ((uri, True) for uri in self._inside() if uri not in gone)

    def _inside(self) -> Iterator[str]:
        for event in self._ties.values():
            placed = placed_by(event).items()
            yield from (uri for uri, outer in placed if outer == self._uri)

    def _gone(self) -> Iterator[str]:
        """The units of which is told what became of them when this battery was opened."""
        for event in self._ties.values():
            if isinstance(event, Repurpose) and any(i.id == self._uri for i in event.inputs):
                yield from placed_by(event)

    def _is_unsettled(self, entry_id: bytes) -> bool:
        """Whether an event about insides was taken back, or replaced by one that says otherwise."""
        placed = placed_by(self._ties[entry_id])
        for change in self._changes:
            if change.entry_ref != entry_id:
                continue
            if isinstance(change, Resolution):
                if change.outcome == UPHELD:
                    return True
            elif change.kind == "did-not-happen":
                return True
            elif change.replacement is not None:
                anew = self._ties.get(change.replacement)
                if anew is None or placed_by(anew) != placed:
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
