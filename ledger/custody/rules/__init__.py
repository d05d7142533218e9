"""The rules of the ledger, a file for each group of ids. ``docs/rules.md`` is generated from them.

Adding a rule is one function in one of these files, and its vectors.
"""

from ledger.custody.rules import (
    applications,
    assessed,
    dividing,
    holding,
    identity,
    issuers,
    labels,
    order,
    passports,
    readings,
    record,
    reporting,
    roles,
    safety,
    structure,
    transfers,
    wasted,
)
from ledger.custody.rules.registry import (
    RULES,
    Case,
    Finding,
    Occasion,
    Rule,
    applicable,
    judge,
    refusal,
    rules_for,
)

__all__ = [
    "RULES",
    "Case",
    "Finding",
    "Occasion",
    "Rule",
    "applicable",
    "applications",
    "assessed",
    "dividing",
    "holding",
    "identity",
    "issuers",
    "judge",
    "labels",
    "order",
    "passports",
    "readings",
    "record",
    "refusal",
    "reporting",
    "roles",
    "rules_for",
    "safety",
    "structure",
    "transfers",
    "wasted",
]
