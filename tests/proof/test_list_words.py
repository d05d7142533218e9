"""The white list in a verdict: what it says of who recycled, on which day, by whose word."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.custody.lists.rows import ListDocument, document_of, encode_document
from ledger.proof.report.export import verdict_facts
from ledger.proof.report.page import verdict_page
from ledger.proof.report.shapes import VerdictFacts, verdict_schema
from ledger.proof.report.text import print_verdict
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.log.building import NOW, World, operator_uri
from tests.log.listing import PUBLISHER, Publishers, row
from tests.proof.building import check_layout, trust_of
from tests.proof.fitting import check_fits

PROFILES = (("core", 1), ("cn-2026", 1))
OWNER, OTHER = operator_uri("owner"), "https://z.example"


def recycled(folder: Path, *lists: tuple[ListDocument, str]) -> Verdict:
    """The verdict on a battery whose recycler these lists may name."""
    with World(folder, operators=("owner",)) as world:
        publishers, pack = Publishers(world), world.battery()
        for document, effective in lists:
            world.accepted(publishers.snapshot(document, effective))
            world.store.put_list_document(document.root, encode_document(document))
        world.live(pack, "manufacture", "recycle")
        world.end_epoch()
        data = world.ledger.dossier(pack)
        return verify_dossier(data, trust_of(world), NOW + 86_400, profiles=PROFILES)


def words(verdict: Verdict) -> str:
    text = print_verdict(verdict)
    check_layout(text)
    return " ".join(text.split())


def test_who_was_listed(tmp_path: Path) -> None:
    verdict = recycled(tmp_path, (document_of([(OWNER, row())]), "2026-01-01"))
    text = words(verdict)
    assert "White list owner: " in text
    assert "listed for recycling on 2026-" in text
    assert "NOT LISTED" not in text
    assert f"effective 2026-01-01, copied by {PUBLISHER}, stated afterwards" in text
    assert "is copied; the ministry (MIIT) signs nothing." in text
    assert "White list" in verdict_page(verdict, bytes(32))


def test_who_was_not(tmp_path: Path) -> None:
    verdict = recycled(tmp_path, (document_of([(OTHER, row())]), "2026-01-01"))
    text = words(verdict)
    assert "NOT LISTED for recycling on 2026-" in text
    assert "[LST-1]" in text
    assert "Basis: MIIT announcements" in " ".join(verdict_page(verdict, bytes(32)).split())


def test_a_listing_that_ends_says_when(tmp_path: Path) -> None:
    listed = row(valid_from="2026-01-01", valid_to="2026-12-31")
    verdict = recycled(tmp_path, (document_of([(OWNER, listed)]), "2026-01-01"))
    assert ", until 2026-12-31 (announcement" in words(verdict)


def test_for_machines(tmp_path: Path) -> None:
    verdict = recycled(tmp_path, (document_of([(OWNER, row())]), "2026-01-01"))
    found = json.loads(json.dumps(verdict_facts(verdict)))
    assert [item["wanted"] for item in found["lists"]] == ["recycling"] * len(found["lists"])
    first = found["lists"][0]
    assert first["identifier"] == OWNER
    assert first["publishers"][0]["now"] == ["recycling"]
    assert first["index"] in [event["index"] for event in found["life"]]
    schema = verdict_schema()
    check_fits(found, {"$defs": schema["$defs"], "$ref": f"#/$defs/{VerdictFacts.__name__}"})


def test_without_lists_nothing_is_said(tmp_path: Path) -> None:
    verdict = recycled(tmp_path)
    assert verdict.works == ()
    assert "White list" not in print_verdict(verdict)
    assert "White list" not in verdict_page(verdict, bytes(32))
    assert verdict_facts(verdict)["lists"] == []
