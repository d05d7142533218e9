"""The rules of the ledger, a file for each group of ids. ``docs/rules.md`` is generated from them.

Adding a rule is one function in one of these files, and its vectors.
"""

from ledger.custody.rules import holding, identity, issuers, order, roles, safety, structure
from ledger.custody.rules.registry import (
    RULES,
    Case,
    Finding,
    Occasion,
    Rule,
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
    "holding",
    "identity",
    "issuers",
    "judge",
    "order",
    "refusal",
    "roles",
    "rules_for",
    "safety",
    "structure",
]
