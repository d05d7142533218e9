"""The page: whole in one file, harmless with any text, and the same verdict as the report."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.proof.report.markup import safe
from ledger.proof.report.page import refusal_page, verdict_page
from ledger.proof.report.refusal import print_refusal
from ledger.proof.report.text import print_verdict
from ledger.proof.verdict.evidence import HeldFile, match_evidence
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from tests.proof.lying import PACK, ROLES, SECOND, LyingLog, told

TRUST = bytes(range(32))
LIFE = ("manufacture", "install", "decommission", "assessment")
VOID = {"meta", "br"}


class Page(HTMLParser):
    """The elements of a page, each of which must be closed, and its text outside of the style."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th", "p", "li", "h1", "h2", "b", "small"):
            self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)


def verdict_on(log: LyingLog, subject: str = PACK, **options: Any) -> Verdict:
    return verify_dossier(log.dossier(subject), log.trust(), log.now + 9_000, **options)


def broken(**shown: str) -> Verdict:
    """A battery whose assessment is from before its crash."""
    log = LyingLog()
    log.head()
    log.register("all", *ROLES, **shown)
    log.live(PACK, *LIFE, "incident", "repurpose")
    log.head()
    return verdict_on(log, SECOND, label=SECOND, required=("ROL-1",))


def test_it_needs_nothing_from_anywhere() -> None:
    html = verdict_page(broken(), TRUST)
    page = Page(html)
    assert page.names.isdisjoint({"script", "link", "img", "iframe", "object", "form", "base", "a"})
    names = {name for name, _ in page.attributes}
    assert names.isdisjoint({"src", "href", "style", "srcset", "action"})
    assert not any(name.startswith("on") for name in names)
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import|https?:", html.partition("</style>")[0])


def test_it_says_what_the_report_says() -> None:
    verdict = broken()
    text = Page(verdict_page(verdict, TRUST, offset_minutes=480)).text
    for said in (
        "CELLBOOK CHECK",
        "RECORD GENUINE AND COMPLETE up to",
        "completeness stated by the service; no witness, no auditor",
        "BATTERY DOES NOT MEET THE RULES: 2 breaches (core)",
        "LABEL MATCHES",
        "REQUIRED ROL-1 HOLDS: judged in 6 entries",
        "Basis: EU 2023/1542 Art. 73",
        "Do not put the battery into service.",
        "Not checked that the ledger's own index",
        verdict.record.file_sha256.hex(),
        TRUST.hex(),
        "+08:00",
    ):
        assert said in text, said
    report = " ".join(print_verdict(verdict).split())
    chain = re.search(r"tested \S+ > crash \S+ > repurposed \S+", report)
    assert chain
    assert chain[0] in text


def test_every_printed_sheet_says_that_it_proves_nothing() -> None:
    """Browsers print a table's foot on every sheet that the table is on, so all is in its body."""
    html = verdict_page(broken(), TRUST)
    body = html.partition("<body>")[2].strip()
    assert body.startswith('<main><table class="sheet" role="presentation"><tbody>')
    # One row for all: a browser moves a row that fits on one sheet whole to the next sheet.
    assert body.count("<td><header>") == 1
    assert re.findall(r"</td></tr>(?=</tbody><tfoot>)", body) == ["</td></tr>"]
    foot = body.rpartition("<tfoot>")[2]
    assert foot.startswith('<tr class="print"><td><b>This print proves nothing.')
    assert foot.removesuffix("</html>").strip().endswith("</tfoot></table></main>\n</body>")
    assert "size: A4" in html


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert('1')>",
        "</td></table></style><!--",
        "&lt;b&gt; &amp; &#x3c;",
        "宁德时代新能源科技股份有限公司",
        "شركة فحص البطاريات 12 المحدودة",
        "מעבדת סוללות (1994) בע\u05f4מ, Haifa",
        "x" * 120,
    ],
)
def test_strangers_texts(name: str) -> None:
    page = Page(verdict_page(broken(shown=name), TRUST))
    assert " ".join(name.split()) in page.text
    assert page.names == Page(verdict_page(broken(), TRUST)).names | ({"bdi"} & page.names)
    assert ("bdi" in page.names) == bool(re.search("[\u0590-\u06ff]", name))


def test_it_can_be_read_aloud() -> None:
    """Answers are under headings, cells under named rows or columns, and the frame is no table."""
    html = verdict_page(broken(), TRUST)
    heads = re.findall(r"<h2>(.*?)</h2>", html)
    assert heads[:4] == ["RECORD", "BATTERY", "LABEL", "REQUIRED"]
    assert heads[4:] == ["Life", "Breaches", "Remarks", "Not checked", "Next"]
    tables = re.findall(r"<table [^>]*>", html)
    assert [table for table in tables if "presentation" in table] == tables[:1]
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", html))
    assert html.index("CELLBOOK CHECK") < html.index("This print proves nothing")


def test_what_reads_from_right_to_left_is_alone() -> None:
    assert safe("a שלום, עולם 12 b") == "a <bdi>שלום, עולם</bdi> 12 b"
    assert safe("مختبر 2026") == "<bdi>مختبر</bdi> 2026"
    assert safe("ab 中文 <i>") == "ab 中文 &lt;i&gt;"
    assert safe("x\u202e\u2066<\u0000") == "x\\u202e\\u2066&lt;\\u0000"
    assert safe("שלום\u202e") == "<bdi>שלום</bdi>\\u202e"
    assert safe("") == ""


def test_long_texts_cost_little() -> None:
    assert len(safe("ש," * 100_000 + "\u4e2d" * 100_000)) > 300_000
    assert safe("שa" * 1_000).count("<bdi>") == 1_000


def test_documents_that_the_reader_holds() -> None:
    verdict = broken()
    held = verdict.documents[0]
    files = {held.sha256: HeldFile("<r>.pdf", 3), b"\x01" * 32: HeldFile("other.txt", 1)}
    page = Page(verdict_page(verdict, TRUST, documents=match_evidence(verdict.documents, files)))
    assert f"held: {held.event}, {held.place}: <r>.pdf" in page.text
    assert "no entry states other.txt" in page.text
    assert "not what is in the documents" in page.text
    assert "Documents" not in Page(verdict_page(verdict, TRUST)).text


@pytest.mark.parametrize("data", [b"", b"\x1b[2J<script>", b"%PDF-1.7"])
def test_a_record_that_is_not_genuine(data: bytes) -> None:
    log = told("manufacture")
    with pytest.raises(CellbookError) as refused:
        verify_dossier(data, log.trust(), log.now)
    html = refusal_page(refused.value, log.now, log.trust(), TRUST, TRUST)
    page = Page(html)
    assert "RECORD NOT GENUINE: " in page.text
    assert refused.value.code in page.text
    assert "This print proves nothing." in page.text
    assert "Life" not in page.text
    assert 'class="answer bad"' in html


def test_a_record_that_could_not_be_judged() -> None:
    log = told("manufacture")
    trust = log.trust(origin="log.example/mine")
    with pytest.raises(CellbookError) as refused:
        verify_dossier(log.dossier(), trust, log.now)
    html = refusal_page(refused.value, log.now, trust, TRUST, TRUST)
    assert "CANNOT TELL: your trust file is for ledger log.example/mine" in Page(html).text
    assert 'class="answer open"' in html
    assert "CANNOT TELL" in print_refusal(refused.value)
