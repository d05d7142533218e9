"""Texts of strangers in a report: in every script, and with what would steer a terminal."""

from __future__ import annotations

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.proof.dossier import SHAPE
from ledger.proof.report.refusal import print_refusal
from ledger.proof.report.table import cells, columns, filled, shown
from ledger.proof.report.text import print_verdict
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.proof.building import changed, check_layout
from tests.proof.lying import PACK, LyingLog, begun, told

LIFE = ("manufacture", "install", "decommission", "assessment")


def verify(log: LyingLog) -> Verdict:
    return verify_dossier(log.dossier(), log.trust(), log.now + 7_200)


def lines(verdict: Verdict) -> list[str]:
    text = print_verdict(verdict)
    check_layout(text)
    return text.splitlines()


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
    with pytest.raises(CellbookError) as error:
        verify_dossier(dossier, log.trust(), log.now)
    check_layout(print_refusal(error.value))
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
    log = named("Maker A", "long " * 50)
    verdict = verify(log)
    assert len(lines(verdict)) < 80
    assert "... (cut)" in " ".join(line.strip() for line in lines(verdict))
    assert len(verdict.life[-1].remarks[0]) == 250


def test_columns_are_as_wide_as_they_may_be() -> None:
    rows = [["a", "b" * 50, "c" * 50, "d " * 60], ["", "", "", ""]]
    found = list(columns(rows, 79))
    assert max(map(cells, found)) <= 79
    assert "".join(found).count("b") == 50
    assert "".join(found).count("d") == 60


@pytest.mark.parametrize("width", [20, 40, 79])
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
