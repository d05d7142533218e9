"""The end of a log: who may state it, what it takes afterwards, and what it still gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from keys.signer import generate
from ledger.custody.decision import read_content
from ledger.custody.governance.handover import Freeze
from ledger.custody.governance.statements import Head
from ledger.monitor.auditing.audit import Auditor
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from ledger.proof.verify_supplier import verify_supplier
from ledger.wire.statement import parse_statement
from tests.log.building import NOW, World
from tests.monitor.publishing import LedgerSource

NEXT = "log.example/next"


def test_a_frozen_log_ends_in_the_head_after_the_freeze(world: World) -> None:
    pack = world.battery()
    world.live(pack, "manufacture")
    world.end_epoch()
    event, policy, key = world.event("install", pack), world.next_policy(), world.freeze(NEXT)
    later = world.event("manufacture", world.battery())
    outcomes = world.register(event, key, later, policy)
    codes = [outcome.error.code if outcome.error else None for outcome in outcomes]
    assert codes == [None, None, "rejected.log.frozen", "rejected.log.frozen"]
    assert outcomes[2].error is not None
    assert outcomes[2].error.facts["successor"] == NEXT
    world.end_epoch()
    head = world.store.head()
    frozen = world.ledger.log().frozen
    assert frozen is not None
    assert head.size == head.checkpoint == frozen + 2
    last = [
        read_content(parse_statement(world.ledger.statement(id_of(world, i)))) for i in (-2, -1)
    ]
    assert isinstance(last[0], Freeze)
    assert isinstance(last[1], Head)
    world.clock.advance(100)
    for data in (later, world.revoke_key("owner"), world.next_policy(), world.freeze()):
        assert world.refused(data) == "rejected.log.frozen"
    assert world.store.head() == head
    world.fsck()


def id_of(world: World, place: int) -> bytes:
    entry = world.store.entry(world.store.head().size + place)
    assert entry is not None
    return entry.entry_id


def test_what_is_registered_stays_and_is_given_for_ever(world: World) -> None:
    pack = world.battery()
    event = world.event("manufacture", pack)
    (made,) = world.accepted(event)
    freeze = world.freeze()
    (frozen,) = world.accepted(freeze)
    world.end_epoch()
    again = world.register(event, freeze)
    assert [(outcome.entry_id, outcome.duplicate) for outcome in again] == [
        (made.entry_id, True),
        (frozen.entry_id, True),
    ]
    assert made.entry_id is not None
    world.ledger.receipt(made.entry_id)
    trust = load_trust(world.home.trust_bytes())
    verdict = verify_dossier(world.ledger.dossier(pack), trust, NOW + 100_000)
    assert verdict.record.size == world.store.head().size
    file = world.ledger.suppliers.file("https://owner.example", "2026-09-21")
    found = verify_supplier(file, trust, NOW + 100_000)
    assert found.record.size == verdict.record.size


def test_the_root_that_was_replaced_ends_nothing(world: World) -> None:
    old, new = world.key("root", "root"), world.key("root", "next-root")
    third = generate().key.kid
    world.accepted(world.next_policy(root=new, next_root=third))
    assert world.refused(world.freeze(NEXT, root=old)) == "rejected.key.unknown"
    assert world.refused(world.freeze(NEXT, root=world.registrar)) == "rejected.key.unknown"
    world.accepted(world.freeze(NEXT, root=new))
    assert world.ledger.log().successor == (NEXT, third)


@pytest.mark.parametrize("kid", [generate().key.kid, None])
def test_a_successor_has_the_next_root_and_another_origin(world: World, kid: bytes | None) -> None:
    """Whoever stole the root in force would otherwise found the log that follows."""
    root = world.key("root", "root").key.kid
    assert world.refused(world.freeze(NEXT, kid=kid or root)) == "rejected.freeze.successor"
    assert world.refused(world.freeze("log.example/test")) == "rejected.freeze.successor"
    assert world.refused(world.freeze("Not an origin")) == "malformed.origin"
    assert world.ledger.log().frozen is None
    world.live(world.battery(), "manufacture")


def test_an_audit_of_a_frozen_log(world: World, tmp_path: Path) -> None:
    world.accepted(world.freeze(NEXT))
    world.end_epoch()
    with Auditor(load_trust(world.home.trust_bytes()), tmp_path / "audit", processes=1) as auditor:
        found = auditor.run(LedgerSource(world.ledger))
    assert found.size == world.store.head().size


def test_a_log_that_was_frozen_before_it_is_opened_stays_so(tmp_path: Path) -> None:
    with World(tmp_path, operators=("owner",)) as world:
        world.accepted(world.freeze())
        _, other = world.open()
        (outcome,) = other.register_now([world.event("manufacture", world.battery())])
        assert outcome.error is not None
        assert outcome.error.code == "rejected.log.frozen"
