"""Rules that the buyer chooses or requires: judged by the same functions, over the same record."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.statements import Profile
from ledger.proof.report.text import print_verdict
from ledger.proof.verdict.required import Required
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.proof.building import check_layout
from tests.proof.lying import PACK, SECOND, LyingLog, begun, told

LIFE = ("manufacture", "install", "decommission", "assessment")
CORE_1, CORE_2 = (("core", 1),), (("core", 2),)
UNREAL = {"lab": " - "}
"""An assessment that ASM-1 of core 2 refuses, and core 1 knows nothing of."""


def on(log: LyingLog, subject: str = PACK, **options: Any) -> Verdict:
    return verify_dossier(log.dossier(subject), log.trust(), log.now + 60, **options)


def broken(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.breaches}


def words(verdict: Verdict) -> str:
    text = print_verdict(verdict)
    check_layout(text)
    return " ".join(text.split())


def required(verdict: Verdict) -> dict[str, str]:
    return {item.rule: item.outcome for item in verdict.required}


@pytest.fixture
def assessed() -> LyingLog:
    log = told("manufacture", "install", "decommission")
    log.event("assessment", PACK, **UNREAL)
    log.head()
    return log


def test_without_a_choice_the_policys_profiles_judge(assessed: LyingLog) -> None:
    verdict = on(assessed)
    assert verdict.profiles == verdict.record.profiles == CORE_1
    assert broken(verdict) == set()


def test_a_choice_judges_what_the_policy_allowed(assessed: LyingLog) -> None:
    verdict = on(assessed, profiles=CORE_2)
    assert (verdict.profiles, verdict.record.profiles) == (CORE_2, CORE_1)
    assert broken(verdict) == {"ASM-1"}
    assert verdict.fails()
    text = words(verdict)
    assert "BATTERY DOES NOT MEET THE RULES: 1 breach (core)" in text
    assert "The ledger's own policy did not forbid it when it was registered." in text
    assert broken(on(assessed, profiles=CORE_1)) == set()


def test_what_the_policy_forbade_is_not_called_allowed() -> None:
    log = told("manufacture", "install", "decommission", "install")
    assert "did not forbid" not in words(on(log))
    assert broken(on(log, profiles=CORE_2)) >= {"ORD-4"}


def test_a_new_policy_does_not_judge_what_was_before_it(assessed: LyingLog) -> None:
    assessed.next_policy(profiles=(Profile(name="core", version=2),))
    assessed.event("reading", PACK)
    assessed.head()
    verdict = on(assessed)
    assert verdict.profiles == CORE_2
    assert broken(verdict) == set()
    assessed.event("assessment", PACK, **UNREAL)
    assessed.head()
    (breach,) = on(assessed).breaches
    assert (breach.rule, breach.index) == ("ASM-1", assessed.size - 2)
    assert len(on(assessed, profiles=CORE_2).breaches) == 2
    assert broken(on(assessed, profiles=CORE_1)) == set()


def test_a_choice_changes_nothing_that_makes_a_record_genuine() -> None:
    """An assessment that nothing needed may be named and not be there, whoever judges."""
    log = told("manufacture")
    log.event("install", PACK, assessment_ref=b"\x11" * 32)
    log.head()
    plain, chosen = on(log), on(log, profiles=(("core", 2), ("eu-2023-1542", 1)))
    assert chosen.life == plain.life
    assert chosen.battery == plain.battery
    data = told(*LIFE, "install").dossier(leave_out=(7,))
    for profiles in (None, CORE_2):
        with pytest.raises(CellbookError) as refused:
            verify_dossier(data, log.trust(), log.now + 9_999, profiles=profiles)
        assert refused.value.code == "failed.dossier.missing"


@pytest.mark.parametrize("profiles", [(("core", 99),), (("core", 0),), (("moon", 1),)])
def test_unknown_profiles(assessed: LyingLog, profiles: Any) -> None:
    with pytest.raises(CellbookError) as refused:
        on(assessed, profiles=profiles)
    assert (refused.value.code, refused.value.exit_code) == ("unsupported.profile", 3)


# Required rules


def test_a_required_rule_holds_is_broken_or_was_not_judged(assessed: LyingLog) -> None:
    rules = ("ROL-1", "ASM-1", "CUS-1", "LST-1", "PAS-1", "KEY-1", "ROL-1")
    verdict = on(assessed, profiles=(*CORE_2, ("cn-2026", 1)), required=rules)
    assert required(verdict) == {
        "ROL-1": "holds",
        "ASM-1": "broken",
        "CUS-1": "undecided",
        "LST-1": "undecided",
        "PAS-1": "undecided",
        "KEY-1": "holds",
    }
    codes = {item.rule: item.code for item in verdict.required if item.code}
    assert codes == {
        "CUS-1": "undecided.rule.no-case",
        "LST-1": "undecided.rule.lists",
        "PAS-1": "undecided.rule.profile",
    }
    text = words(verdict)
    assert "REQUIRED ROL-1 HOLDS: judged in 4 entries" in text
    assert "REQUIRED ASM-1 DOES NOT HOLD: 1 finding, explained below" in text
    assert "REQUIRED CUS-1 COULD NOT BE JUDGED: Nothing in this record is a case" in text


def test_rules_of_lists_are_of_a_profile_too(assessed: LyingLog) -> None:
    verdict = on(assessed, profiles=CORE_2, required=("LST-1",))
    assert [item.code for item in verdict.required] == ["undecided.rule.profile"]


def test_a_rule_that_nothing_broke_and_nothing_met_does_not_hold() -> None:
    verdict = on(told("manufacture"), required=("ORD-4",))
    assert verdict.required == (
        Required(
            "ORD-4",
            "undecided",
            "Nothing in this record is a case for the rule, so it was not judged.",
            "undecided.rule.no-case",
            "Ask for a dossier that tells of it, or do not require the rule.",
        ),
    )
    assert verdict.is_undecided
    assert not verdict.fails(strict=True)


def test_a_law_that_was_not_in_force_judged_nothing() -> None:
    """PAS-1 holds from 2027 on, and in the Union: this record is from 2026, and from China."""
    log = told(*LIFE, "repurpose")
    verdict = on(log, SECOND, profiles=(("eu-2023-1542", 1),), required=("PAS-1",))
    assert [item.code for item in verdict.required] == ["undecided.rule.no-case"]


def test_a_remark_breaks_a_required_rule() -> None:
    log = told("manufacture", "install", "incident")
    verdict = on(log, required=("INC-1",))
    assert required(verdict) == {"INC-1": "broken"}
    assert verdict.breaches == ()
    assert verdict.fails()
    assert not on(log).fails()


def test_unknown_rules(assessed: LyingLog) -> None:
    for rule in ("ORD-99", "", "\x1b[2J", "ord-4"):
        with pytest.raises(CellbookError) as refused:
            on(assessed, required=(rule,))
        assert (refused.value.code, refused.value.exit_code) == ("unsupported.rule", 3)


# Breaches, explained


def test_a_breach_is_told_in_dates() -> None:
    log = begun()
    log.live(PACK, "manufacture", "install", "decommission")
    log.event("assessment", PACK, occurred_at="2026-02-11T10:00:00+08:00")
    log.event("incident", PACK, occurred_at="2026-03-02T10:00:00+08:00")
    log.event("repurpose", PACK, occurred_at="2026-05-20T10:00:00+08:00")
    log.head()
    verdict = on(log, SECOND)
    assert broken(verdict) == {"ORD-4", "INC-1"}
    text = words(verdict)
    assert "tested 2026-02-11 > crash 2026-03-02 > repurposed 2026-05-20" in text
    assert "crash 2026-03-02 > repurposed 2026-05-20" in text
    assert "Do not put the battery into service." in text
    assert "Ask the seller for a newer dossier, after this was done: [ORD-4] Have the unit" in text


def test_what_is_unconfirmed_in_a_rule_is_said() -> None:
    log = begun()
    log.live(PACK, "manufacture", "install", "decommission")
    log.event("assessment", PACK, scheme="UL 1974")
    log.head()
    text = words(on(log, profiles=(*CORE_1, ("ul-1974", 1))))
    assert "[ASM-1]" in text
    assert "Unconfirmed in this rule: " in text
