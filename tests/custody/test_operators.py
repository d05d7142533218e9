"""Operators and their keys: who may speak, from which entry to which (KEY-1)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.governance.operators import key_uri, signing_key
from ledger.custody.governance.statements import (
    Authority,
    KeyAdded,
    KeyRevoked,
    OperatorChanged,
    OperatorRegistered,
)
from ledger.custody.states import KeyClaim
from tests.custody.history import START, Log, cose, operator_uri, signer_of, verified

NEW = operator_uri("new")


@pytest.fixture
def log() -> Log:
    return Log("owner", "maker", "recycler", "assessor", "authority")


def made(log: Log, by: str = "owner", key: str | None = None) -> bytes:
    """A manufacture by an operator, signed with the key of a name."""
    return log.event("manufacture", log.battery(), by=by, signer=signer_of(key or by))


def registered(log: Log, **changes: Any) -> bytes:
    """The registration of a new operator, with ``changes``."""
    values = {"name": "New", "country": "CN", "roles": ("maker",)}
    keys = {"keys": (log.grant(NEW, "new"),)}
    return log.governance(OperatorRegistered(**{**values, **keys, **changes}), NEW)


def test_a_registration_claims_the_key(log: Log) -> None:
    taken = log.take(registered(log))
    operator = log.operator("new")
    assert taken.decision.subjects == (NEW,)
    assert (operator.registered, operator.removed) == (taken.index, None)
    assert [(key.kid, key.added, key.revoked) for key in operator.keys] == [
        (verified("new").kid, taken.index, None)
    ]
    assert log.states[key_uri(verified("new").kid)] == KeyClaim(owner=NEW)
    log.take(made(log, "new"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": ("maker", "king")}, "rejected.operator"),
        ({"roles": ("maker", "maker")}, "rejected.operator"),
        ({"keys": "receipts purpose"}, "rejected.key.purpose"),
        ({"keys": "of another owner"}, "failed.possession"),
        ({"keys": "known"}, "rejected.key.owner"),
        ({"keys": "of the registrar"}, "rejected.key.owner"),
        ({"keys": "of the log"}, "rejected.key.owner"),
        ({"keys": "of the root"}, "rejected.key.owner"),
        ({"keys": "twice"}, "rejected.key.owner"),
    ],
)
def test_registrations_that_are_refused(log: Log, changes: dict[str, Any], code: str) -> None:
    keys = {
        "receipts purpose": lambda: (log.grant(NEW, "new", ("receipts",)),),
        "of another owner": lambda: (log.grant(operator_uri("maker"), "new"),),
        "known": lambda: (log.grant(NEW, "maker"),),
        "of the registrar": lambda: (log.grant(NEW, "registrar"),),
        "of the log": lambda: (log.grant(NEW, "checkpoint"),),
        "of the root": lambda: (log.grant(NEW, "root"),),
        "twice": lambda: (log.grant(NEW, "new"), log.grant(NEW, "new")),
    }
    if isinstance(changes.get("keys"), str):
        changes = {"keys": keys[changes["keys"]]()}
    assert log.refused(registered(log, **changes)) == code


def test_a_key_of_an_algorithm_that_the_policy_does_not_allow(log: Log) -> None:
    log.take(log.registration("maker-p256"))
    log.take(log.next_policy(algorithms=(-19,)))
    assert log.refused(log.add_key("maker", "more-p256")) == "rejected.algorithm"
    assert log.refused(made(log, "maker-p256")) == "rejected.algorithm"
    log.take(made(log, "maker"))


def test_one_operator_is_registered_once(log: Log) -> None:
    assert log.refused(log.registration("maker", key_name="spare")) == "rejected.operator"


def test_a_name_that_is_no_operators(log: Log) -> None:
    content = OperatorChanged(name="x", country="CN", roles=("maker",))
    for sub in ("urn:cellbook:log:log.example/test", log.battery(), "https://Maker.example"):
        assert log.refused(log.governance(content, sub)) == "rejected.operator.uri"


def test_the_name_of_something_else_is_taken(log: Log) -> None:
    log.states[NEW] = KeyClaim(owner="x")
    assert log.refused(registered(log)) == "rejected.operator"


@pytest.mark.parametrize("what", ["change", "remove", "add_key", "revoke_key"])
def test_only_registered_operators_change(log: Log, what: str) -> None:
    data = {
        "change": lambda: log.change("new", "maker"),
        "remove": lambda: log.remove("new"),
        "add_key": lambda: log.add_key("new", "new"),
        "revoke_key": lambda: log.revoke_key("new"),
    }[what]()
    assert log.refused(data) == "rejected.operator"


def test_changed_roles_hold_from_there_on(log: Log) -> None:
    log.take(log.change("recycler", "maker"))
    assert log.operator("recycler").roles == ("maker",)
    log.take(made(log, "recycler"))
    assert log.refused(log.change("recycler", "king")) == "rejected.operator"


# Which key


def test_a_key_signs_after_the_entry_that_adds_it_and_before_the_one_that_revokes_it(
    log: Log,
) -> None:
    added = log.take(log.add_key("owner", "owner-2")).index
    for _ in range(2):
        log.take(made(log, key="owner-2"))
    revoked = log.take(log.revoke_key("owner", "owner-2")).index
    assert log.log is not None
    statement, content, _ = log.read(made(log, key="owner-2"))
    valid = []
    for index in range(added - 1, revoked + 3):
        try:
            signing_key(statement, content, log.states, log.log, index)
            valid.append(index)
        except CellbookError as error:
            assert error.code == "rejected.KEY-1"  # noqa: PT017
    assert valid == list(range(added + 1, revoked))
    log.take(made(log))


@pytest.mark.parametrize(
    ("by", "key", "code"),
    [
        ("owner", "maker", "rejected.key.unknown"),
        ("owner", "nobody", "rejected.key.unknown"),
        ("owner", "registrar", "rejected.key.unknown"),
        ("nobody", "owner", "rejected.issuer.unknown"),
        ("nobody", "nobody", "rejected.issuer.unknown"),
    ],
)
def test_a_key_that_is_not_the_issuers(log: Log, by: str, key: str, code: str) -> None:
    assert log.refused(made(log, by, key)) == code


def test_a_key_that_was_granted_for_something_else(log: Log) -> None:
    operator = log.operator("owner")
    keys = (msgspec.structs.replace(operator.keys[0], purposes=("receipts",)),)
    log.states[operator.uri] = msgspec.structs.replace(operator, keys=keys)
    assert log.refused(made(log)) == "rejected.key.purpose"


def test_a_signature_by_another_key_under_the_right_kid(log: Log) -> None:
    data = bytearray(made(log))
    data[-1] ^= 1
    assert log.refused(bytes(data)) == "failed.signature"


def test_the_registrar_alone_registers(log: Log) -> None:
    content = OperatorChanged(name="x", country="CN", roles=("maker",))
    owner = operator_uri("owner")
    for changes in ({"iss": owner, "key": "owner"}, {"key": "owner"}, {"iss": owner}):
        data = log.governance(content, owner, **changes)
        assert log.refused(data) == "rejected.issuer.authority"


def test_the_registrars_key_may_change_by_policy(log: Log) -> None:
    old = Authority(uri="urn:cellbook:authority:registrar", role="registrar", key=cose("registrar"))
    new = msgspec.structs.replace(old, key=cose("registrar-2"))
    log.take(log.next_policy(authorities=(old, new)))
    log.take(registered(log))
    log.take(log.next_policy(authorities=(new,)))
    assert log.refused(log.remove("new")) == "rejected.issuer.authority"
    content = OperatorChanged(name="x", country="CN", roles=("maker",))
    log.take(log.governance(content, NEW, key="registrar-2"))


def test_a_publisher_is_no_registrar(log: Log) -> None:
    publisher = Authority(uri="https://ministry.example", role="publisher", key=cose("publisher"))
    log.take(log.next_policy(authorities=(*log.policy.authorities, publisher)))
    content = OperatorChanged(name="x", country="CN", roles=("maker",))
    data = log.governance(
        content, operator_uri("maker"), iss="https://ministry.example", key="publisher"
    )
    assert log.refused(data) == "rejected.issuer.authority"


# The end of keys and operators


def test_a_compromise_date_is_kept_and_removes_nothing(log: Log) -> None:
    log.take(made(log))
    index = log.take(log.revoke_key("owner", since=START - 5)).index
    (key,) = log.operator("owner").keys
    assert (key.revoked, key.compromised_since) == (index, START - 5)


def test_a_compromise_may_be_found_later_and_earlier_than_thought(log: Log) -> None:
    index = log.take(log.revoke_key("owner")).index
    assert log.refused(log.revoke_key("owner")) == "rejected.operator"
    log.take(log.revoke_key("owner", since=START))
    assert log.refused(log.revoke_key("owner", since=START + 1)) == "rejected.operator"
    assert log.refused(log.revoke_key("owner")) == "rejected.operator"
    log.take(log.revoke_key("owner", since=START - 9))
    (key,) = log.operator("owner").keys
    assert (key.revoked, key.compromised_since) == (index, START - 9)


def test_a_compromise_is_stated_of_a_removed_operators_key(log: Log) -> None:
    removed = log.take(log.remove("owner")).index
    log.take(log.revoke_key("owner", since=START))
    (key,) = log.operator("owner").keys
    assert (key.revoked, key.compromised_since) == (removed, START)


def test_the_key_of_another_operator_is_not_revoked(log: Log) -> None:
    content = KeyRevoked(kid=verified("maker").kid, reason="lost")
    assert log.refused(log.governance(content, operator_uri("owner"))) == "rejected.operator"


def test_a_removed_operator_comes_back_with_new_keys_only(log: Log) -> None:
    before = made(log)
    log.take(log.remove("owner"))
    assert log.refused(made(log)) == "rejected.issuer.removed"
    assert log.refused(log.add_key("owner", "owner-4")) == "rejected.operator"
    assert log.refused(log.registration("owner")) == "rejected.key.owner"
    log.take(log.registration("owner", key_name="owner-4"))
    assert log.operator("owner").removed is None
    assert log.refused(before) == "rejected.KEY-1"
    log.take(made(log, key="owner-4"))


def test_a_revoked_key_is_not_granted_again(log: Log) -> None:
    log.take(log.revoke_key("owner"))
    assert log.refused(log.add_key("owner", "owner")) == "rejected.key.owner"
    grant = log.grant(operator_uri("maker"), "owner")
    data = log.governance(KeyAdded(grant=grant), operator_uri("maker"))
    assert log.refused(data) == "rejected.key.owner"
