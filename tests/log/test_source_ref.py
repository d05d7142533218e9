"""A record of an issuer in a real log: registered once, recomputed by ``fsck``, read by a buyer."""

from __future__ import annotations

from ledger.custody.sourcing import source_uri
from ledger.custody.states import SourceClaim, decode_state
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import parse_statement
from tests.log.building import NOW, World, operator_uri
from tests.proof.building import dossier_of, verdict_on

REF = "MES-7/000123"
WHEN = {"occurred_at": "2026-09-01T10:00:00+08:00", "source_ref": REF}


def test_signed_again_in_one_group_and_later(world: World) -> None:
    pack = world.battery()
    first = world.event("manufacture", pack, iat=NOW - 2, **WHEN)
    again = world.event("manufacture", pack, iat=NOW - 1, **WHEN)
    location = encode_base64url(parse_statement(first).entry_id)
    done, same = world.register(first, again)
    assert done.error is None
    assert same.error is not None
    assert same.error.code == "conflict.source-ref"
    assert same.error.facts["location"] == location
    world.end_epoch()
    (later,) = world.register(world.event("manufacture", pack, **WHEN))
    assert later.error is not None
    assert later.error.facts["location"] == location
    (identical,) = world.register(first)
    assert identical.error is None
    other = world.event("manufacture", world.battery(), **WHEN)
    assert world.refused(other) == "conflict.source-ref.changed"


def test_the_claim_is_recomputed_and_concerns_no_entry(world: World) -> None:
    pack = world.battery()
    (outcome,) = world.accepted(world.event("manufacture", pack, **WHEN))
    uri = source_uri(operator_uri("owner"), REF)
    stored = next(row for row in world.store.iterate_subjects() if row.uri == uri)
    assert list(stored.indexes) == []
    assert stored.state is not None
    state = decode_state(stored.state)
    assert isinstance(state, SourceClaim)
    assert state.entry_id == outcome.entry_id
    world.fsck()


def test_a_buyer_comes_to_the_same_decision(world: World) -> None:
    pack = world.battery()
    world.accepted(world.event("manufacture", pack, **WHEN))
    world.live(pack, "install")
    verdict = verdict_on(world, dossier_of(world, pack))
    assert verdict.breaches == ()
    assert len(verdict.life) == 2
