"""The white list in a verdict: what it says of who recycled, on which day, by whose word."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import replace

from ledger.custody.lists.listed import ListAnswer, PublisherAnswer, Word
from ledger.custody.lists.rows import ListDocument, document_of, encode_document
from ledger.custody.lists.schemes import WHITE_LIST
from ledger.custody.lists.snapshots import Stated
from ledger.custody.rules.listing import Work
from ledger.custody.states import ListedSnapshot
from ledger.proof.report.explaining import explain_together
from ledger.proof.report.export import verdict_facts
from ledger.proof.report.list_words import list_sentences
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
    assert "effective 2026-01-01, stated afterwards on 2026-" in text
    assert "was copied by publisher; the ministry (MIIT) does not sign." in text
    assert PUBLISHER not in text
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
    assert ", until 2026-12-31, by announcement" in words(verdict)


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


LOGGED = "2026-09-01"


def said(publisher: str, effective: str, *, logged: str = LOGGED) -> Stated:
    snapshot = ListedSnapshot(
        publisher=publisher,
        announcement="20/2026",
        effective=effective,
        leaves=1,
        rows=1,
        root=bytes(32),
        source_sha256=bytes(32),
        index=9,
    )
    return Stated(snapshot, 0, logged)


def asked(day: str, *answers: PublisherAnswer) -> ListAnswer:
    return ListAnswer(WHITE_LIST, OWNER, day, answers)


def test_a_firm_has_one_sentence_for_all_its_works() -> None:
    """However many there are: what is said of several days is said once, with the days."""
    word = Word(said(PUBLISHER, "2026-01-01", logged="2026-01-02"), (row(),))
    known = PublisherAnswer(PUBLISHER, word, word)
    logged = asked(LOGGED, known)
    days = ("2026-03-01", "2026-03-02", "2026-03-03")
    works = [
        Work("urn:a", index, "recycle", asked(day, known), logged) for index, day in enumerate(days)
    ]
    assert list(list_sentences(works, {0: "G", 1: "G", 2: "G"})) == [
        "G: listed for recycling on 2026-03-01, 2026-03-02, 2026-03-03 and 2026-09-01 (day of "
        "registration), by announcement 20/2026, effective 2026-01-01.",
        "The white list of battery recyclers was copied by publisher; the ministry (MIIT) does "
        "not sign.",
    ]


def test_publishers_who_differ_are_named_and_so_is_what_was_not_known_then() -> None:
    listed = Word(said(PUBLISHER, "2026-08-20"), (row(),))
    other = Word(said("https://second.example", "2026-08-20", logged="2026-08-20"), ())
    answer = asked(
        LOGGED,
        PublisherAnswer("https://second.example", other, other),
        PublisherAnswer(PUBLISHER, None, listed),
    )
    assert list(list_sentences([Work("urn:a", 0, "recycle", answer, answer)], {})) == [
        "who signed: NOT LISTED for recycling on 2026-09-01, by announcement 20/2026, effective "
        "2026-08-20, copied by https://second.example; listed for recycling on 2026-09-01, by "
        "announcement 20/2026, effective 2026-08-20, copied by publisher, stated afterwards on "
        "2026-09-01.",
        "The white list of battery recyclers was copied by https://second.example and publisher; "
        "the ministry (MIIT) does not sign.",
    ]


def test_what_is_found_in_several_events_is_told_once(tmp_path: Path) -> None:
    verdict = recycled(tmp_path, (document_of([(OTHER, row())]), "2026-01-01"))
    finding = next(item for item in verdict.remarks if item.rule == "LST-1")
    events = [event.index for event in verdict.life]
    twice = [replace(finding, index=index) for index in events]
    told = list(explain_together(verdict, twice))
    assert len(told) == 1
    assert told[0].text.count(" of 2026-") == len(events)
    assert "by the list (announcement " in told[0].text
    assert "entry" not in told[0].text
