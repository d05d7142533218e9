"""Who may sign what: roles that the registrar gave, and parties to a battery."""

from __future__ import annotations

from ledger.custody.rules.registry import BATTERY_KINDS, Case, rule
from ledger.custody.states import BatteryState
from ledger.custody.subjects import cited_by

ROLES_FOR: dict[str, frozenset[str]] = {
    "model": frozenset({"maker", "repurposer"}),
    "manufacture": frozenset({"maker", "repurposer"}),
    "install": frozenset({"installer", "maker", "repurposer"}),
    "decommission": frozenset({"dismantler", "installer", "repurposer"}),
    "assessment": frozenset({"assessor"}),
    "repurpose": frozenset({"repurposer"}),
    "recycle": frozenset({"recycler"}),
    "repair": frozenset({"repairer", "installer", "maker", "repurposer"}),
    "relabel": frozenset({"maker", "repurposer", "installer"}),
    "intake": frozenset({"dismantler", "installer", "repurposer", "recycler", "repairer"}),
    "reading": frozenset({"authority"}),
    "incident": frozenset({"assessor", "authority"}),
    "dispute": frozenset({"authority"}),
    "resolution": frozenset({"authority"}),
}
"""Kinds that need a role; kinds that are not here (transfers, waste, correction) need none."""

PARTY_KINDS = frozenset({"reading", "incident", "dispute"})
"""Kinds for which being a past or present party does as well."""


@rule(
    "ROL-1",
    "R",
    basis="design: roles are given by the registrar",
    text="The issuer has a role that may sign events of this kind, or is a party where that does.",
    repair="Ask the registrar for the role: `cellbook operator change`.",
    kinds=BATTERY_KINDS | {"model"},
    parts=("event", "restated", "unit"),
)
def issuer_has_the_role(case: Case) -> str | None:
    needed = ROLES_FOR.get(case.kind)
    if needed is None or needed.intersection(case.operator.roles):
        return None
    if case.part == "unit" and case.kind != "incident":
        return None  # the units of an entry that a party to one of them disputes
    if case.kind in PARTY_KINDS and (case.battery is None or _is_party(case.battery, case.issuer)):
        return None  # without a state: ORD-1 refuses, or the buyer's file does not carry the unit
    return f"{case.kind} needs one of: {', '.join(sorted(needed))}"


def _is_party(battery: BatteryState, issuer: str) -> bool:
    return issuer in (battery.owner, battery.responsible, *battery.parties)


@rule(
    "COR-2",
    "R",
    since=2,
    basis="design: who signed corrects",
    text="Only the first signer of an entry, or an authority, states it anew.",
    repair="Dispute the entry instead.",
    kinds=BATTERY_KINDS,
    parts=("restated",),
)
def restates_its_own(case: Case) -> str | None:
    return corrects_its_own(case)


@rule(
    "COR-2",
    "F",
    since=2,
    basis="design: nothing is undone silently",
    text="What follows an entry that was corrected or taken back was decided when that entry "
    "counted; each of these entries is flagged, and the state is folded again.",
    repair="Ask whether what followed would have been done all the same.",
    kinds=("correction", "resolution"),
    parts=(),
)
def what_follows_is_flagged(case: Case) -> str | None:
    """Never asked: the decision flags them, which has the battery's entries at hand."""
    return None


@rule(
    "COR-2",
    "F",
    since=3,
    basis="design: who sells does not judge",
    text="What speaks against a unit, an incident or an assessment, is not corrected by who owns "
    "or holds it.",
    repair="Ask for a proof of the reason, or for a new assessment.",
    kinds=("correction",),
    parts=("sub", "unit"),
)
def does_not_clear_its_own(case: Case) -> str | None:
    entry, battery = case.cited.get(cited_by(case.event) or b""), case.battery
    if entry is None or battery is None or entry.kind not in ("incident", "assessment"):
        return None
    if not {case.issuer, case.signer} & {battery.owner, battery.possessor}:
        return None
    return f"who has {case.uri} corrects the {entry.kind} in entry {entry.index}"


@rule(
    "COR-2",
    "R",
    basis="design: who signed corrects",
    text="Only the first signer of an entry, or an authority, corrects it.",
    repair="Dispute the entry instead.",
    kinds=("correction",),
    parts=("event",),
)
def corrects_its_own(case: Case) -> str | None:
    entry = case.cited.get(cited_by(case.event) or b"")
    if entry is None or entry.issuer == case.issuer or "authority" in case.operator.roles:
        return None
    return f"entry {entry.index} was signed by {entry.issuer}"
