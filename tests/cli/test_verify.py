"""``cellbook verify`` as a buyer runs it: exit codes, both forms of the answer, bad files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.custody.values.times import format_moment
from ledger.monitor.source import stated_checkpoint
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.proof.dossier import decode_dossier
from ledger.proof.trust import dump_trust, trust_digest
from ledger.wire.note import sign_note
from ledger.wire.verifier import Verifier
from tests.cli.running import clean_environment, console, run, run_json
from tests.proof.cosigning import cosigned_dossier, key_of, vkeys
from tests.proof.lying import PACK, LyingLog, signer, told

CODE = PACK.rpartition(":")[2]
LIFE = ("manufacture", "install", "decommission")


class Files:
    """A dossier and a trust file, and the command on them."""

    def __init__(self, folder: Path, log: LyingLog, data: bytes | None = None) -> None:
        self.dossier, self.trust = folder / "battery.dossier", folder / "trust.toml"
        self.dossier.write_bytes(log.dossier() if data is None else data)
        self.trust.write_bytes(dump_trust(log.trust()))
        self.at = format_moment(log.now + 3_600, 60)

    def run(self, *options: str, code: int, trust: Path | None = None) -> str:
        """Run the command; nothing but the answer is printed."""
        args = (self.dossier, "--trust", trust or self.trust, "--at", self.at, *options)
        done = run("verify", *args, code=code)
        assert done.stderr == ""
        return done.stdout

    def json(self, *options: str, code: int, trust: Path | None = None) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.run(*options, "--json", code=code, trust=trust))
        assert value["ok"] is (code == 0)
        return value


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, told(*LIFE))


def test_a_genuine_record(files: Files) -> None:
    text = files.run("--label", CODE, code=0)
    assert text.splitlines()[0].endswith("+01:00")
    assert "\nRECORD    GENUINE AND COMPLETE up to " in text
    assert f"\nLABEL     MATCHES {CODE} (the code you typed)\n" in text
    digest = trust_digest(files.trust.read_bytes()).hex()
    assert text.endswith(f"SHA-256 of your trust file:\n          {digest}\n")
    found = files.json("--label", CODE, code=0)
    assert found["trust"] == {"sha256": digest, "origin": "log.example/lies", "name": "Lies"}
    assert found["subject"] == PACK
    assert found["at"] == told(*LIFE).now + 3_600


def test_by_default_the_time_is_now(files: Files) -> None:
    args = (files.dossier, "--trust", files.trust, "--json")
    done = console("verify", *args, env=clean_environment(TZ="Asia/Shanghai"))
    assert abs(json.loads(done.stdout)["at"] - time.time()) < 120
    text = console("verify", *args[:-1], env=clean_environment(TZ="Asia/Shanghai")).stdout
    assert text.splitlines()[0].endswith("+08:00")


def test_another_label(files: Files) -> None:
    assert "LABEL     DOES NOT MATCH" in files.run("--label", CODE[:-1] + "9", code=1)
    assert files.json("--label", "nonsense", code=1)["label"]["matches"] is False


def test_breaches(tmp_path: Path) -> None:
    files = Files(tmp_path, told(*LIFE, "install"))
    assert "BATTERY DOES NOT MEET THE RULES: 1 breach (core)" in files.run(code=1)
    assert files.json(code=1)["record"]["genuine"] is True


def test_remarks_fail_only_when_strict(tmp_path: Path) -> None:
    files = Files(tmp_path, told("manufacture", "incident"))
    assert "1 REMARK" in files.run(code=0)
    assert "1 REMARK" in files.run("--strict", code=1)
    assert files.json("--strict", code=1)["strict"] is True


def test_a_forged_file(tmp_path: Path) -> None:
    log = told(*LIFE)
    forged = log.dossier().replace(b"range below need", b"range above need")
    files = Files(tmp_path, log, forged)
    text = files.run(code=1)
    assert text.startswith("RECORD NOT GENUINE: entry ")
    assert "DATE" not in text
    found = files.json(code=1)
    assert found["error"]["code"] == "failed.signature"
    assert found["record"] == {"genuine": False, "completeness": "not checked"}


def test_an_incomplete_file(tmp_path: Path) -> None:
    log = told(*LIFE)
    files = Files(tmp_path, log, log.dossier(leave_out=(4,)))
    assert files.run(code=1).startswith("RECORD INCOMPLETE: ")


def test_another_ledgers_trust_file(files: Files, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    trust = msgspec.structs.replace(told("manufacture").trust(), origin="log.example/mine")
    other.write_bytes(dump_trust(trust))
    assert files.run(code=3, trust=other).startswith("CANNOT TELL: your trust file is for ledger ")
    found = files.json(code=3, trust=other)
    assert found["error"]["code"] == "undecided.trust.other-ledger"
    assert found["record"]["genuine"] is None


def test_a_time_whose_offset_is_written_as_z(files: Files) -> None:
    files.at = format_moment(int(time.time()) + 3_600, 0)
    text = files.run(code=0)
    assert text.splitlines()[0].endswith("+00:00")
    files.at = files.at.replace("+00:00", "Z")
    assert files.run(code=0) == text


def test_a_time_before_the_file(files: Files) -> None:
    files.at = "2026-01-01T00:00:00+00:00"
    assert files.json(code=3)["error"]["code"] == "undecided.time"


def usage(*args: object) -> str:
    """What is printed on stderr when the command or a file given to it is wrong; the code."""
    done = run("verify", *args, code=2)
    assert done.stdout == ""
    code: str = run_json("verify", *args, code=2)["error"]["code"]
    assert f"code: {code}" in done.stderr
    return code


def test_what_is_no_argument(files: Files, tmp_path: Path) -> None:
    trusted = ("--trust", files.trust)
    assert usage(files.dossier) == "usage.command-line"
    assert usage(*trusted) == "usage.command-line"
    assert usage(files.dossier, *trusted, "--at", "tomorrow") == "usage.command-line"
    assert usage(files.dossier, *trusted, "--at", "2026-01-01T00:00:00") == "usage.command-line"
    assert usage(files.dossier, *trusted, "--quiet") == "usage.command-line"
    assert usage(tmp_path / "nothing", *trusted) == "usage.file.read"
    assert usage(tmp_path, *trusted) == "usage.file.read"
    assert usage(files.dossier, "--trust", tmp_path) == "usage.file.read"
    assert usage(files.dossier, "--trust", files.dossier) == "usage.trust"


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a dossier", b"\x1b[2J\xff"])
def test_files_that_are_no_dossiers(tmp_path: Path, data: bytes) -> None:
    files = Files(tmp_path, told("manufacture"), data)
    assert files.run(code=1).startswith("RECORD NOT GENUINE: ")
    assert files.json(code=1)["error"]["code"].startswith("malformed.")


def test_a_huge_file_of_zeros_is_refused(files: Files) -> None:
    with open(files.dossier, "wb") as file:
        file.truncate(100 << 20)
    assert files.json(code=1)["error"]["code"] == "malformed.cbor.size"


def test_what_a_stranger_wrote_steers_no_terminal(files: Files) -> None:
    data = files.dossier.read_bytes()
    files.dossier.write_bytes(data.replace(PACK.encode(), b"urn:x:\x1b[2J" + PACK.encode()[10:], 1))
    assert "\x1b" not in files.run(code=1)
    assert "\x1b" not in files.run("--json", code=1)


def test_rules_that_the_buyer_chooses_and_requires(tmp_path: Path) -> None:
    log = told("manufacture", "install", "decommission")
    log.event("assessment", PACK, lab="-")
    log.head()
    files = Files(tmp_path, log)
    assert "MEETS THE RULES CHOSEN, NO REMARKS (core)" in files.run(code=0)
    assert files.json("--profile", "core@1", code=0)["battery"]["profiles"] == {"core": 1}
    found = files.json("--profile", "cn-2026", "--profile", "ul-1974@1", code=1)
    assert found["battery"]["profiles"] == {"core": 4, "cn-2026": 1, "ul-1974": 1}
    assert found["record"]["policy_profiles"] == {"core": 1}
    assert {(item["rule"], item["allowed_then"]) for item in found["breaches"]} == {("ASM-1", True)}
    assert "REQUIRED  ROL-1 HOLDS" in files.run("--require", "ROL-1", code=0)
    assert "REQUIRED  CUS-1 COULD NOT BE JUDGED" in files.run("--require", "CUS-1", code=3)
    broken = ("--profile", "core", "--require", "ASM-1", "--require", "CUS-1")
    assert [item["outcome"] for item in files.json(*broken, code=1)["required"]] == [
        "broken",
        "undecided",
    ]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--profile", "core@9"), "unsupported.profile"),
        (("--profile", "moon"), "unsupported.profile"),
        (("--require", "ORD-99"), "unsupported.rule"),
    ],
)
def test_rules_that_this_version_does_not_know(
    files: Files, options: tuple[str, ...], error: str
) -> None:
    args = ("verify", files.dossier, "--trust", files.trust, *options)
    assert run_json(*args, code=3)["error"]["code"] == error


def test_a_page_for_print(tmp_path: Path) -> None:
    log = told(*LIFE, "install")
    files, page = Files(tmp_path, log), tmp_path / "verdict.html"
    files.run("--report", str(page), code=1)
    html = page.read_text("utf-8")
    assert html.startswith("<!doctype html>\n")
    assert "DOES NOT MEET THE RULES: 1 breach (core)" in html
    assert trust_digest(files.trust.read_bytes()).hex() in html
    args = (files.dossier, "--trust", files.trust, "--report", page)
    assert usage(*args) == "usage.file.write"
    forged = log.dossier().replace(b"range below need", b"range above need")
    refused = tmp_path / "refused.html"
    Files(tmp_path, log, forged).run("--report", str(refused), code=1)
    assert "NOT GENUINE: entry 6 was changed" in refused.read_text("utf-8")


def test_how_old_a_file_may_be(files: Files) -> None:
    data = files.trust.read_bytes()
    files.trust.write_bytes(data + b"max_age_days = 7\n")
    assert files.json(code=0)["record"]["age_clock"] == "service"
    files.at = format_moment(told(*LIFE).now + 8 * 86_400)
    refused = files.json(code=3)
    assert refused["error"]["code"] == "undecided.age"
    assert refused["record"]["genuine"] is None
    assert "CANNOT TELL" in files.run(code=3)
    files.run("--max-age", "8", code=0)
    files.trust.write_bytes(data)
    assert files.json("--max-age", "7", code=3)["error"]["code"] == "undecided.age"


def test_a_policy_of_witnesses(files: Files, tmp_path: Path) -> None:
    log = Verifier.from_key("log.example/lies", key_of("any").key).vkey
    policy = tmp_path / "witnesses.policy"
    text = f"log {log}\nwitness near {vkeys('w1')[0]}\nquorum near\n"
    policy.write_text(text)
    found = files.json("--witness-policy", str(policy), code=3)
    assert found["error"]["code"] == "undecided.completeness.witnesses"
    for wrong in (
        text.replace("quorum near", "quorum none"),
        text.replace(log, log.replace("lies", "other")),
        text.replace("log.example/lies", "log.example/other"),
        "quorum far\n",
    ):
        policy.write_text(wrong)
        found = files.json("--witness-policy", str(policy), code=2)
        assert found["error"]["code"] == "usage.witness-policy"


def test_a_ledger_that_was_seen_before(files: Files, tmp_path: Path) -> None:
    state = tmp_path / "seen"
    for _ in range(2):
        files.run("--state", str(state), code=0)
    (kept,) = state.glob("*/checkpoint")
    note = decode_dossier(files.dossier.read_bytes()).checkpoint
    assert kept.read_bytes() == note
    seen = stated_checkpoint(note)
    other = Checkpoint(seen.origin, seen.size, bytes(32))
    kept.write_bytes(sign_note(format_body(other), seen.origin, signer("checkpoint")))
    error = files.json("--state", str(state), code=1)["error"]
    assert error["code"] == "failed.audit.fork"
    assert (Path(error["evidence"]) / "checkpoint").read_bytes() == note
    larger = Checkpoint(seen.origin, seen.size + 1, bytes(32))
    kept.write_bytes(sign_note(format_body(larger), seen.origin, signer("checkpoint")))
    for options, code in (([], "unproven"), (["--log", str(tmp_path)], "log")):
        found = files.json("--state", str(state), *options, code=3)
        assert found["error"]["code"] == f"undecided.state.{code}"
    run("verify", files.dossier, "--trust", files.trust, "--log", tmp_path, code=2)


def test_witnesses_that_have_cosigned(tmp_path: Path) -> None:
    log = told("manufacture")
    log.next_policy(witnesses=vkeys("w1", "w2"))
    log.head()
    files = Files(tmp_path, log, cosigned_dossier(log.dossier(), ("w1", log.now)))
    policy = tmp_path / "witnesses.policy"
    key = Verifier.from_key(log.origin, key_of("any").key).vkey
    near, far = vkeys("w1", "w2")
    text = f"log {key}\nwitness near {near}\nwitness far {far}\ngroup both"
    policy.write_text(f"{text} any near far\nquorum both\n")
    record = files.json("--witness-policy", str(policy), code=0)["record"]
    assert record["completeness"] == "stated and witnessed"
    assert record["witnesses"] == [{"name": "near", "time": log.now}]
    policy.write_text(f"{text} all near far\nquorum both\n")
    found = files.json("--witness-policy", str(policy), code=3)
    assert found["error"]["code"] == "undecided.completeness.witnesses"
