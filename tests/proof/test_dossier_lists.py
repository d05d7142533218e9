"""Lists in dossiers: whether who recycled was listed, proved beside the life of the battery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.lists.membership import prove
from ledger.custody.lists.rows import ListDocument, document_of, encode_document
from ledger.proof.dossier import Dossier, decode_dossier, encode_dossier
from ledger.proof.report.export import verdict_facts
from ledger.proof.report.text import print_verdict
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from ledger.wire import cbor
from tests.log.building import NOW, World, operator_uri
from tests.log.listing import SCHEME, Publishers, row
from tests.proof.building import trust_of

AT = NOW + 86_400
PROFILES = (("core", 1), ("cn-2026", 1))
OWNER, OTHER = operator_uri("owner"), "https://z.example"
"""Operators of a test's world have no USCC: its lists name them by their URIs."""


def stated(world: World, *lists: tuple[ListDocument, str]) -> None:
    """Snapshots and their rows."""
    publishers = Publishers(world)
    for document, effective in lists:
        world.accepted(publishers.snapshot(document, effective))
        world.store.put_list_document(document.root, encode_document(document))


class Recycled:
    """A battery that was recycled by somebody who is listed, and another that was made."""

    def __init__(self, world: World) -> None:
        self.world = world
        older = document_of([(OTHER, row())])
        self.list = document_of([(OWNER, row()), (OTHER, row())])
        stated(world, (older, "2020-01-01"), (self.list, "2026-01-01"))
        self.pack, self.made = world.battery(), world.battery()
        world.live(self.made, "manufacture")
        world.live(self.pack, "manufacture", "install", "decommission", "recycle")
        world.end_epoch()
        self.data = world.ledger.dossier(self.pack)
        self.dossier = decode_dossier(self.data)
        self.trust = trust_of(world)

    def verdict(self, data: bytes, **options: Any) -> Verdict:
        options.setdefault("profiles", PROFILES)
        return verify_dossier(data, self.trust, AT, **options)

    def refused(self, data: bytes) -> str:
        with pytest.raises(CellbookError) as found:
            self.verdict(data)
        return found.value.code


@pytest.fixture(scope="module")
def recycled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recycled]:
    with World(tmp_path_factory.mktemp("recycled"), operators=("owner",)) as world:
        yield Recycled(world)


def changed(dossier: Dossier, **fields: Any) -> bytes:
    return encode_dossier(msgspec.structs.replace(dossier, **fields))


def test_a_dossier_carries_what_lists_say_of_the_recycler(recycled: Recycled) -> None:
    proofs = recycled.dossier.lists
    assert list(proofs) == [SCHEME]
    assert list(proofs[SCHEME]) == [OWNER]
    assert len(proofs[SCHEME][OWNER]) == 1
    verdict = recycled.verdict(recycled.data, required=("LST-1",))
    assert [finding.rule for finding in verdict.remarks if finding.rule == "LST-1"] == []
    assert verdict.required[0].outcome == "holds"
    assert any("that the white list was copied rightly" in text for text in verdict.unchecked)


def test_rules_about_lists_are_of_their_profile(recycled: Recycled) -> None:
    verdict = recycled.verdict(recycled.data, profiles=(("core", 1),), required=("LST-1",))
    assert verdict.required[0].outcome == "undecided"


def test_a_dossier_of_what_was_never_recycled_carries_no_list(recycled: Recycled) -> None:
    data = recycled.world.ledger.dossier(recycled.made)
    assert decode_dossier(data).lists == {}
    assert b"list-snapshot" not in data
    assert any("white lists" in text for text in recycled.verdict(data).unchecked)


def test_who_is_not_listed_is_remarked(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("unlisted"), operators=("owner",)) as world:
        stated(world, (document_of([(OTHER, row())]), "2026-01-01"))
        pack = world.battery()
        world.live(pack, "manufacture", "recycle")
        world.end_epoch()
        data = world.ledger.dossier(pack)
        verdict = verify_dossier(data, trust_of(world), AT, profiles=PROFILES)
    (finding,) = [finding for finding in verdict.remarks if finding.rule == "LST-1"]
    assert "not listed for recycling" in finding.detail
    assert not finding.breach
    assert "LST-1" in print_verdict(verdict)
    assert "LST-1" in str(verdict_facts(verdict))


def test_without_the_rows_no_list_is_carried(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("rowless"), operators=("owner",)) as world:
        world.accepted(Publishers(world).snapshot(document_of([("A", row())]), "2026-01-01"))
        pack = world.battery()
        world.live(pack, "manufacture", "recycle")
        world.end_epoch()
        assert decode_dossier(world.ledger.dossier(pack)).lists == {}


def test_falsified_lists(recycled: Recycled) -> None:
    dossier = recycled.dossier
    ((index, proof),) = dossier.lists[SCHEME][OWNER].items()
    other = prove(recycled.list, OTHER)
    cases: dict[str, tuple[Any, str]] = {
        "no lists": ({}, "failed.dossier.foreign"),
        "no proof": ({SCHEME: {OWNER: {}}}, "failed.list.missing"),
        "another proof": ({SCHEME: {OWNER: {index: other}}}, "failed.list.proof"),
        "another snapshot": ({SCHEME: {OWNER: {index - 1: proof}}}, "failed.list.missing"),
        "a proof more": (
            {SCHEME: {OWNER: {index - 1: proof, index: proof}}},
            "failed.list.foreign",
        ),
        "of another": ({SCHEME: {OTHER: {index: other}}}, "failed.list.missing"),
        "of one more": (
            {SCHEME: {OWNER: {index: proof}, OTHER: {index: other}}},
            "failed.list.foreign",
        ),
    }
    found = {
        name: recycled.refused(changed(dossier, lists=value)) for name, (value, _) in cases.items()
    }
    assert found == {name: code for name, (_, code) in cases.items()}


def test_a_list_without_its_snapshots(recycled: Recycled) -> None:
    (index,) = recycled.dossier.lists[SCHEME][OWNER]
    entries = tuple(entry for entry in recycled.dossier.entries if entry.index != index)
    assert (
        recycled.refused(changed(recycled.dossier, entries=entries)) == "failed.dossier.incomplete"
    )
    made = decode_dossier(recycled.world.ledger.dossier(recycled.made))
    value = changed(made, lists=recycled.dossier.lists)
    assert recycled.refused(value) == "failed.dossier.unproven"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({}, "malformed.list.proof"),
        ([], "malformed.list.proof"),
        ({SCHEME: {}}, "malformed.list.proof"),
        ({SCHEME: []}, "malformed.list.proof"),
        ({SCHEME: {"A B": []}}, "malformed.list.leaf"),
        ({SCHEME: {"A": [1]}}, "malformed.list.proof"),
        ({7: {"A": []}}, "malformed.list.proof"),
        ({"other-scheme": {"A": []}}, "unsupported.dossier.list"),
    ],
)
def test_lists_of_another_form(recycled: Recycled, value: Any, code: str) -> None:
    fields = cbor.decode(recycled.data, limits=cbor.Limits(size=1 << 20, depth=8))
    assert isinstance(fields, dict)
    assert recycled.refused(cbor.encode({**fields, "lists": value})) == code


def assert_flips_are_refused(recycled: Recycled, places: range) -> None:
    data = recycled.data
    for place in places:
        flipped = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        assert recycled.refused(flipped)


def test_every_flip_in_the_lists_is_refused(recycled: Recycled) -> None:
    start = recycled.data.index(b"lists\xa1")
    stop = recycled.data.index(b"\x67entries", start)
    assert stop - start > 100
    assert_flips_are_refused(recycled, range(start, stop))


def test_flips_in_the_statements_about_lists_are_refused(recycled: Recycled) -> None:
    start = recycled.data.index(b"\x67entries", recycled.data.index(b"lists\xa1"))
    assert_flips_are_refused(recycled, range(start, len(recycled.data), 13))


@pytest.mark.slow
def test_every_flip_after_the_lists_is_refused(recycled: Recycled) -> None:
    start = recycled.data.index(b"\x67entries", recycled.data.index(b"lists\xa1"))
    assert_flips_are_refused(recycled, range(start, len(recycled.data)))
