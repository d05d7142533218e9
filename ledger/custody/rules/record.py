"""COR and DIS rules: what is said about entries."""

from __future__ import annotations

from ledger.custody.events import Correction
from ledger.custody.refold import clears, rests
from ledger.custody.rules.order import RECORD_KINDS
from ledger.custody.rules.registry import BATTERY_KINDS, Case, rule
from ledger.custody.subjects import cited_by
from ledger.custody.values.fields import Present, read


@rule(
    "COR-1",
    "R",
    since=2,
    basis="design: nothing is deleted",
    text="A correction names an event of this log, its reason and what holds instead: an earlier "
    "entry of the same kind about the same battery.",
    repair="Register the right event first and name it in `replacement`, or state that the "
    "entry did not happen.",
    kinds=("correction",),
    parts=("event",),
)
def names_what_holds_instead(case: Case) -> str | None:
    entry = case.cited.get(cited_by(case.event) or b"")
    if entry is None:
        return None
    if entry.kind in RECORD_KINDS:
        return f"entry {entry.index} is a {entry.kind}"
    if read(case.event, "kind") != Present("replace"):
        return None
    named = read(case.event, "replacement")
    other = case.cited.get(named.value) if isinstance(named, Present) else None
    if other is None:
        return "it names no entry of this log as replacement"
    if other.entry_id == entry.entry_id:
        return "an entry does not replace itself"
    if other.kind != entry.kind or set(other.subjects) != set(entry.subjects):
        return f"entry {other.index} is about something else than entry {entry.index}"
    return None


@rule(
    "COR-3",
    "R",
    since=2,
    basis="design: two corrections of one entry would be two truths",
    text="An entry that is disputed is settled by a resolution, not by a correction; one that was "
    "corrected is not corrected again.",
    repair="Ask an authority to resolve the dispute, or dispute the correction.",
    kinds=("correction",),
    parts=("sub", "unit"),
)
def is_not_disputed(case: Case) -> str | None:
    entry_id, battery = cited_by(case.event), case.battery
    if battery is not None and entry_id in battery.disputed:
        return "the entry is disputed"
    if battery is not None and entry_id in dict(battery.corrected):
        return "the entry was corrected before"
    return None


@rule(
    "COR-3",
    "F",
    since=2,
    basis="design: nothing is undone silently",
    text="What others rest on is not taken back by its signer's word: 'did not happen' then opens "
    "a dispute.",
    repair="Ask an authority to resolve the dispute.",
    kinds=("correction",),
    parts=("sub", "unit"),
)
def nothing_rests_on_it(case: Case) -> str | None:
    entry, event = case.cited.get(cited_by(case.event) or b""), case.event
    if entry is None or case.battery is None or not isinstance(event, Correction):
        return None
    if not rests(event, entry, case.battery):
        return None
    return f"batteries or events rest on entry {entry.index}; it is disputed from here on"


@rule(
    "COR-3",
    "F",
    since=4,
    basis="design: who profits from it does not clear a unit",
    text="What speaks against a unit (damage, theft, loss, a verdict, waste, recycling) is not "
    "ended by the word of a party to it: a correction opens a dispute, unless what counts instead "
    "says the same, of no earlier date.",
    repair="Ask an authority to resolve the dispute; a new assessment ends a quarantine as well.",
    kinds=("correction",),
    parts=("sub", "unit"),
)
def party_clears_nothing(case: Case) -> str | None:
    entry, battery = case.cited.get(cited_by(case.event) or b""), case.battery
    if entry is None or battery is None:
        return None
    named = read(case.event, "replacement")
    other = case.cited.get(named.value) if isinstance(named, Present) else None
    if not clears(entry, other, battery, (case.issuer, case.signer)):
        return None
    return f"a party to {case.uri} would end what entry {entry.index} says; it is disputed"


@rule(
    "DIS-1",
    "R",
    since=4,
    basis="design: nobody decides in a matter of his own",
    text="A dispute is resolved by an authority that owns, holds or held no unit in it.",
    repair="Ask another authority.",
    kinds=("resolution",),
    parts=("sub", "unit"),
)
def arbiter_is_no_party(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    parties = {battery.owner, battery.possessor, battery.responsible, *battery.parties}
    found = parties.intersection((case.issuer, case.signer))
    return f"{min(found)} is a party to {case.uri}" if found else None


@rule(
    "DIS-1",
    "F",
    since=2,
    basis="design: both claims stay provable",
    text="A dispute marks the record until its resolution, which its arbiter signs.",
    repair="Ask for the resolution, and who decided it.",
    kinds=BATTERY_KINDS - RECORD_KINDS | {"resolution"},
    parts=("sub", "unit", "input", "child", "remainder"),
)
def record_is_undisputed(case: Case) -> str | None:
    battery = case.battery
    if battery is None:
        return None
    if case.kind != "resolution":
        number = len(battery.disputed)
        return f"{number} disputed entries of {case.uri} are not resolved" if number else None
    arbiter = read(case.event, "arbiter")
    if isinstance(arbiter, Present) and arbiter.value != case.issuer:
        return f"{arbiter.value} decided it, {case.issuer} signed"
    return None
