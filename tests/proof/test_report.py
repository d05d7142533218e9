"""The report: what a buyer reads first, last, and never."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.proof.refusal import print_refusal
from ledger.proof.report import print_verdict
from ledger.proof.table import cells, columns, filled, shown
from ledger.proof.verdict import Verdict
from ledger.proof.verify import verify_dossier
from tests.proof.building import changed
from tests.proof.lying import OTHER, PACK, SECOND, LyingLog, begun, told

CODE = PACK.rpartition(":")[2]
LIFE = ("manufacture", "install", "decommission", "assessment")


def verify(log: LyingLog, subject: str = PACK, **options: str) -> Verdict:
    return verify_dossier(log.dossier(subject), log.trust(), log.now + 7_200, **options)


def lines(verdict: Verdict, **options: Any) -> list[str]:
    text = print_verdict(verdict, **options)
    check_layout(text)
    return text.splitlines()


def check_layout(text: str) -> None:
    assert text.endswith("\n")
    for line in text.split("\n"):
        assert cells(line) <= 79, line
        assert line == line.rstrip()
        assert all(character.isprintable() or character == "\u3000" for character in line), line


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
        "RECORD    GENUINE up to 2026-05-28 20:28 UTC (2 hours ago)",
        "          completeness not checked: an entry could have been left out",
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
    text = " ".join(line.strip() for line in found)
    assert f"[ORD-4] 'first installed' of 2026-05-08: {CODE} was never assessed." in text
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
    text = " ".join(refused(log, before + key + b"\x02" + after[1:]))
    assert text.startswith("CANNOT TELL: ")
    assert "Not a sign" not in text


def test_what_is_no_dossier() -> None:
    log = told("manufacture")
    for data in (b"", b"\x00", b"\x1b[2J" * 30, b"%PDF-1.7"):
        assert refused(log, data)[0].startswith("RECORD NOT GENUINE: ")


# Texts of strangers


def named(name: str, reason: str = "x") -> LyingLog:
    log = LyingLog()
    log.register("all", "maker", "installer", "dismantler", shown=name)
    log.event("manufacture", PACK)
    log.event("install", PACK, application=reason)
    log.event("decommission", PACK, reason=reason)
    log.head()
    return log


def test_names_in_other_scripts_keep_the_columns() -> None:
    found = lines(verify(named("宁德时代新能源科技股份有限公司", "电池容量低于需要" * 12)))
    start = found.index(next(line for line in found if line.startswith("DATE")))
    place = found[start].index("WHO SIGNED IT")
    row = found[start + 1]
    assert cells(row[: row.index("宁")]) == place
    assert sum(line.count("宁") for line in found) == 3
    assert sum(line.count("池") for line in found) == 24


@pytest.mark.parametrize(
    "text",
    [
        *("\x1b[2J", "a\nRECORD    GENUINE", "a\rb", "\x9b31m", "\x07", "\x7f"),
        *("\u202e", "\u2066", "\u2028", "\u061c"),
    ],
)
def test_what_steers_a_terminal_does_not_pass_the_events(text: str) -> None:
    log = begun()
    with pytest.raises(CellbookError) as refused:
        log.event("decommission", PACK, reason=f"a{text}b")
    assert refused.value.code == "malformed.payload.text"
    with pytest.raises(CellbookError) as refused:
        log.register("new", "maker", shown=f"a{text}b")
    assert refused.value.code == "malformed.payload.text"


def hostile(verdict: Verdict, text: str) -> Verdict:
    """The verdict as if every text of a signer was ``text``: a second line of defence."""
    replace = msgspec.structs.replace
    life = tuple(
        replace(
            event,
            what=text,
            remarks=(text, text),
            signer=replace(event.signer, name=text, country=text),
        )
        for event in verdict.life
    )
    findings = tuple(replace(finding, detail=text) for finding in verdict.remarks)
    profile = replace(verdict.profile, chemistry=text, category=text)
    assert verdict.health is not None
    health = replace(verdict.health, method=text)
    return replace(
        verdict, life=life, breaches=findings, remarks=findings, profile=profile, health=health,
        unchecked=(*verdict.unchecked, text), operators=(*verdict.operators,),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *("\x1b]0;x\x07", "a\nRECORD    GENUINE", "\x9b2J", "\u202eabc", "\u200b" * 90, "\u3164"),
        *("x" * 3_000, "宁" * 500, "e\u0301" * 400, "\U0001f50b" * 90, "\xa0" * 100, "", " "),
    ],
)
def test_nothing_of_strangers_breaks_the_layout(text: str) -> None:
    verdict = verify(told(*LIFE, "incident"))
    for verbose in (False, True):
        check_layout(print_verdict(hostile(verdict, text), verbose=verbose))


@pytest.mark.parametrize("text", ["\x1b[2J", "\n" * 5 + "RECORD    GENUINE", "\u202e", "x" * 5_000])
def test_refusals_do_not_pass_on_what_steers_a_terminal(text: str) -> None:
    log = told("manufacture")
    dossier = changed(log.dossier(), subject=text[:500])
    check_layout("\n".join(refused(log, dossier)) + "\n")
    from ledger.proof.dossier import SHAPE

    printed = print_refusal(SHAPE.at(text, text))
    check_layout(printed)
    assert "\nRECORD" not in printed


def test_two_operators_of_one_name_are_told_apart() -> None:
    log = LyingLog()
    log.register("all", "maker", shown="Maker A")
    log.register("two", "maker", shown="ＭＡＫＥＲ  a")
    log.event("manufacture", PACK)
    log.event("waste", PACK, by="two")
    log.head()
    text = "".join("\n".join(lines(verify(log))).split())
    assert "<https://all.example>" in text or "https://all.exa" in text
    one = LyingLog()
    one.register("all", "maker", shown="Maker A")
    one.event("manufacture", PACK)
    one.head()
    assert "https://all" not in print_verdict(verify(one))


def test_long_remarks_are_cut_in_the_table_only() -> None:
    log = named("Maker A", "long " * 300)
    verdict = verify(log)
    assert len(lines(verdict)) < 80
    assert "... (cut)" in " ".join(line.strip() for line in lines(verdict))
    assert len(verdict.life[-1].remarks[0]) == 1_500


# The table


def widths() -> Iterator[int]:
    yield from (20, 40, 79)


def test_columns_are_as_wide_as_they_may_be() -> None:
    rows = [["a", "b" * 50, "c" * 50, "d " * 60], ["", "", "", ""]]
    found = list(columns(rows, 79))
    assert max(map(cells, found)) <= 79
    assert "".join(found).count("b") == 50
    assert "".join(found).count("d") == 60


@pytest.mark.parametrize("width", list(widths()))
def test_filled_keeps_every_word(width: int) -> None:
    text = "one two " + "x" * 200 + " 三四五" * 30
    found = filled(text, width)
    assert all(cells(line) <= width for line in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_shown() -> None:
    assert shown("plain text") == "plain text"
    assert shown("全角\u3000空") == "全角\u3000空"
    assert shown("a\u200bb\x1b\u3164") == "a\\u200bb\\u001b\\u3164"
    assert cells("a\u0301") == 1
    assert cells("全a") == 3
