"""CUS rules about what moves: responsibility, delay, and what crosses a border of the Union."""

from __future__ import annotations

from ledger.custody.rules.registry import Case, rule
from ledger.custody.rules.wasted import CHAPTER_VIII, is_waste_in_the_union
from ledger.custody.values.fields import Absent, Present, read
from ledger.custody.values.jurisdictions import EU

DAYS_TO_ACCEPT = 30
DAY = 86_400


@rule(
    "CUS-3",
    "R",
    since=2,
    basis="EU 2023/1542 Art. 77; design: nobody is made responsible by another's word",
    text="Ownership, possession and responsibility are separate: a repurposing or a declaration "
    "of waste names as responsible its signer, or who is responsible already.",
    repair="Let the responsibility be released and accepted.",
    kinds=("repurpose", "waste"),
    parts=("event",),
)
def responsibility_is_taken_not_given(case: Case) -> str | None:
    stated = read(case.event, "responsible_operator")
    if not isinstance(stated, Present) or case.battery is None:
        return None
    if stated.value in (case.issuer, case.battery.responsible):
        return None
    return f"{case.issuer} names {stated.value}, who has not signed"


@rule(
    "CUS-4",
    "F",
    since=2,
    basis="design: what is under way arrives",
    text=f"A release is accepted within {DAYS_TO_ACCEPT} days.",
    repair="Ask where the unit was meanwhile.",
    kinds=("accept",),
    parts=("sub", "unit"),
)
def is_accepted_in_time(case: Case) -> str | None:
    named = read(case.event, "release_ref")
    for waiting in case.battery.released if case.battery is not None else ():
        days = (case.occurred - waiting.at.occurred) // DAY
        if named == Present(waiting.at.entry_id) and days > DAYS_TO_ACCEPT:
            return f"released {days} days before, in entry {waiting.at.index}"
    return None


@rule(
    "CUS-5",
    "R",
    profile="eu-2023-1542",
    jurisdiction="EU",
    law=CHAPTER_VIII,
    basis="EU 2023/1542 Annex XIV",
    gate="taken as present",
    text="A used battery leaves the Union as not waste with the evidence of Annex XIV: a "
    "declaration, a test record or statement of direct re-use, protection in transport.",
    repair="State the digests in `across_border`, or declare the battery waste, and ship it as "
    "waste.",
    unconfirmed="the day from which the annex applies",
    kinds=("release",),
    parts=("sub", "unit"),
)
def export_has_its_evidence(case: Case) -> str | None:
    battery, border = case.battery, read(case.event, "across_border")
    if battery is None or battery.last_use is None or is_waste_in_the_union(battery):
        return None
    if not isinstance(border, Present):
        return None
    destination = read(border.value, "destination")
    if not isinstance(destination, Present) or destination.value in EU.countries:
        return None
    missing = [name for name in _EVIDENCE if isinstance(read(border.value, name), Absent)]
    tested = [read(border.value, name) for name in _TESTED]
    if all(isinstance(stated, Absent) for stated in tested):
        missing.append(_TESTED[0])
    if not missing:
        return None
    return f"it goes to {destination.value} without {', '.join(missing)}"


_EVIDENCE = ("not_waste_declaration_sha256", "protection_sha256")
_TESTED = ("test_record_ref", "direct_reuse_statement_sha256")
