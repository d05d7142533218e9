"""The end of a log, the genesis that follows it, and what is taken over from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.governance.carrying import brought_over, written
from ledger.custody.governance.handover import CarriedOver, CarriedSubject, Predecessor, Proved
from ledger.custody.governance.statements import Policy, Profile, parse_governance
from ledger.custody.names.naming import log_uri
from ledger.custody.states import AliasState, BatteryState, FreshState
from ledger.tree.merkle import inclusion_path, root_of
from ledger.tree.prefix_chain import Chain
from ledger.wire.base64text import encode_base64
from ledger.wire.statement import parse_statement
from tests.custody.history import FAMILY_NAME, ORIGIN, Log, genesis, signer_of
from tests.proof.indexing import Indexed

NEXT = "log.example/next"
LINK = "https://id.gs1.org/01/09506000134352/21/4A6P0001"


class Ended:
    """A log that was frozen, with its index and tree; ``pack`` was installed in it."""

    def __init__(self) -> None:
        self.log = Log()
        self.pack, self.module = self.log.battery(), self.log.battery("M")
        self.log.live(self.pack, "manufacture", uris=(self.pack, LINK), children=(self.module,))
        self.log.live(self.pack, "install")
        self.log.take(self.log.freeze(NEXT))
        self.size = len(self.log.taken) + 1
        self.leaves = [entry.statement.leaf for entry in self.log.entries.values()]
        self.index = Indexed()
        self.index.follow(self.leaves)
        head = self.log.head(index_root=self.index.root(self.size - 1))
        self.log.take(head)
        self.leaves.append(head)
        self.hashes = [parse_statement(leaf).leaf_hash for leaf in self.leaves]

    def proved(self, index: int) -> Proved:
        return Proved(leaf=self.leaves[index], path=tuple(inclusion_path(self.hashes, index)))

    def stated(self, **changes: Any) -> Predecessor:
        """What a successor's genesis says of it."""
        root = encode_base64(root_of(self.hashes))
        values: dict[str, Any] = {
            "origin": ORIGIN,
            "genesis": self.proved(0),
            "checkpoint": f"{ORIGIN}\n{self.size}\n{root}\n\n— {ORIGIN} AAAA\n".encode(),
            "freeze": self.proved(self.size - 2),
            "head": self.proved(self.size - 1),
        }
        return Predecessor(**{**values, **changes})

    def item(self, uri: str, **changes: Any) -> CarriedSubject:
        """What is taken over of ``uri``, with ``changes``."""
        (row,) = self.index.stated([uri], self.size - 1)
        state = self.log.states.get(uri)
        values: dict[str, Any] = {"uri": uri, "proofs": (written(row.proof),)}
        if row.chain != Chain():
            assert isinstance(state, BatteryState | AliasState)
            moved = brought_over(state, self.size)
            values |= {"count": row.chain.count, "chain": row.chain.hash, "state": moved}
        return CarriedSubject(**{**values, **changes})


@pytest.fixture(scope="module")
def ended() -> Ended:
    return Ended()


def first_policy(stated: Predecessor, **changes: Any) -> Policy:
    values: dict[str, Any] = {
        "origin": NEXT,
        "root_key": signer_of("next-root").key.to_cbor(),
        "next_root": signer_of("third-root").key.kid,
        "predecessor": stated,
        **changes,
    }
    return genesis(**values)


def following(stated: Predecessor, **changes: Any) -> Log:
    return Log(policy=first_policy(stated, **changes), root="next-root")


def carried(log: Log, items: Sequence[CarriedSubject], **by: Any) -> bytes:
    uri = log_uri(NEXT)
    values = {"iss": uri, "key": "statements", **by}
    return log.governance(CarriedOver(subjects=tuple(items)), uri, **values)


def code_of(stated: Predecessor, **changes: Any) -> str:
    with pytest.raises(CellbookError) as caught:
        following(stated, **changes)
    return caught.value.code


# The end


def test_who_ends_a_log_and_what_follows() -> None:
    log = Log()
    assert log.refused(log.freeze(NEXT, "root")) == "rejected.freeze.successor"
    assert log.refused(log.freeze(ORIGIN)) == "rejected.freeze.successor"
    assert log.refused(log.freeze(NEXT, key="registrar")) == "rejected.key.unknown"
    assert log.refused(log.freeze(NEXT, key="next-root")) == "rejected.key.unknown"
    event = log.event("manufacture", log.battery())
    log.take(log.freeze(NEXT))
    assert log.refused(event) == "rejected.log.frozen"
    log.take(log.head())
    assert log.refused(log.head()) == "rejected.log.frozen"
    assert log.refused(log.freeze()) == "rejected.log.frozen"


# Genesis


def test_a_genesis_names_its_predecessor(ended: Ended) -> None:
    state = following(ended.stated()).log
    assert state is not None
    assert state.family == ended.log.family
    assert state.predecessor is not None
    assert (state.predecessor.origin, state.predecessor.size) == (ORIGIN, ended.size)
    assert state.predecessor.root == root_of(ended.hashes)


def test_a_genesis_that_does_not_fit_its_predecessor(ended: Ended) -> None:
    refused = "rejected.policy.predecessor"
    last, freeze = ended.proved(ended.size - 1), ended.proved(ended.size - 2)
    note = ended.stated().checkpoint
    for changes in (
        {"origin": "log.example/other"},
        {"origin": NEXT},
        {"head": freeze},
        {"freeze": last},
        {"freeze": ended.proved(1)},
        {"genesis": ended.proved(1)},
        {"genesis": freeze},
        {"checkpoint": note.replace(b"\n%d\n" % ended.size, b"\n%d\n" % (ended.size + 1))},
        {"checkpoint": note.partition(b"\n\n")[0]},
    ):
        assert code_of(ended.stated(**changes)) == refused, changes
    other = {"freeze": Proved(leaf=freeze.leaf, path=last.path)}
    assert code_of(ended.stated(**other)) == "failed.inclusion"


def test_only_the_named_log_and_root_may_follow(ended: Ended) -> None:
    stated, refused = ended.stated(), "rejected.policy.predecessor"
    assert code_of(stated, origin="log.example/another") == refused
    for thief in ("root", "third-root"):
        policy = first_policy(stated, root_key=signer_of(thief).key.to_cbor(),
                              next_root=signer_of("fourth-root").key.kid)  # fmt: skip
        with pytest.raises(CellbookError) as caught:
            Log(policy=policy, root=thief)
        assert caught.value.code == refused


def test_a_log_that_was_not_ended_for_it_has_no_successor() -> None:
    ended = Ended.__new__(Ended)
    ended.log = Log()
    for data in (ended.log.freeze(), ended.log.head):
        ended.log.take(data() if callable(data) else data)
    ended.leaves = [entry.statement.leaf for entry in ended.log.entries.values()]
    ended.hashes = [parse_statement(leaf).leaf_hash for leaf in ended.leaves]
    ended.size = len(ended.leaves)
    assert code_of(ended.stated()) == "rejected.policy.predecessor"


def test_a_later_policy_names_no_predecessor(ended: Ended) -> None:
    log = following(ended.stated())
    kept = {"next_root": signer_of("third-root").key.kid}
    assert log.refused(log.next_policy(root="next-root", **kept)) == "rejected.policy.fixed"
    before = log.log
    log.take(log.next_policy(root="next-root", predecessor=None, **kept))
    assert before is not None
    assert log.log is not None
    assert log.log.predecessor == before.predecessor


def test_what_was_signed_for_another_family_does_not_fit(ended: Ended) -> None:
    policy = msgspec.structs.replace(first_policy(ended.stated()), family_name="Other")
    log = Log()
    data = log.policy_statement(policy, "next-root", aud="urn:cellbook:family:other")
    statement = parse_statement(data)
    assert parse_governance(statement.payload) == policy
    assert policy.family_name != FAMILY_NAME
    with pytest.raises(CellbookError) as caught:
        Log.take(_empty(log), data)
    assert caught.value.code == "rejected.policy.predecessor"


def _empty(log: Log) -> Log:
    log.states, log.entries, log.taken = {}, {}, []
    return log


# What is taken over


def test_a_battery_is_taken_over_with_its_past(ended: Ended) -> None:
    log = following(ended.stated())
    event = log.event("incident", ended.pack)
    assert log.refused(event) == "rejected.predecessor.unproven"
    items = [ended.item(uri) for uri in (ended.pack, ended.module, LINK)]
    taken = log.take(carried(log, items))
    assert taken.decision.subjects == (ended.pack, ended.module, LINK)
    before, after = ended.log.state(ended.pack), log.state(ended.pack)
    assert after.physical == before.physical == "installed"
    assert after.install is not None
    assert before.install is not None
    assert after.install.index == before.install.index - ended.size < 0
    assert parse_governance(carried_payload(log)) == CarriedOver(subjects=tuple(items))
    log.take(event)
    log.take(log.event("decommission", ended.pack, install_ref=before.install.entry_id))
    assert log.state(ended.pack).physical == "removed"
    again = log.event("manufacture", log.battery(), uris=(LINK,))
    assert log.refused(again) != ""


def carried_payload(log: Log) -> bytes:
    return log.entries[log.taken[-1].entry_id].statement.payload


def test_a_new_battery_is_shown_to_have_no_past(ended: Ended) -> None:
    log = following(ended.stated())
    new = "urn:cellbook:gbt34014:4A6PBPM27KLPCLE749999999"
    event = log.event("manufacture", new)
    assert log.refused(event) == "rejected.predecessor.unproven"
    log.take(carried(log, [ended.item(new)]))
    assert log.states[new] == FreshState()
    assert log.refused(log.event("install", new)) == "rejected.ORD-1"
    log.take(event)
    assert log.chain(new)[0].index == log.state(new).made.index - 1
    assert log.refused(carried(log, [ended.item(new)])) == "rejected.predecessor.twice"


def test_a_successor_that_forgets(ended: Ended) -> None:
    """Absence of what is there has no proof, and neither has a shorter past."""
    log, pack = following(ended.stated()), ended.item(ended.pack)
    new = ended.item("urn:cellbook:gbt34014:4A6PBPM27KLPCLE749999999")
    forgotten = msgspec.structs.replace(pack, count=None, chain=None, state=None)
    shorter = msgspec.structs.replace(pack, count=1)
    borrowed = msgspec.structs.replace(forgotten, proofs=new.proofs)
    codes = [log.refused(carried(log, [item])) for item in (forgotten, borrowed, shorter)]
    assert codes == ["failed.prefix.absence"] * 2 + ["failed.prefix.presence"]


def test_what_is_taken_over_fits_together(ended: Ended) -> None:
    log = following(ended.stated())
    pack, module, alias = (ended.item(uri) for uri in (ended.pack, ended.module, LINK))
    new = ended.item("urn:cellbook:gbt34014:4A6PBPM27KLPCLE749999999")
    assert isinstance(pack.state, BatteryState)
    refused = "rejected.predecessor.state"
    part_only = msgspec.structs.replace(pack, state=None)
    operator = msgspec.structs.replace(pack, uri="https://stranger.example")
    ahead = msgspec.structs.replace(pack, state=brought_over(pack.state, -ended.size))
    heir = msgspec.structs.replace(pack.state, inherited=((0, "https://owner.example"),))
    for items in (
        [part_only],
        [operator],
        [ahead],
        [msgspec.structs.replace(pack, state=heir)],
        [module],
        [alias],
        [msgspec.structs.replace(new, proofs=new.proofs * 2)],
    ):
        assert log.refused(carried(log, items)) == refused, items[0].uri
    assert log.refused(carried(log, [pack, pack])) == "rejected.predecessor.twice"
    log.take(carried(log, [pack]))
    log.take(carried(log, [module, alias]))


def test_only_the_log_itself_takes_over(ended: Ended) -> None:
    log, items = following(ended.stated()), [ended.item(ended.pack)]
    assert log.refused(carried(log, items, key="registrar")) == "rejected.key.unknown"
    by_registrar = carried(log, items, key="registrar", iss="urn:cellbook:authority:registrar")
    assert log.refused(by_registrar) == "rejected.issuer.authority"


def test_a_log_without_predecessor_takes_over_nothing(ended: Ended) -> None:
    log = Log()
    uri = log_uri(ORIGIN)
    content = CarriedOver(subjects=(ended.item(ended.pack),))
    data = log.governance(content, uri, iss=uri, key="statements")
    assert log.refused(data) == "rejected.predecessor.none"


def test_a_correction_folds_from_what_was_taken_over(ended: Ended) -> None:
    log = following(ended.stated(), profiles=(Profile(name="core", version=2),))
    log.take(carried(log, [ended.item(ended.pack)]))
    before = ended.log.state(ended.pack)
    assert before.install is not None
    removed = log.event("decommission", ended.pack, install_ref=before.install.entry_id)
    entry = log.take(removed)
    back = {"entry_ref": entry.entry_id, "kind": "did-not-happen", "replacement": None}
    log.take(log.event("correction", ended.pack, **back))
    state = log.state(ended.pack)
    assert (state.physical, state.made.index < 0) == ("installed", True)
    assert log.refused(
        log.event("dispute", ended.pack, entry_ref=before.install.entry_id)
    ) == "rejected.entry.unknown"  # fmt: skip
