"""Profiles: which rules they hold, when the law behind a rule is in force, and where."""

from __future__ import annotations

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.statements import Profile
from ledger.custody.profiles import PROFILES, check_known, parse_profile, version_of
from ledger.custody.rules import RULES, rules_for
from ledger.custody.values.jurisdictions import begins_at, is_under, local_date
from ledger.custody.values.times import parse_moment
from tests.custody.history import Log, genesis
from tests.log.lives import make_event

CORE_1 = (("core", 1),)


def test_every_rule_is_in_a_profile_that_is_known() -> None:
    for rule in RULES:
        newest = PROFILES[rule.profile].newest
        assert 1 <= rule.since <= newest
        assert rule.until is None or rule.since <= rule.until < newest
        if rule.gate is None and rule.jurisdiction is None:
            assert rule.law_from is None
            assert rule.law_to is None


def test_no_version_of_a_profile_has_a_rule_twice() -> None:
    for name, known in PROFILES.items():
        for version in range(1, known.newest + 1):
            of_it = [rule for rule in RULES if rule.is_of(((name, version),))]
            assert len({rule.check for rule in of_it}) == len(of_it)


def test_a_later_version_adds_and_an_older_one_stays() -> None:
    old = rules_for(CORE_1, "install", "sub")
    assert set(old) <= set(rules_for((("core", 2),), "install", "sub"))
    assert all(rule.profile == "core" and rule.since == 1 for rule in old)
    assert rules_for((), "install", "sub") == ()


def test_names_of_profiles() -> None:
    assert parse_profile("core") == ("core", PROFILES["core"].newest)
    assert parse_profile("core@1") == ("core", 1)
    check_known(CORE_1)
    for text in ("", "core@", "core@0", "core@99", "core@x", "Core", "core@1@1", "core@²"):
        with pytest.raises(CellbookError) as refused:
            parse_profile(text)
        assert refused.value.code == "unsupported.profile"
    assert version_of("core", CORE_1) == 1
    assert version_of("cn-2026", CORE_1) == 0


def test_the_days_of_a_jurisdiction_begin_by_its_clock() -> None:
    assert begins_at("2026-04-01", "CN") == parse_moment("2026-03-31T16:00:00+00:00")
    assert begins_at("2026-04-01", "EU") == parse_moment("2026-03-31T23:00:00+00:00")
    second = begins_at("2026-04-01", "CN")
    assert local_date(second, "CN") == "2026-04-01"
    assert local_date(second - 1, "CN") == "2026-03-31"
    assert local_date(second, None) == "2026-03-31"


def test_a_law_holds_where_an_event_happened_or_its_market_is() -> None:
    event = make_event("install", "urn:cellbook:gbt34014:x", "2026-06-03T10:00:00+08:00")
    assert is_under(event, "CN")
    assert not is_under(event, "EU")
    declared = make_event("waste", "urn:cellbook:gbt34014:x", "2026-06-03T10:00:00+08:00")
    assert is_under(declared, "EU")


def test_a_buyer_chooses_by_which_rules_he_judges() -> None:
    log = Log("owner", policy=genesis(profiles=(Profile(name="core", version=2),)))
    pack = log.battery()
    log.live(pack, "manufacture", "install")
    again = log.event("install", pack)
    judged = log.decided(again, refuse=False, profiles=CORE_1)
    assert [f.rule for f in judged.findings if f.breach] == ["ORD-2", "ORD-4"]
    unjudged = log.decided(again, refuse=False, profiles=())
    assert unjudged.findings == ()
    assert unjudged.after == judged.after
