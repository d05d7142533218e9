"""A model of custody that is simple on purpose: what may happen to a unit, in plain words.

It knows nothing of the rules' code, of entries and times; every event happens a minute after the
one before. ``Model.may`` says whether an event is taken, and if so does it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace

ROLES = {
    "owner": {"maker", "installer", "dismantler", "repurposer", "recycler", "repairer"},
    "recycler": {"recycler"},
    "buyer": {"holder"},
    "assessor": {"assessor"},
    "authority": {"authority"},
}
NEEDED = {
    "manufacture": {"maker"},
    "install": {"installer"},
    "decommission": {"dismantler"},
    "assessment": {"assessor"},
    "repurpose": {"repurposer"},
    "recycle": {"recycler"},
    "intake": {"dismantler", "recycler"},
    "repair": {"repairer"},
    "resolution": {"authority"},
}
PARTIES_MAY = {
    "reading": {"authority"},
    "incident": {"assessor", "authority"},
    "dispute": {"authority"},
}
ENDED = ("consumed", "destroyed", "recycled")
AGAINST = {
    ("assessment", "unfit"),
    ("incident", "crash"),
    ("incident", "crash-outwards"),
    ("incident", "theft"),
    ("recycle", "final"),
    ("recycle", "pre-treatment"),
    ("waste", "declared"),
}
"""What speaks against a unit: no party to it takes it back."""
REMEMBERED = 63
"""Days before the newest reading of which it is known whether the unit was read."""
ABOUT_ENTRIES = ("withdrawal", "dispute", "resolution", "correction")


@dataclass
class Offer:
    giver: str
    receiver: str
    place: str


@dataclass
class Happened:
    """An event: the unit as it was before, who did what, and the event's number."""

    before: Unit
    by: str
    number: int
    kind: str
    what: str


@dataclass
class Unit:
    """Where a unit is, who has it, and what happened. ``inside`` is the unit around it, ``became``
    the one that it went into whole, ``undone`` are the events of it that were taken back."""

    place: str = "absent"
    holder: str = ""
    owner: str = ""
    parties: frozenset[str] = frozenset()
    used: bool = False
    fit: bool = False
    verdict: str = ""
    part: bool = False
    hurt: bool = False
    missing: bool = False
    offer: Offer | None = None
    waste: bool = False
    inside: str = ""
    became: str = ""
    days: frozenset[int] = frozenset()
    undone: frozenset[int] = frozenset()
    past: tuple[Happened, ...] = ()


@dataclass
class Model:
    units: dict[str, Unit] = field(default_factory=dict)
    disputed: dict[str, set[int]] = field(default_factory=dict)
    number: int = 0
    day: int = 0

    def may(
        self, kind: str, name: str, by: str, what: str = "", other: str = "", day: int = 0
    ) -> bool:
        """Whether ``by`` may do this to the unit on this day; if so, it has happened."""
        before = self.units.setdefault(name, Unit())
        if not self._has_role(kind, before, by) or not self._is_there(kind, before, what):
            return False
        unit, self.day = copy(before), day
        self._others: dict[str, Unit] = {}
        if not getattr(self, f"_{kind}")(unit, name, by, what, other):
            return False
        self._others[name] = unit
        if kind not in ABOUT_ENTRIES:
            self.number += 1
            for each, after in self._others.items():
                was = self.units.get(each, Unit())
                after.past = (*was.past, Happened(was, by, self.number, kind, what))
        self.units |= self._others
        return True

    def last(self, name: str) -> Happened | None:
        """The last event of a unit; one that was taken back stays the last one."""
        past = self.units[name].past if name in self.units else ()
        return past[-1] if past else None

    def wholes(self, name: str) -> list[str]:
        """What the unit is inside of, outwards."""
        found = []
        while name := self.units[name].inside or self.units[name].became:
            found.append(name)
        return found

    def _also(self, name: str) -> Unit:
        """Another unit that the event changes."""
        return self._others.setdefault(name, copy(self.units.get(name, Unit())))

    def _has_role(self, kind: str, unit: Unit, by: str) -> bool:
        if kind in PARTIES_MAY:
            return bool(ROLES[by] & PARTIES_MAY[kind]) or by in unit.parties
        return kind not in NEEDED or bool(ROLES[by] & NEEDED[kind])

    def _is_there(self, kind: str, unit: Unit, what: str) -> bool:
        if kind == "manufacture":
            return unit.place == "absent"
        if unit.place == "absent":
            return False
        if kind in ABOUT_ENTRIES:
            return True
        if unit.missing and not (kind == "incident" and what == "recovery"):
            return False
        return unit.place not in ENDED or (kind == "recycle" and unit.place == "destroyed")

    def _manufacture(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """``other`` is a part that goes into it."""
        parties = frozenset({by})
        if other:
            part = self._also(other)
            if part.place == "absent":
                self._others[other] = part = Unit("made", by, by, parties, undone=part.undone)
            elif not self._goes_inside(part, by):
                return False
            part.inside, unit.waste = name, part.waste
        unit.place, unit.holder, unit.owner, unit.parties = "made", by, by, parties
        return True

    def _goes_inside(self, part: Unit, by: str) -> bool:
        is_free = part.place == "made" and part.holder == by and not part.inside
        is_good = not (part.used or part.hurt or part.missing or part.verdict == "unfit")
        return is_free and is_good and not part.part

    def _install(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place not in ("made", "removed") or unit.hurt or unit.inside:
            return False
        if (unit.used or unit.part) and not unit.fit:
            return False
        if unit.verdict == "unfit" and not unit.fit:
            return False
        unit.place, unit.used, unit.fit = "installed", True, False
        return True

    def _decommission(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place != "installed":
            return False
        unit.place, unit.fit = "removed", False
        return True

    def _assessment(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.hurt and what == "fit" and unit.owner == by:
            return False
        unit.fit, unit.verdict = what == "fit", what
        unit.hurt = unit.hurt and not unit.fit
        return True

    def _repurpose(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """``other`` is what it becomes, and the part that is told of."""
        output, _, told = other.partition(" ")
        if unit.holder != by or unit.place != "removed" or unit.hurt or not unit.fit:
            return False
        if unit.inside:
            return False
        part, opened = self._also(told) if told else Unit(), bool(told) and what == "opened"
        if told and (part.inside != name or part.missing or (part.hurt and what == "kept")):
            return False
        unit.place = "consumed"
        parties = frozenset({unit.owner, by, "owner"})
        made = Unit("made", by, unit.owner, parties, waste=unit.waste, part=opened)
        if not opened:
            unit.became = output
        if told and what == "kept":
            part.inside, part.used, part.fit = output, True, False
            made.waste |= part.waste
        elif opened:
            part.inside, part.used, part.fit = "", True, False
            part.place, part.holder, part.owner = "removed", by, unit.owner
            part.parties |= {by}
            part.waste |= unit.waste
        # A preparation ends that it is waste in the Union, if it is carried out there.
        made.waste &= what != "prepared-in-the-union"
        self._others[output] = made
        return True

    def _recycle(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place not in ("made", "removed", "destroyed") or unit.inside:
            return False
        unit.place = "recycled" if what == "final" else "destroyed"
        return True

    def _release(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if by in (what,) or by != unit.holder or by != unit.owner:
            return False
        if unit.place not in ("made", "removed") or unit.offer is not None or unit.inside:
            return False
        unit.offer = Offer(by, what, unit.place)
        unit.place = "in-transit"
        return True

    def _accept(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.offer is None or unit.offer.receiver != by:
            return False
        unit.place, unit.offer = unit.offer.place, None
        unit.holder = unit.owner = by
        unit.parties |= {by}
        return True

    def _refuse(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.offer is None or unit.offer.receiver != by:
            return False
        unit.place, unit.offer = unit.offer.place, None
        return True

    def _withdrawal(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        offer = unit.offer
        if offer is None or offer.giver != by:
            return False
        unit.place, unit.offer = offer.place, None
        # What happened since the release may be taken back; the withdrawal is not.
        unit.past = tuple(
            replace(each, before=replace(each.before, place=offer.place, offer=None))
            if each.before.offer is offer
            else each
            for each in unit.past
        )
        return True

    def _intake(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.inside:
            return False
        if unit.offer is not None:
            unit.place, unit.offer = unit.offer.place, None
        unit.holder = by
        unit.parties |= {by}
        return True

    def _waste(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.waste == (what == "declared"):
            return False
        if what == "declared" and unit.place == "installed":
            return False
        unit.waste = what == "declared"
        return True

    def _reading(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        newest = max(unit.days, default=self.day)
        if self.day in unit.days or self.day < newest - REMEMBERED:
            return False
        unit.days |= {self.day}
        return True

    def _repair(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        return unit.holder == by

    def _incident(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if what == "recovery":
            if not unit.missing or (by != unit.owner and "authority" not in ROLES[by]):
                return False
            unit.missing, unit.used, unit.fit = False, True, False
        elif what == "theft":
            unit.missing = True
        else:
            return self._damaged(unit, name, by, what)
        return True

    def _damaged(self, unit: Unit, name: str, by: str, what: str) -> bool:
        """A unit is damaged with all that is around it, and these are named."""
        wholes = self.wholes(name)
        if wholes and what != "crash-outwards":
            return False
        for each in (unit, *map(self._also, wholes)):
            if each.missing or not self._has_role("incident", each, by):
                return False
            if each.place not in ENDED:
                each.hurt, each.used, each.fit = True, True, False
        return True

    def _dispute(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """Of the last event."""
        last = self.last(name)
        assert last is not None
        for each in self._of(last.number):
            self.disputed.setdefault(each, set()).add(last.number)
        return True

    def _resolution(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """Of the last event; not upheld."""
        last = self.last(name)
        assert last is not None
        for each in self._of(last.number):
            self.disputed.setdefault(each, set()).discard(last.number)
        return True

    def _correction(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """The last event did not happen."""
        last = self.last(name)
        assert last is not None
        named = self._of(last.number)
        if last.by != by and "authority" not in ROLES[by]:
            return False
        if any(last.number in self.disputed.get(each, set()) for each in named):
            return False
        if any(last.number in self.units[each].undone for each in named):
            return False
        for each in named:
            after = unit if each == name else self._also(each)
            if self._rests(after, last, by, len(named) > 1):
                self.disputed.setdefault(each, set()).add(last.number)
            else:
                self._taken_back(after, last.number)
        return True

    def _rests(self, unit: Unit, event: Happened, by: str, has_others: bool) -> bool:
        """Whether others rest on it, or a party would take back what speaks against the unit."""
        if has_others and event.kind in ("manufacture", "repurpose"):
            return True
        is_party = by in unit.parties | {unit.holder, unit.owner, "owner"}
        is_against = (event.kind, event.what) in AGAINST
        return unit.past[-1].number != event.number or (is_party and is_against)

    def _taken_back(self, unit: Unit, number: int) -> None:
        kept = {"past": unit.past, "undone": unit.undone | {number}}
        unit.__dict__.update({**unit.past[-1].before.__dict__, **kept})

    def _of(self, number: int) -> list[str]:
        """The units that an event named."""
        return [
            name
            for name, unit in self.units.items()
            if any(event.number == number for event in unit.past)
        ]
