"""``cellbook list`` and ``policy``: a publisher, his lists, and what they prove offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.listing.table import read_list
from keys.algorithms import ED25519
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.lists.rows import parse_document
from ledger.proof.participation import decode_participation
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.cli.running import refused, run, run_json
from tests.log.listing import GREEN, LATE, NOBODY, REUSE
from tests.service import running_service

SCHEME = "cn-miit-whitelist"
PUBLISHER = "urn:cellbook:authority:publisher"
BEFORE = f"""\
序号,批次,公告号,省份,企业名称,统一社会信用代码,类型
1,1,35/2018,河北,石家庄丙环保,{GREEN},再生利用
2,4,2/2023,浙江,宁波乙循环,{REUSE},梯次利用、再生利用
"""
AFTER = f"""\
identifier,name,category,valid_from,valid_to
{GREEN},石家庄丙环保,recycling,,
{REUSE},宁波乙循环,recycling,2023-02-01,
{REUSE},宁波乙循环,second-life,2023/2/1,2026年7月30日
{LATE},重庆丁回收,recycling,2026-08-02,
"""


class Shop:
    """A ledger's folder with a publisher's key, whom its policy names."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "shop"
        self.trust = self.home / "trust.toml"
        self.key = folder / "publisher.pem"
        run("init", self.home)
        run("keygen", self.key, "--save-passphrase")

    def name_publisher(self) -> Any:
        request = self.folder / "publisher.request"
        run("operator", "request", "--key", self.key, "--uri", PUBLISHER,
            "--trust", self.trust, "--out", request)  # fmt: skip
        return self.publish("--add", "publisher", request)

    def publish(self, *changes: object, **options: Any) -> Any:
        return run_json("policy", "publish", "--home", self.home, "--yes",
                        "--root", self.folder / "shop-root" / "root.pem", *changes,
                        **options)  # fmt: skip

    def table(self, text: str, encoding: str = "utf-8") -> Path:
        file = self.folder / "list.csv"
        file.write_bytes(text.encode(encoding))
        return file

    def stating(self, text: str, effective: str, encoding: str = "utf-8") -> list[object]:
        """The arguments of the import of a list, but for where it goes."""
        return ["list", "import", self.table(text, encoding), "--scheme", SCHEME,
                "--announcement", "20/2026", "--effective", effective, "--key", self.key,
                "--yes"]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The list of 2023 and that of 2026-07-30, registered in the folder."""
    made = Shop(tmp_path_factory.mktemp("lists"))
    assert made.name_publisher()["number"] == 1
    run(*made.stating(BEFORE, "2023-01-05", "gb18030"), "--home", made.home)
    run(*made.stating(AFTER, "2026-07-30"), "--home", made.home)
    return made


def proved(shop: Shop, tmp_path: Path, identifier: str, day: str) -> Path:
    out = tmp_path / f"{identifier}-{day}.participation"
    run("list", "prove", identifier, "--scheme", SCHEME, "--at", day, "--home", shop.home,
        "--out", out)  # fmt: skip
    return out


def verified(shop: Shop, file: Path) -> Any:
    return run_json("list", "verify", file, "--trust", shop.trust)


def test_a_policy_names_the_publisher(shop: Shop) -> None:
    shown = run_json("policy", "show", "--home", shop.home)
    assert {one["uri"]: one["role"] for one in shown["authorities"]}[PUBLISHER] == "publisher"
    assert "publisher" in run("policy", "show", "--home", shop.home).stdout


def test_snapshots_are_shown(shop: Shop) -> None:
    assert run("list", "show", "--home", shop.home).stdout == f"{SCHEME}\n"
    shown = run_json("list", "show", SCHEME, "--home", shop.home)
    assert [item["effective"] for item in shown["snapshots"]] == ["2023-01-05", "2026-07-30"]
    assert [item["rows"] for item in shown["snapshots"]] == [3, 4]
    rows = run_json("list", "show", SCHEME, "--effective", "2026-07-30", "--home", shop.home)[
        "rows"
    ]
    assert {"identifier": LATE, "name": "重庆丁回收", "category": "recycling",
            "valid_from": "2026-08-02"} in rows  # fmt: skip
    assert "days at UTC+08:00" in run("list", "show", SCHEME, "--home", shop.home).stdout
    refused("missing.list.day", "list", "show", SCHEME, "--effective", "2026-07-31",
            "--home", shop.home, code=3)  # fmt: skip


def test_two_lists_are_compared(shop: Shop) -> None:
    found = run_json("list", "diff", SCHEME, "2023-01-05", "2026-07-30", "--home", shop.home)
    assert (found["added"], found["removed"]) == ([LATE], [])
    assert found["changed"] == sorted([GREEN, REUSE])
    printed = run("list", "diff", SCHEME, "2023-01-05", "2026-07-30", "--home", shop.home).stdout
    assert f"+ {LATE}  重庆丁回收, recycling, 2026-08-02 to further notice" in printed


def test_the_copies_of_two_publishers_are_compared(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.name_publisher()
    run(*shop.stating(AFTER, "2026-07-30"), "--home", shop.home)
    shop.key, second = tmp_path / "second.pem", "https://second.example"
    run("keygen", shop.key, "--save-passphrase")
    request = tmp_path / "second.request"
    run("operator", "request", "--key", shop.key, "--uri", second,
        "--trust", shop.trust, "--out", request)  # fmt: skip
    shop.publish("--add", "publisher", request)
    run(*shop.stating(AFTER.replace("丙", "丁"), "2026-07-30"), "--issuer", second,
        "--home", shop.home)  # fmt: skip
    compare = ("list", "diff", SCHEME, "2026-07-30", "2026-07-30", "--home", shop.home)
    told = refused("missing.list.day", *compare, code=3)
    assert f"2 snapshots; {PUBLISHER}; {second}" in told
    found = run_json(*compare, "--publisher", PUBLISHER, "--against", second)
    assert (found["added"], found["removed"], found["changed"]) == ([], [], [GREEN])


@pytest.mark.parametrize(
    ("identifier", "day", "listed"),
    [
        (REUSE, "2026-07-29", ["recycling", "second-life"]),
        (REUSE, "2026-07-30", ["recycling", "second-life"]),
        (REUSE, "2026-07-31", ["recycling"]),
        (f"urn:uscc:{LATE}", "2026-08-01", []),
        (LATE, "2026-08-02", ["recycling"]),
        (NOBODY, "2026-08-02", []),
    ],
)
def test_who_was_listed_is_shown_offline(
    shop: Shop, tmp_path: Path, identifier: str, day: str, listed: list[str]
) -> None:
    file = proved(shop, tmp_path, identifier, day)
    found = verified(shop, file)
    assert (found["listed"], found["day"]) == (listed, day)
    printed = run("list", "verify", file, "--trust", shop.trust).stdout
    assert ("LISTED    YES" if listed else "LISTED    NO") in printed
    assert "the ministry (MIIT) does not sign" in " ".join(printed.split())
    assert "completeness stated by the service" in printed
    assert all(len(line) <= 79 for line in printed.split("\n"))


def test_nothing_is_said_of_days_before_every_list(shop: Shop, tmp_path: Path) -> None:
    file = proved(shop, tmp_path, REUSE, "2019-01-01")
    assert "CANNOT TELL" in run("list", "verify", file, "--trust", shop.trust).stdout


def test_a_code_with_a_wrong_check_character_is_nobodys(shop: Shop, tmp_path: Path) -> None:
    wrong = GREEN[:-1] + ("A" if GREEN[-1] != "A" else "B")
    asking = ("list", "prove", wrong, "--scheme", SCHEME, "--at", "2026-07-29", "--home", shop.home)
    told = refused("usage.command-line", *asking, "--out", tmp_path / "file", code=2)
    assert "check character" in told
    assert not (tmp_path / "file").exists()


def test_a_changed_file_is_not_genuine(shop: Shop, tmp_path: Path) -> None:
    file = proved(shop, tmp_path, REUSE, "2026-07-29")
    file.write_bytes(file.read_bytes().replace("宁波乙".encode(), "宁波丙".encode()))
    found = run_json("list", "verify", file, "--trust", shop.trust, code=1)
    assert found["error"]["code"] == "failed.inclusion"
    assert "NOT GENUINE" in run("list", "verify", file, "--trust", shop.trust, code=1).stdout


def test_a_file_of_another_ledger_is_not_told(shop: Shop, tmp_path: Path) -> None:
    file = proved(shop, tmp_path, REUSE, "2026-07-29")
    run("init", tmp_path / "other")
    run("list", "verify", file, "--trust", tmp_path / "other" / "trust.toml", code=3)
    refused("usage.trust", "list", "verify", file, "--trust", file, code=2)


def test_a_ledger_that_was_seen_before(shop: Shop, tmp_path: Path) -> None:
    file, state = proved(shop, tmp_path, REUSE, "2026-07-29"), tmp_path / "seen"
    checked = ("list", "verify", file, "--trust", shop.trust, "--state", state)
    for _ in range(2):
        run(*checked)
    (kept,) = state.glob("*/checkpoint")
    assert kept.read_bytes() == decode_participation(file.read_bytes()).checkpoint
    kept.write_bytes(b"")
    refused("damaged.state", *checked, code=1)
    run("list", "verify", file, "--trust", shop.trust, "--log", tmp_path, code=2)


def test_a_statement_is_kept_and_handed_in_later(shop: Shop, tmp_path: Path) -> None:
    out, rows = tmp_path / "next.cose", tmp_path / "next.cose.list"
    facts = run_json(*shop.stating(AFTER, "2026-12-01"), "--trust", shop.trust, "--out", out)
    assert facts["rows_file"] == str(rows)
    assert parse_document(rows.read_bytes()).rows == 4
    early = ("list", "hand-in", rows, "--scheme", "cn-other", "--home", shop.home)
    refused("missing.list", *early, code=3)
    with running_service(shop.home) as service:
        run("submit", out, "--url", service.url)
        run("list", "hand-in", rows, "--scheme", SCHEME, "--url", service.url)
        run("list", "hand-in", shop.table(AFTER), "--scheme", SCHEME, "--url", service.url)
        run("list", "show", SCHEME, "--effective", "2026-12-01", "--url", service.url)
        assert run_json("list", "show", "--url", service.url)["lists"] == [SCHEME]
        asked = ("list", "prove", LATE, "--scheme", SCHEME, "--at", "2026-12-01")
        run(*asked, "--url", service.url, "--out", tmp_path / "late.participation")
        stated = run_json(*shop.stating(AFTER, "2027-01-01"), "--trust", shop.trust,
                          "--url", service.url)  # fmt: skip
        assert httpx.get(stated["place"]).status_code == 200
    assert verified(shop, tmp_path / "late.participation")["listed"] == ["recycling"]


def test_what_contradicts_a_registered_list(shop: Shop) -> None:
    arguments = (*shop.stating(BEFORE, "2026-07-30"), "--home", shop.home)
    refused("rejected.list.effective", *arguments, code=1)


def test_a_stranger_publishes_nothing(shop: Shop, tmp_path: Path) -> None:
    key = tmp_path / "stranger.pem"
    run("keygen", key, "--save-passphrase")
    arguments = shop.stating(BEFORE, "2026-10-01")
    arguments[arguments.index(shop.key)] = key
    refused("rejected.issuer.authority", *arguments, "--home", shop.home, code=1)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (f"{GREEN[:-1]}X,A,recycling,,", "malformed.uscc"),
        ("9.1440E+17,A,recycling,,", "malformed.cell.exponent"),
        (f"{NOBODY},,recycling,,", "malformed.list.row"),
        (f"{NOBODY},A,any,,", "malformed.list.row"),
        (f"{NOBODY},A,recycling,30.07.2026,", "malformed.date"),
        (f"{NOBODY},A,recycling,2026-02-30,", "malformed.date"),
        (f"{NOBODY},A,recycling,2026-07-30,2026-07-29", "malformed.list.row"),
        (f"{GREEN},石家庄丙环保,recycling,,", "malformed.list.order"),
        (f"{NOBODY},A,recycling", "malformed.row.cells"),
        (f"{NOBODY},#REF!,recycling,,", "malformed.cell.error"),
    ],
)
def test_one_wrong_row_stops_all_and_is_named(shop: Shop, row: str, code: str) -> None:
    arguments = (*shop.stating(AFTER + row + "\n", "2026-10-01"), "--home", shop.home)
    printed = refused("malformed.list.table", *arguments, code=1)
    assert f"line 6: {code}" in printed
    assert "line 5" not in printed


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("identifier,name", "usage.list.columns"),
        ("identifier,name,category,price", "usage.list.columns"),
        ("identifier,uscc,name,category", "usage.list.columns"),
        ("identifier,name,name", "usage.import.header"),
        ("identifier;name;category", "usage.list.columns"),
    ],
)
def test_columns_that_no_list_has(shop: Shop, header: str, code: str) -> None:
    table = header + "\n" + ",".join("x" * (header.count(",") or 1)) + "\n"
    refused(code, *shop.stating(table, "2026-10-01"), "--home", shop.home, code=2)


def test_a_dry_run_signs_nothing(shop: Shop) -> None:
    facts = run_json(*shop.stating(AFTER, "2026-11-01"), "--dry-run")
    assert (facts["identifiers"], facts["rows"]) == (3, 4)
    assert "entry_id" not in facts
    shown = run_json("list", "show", SCHEME, "--home", shop.home)["snapshots"]
    assert "2026-11-01" not in {item["effective"] for item in shown}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_may_be_in_either_encoding_and_width(encoding: str) -> None:
    wide = BEFORE.replace(GREEN, GREEN.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}))
    read = read_list("list.csv", wide.encode(encoding), SCHEME)
    plain = read_list("list.csv", BEFORE.encode(), SCHEME)
    assert read.document is not None
    assert read.document == plain.document
    assert [leaf.identifier for leaf in read.document.leaves] == sorted([GREEN, REUSE])
    assert read.document.leaves[0].rows[0].batch == "1"


def test_a_list_may_be_json_lines() -> None:
    rows = [{"identifier": "L0001", "name": "A", "category": "cells"}]
    data = "\n".join(map(json.dumps, rows)).encode()
    read = read_list("list.jsonl", data, "cnas-laboratories")
    assert read.document is not None
    assert read.document.leaves[0].identifier == "L0001"
    with pytest.raises(CellbookError) as found:
        read_list("empty.csv", b"", SCHEME)
    assert found.value.code == "usage.import.empty"


def test_the_next_policy(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    refuse = ("policy", "publish", "--home", shop.home, "--yes",
              "--root", tmp_path / "shop-root" / "root.pem")  # fmt: skip
    refused("usage.policy.unchanged", *refuse, code=2)
    refused("usage.policy.authority", *refuse, "--remove", PUBLISHER, code=2)
    shop.name_publisher()
    changed = shop.publish("--limit", "skew_s", "60", "--remove", PUBLISHER)
    assert changed["number"] == 2
    shown = run_json("policy", "show", "--home", shop.home)
    assert shown["limits"]["skew_s"] == 60
    assert [one["role"] for one in shown["authorities"]] == ["registrar"]
    told = run(*refuse, "--limit", "skew_s", "90", "--profile", "cn-2026", "1",
               "--out", tmp_path / "policy.cose").stderr  # fmt: skip
    assert Path(tmp_path / "policy.cose").exists()
    head, *changes = told[: told.index("The root signs about")].splitlines()
    assert head == "policy 3 differs from policy 2 in this:"
    assert changes == ["  profile cn-2026: none becomes 1", "  limit skew_s: 60 becomes 90"]
    assert run_json("policy", "show", "--home", shop.home)["number"] == 2
    run(*refuse, "--limit", "skew_s", "-1", code=2)
    refused("unsupported.profile", *refuse, "--profile", "none-such", "1", code=3)
    registrar = tmp_path / "shop-registrar" / "registrar.pem"
    wrong = [*refuse[:-1], registrar, "--limit", "skew_s", "90"]
    refused("rejected.key.unknown", *wrong, code=1)


def test_a_policy_names_witnesses_and_auditors(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    first, second = (
        Verifier.from_key(f"{name}.example", generate(ED25519).key, COSIGNATURE).vkey
        for name in ("witness", "auditor")
    )
    shop.publish("--add", "witness", first, "--add", "auditor", second)
    shown = run_json("policy", "show", "--home", shop.home)
    assert (shown["witnesses"], shown["auditors"]) == ([first], [second])
    assert f"  auditor   {second}" in run("policy", "show", "--home", shop.home).stdout
    again = ("policy", "publish", "--home", shop.home, "--yes",
             "--root", tmp_path / "shop-root" / "root.pem")  # fmt: skip
    told = run(*again, "--remove", first).stderr
    assert f"differs from policy 1 in this:\n  - witness {first}\nThe root signs about" in told
    assert run_json("policy", "show", "--home", shop.home)["witnesses"] == []
    refused("usage.policy.authority", *again, "--remove", first, code=2)
    refused("rejected.policy.cosigners", *again, "--add", "witness", second, code=1)
    refused("malformed.note.vkey", *again, "--add", "witness", "witness.example", code=1)
