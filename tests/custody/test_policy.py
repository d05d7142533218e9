"""The chain of policies: numbers, the root, keys of the log by tree size, heads."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.policy import log_key
from ledger.custody.governance.statements import Authority, Limits, LogKey, Profile
from ledger.custody.names.naming import log_uri
from ledger.custody.states import LogState
from tests.custody.history import ORIGIN, REGISTRAR, START, Log, cose, genesis, signer_of, verified

PURPOSES = ("checkpoint", "receipts", "statements")


def keys(**ranges: list[tuple[str, int, int | None]]) -> tuple[LogKey, ...]:
    """Log keys: for each purpose its (key name, from, to); one open range where not stated."""
    return tuple(
        LogKey(purpose=purpose, key=cose(name), from_size=start, to_size=end)
        for purpose in PURPOSES
        for name, start, end in ranges.get(purpose, [(purpose, 0, None)])
    )


def authority(key: str, uri: str = REGISTRAR, role: str = "registrar") -> Authority:
    return Authority(uri=uri, role=role, key=cose(key))  # type: ignore[arg-type]


@pytest.fixture
def log() -> Log:
    """Genesis, and two operators: the next policy is entry 3."""
    return Log("owner", "assessor")


def in_force(log: Log) -> LogState:
    assert log.log is not None
    return log.log


def test_a_policy_follows_the_one_in_force(log: Log) -> None:
    log.take(log.head())
    before = in_force(log)
    taken = log.take(log.next_policy(limits=Limits(skew_s=60), epoch_s=5))
    state = in_force(log)
    assert (state.number, state.policy) == (1, taken.entry_id)
    assert (state.skew_s, state.epoch_s) == (60, 5)
    assert (state.head, state.head_time) == (before.head, before.head_time)
    assert taken.decision.subjects == (log_uri(ORIGIN),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": 2}, "rejected.policy.order"),
        ({"number": 0}, "rejected.policy.order"),
        ({"previous": bytes(32)}, "rejected.policy.order"),
        ({"previous": None}, "rejected.policy.order"),
        ({"family_name": "Other"}, "rejected.policy.fixed"),
        ({"next_root": signer_of("root").key.kid}, "rejected.policy.root"),
        ({"next_root": signer_of("registrar").key.kid}, "rejected.policy.root"),
        ({"authorities": (authority("receipts"),)}, "rejected.policy.authorities"),
        ({"authorities": (authority("root"),)}, "rejected.policy.authorities"),
        ({"authorities": (authority("registrar"),) * 2}, "rejected.policy.authorities"),
        (
            {"authorities": (authority("registrar"), authority("registrar", "https://b.example"))},
            "rejected.policy.authorities",
        ),
        ({"authorities": (authority("registrar", "nobody"),)}, "rejected.operator.uri"),
        ({"algorithms": (-9,)}, "rejected.policy.algorithms"),
        ({"profiles": (Profile(name="core", version=65535),)}, "unsupported.profile"),
        ({"profiles": (Profile(name="us-2099", version=1),)}, "unsupported.profile"),
        (
            {"profiles": (Profile(name="eu-2023-1542", version=1),)},
            "rejected.policy.profiles",
        ),
        (
            {"profiles": (Profile(name="core", version=1), Profile(name="core", version=2))},
            "rejected.policy.profiles",
        ),
    ],
)
def test_what_the_next_policy_may_not_say(log: Log, changes: dict[str, Any], code: str) -> None:
    assert log.refused(log.next_policy(**changes)) == code


def test_the_origin_is_for_ever(log: Log) -> None:
    policy = log.next_policy(origin="log.example/other")
    assert log.refused(policy) == "rejected.policy.fixed"


def test_the_family_is_for_ever(log: Log) -> None:
    policy = genesis(number=1, previous=in_force(log).policy)
    data = log.policy_statement(policy, aud="urn:cellbook:family:other")
    assert log.refused(data) == "rejected.policy.fixed"


def test_a_genesis_is_entry_0_and_of_its_own_family() -> None:
    with pytest.raises(CellbookError) as other:
        Log(policy=genesis(family_name="Other"))
    assert other.value.code == "rejected.policy.fixed"
    with pytest.raises(CellbookError) as numbered:
        Log(policy=genesis(number=1))
    assert numbered.value.code == "rejected.policy.order"
    with pytest.raises(CellbookError) as named:
        Log(policy=genesis(origin="Log.example"))
    assert named.value.code == "malformed.origin"


def test_a_second_genesis_is_refused(log: Log) -> None:
    assert log.refused(log.policy_statement(genesis())) == "rejected.policy.order"


# The root


def test_the_committed_root_takes_over_and_the_old_one_is_out(log: Log) -> None:
    third = signer_of("third-root").key.kid
    assert log.refused(log.next_policy(root="next-root")) == "rejected.policy.root"
    log.take(log.next_policy(root="next-root", next_root=third))
    assert in_force(log).root_key == cose("next-root")
    assert in_force(log).family == log.family
    assert log.refused(log.next_policy(root="root")) == "rejected.policy.root"
    log.take(log.next_policy(root="next-root", next_root=third))


def test_another_root_than_the_committed_one(log: Log) -> None:
    assert log.refused(log.next_policy(root="third-root")) == "rejected.policy.root"


def test_the_new_root_is_not_named_by_the_old_ones_signature(log: Log) -> None:
    policy = genesis(
        number=1,
        previous=in_force(log).policy,
        root_key=cose("next-root"),
        next_root=signer_of("third-root").key.kid,
    )
    assert log.refused(log.policy_statement(policy, "root")) == "rejected.key.unknown"


def test_a_policy_comes_from_the_family_about_the_log(log: Log) -> None:
    policy = genesis(number=1, previous=in_force(log).policy)
    by_registrar = log.policy_statement(policy, iss=REGISTRAR)
    assert log.refused(by_registrar) == "rejected.issuer.authority"
    about_another = log.policy_statement(policy, sub=log_uri("log.example/other"))
    assert log.refused(about_another) == "rejected.subject.kind"


def test_a_policy_may_be_larger_than_it_allows_others_to_be(log: Log) -> None:
    log.take(log.next_policy(limits=Limits(entry_bytes=1024)))
    many = tuple(authority(f"arbiter-{n}", role="arbiter") for n in range(16))
    data = log.next_policy(authorities=(authority("registrar"), *many))
    assert len(data) > 1024
    log.take(data)


# Keys of the log


@pytest.mark.parametrize(
    "ranges",
    [
        {"receipts": [("receipts", 0, 5), ("receipts-2", 6, None)]},
        {"receipts": [("receipts", 0, 6), ("receipts-2", 5, None)]},
        {"receipts": [("receipts", 1, None)]},
        {"receipts": [("receipts", 0, 9)]},
        {"receipts": [], "statements": [("statements", 0, 9), ("statements-2", 9, None)]},
        {"receipts": [("receipts", 0, None), ("receipts-2", 9, None)]},
        {"receipts": [("receipts", 0, 5), ("receipts-2", 5, 5), ("receipts-3", 5, None)]},
        {"receipts": [("statements", 0, None)]},
        {"receipts": [("root", 0, None)]},
        {"receipts": [("receipts", 0, 5), ("checkpoint", 5, None)]},
        {"checkpoint": [("checkpoint", 0, 9), ("checkpoint-p256", 9, None)]},
    ],
)
def test_log_keys_that_leave_a_doubt(log: Log, ranges: dict[str, Any]) -> None:
    assert log.refused(log.next_policy(log_keys=keys(**ranges))) == "rejected.policy.log-keys"


def test_a_log_key_changes_at_a_tree_size_to_come(log: Log) -> None:
    index = len(log.taken)
    changed = keys(receipts=[("receipts", 0, index + 1), ("receipts-2", index + 1, None)])
    log.take(log.next_policy(log_keys=changed))
    state = in_force(log)
    assert log_key(state, "receipts", index) == verified("receipts")
    assert log_key(state, "receipts", index + 1) == verified("receipts-2")
    assert log_key(state, "checkpoint", index + 1) == verified("checkpoint")


@pytest.mark.parametrize("change_at", [1, 2, 3])
def test_nobody_else_signs_for_a_tree_size_that_exists(log: Log, change_at: int) -> None:
    assert len(log.taken) == 3
    changed = keys(receipts=[("receipts", 0, change_at), ("receipts-2", change_at, None)])
    assert log.refused(log.next_policy(log_keys=changed)) == "rejected.policy.fixed"
    other = keys(receipts=[("receipts-2", 0, None)])
    assert log.refused(log.next_policy(log_keys=other)) == "rejected.policy.fixed"


def test_a_change_that_was_announced_may_be_taken_back(log: Log) -> None:
    announced = keys(statements=[("statements", 0, 50), ("statements-2", 50, None)])
    log.take(log.next_policy(log_keys=announced))
    log.take(log.next_policy(log_keys=keys()))
    assert log_key(in_force(log), "statements", 60) == verified("statements")


def test_a_purpose_that_there_is_not(log: Log) -> None:
    with pytest.raises(CellbookError) as refused:
        log_key(in_force(log), "root", 0)
    assert refused.value.code == "rejected.policy.log-keys"


# Heads


def test_a_head_ends_an_epoch_and_concerns_nobody(log: Log) -> None:
    taken = log.take(log.head())
    assert taken.decision.subjects == ()
    assert (in_force(log).head, in_force(log).head_time) == (taken.index, START)
    log.live(log.battery(), "manufacture")
    log.take(log.head())


@pytest.mark.parametrize(
    "changes", [{"tree_size": 2}, {"tree_size": 4}, {"previous": 1}, {"previous": 0}]
)
def test_a_head_that_contradicts_its_place(log: Log, changes: dict[str, int]) -> None:
    assert log.refused(log.head(**changes)) == "rejected.head"


def test_the_time_of_heads_never_goes_back(log: Log) -> None:
    log.take(log.head(time=START + 10))
    assert log.refused(log.head(time=START + 9)) == "rejected.head"
    assert log.refused(log.head(previous=None)) == "rejected.head"
    log.take(log.head(time=START + 10))


def test_nothing_comes_before_the_genesis() -> None:
    log = Log("owner")
    log.taken.clear()
    log.states.clear()
    for data in (
        log.event("manufacture", log.battery()),
        log.registration("maker"),
        log.policy_statement(genesis(number=1)),
    ):
        with pytest.raises(CellbookError) as refused:
            log.take(data)
        assert refused.value.code in ("rejected.policy.missing", "rejected.policy.order")
        with pytest.raises(CellbookError) as decided:
            log.decided(data)
        assert decided.value.code in ("rejected.policy.missing", "rejected.policy.order")
