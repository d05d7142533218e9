"""Rules that a buyer requires: each must have been judged in this record, and hold.

That nothing was found is not enough: a rule that met no case, or whose lists are not at hand, was
not judged, and what was not checked is never shown as a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from keys.errors import ErrorCode, declare
from ledger.custody.profiles import Profiles
from ledger.custody.rules import RULES, Finding
from ledger.custody.rules.listing import LIST_RULES

UNKNOWN = declare(
    "unsupported.rule",
    "This version has no rule of this id.",
    "Look the id up in docs/rules.md, or use a newer version of Cellbook.",
)
NOT_CHOSEN = declare(
    "undecided.rule.profile",
    "The rule is in none of the profiles that were chosen, so it was not judged.",
    "Choose a profile that has it: `--profile NAME`; docs/rules.md says which one.",
)
NO_CASE = declare(
    "undecided.rule.no-case",
    "Nothing in this record is a case for the rule, so it was not judged.",
    "Ask for a dossier that tells of it, or do not require the rule.",
)
NO_LISTS = declare(
    "undecided.rule.lists",
    "The rule is about public lists, and none was compared with this record.",
    "Ask for the proof of who is listed, `cellbook list prove`, and verify it beside the dossier.",
)

KEY_1 = "KEY-1"
"""Judged with every signature, in every profile."""


class Required(msgspec.Struct, frozen=True):
    """What became of a required rule. ``why`` is for people; ``code`` says why it is undecided, and
    ``remedy`` what to do then."""

    rule: str
    outcome: Literal["holds", "broken", "undecided"]
    why: str
    code: str | None = None
    remedy: str | None = None


def check_rules(rules: Iterable[str]) -> None:
    """Raise ``unsupported.rule`` for an id that no rule of this version has."""
    known = {rule.id for rule in RULES} | {rule.id for rule in LIST_RULES} | {KEY_1}
    for rule in rules:
        if rule not in known:
            raise UNKNOWN.at("rule", repr(rule)[:80])


def require(
    rules: Iterable[str],
    profiles: Profiles,
    judged: Mapping[str, int],
    findings: Iterable[Finding],
) -> tuple[Required, ...]:
    """What became of ``rules``, in their order, each once.

    ``judged`` says in how many entries the rules of ``profiles`` were judged, ``findings`` are all.
    Raises ``unsupported.rule``.
    """
    wanted = tuple(dict.fromkeys(rules))
    check_rules(wanted)
    found = [finding.rule for finding in findings]
    return tuple(
        _required(rule, profiles, judged.get(rule, 0), found.count(rule)) for rule in wanted
    )


def _required(rule: str, profiles: Profiles, judged: int, found: int) -> Required:
    if found:
        return Required(rule, "broken", f"{_count(found, 'finding')}, explained below")
    if judged:
        return Required(rule, "holds", f"judged in {_count(judged, 'entry', 'entries')}")
    error = _why_not(rule, profiles)
    return Required(rule, "undecided", error.meaning, error.code, error.remedy)


def _why_not(rule: str, profiles: Profiles) -> ErrorCode:
    """Why nothing judged ``rule``."""
    if any(one.id == rule and one.is_of(profiles) for one in RULES):
        return NO_CASE
    chosen = dict(profiles)
    if any(one.id == rule and one.profile in chosen for one in LIST_RULES):
        return NO_LISTS
    return NOT_CHOSEN


def _count(number: int, one: str, many: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{number} {many or one + 's'}"
