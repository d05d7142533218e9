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
ABOUT_ENTRIES = ("withdrawal", "dispute", "resolution", "correction")


@dataclass
class Offer:
    giver: str
    receiver: str
    place: str


@dataclass
class Unit:
    """Where a unit is, who has it, and what happened last. ``number`` counts its events."""

    place: str = "absent"
    holder: str = ""
    owner: str = ""
    parties: frozenset[str] = frozenset()
    used: bool = False
    fit: bool = False
    hurt: bool = False
    missing: bool = False
    offer: Offer | None = None
    waste: bool = False
    past: tuple[tuple[Unit, str, int], ...] = ()
    """Before each event: the unit as it was, who did the event, and the event's number."""


@dataclass
class Model:
    units: dict[str, Unit] = field(default_factory=dict)
    disputed: dict[str, set[int]] = field(default_factory=dict)
    number: int = 0

    def may(self, kind: str, name: str, by: str, what: str = "", other: str = "") -> bool:
        """Whether ``by`` may do this to the unit; if so, it has happened."""
        before = self.units.setdefault(name, Unit())
        if not self._has_role(kind, before, by) or not self._is_there(kind, before, what):
            return False
        unit = copy(before)
        if not getattr(self, f"_{kind}")(unit, name, by, what, other):
            return False
        if kind not in ABOUT_ENTRIES:
            self.number += 1
            unit.past = (*before.past, (before, by, self.number))
            if kind == "repurpose":
                self.units[other].past = ((Unit(), by, self.number),)
        self.units[name] = unit
        return True

    def last(self, name: str) -> tuple[str, int] | None:
        """Who did the last event of a unit, and its number."""
        past = self.units[name].past if name in self.units else ()
        return past[-1][1:] if past else None

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
        unit.place, unit.holder, unit.owner = "made", by, by
        unit.parties = frozenset({by})
        return True

    def _install(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place not in ("made", "removed") or unit.hurt:
            return False
        if unit.used and not unit.fit:
            return False
        unit.place, unit.used, unit.fit = "installed", True, False
        return True

    def _decommission(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place != "installed":
            return False
        unit.place, unit.fit = "removed", False
        return True

    def _assessment(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        unit.fit = what == "fit"
        unit.hurt = unit.hurt and not unit.fit
        return True

    def _repurpose(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place != "removed" or unit.hurt or not unit.fit:
            return False
        unit.place = "consumed"
        parties = frozenset({unit.owner, by, "owner"})
        # Not by a preparation: what is made of waste is waste.
        self.units[other] = Unit("made", by, unit.owner, parties, waste=unit.waste)
        return True

    def _recycle(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if unit.holder != by or unit.place not in ("made", "removed", "destroyed"):
            return False
        unit.place = "recycled" if what == "final" else "destroyed"
        return True

    def _release(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if by in (what,) or by != unit.holder or by != unit.owner:
            return False
        if unit.place not in ("made", "removed") or unit.offer is not None:
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
            (replace(before, place=offer.place, offer=None), signer, number)
            if before.offer is offer
            else (before, signer, number)
            for before, signer, number in unit.past
        )
        return True

    def _intake(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
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
        return True

    def _repair(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        return unit.holder == by

    def _incident(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        if what == "recovery":
            if not unit.missing:
                return False
            unit.missing, unit.used, unit.fit = False, True, False
        elif what == "theft":
            unit.missing = True
        else:
            unit.hurt, unit.used, unit.fit = True, True, False
        return True

    def _dispute(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """Of the last event."""
        last = self.last(name)
        assert last is not None
        for each in self._of(last[1]):
            self.disputed.setdefault(each, set()).add(last[1])
        return True

    def _resolution(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """Of the last event; not upheld."""
        last = self.last(name)
        assert last is not None
        for each in self._of(last[1]):
            self.disputed.setdefault(each, set()).discard(last[1])
        return True

    def _correction(self, unit: Unit, name: str, by: str, what: str, other: str) -> bool:
        """The last event did not happen."""
        last = self.last(name)
        assert last is not None
        signer, number = last
        named = self._of(number)
        if signer != by or any(number in self.disputed.get(each, set()) for each in named):
            return False
        if len(named) > 1:
            for each in named:
                self.disputed.setdefault(each, set()).add(number)
            return True
        *past, (before, _, _) = unit.past
        unit.__dict__.update({**before.__dict__, "past": tuple(past)})
        return True

    def _of(self, number: int) -> list[str]:
        """The units that an event named."""
        return [
            name
            for name, unit in self.units.items()
            if any(event == number for _, _, event in unit.past)
        ]
