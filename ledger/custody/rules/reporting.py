"""DUE-1: what has to be reported to the state's platform is reported in time.

The event says when it was reported; this ledger is not the platform. Days are those of China.
"""

from __future__ import annotations

from datetime import date

from ledger.custody.rules.registry import Case, rule
from ledger.custody.values.fields import Present, Withheld, read
from ledger.custody.values.jurisdictions import local_date
from ledger.custody.values.times import parse_moment
from ledger.custody.values.workdays import working_days_between

DAYS_NOW = 30
WORKING_DAYS = {"manufacture": 15, "install": 15, "decommission": 15}
WORKING_DAYS_OTHERS = 30
LONGEST = 3_650
"""Days. What is reported later than that is not counted day by day."""


@rule(
    "DUE-1",
    "F",
    profile="cn-2026",
    jurisdiction="CN",
    law=("2026-04-01", None),
    basis="MIIT Order 73 Art. 24(7)",
    gate="no finding",
    text=f"Who recycles reports intake and output to the platform within {DAYS_NOW} days.",
    repair="Report it, and state the submission in `regulatory_report` of the next event.",
    unconfirmed="whether the 30 days are working days; they are counted as days",
    kinds=("intake", "accept", "recycle"),
    parts=("event",),
)
def is_reported_within_days(case: Case) -> str | None:
    if case.kind != "recycle" and "recycler" not in case.operator.roles:
        return None
    happened, reported = _days(case)
    if happened is None:
        return None
    days = _days_between(happened, reported)
    return _late(case, f"{days} days", days > DAYS_NOW)


@rule(
    "DUE-1",
    "F",
    profile="cn-2018",
    jurisdiction="CN",
    law=("2018-08-01", "2026-03-31"),
    basis="traceability rules of 2018 Art. 10, 11, 13, 15, in force by Art. 19",
    gate="no finding",
    text="Vehicle makers and dismantlers report within 15 working days, repairers and recyclers "
    "within 30. (Firms of second life have 15 by Art. 14; what they take in is given 30 here.)",
    repair="Report it, and state the submission in `regulatory_report` of the next event.",
    unconfirmed="holidays of years after 2026",
    kinds=("manufacture", "install", "decommission", "repair", "intake", "recycle"),
    parts=("event",),
)
def is_reported_within_working_days(case: Case) -> str | None:
    happened, reported = _days(case)
    if happened is None:
        return None
    if _days_between(happened, reported) > LONGEST:
        return _late(case, f"more than {LONGEST} days", True)
    days, is_known = working_days_between(happened, reported)
    allowed = WORKING_DAYS.get(case.kind, WORKING_DAYS_OTHERS)
    doubt = "" if is_known else " (holidays unconfirmed)"
    return _late(case, f"{days} working days{doubt}", days > allowed)


def _days(case: Case) -> tuple[str | None, str]:
    """The day of the event, and that of the report; of log time where none is stated yet."""
    report = read(case.event, "regulatory_report")
    if isinstance(report, Withheld):
        return None, ""
    reported = case.occasion.time
    if isinstance(report, Present):
        reported = parse_moment(report.value.reported_at)
    return local_date(case.occurred, "CN"), local_date(reported, "CN")


def _late(case: Case, after: str, is_late: bool) -> str | None:
    if not is_late:
        return None
    is_stated = isinstance(read(case.event, "regulatory_report"), Present)
    return f"reported after {after}" if is_stated else f"not reported after {after}"


def _days_between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
