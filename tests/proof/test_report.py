"""The report: what a buyer reads first, last, and never."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.proof.report.refusal import print_refusal
from ledger.proof.report.text import print_verdict
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.proof.building import check_layout
from tests.proof.lying import OTHER, PACK, SECOND, LyingLog, told

CODE = PACK.rpartition(":")[2]
LIFE = ("manufacture", "install", "decommission", "assessment")


def verify(log: LyingLog, subject: str = PACK, **options: str) -> Verdict:
    return verify_dossier(log.dossier(subject), log.trust(), log.now + 7_200, **options)


def lines(verdict: Verdict, **options: Any) -> list[str]:
    text = print_verdict(verdict, **options)
    check_layout(text)
    return text.splitlines()


def refused(log: LyingLog, data: bytes, **trust: Any) -> list[str]:
    with pytest.raises(CellbookError) as error:
        verify_dossier(data, log.trust(**trust), log.now)
    text = print_refusal(error.value)
    check_layout(text)
    assert "DATE" not in text
    assert f"Code      {error.value.code}\n" in text
    return text.splitlines()


def test_three_questions_three_lines_in_this_order() -> None:
    found = lines(verify(told(*LIFE), label=CODE), offset_minutes=60)
    assert found[0].startswith("CELLBOOK CHECK   ")
    assert found[0].endswith("2026-05-28 23:28 +01:00")
    assert found[1:5] == [
        "RECORD    GENUINE AND COMPLETE up to 2026-05-28 20:28 UTC (2 hours ago)",
        "          completeness stated by the service; no witness, no auditor",
        "BATTERY   MEETS THE RULES CHOSEN, NO REMARKS (core)",
        f"LABEL     MATCHES {CODE} (the code you typed)",
    ]
    heads = [line.split(" ")[0] for line in found if line[:1].isupper()]
    order = ["Battery", "What", "Now", "Health", "DATE", "NOT", "NEXT", "Trust", "File"]
    assert [head for head in heads if head in order] == order
    assert found[-1].strip() == "This print proves nothing: check the file."


def test_a_label_that_does_not_match_and_none() -> None:
    log = told("manufacture")
    found = lines(verify(log, label=OTHER))
    assert found[4].startswith("LABEL     DOES NOT MATCH urn:cellbook:")
    assert "Do not accept this battery with this file." in " ".join(map(str.strip, found))
    assert lines(verify(log))[4].startswith("LABEL     NOT COMPARED")


def test_remarks_are_counted_numbered_and_explained() -> None:
    found = lines(verify(told("manufacture", "install", "incident")))
    assert found[3] == "BATTERY   MEETS THE RULES CHOSEN, 1 REMARK (core)"
    text = " ".join(line.strip() for line in found)
    assert "[INC-1]" in text
    assert f"'CRASH' of 2026-05-09: {CODE} was damaged or recalled" in text
    assert "Ask the seller about [INC-1]." in text
    assert "IN QUARANTINE" in text


def test_breaches_say_what_when_why_and_what_next() -> None:
    log = told("manufacture", "install", "decommission", "install")
    found = lines(verify(log))
    assert found[3] == "BATTERY DOES NOT MEET THE RULES: 1 breach (core)"
    assert found[4].strip() == (
        "The file is not forged. The history in it breaks the rules, or lacks"
    )
    text = " ".join(" ".join(found).split())
    assert f"[ORD-4] 'first installed' of 2026-05-09: {CODE} was never assessed." in text
    assert "Basis: EU 2023/1542 Art. 73" in text
    assert "Repair: Have the unit assessed" in text
    assert "Do not put the battery into service." in text


def test_nothing_technical_unless_asked_for() -> None:
    verdict = verify(told(*LIFE))
    text, more = print_verdict(verdict), print_verdict(verdict, verbose=True)
    check_layout(more)
    for secret in (verdict.record.root.hex(), "size 9", "entry 5", "https://all.example"):
        assert secret not in text
    root = verdict.record.root.hex()
    assert root in more
    assert verdict.record.file_sha256.hex() in more
    assert "all: https://all.example" in more
    assert "entry 5" in more


def test_the_name_of_the_ledger_is_the_readers_own() -> None:
    assert 'Trust       your file for "Lies" (log.example/lies)' in lines(
        verify(told("manufacture"))
    )


def test_the_health_of_what_was_tested_before() -> None:
    log = told(*LIFE, "repurpose")
    text = " ".join(line.strip() for line in lines(verify(log, SECOND)))
    assert f"it is {CODE} that was tested, before this was made from it" in text
    assert "What      Pack, SECOND LIFE, 51.2 V, 98 kg, category industrial" in text


# Refusals: the first lines of each kind


def test_not_genuine() -> None:
    log = told(*LIFE)
    data = bytearray(log.dossier())
    at = data.index(b"range below need")
    data[at] ^= 1
    first, second, *_ = refused(log, bytes(data))
    assert first == "RECORD NOT GENUINE: entry 6 was changed after it was signed, or its signature"
    assert second == "is forged."


def test_incomplete() -> None:
    log = told(*LIFE)
    assert refused(log, log.dossier(leave_out=(4,)))[0].startswith("RECORD INCOMPLETE: ")


def test_cannot_tell_another_ledger() -> None:
    log = told("manufacture")
    text = " ".join(refused(log, log.dossier(), origin="log.example/mine"))
    assert text.startswith(
        "CANNOT TELL: your trust file is for ledger log.example/mine, this file is from ledger "
        "log.example/lies. Not a sign of forgery."
    )


def test_cannot_tell_a_later_version() -> None:
    log = told("manufacture")
    before, key, after = log.dossier().rpartition(b"gversion")
    text = " ".join(refused(log, before + key + b"\x03" + after[1:]))
    assert text.startswith("CANNOT TELL: ")
    assert "Not a sign" not in text


def test_what_is_no_dossier() -> None:
    log = told("manufacture")
    for data in (b"", b"\x00", b"\x1b[2J" * 30, b"%PDF-1.7"):
        assert refused(log, data)[0].startswith("RECORD NOT GENUINE: ")
