"""Groups: duplicates, statements that build on each other, and keys that come and go."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from keys import pynacl
from keys.algorithms import ESP256
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody import admission
from ledger.custody.governance.statements import Limits
from ledger.log import registration
from ledger.log.outcome import Outcome
from ledger.log.registration import Prepared
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import Statement, locator_to_id
from tests.log.building import World
from tests.log.test_bad_input import twisted


def codes(outcomes: Sequence[Outcome]) -> list[str | None]:
    return [outcome.error.code if outcome.error else None for outcome in outcomes]


def test_the_same_bytes_again_have_the_same_place_and_a_receipt(world: World) -> None:
    data = world.event("manufacture", world.battery())
    (first,) = world.accepted(data)
    size = world.store.head().size
    (again,) = world.accepted(data)
    assert (again.index, again.entry_id) == (first.index, first.entry_id)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.receipt
    assert world.store.head().size == size


def test_the_same_bytes_twice_in_one_submission(world: World) -> None:
    data = world.event("manufacture", world.battery())
    first, again = world.accepted(data, data)
    assert first.index == again.index
    assert again.duplicate


def test_the_same_bytes_are_known_when_their_key_is_no_longer_valid(world: World) -> None:
    data = world.event("manufacture", world.battery())
    (first,) = world.accepted(data)
    world.accepted(world.revoke_key("owner"))
    assert world.refused(world.event("manufacture", world.battery())) == "rejected.KEY-1"
    (again,) = world.accepted(data)
    assert (again.index, again.duplicate) == (first.index, True)


def test_the_unprotected_header_makes_no_other_statement(world: World) -> None:
    data = world.event("manufacture", world.battery())
    (first,) = world.accepted(data)
    transparent = world.ledger.transparent_statement(first.entry_id or b"")
    assert transparent != data
    (again,) = world.accepted(transparent)
    assert (again.index, again.duplicate) == (first.index, True)


def test_the_conflict_names_the_location_of_what_is_registered(world: World) -> None:
    world.accepted(world.registration("curve", ("maker",), alg=ESP256))
    first, second = twisted(world.event("manufacture", world.battery(), by="curve"))
    (registered,) = world.accepted(first)
    (refused,) = world.register(second)
    assert refused.error is not None
    assert refused.error.code == "conflict.same-content"
    location = str(refused.error.facts["location"])
    assert locator_to_id(location) == registered.entry_id
    assert location == encode_base64url(registered.entry_id or b"")


def test_the_conflict_is_seen_within_a_submission(world: World) -> None:
    world.accepted(world.registration("curve", ("maker",), alg=ESP256))
    outcomes = world.register(*twisted(world.event("manufacture", world.battery(), by="curve")))
    assert codes(outcomes) == [None, "conflict.same-content"]


def test_a_whole_life_in_one_submission(world: World) -> None:
    battery = world.battery()
    install = world.event("install", battery)
    data = [world.event("manufacture", battery), install]
    world.refs[battery, "install"] = registration.parse_submission(install).entry_id
    data.append(world.event("decommission", battery))
    assessment = world.event("assessment", battery)
    world.refs[battery, "assessment"] = registration.parse_submission(assessment).entry_id
    data += [assessment, world.event("repurpose", battery), world.event("install", battery)]
    assert codes(world.register(*data)) == [None] * 5 + ["rejected.ORD-2"]
    world.fsck()


def test_an_operator_and_its_first_event_in_one_submission(world: World) -> None:
    registered = world.registration("newcomer", ("maker",))
    event = world.event("manufacture", world.battery(), by="newcomer")
    prepared = world.ledger.prepare([registered, event])
    assert isinstance(prepared[1], Prepared)
    assert prepared[1].verified is None
    assert codes(world.register(registered, event)) == [None, None]


def test_a_deferred_signature_is_checked_under_the_lock(world: World) -> None:
    registered = world.registration("newcomer", ("maker",))
    event = world.event("manufacture", world.battery(), by="newcomer")
    forged = event[:-1] + bytes((event[-1] ^ 1,))
    assert codes(world.register(registered, forged)) == [None, "failed.signature"]


def test_nothing_is_deferred_for_a_forged_announcement(world: World) -> None:
    registered = world.registration("newcomer", ("maker",))
    forged = registered[:-1] + bytes((registered[-1] ^ 1,))
    event = world.event("manufacture", world.battery(), by="newcomer")
    outcome = world.ledger.prepare([forged, event])[1]
    assert isinstance(outcome, CellbookError)
    assert outcome.code == "rejected.issuer.unknown"


def test_nothing_is_deferred_for_other_issuers(world: World) -> None:
    registered = world.registration("newcomer", ("maker",))
    other = world.event("manufacture", world.battery(), iss="https://nobody.example")
    outcome = world.ledger.prepare([registered, other])[1]
    assert isinstance(outcome, CellbookError)


def test_a_key_revoked_earlier_in_the_submission_signs_nothing_after(world: World) -> None:
    before = world.event("manufacture", world.battery())
    after = world.event("manufacture", world.battery())
    outcomes = world.register(before, world.revoke_key("owner"), after)
    assert codes(outcomes) == [None, None, "rejected.KEY-1"]


def test_a_new_key_signs_after_it_was_added(world: World) -> None:
    signer = generate()
    event = world.event("manufacture", world.battery(), signer=signer)
    outcomes = world.register(event, world.add_key("owner", signer), event)
    assert codes(outcomes) == ["rejected.key.unknown", None, None]


def test_a_role_is_lost_for_what_comes_after(world: World) -> None:
    first, second = (world.event("manufacture", world.battery()) for _ in range(2))
    outcomes = world.register(first, world.change("owner", ("recycler",)), second)
    assert codes(outcomes) == [None, None, "rejected.ROL-1"]


def test_a_removed_operator_may_come_back(world: World) -> None:
    world.accepted(world.remove("owner"))
    assert world.refused(world.event("manufacture", world.battery())) == "rejected.issuer.removed"
    world.accepted(world.registration("owner", signer=generate()))
    world.accepted(world.event("manufacture", world.battery()))
    world.fsck()


def test_a_policy_is_in_force_for_what_comes_after(world: World) -> None:
    world.accepted(world.registration("curve", ("maker",), alg=ESP256))
    first, second = (world.event("manufacture", world.battery(), by="curve") for _ in range(2))
    outcomes = world.register(first, world.next_policy(algorithms=(-19,)), second)
    assert codes(outcomes) == [None, None, "rejected.algorithm"]
    assert world.ledger.log().number == 1
    world.fsck()


def test_a_policy_may_limit_the_size_of_statements(world: World) -> None:
    world.accepted(world.next_policy(limits=Limits(entry_bytes=1024)))
    long: dict[str, Any] = dict.fromkeys(
        ("chemistry", "batch_id", "facility_id", "passport_id"), "L" * 250
    )
    data = world.event("manufacture", world.battery(), **long)
    assert world.refused(data) == "rejected.size"


def test_the_root_may_be_replaced_by_the_one_that_was_committed_to(world: World) -> None:
    root, other = world.key("root", "next-root"), generate()
    world.accepted(world.next_policy(root=root, next_root=other.key.kid))
    assert world.refused(world.next_policy()) == "rejected.policy.root"
    world.accepted(world.next_policy(root=root, next_root=other.key.kid))
    world.fsck()


def test_the_log_keys_of_a_new_policy_must_be_held(world: World) -> None:
    size = world.store.head().size
    log_keys = world.ledger.log().log_keys
    changed = [
        {"purpose": k.purpose, "key": k.key, "from_size": 0, "to_size": size + 1} for k in log_keys
    ]
    changed += [
        {"purpose": k.purpose, "key": generate().key.to_cbor(), "from_size": size + 1}
        for k in log_keys
    ]
    (outcome,) = world.register(world.policy_with_log_keys(changed))
    assert outcome.error is not None
    assert outcome.error.code == "unavailable.log.signer"
    assert outcome.entry_id is not None, "it is registered: only the receipt is missing"
    assert outcome.receipt is None


def test_a_dispute_concerns_the_subjects_of_its_entry(world: World) -> None:
    first, second = world.battery(), world.battery()
    world.live(first, "manufacture")
    world.live(second, "manufacture")
    (incident,) = world.accepted(world.event("incident", first, units=(second,)))
    (dispute,) = world.accepted(world.event("dispute", first, entry_ref=incident.entry_id))
    (answer,) = world.accepted(world.event("dispute", first, entry_ref=dispute.entry_id))
    for battery in (first, second):
        entries = [entry.entry_id for entry in world.ledger.battery(battery).entries]
        assert entries[-2:] == [dispute.entry_id, answer.entry_id]
    world.fsck()


def test_statements_about_statements_have_a_depth(world: World) -> None:
    battery = world.battery()
    entry_id = world.live(battery, "manufacture")[0].entry_id
    for _ in range(4):
        (outcome,) = world.accepted(world.event("dispute", battery, entry_ref=entry_id))
        entry_id = outcome.entry_id
    data = world.event("dispute", battery, entry_ref=entry_id)
    assert world.refused(data) == "rejected.entry.depth"


def test_many_threads_register_at_once(world: World) -> None:
    events = [[world.event("manufacture", world.battery()) for _ in range(40)] for _ in range(6)]
    results: list[list[int | None]] = []

    def submit(data: list[bytes]) -> None:
        results.append([o.index for o in world.ledger.register_now(data)])

    threads = [threading.Thread(target=submit, args=(data,)) for data in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    indexes = sorted(index for result in results for index in result if index is not None)
    assert indexes == list(range(indexes[0], indexes[0] + 240))
    world.fsck()


def test_a_submission_larger_than_a_group(world: World) -> None:
    data = [world.event("manufacture", world.battery()) for _ in range(1100)]
    assert codes(world.register(*data)) == [None] * 1100
    world.fsck()


def test_both_back_ends_take_and_refuse_the_same(tmp_path: Path) -> None:
    backend = pynacl.load()
    assert backend is not None
    with World(tmp_path, backend=backend) as world:
        data = world.event("manufacture", world.battery())
        assert world.refused(data[:-1] + bytes((data[-1] ^ 1,))) == "failed.signature"
        world.accepted(data)
        world.fsck(backend=backend)


def test_a_full_queue_takes_nothing(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        data = [world.event("manufacture", world.battery()) for _ in range(3)]
        _, other = world.open(queue_limit=2)
        with pytest.raises(CellbookError) as refusal:
            other.register_now(data)
        assert refusal.value.code == "busy.queue"
        assert codes(other.register_now(data[:2])) == [None, None]


def test_what_was_taken_is_registered_when_the_ledger_closes(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        data = [world.event("manufacture", world.battery()) for _ in range(50)]
        future = world.ledger.register(world.ledger.prepare(data))
        world.ledger.close()
        assert codes(future.result(0)) == [None] * 50
        head = world.store.head()
        assert (head.epoch_time, head.checkpoint) == (None, head.size)
        with pytest.raises(CellbookError) as refusal:
            world.ledger.register_now(data)
        assert refusal.value.code == "unavailable.log.stopped"


def test_a_fault_in_one_decision_harms_no_neighbour(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = world.battery()
    genuine = admission.admit

    def faulty(statement: Statement, *arguments: Any, **options: Any) -> Any:
        if statement.sub == battery:
            raise ZeroDivisionError
        return genuine(statement, *arguments, **options)

    monkeypatch.setattr("ledger.log.desk.admit", faulty)
    data = [world.event("manufacture", uri) for uri in (world.battery(), battery, world.battery())]
    assert codes(world.register(*data)) == [None, "unavailable.log.fault", None]


def test_nothing_is_built_on_damaged_tiles(world: World) -> None:
    world.live(world.battery(), "manufacture", "install")
    size = world.store.head().size
    tile = world.store.tile(0, 0, size)
    with world.store.writing() as writing:
        writing.put_tiles({(0, 0): bytes(32) + tile[32:]})
    store, other = world.open()
    (outcome,) = other.register_now([world.event("manufacture", world.battery())])
    assert outcome.error is not None
    assert outcome.error.code == "damaged.log.tree"
    assert store.head().size == size
