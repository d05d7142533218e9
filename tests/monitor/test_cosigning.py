"""An auditor's word: what it cosigns, and what it never does; two views of one log compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from keys import keyfile
from keys.algorithms import ESP256, ML_DSA_44
from keys.errors import CellbookError
from keys.signer import Signer, generate
from ledger.monitor.auditing import state as states
from ledger.monitor.auditing.audit import CANDIDATE, Auditor
from ledger.monitor.auditing.cosigning import Cosigned, Cosigner
from ledger.monitor.auditing.state import AUDITED, COSIGNED, known_checkpoints
from ledger.monitor.source import stated_checkpoint
from ledger.proof.checkpoint import open_checkpoint
from ledger.tree.merkle import verify_consistency
from ledger.wire.note import cosign, open_note
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.cli.running import refused, run, run_json
from tests.monitor.publishing import Files, FilesSource, published, write_files
from tests.monitor.test_killed import Killed, after
from tests.proof.lying import OTHER, PACK, LyingLog, begun, signer

NAME = "audits.example.net"


def of(name: str) -> Cosigner:
    return Cosigner(name, signer(name))


def vkey(name: str) -> str:
    return Verifier.from_key(name, signer(name).key, COSIGNATURE).vkey


@pytest.fixture
def log() -> LyingLog:
    made = begun()
    made.live(PACK, "manufacture", "install")
    made.next_policy(witnesses=(vkey("witness.example"),), auditors=(vkey(NAME),))
    made.head()
    return made


def audit_and_cosign(
    log: LyingLog, state: Path, time: int, files: Files | None = None, by: Cosigner | None = None
) -> Cosigned:
    with Auditor(log.trust(), state, processes=1) as auditor:
        auditor.run(FilesSource(files or published(log)))
        return auditor.cosign(by or of(NAME), time)


def code_of(function: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(CellbookError) as caught:
        function(*args, **options)
    return caught.value.code


def test_the_checkpoint_is_cosigned_and_kept(log: LyingLog, tmp_path: Path) -> None:
    word = audit_and_cosign(log, tmp_path / "state", log.now + 5)
    assert (word.size, word.time, word.is_named) == (log.size, log.now + 5, True)
    assert (tmp_path / "state" / COSIGNED).read_bytes() == word.note
    key = Verifier.from_key(log.origin, signer("checkpoint").key)
    checkpoint, opened = open_checkpoint(word.note, key, [Verifier.parse(word.vkey)])
    assert (checkpoint.size, checkpoint.root) == (log.size, log.tree().root(0, log.size))
    assert [(line.name, line.time) for line in opened.signatures] == [
        (log.origin, None),
        (NAME, log.now + 5),
    ]
    # What others added to the published note is not passed on under this auditor's name.
    noted = log.note() + cosign(opened.text, "stranger.example", signer("stranger"), 1).line
    files = published(log, note=noted)
    assert audit_and_cosign(log, tmp_path / "other", log.now + 5, files).note == word.note


def test_it_counts_for_the_next_auditor(log: LyingLog, tmp_path: Path) -> None:
    """Whom the policy names is known; a bad line of one of them refuses the note."""
    word = audit_and_cosign(log, tmp_path / "state", log.now)
    seen = cosign(
        open_note(word.note, [Verifier.parse(vkey(NAME))]).text,
        "witness.example",
        signer("witness.example"),
        log.now,
    )
    with Auditor(log.trust(), tmp_path / "other", processes=1) as auditor:
        report = auditor.run(FilesSource(published(log, note=word.note + seen.line)))
        assert (report.witnesses, report.auditors) == (("witness.example",), (NAME,))
        bad = cosign(b"another text\n", seen.name, signer(seen.name), log.now).line
        files = FilesSource(published(log, note=word.note + bad))
        assert code_of(auditor.run, files) == "failed.note.signature"
        early = cosign(stated_text(word.note), "witness.example", signer("witness.example"), 1)
        files = FilesSource(published(log, note=log.note() + early.line))
        assert code_of(auditor.run, files) == "failed.audit.time"


def stated_text(note: bytes) -> bytes:
    return note.partition(b"\n\n")[0] + b"\n"


def test_who_is_not_named_is_told(log: LyingLog, tmp_path: Path) -> None:
    assert not audit_and_cosign(log, tmp_path / "state", log.now, by=of("else.example")).is_named


@pytest.mark.parametrize(
    "key",
    [
        *(signer(name) for name in ("checkpoint", "receipts", "root", "registrar")),
        signer("witness.example"),
        generate(ESP256),
        generate(ML_DSA_44),
    ],
    ids=["checkpoint", "receipts", "root", "registrar", "witness", "p256", "ml-dsa"],
)
def test_keys_that_are_for_something_else(log: LyingLog, tmp_path: Path, key: Signer) -> None:
    by = Cosigner(NAME, key)
    expected = "usage.audit.cosigner"
    assert code_of(audit_and_cosign, log, tmp_path / "state", log.now, by=by) == expected
    assert not (tmp_path / "state" / COSIGNED).exists()


def test_no_time_before_the_heads_or_the_last_ones(log: LyingLog, tmp_path: Path) -> None:
    state = tmp_path / "state"
    early = "undecided.audit.clock"
    assert code_of(audit_and_cosign, log, state, log.now - 1) == early
    audit_and_cosign(log, state, log.now + 9)
    assert code_of(audit_and_cosign, log, state, log.now + 8) == early
    assert audit_and_cosign(log, state, log.now + 10).time == log.now + 10


def test_nothing_smaller_and_nothing_else_is_cosigned(log: LyingLog, tmp_path: Path) -> None:
    """Not even by who has lost all but the note itself."""
    state = tmp_path / "state"
    before = published(log)
    size = log.size
    log.event("incident", PACK)
    log.head()
    word = audit_and_cosign(log, state, log.now)
    (state / AUDITED).unlink()
    assert code_of(audit_and_cosign, log, state, log.now, before) == "failed.audit.rollback"
    fork = forked(log, size)
    assert code_of(audit_and_cosign, fork, state, fork.now) == "failed.audit.fork"
    assert (state / COSIGNED).read_bytes() == word.note


def forked(log: LyingLog, size: int) -> LyingLog:
    """Another history of the same log from ``size`` on, signed by the same keys."""
    fork = begun()
    fork.live(PACK, "manufacture", "install")
    fork.next_policy(witnesses=(vkey("witness.example"),), auditors=(vkey(NAME),))
    fork.head()
    assert fork.leaves == log.leaves[:size]
    fork.event("manufacture", OTHER)
    fork.head()
    return fork


def test_nothing_is_cosigned_before_a_whole_audit(log: LyingLog, tmp_path: Path) -> None:
    log.event("incident", PACK)
    log.hidden.add(log.size - 1)
    log.head()
    with Auditor(log.trust(), tmp_path / "state", processes=1) as auditor:
        assert code_of(auditor.run, FilesSource(published(log))) == "failed.audit.index"
        with pytest.raises(RuntimeError):
            auditor.cosign(of(NAME), log.now)


def test_the_service_says_what_to_audit_next(log: LyingLog, tmp_path: Path) -> None:
    """Unless that is older than what is known: then it is the published one."""
    candidate, size = log.note(), log.size
    log.event("incident", PACK)
    log.head()
    files = {**published(log, size), **published(log), CANDIDATE: candidate}
    with Auditor(log.trust(), tmp_path / "state", processes=1) as auditor:
        assert auditor.run(FilesSource(files)).size == size
        assert auditor.run(FilesSource(published(log))).size == log.size
        assert auditor.run(FilesSource(files)).size == log.size


@pytest.mark.parametrize("done", [False, True])
def test_killed_while_it_writes_its_word(
    log: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    """The note is there whole or not at all; and nobody has it who could not read it there."""
    audit_and_cosign(log, tmp_path, log.now)
    before, size = (tmp_path / COSIGNED).read_bytes(), log.size
    log.event("incident", PACK)
    log.head()
    with Auditor(log.trust(), tmp_path, processes=1) as auditor:
        auditor.run(FilesSource(published(log)))
        with monkeypatch.context() as patch:
            patch.setattr(states, "write_whole", after(1, states.write_whole, done=done))
            with pytest.raises(Killed):
                auditor.cosign(of(NAME), log.now)
    kept = (tmp_path / COSIGNED).read_bytes()
    assert stated_checkpoint(kept).size == (log.size if done else size)
    assert done or kept == before
    assert audit_and_cosign(log, tmp_path, log.now).size == log.size


# Two views


def compared(log: LyingLog, state: Path, others: Iterable[bytes]) -> tuple[int, ...]:
    with Auditor(log.trust(), state, processes=1) as auditor:
        return auditor.run(FilesSource(published(log)), others=others).compared


@pytest.mark.parametrize("more", [0, 1])
def test_two_histories_are_detected(log: LyingLog, tmp_path: Path, more: int) -> None:
    """By who audits the larger one; the evidence holds for who has only the log's key."""
    size = log.size
    fork = forked(log, size)
    log.event("incident", PACK)
    log.head()
    audit_and_cosign(log, tmp_path / "one", log.now)
    for _ in range(more):
        fork.event("incident", OTHER)
        fork.head()
    with Auditor(fork.trust(), tmp_path / "two", processes=1) as auditor:
        auditor.run(FilesSource(published(fork)))
        others = known_checkpoints(tmp_path / "one")
        with pytest.raises(CellbookError) as caught:
            auditor.run(FilesSource(published(fork)), others=others)
    assert caught.value.code == "failed.audit.fork"
    folder = Path(str(caught.value.facts["evidence"]))
    key = Verifier.from_key(log.origin, signer("checkpoint").key)
    newer, older = (
        open_checkpoint((folder / name).read_bytes(), key)[0]
        for name in ("checkpoint", "checkpoint-before")
    )
    found = json.loads((folder / "fault.json").read_bytes())
    root = bytes.fromhex(found["root_in_newer_tree"])
    path = [bytes.fromhex(item) for item in found.get("consistency", [])]
    assert (newer.size, older.size) == (log.size + 2 * more, log.size)
    assert root != older.root
    verify_consistency(older.size, newer.size, root, newer.root, path)
    if more:
        others = known_checkpoints(tmp_path / "two")
        assert code_of(compared, log, tmp_path / "one", others) == "undecided.audit.newer"


def test_one_history_at_two_sizes(log: LyingLog, tmp_path: Path) -> None:
    audit_and_cosign(log, tmp_path / "one", log.now)
    size = log.size
    log.event("incident", PACK)
    log.head()
    notes = known_checkpoints(tmp_path / "one")
    assert len(notes) == 2
    assert compared(log, tmp_path / "two", notes) == (size, size)


def test_what_the_log_did_not_sign_is_no_evidence(log: LyingLog, tmp_path: Path) -> None:
    other = begun(origin="log.example/other")
    other.head()
    for note in (b"", log.note(by="receipts"), other.note()):
        expected = "usage.audit.compare"
        assert code_of(compared, log, tmp_path / "state", [note]) == expected


# The command


def test_audit_cosign_and_compare(log: LyingLog, tmp_path: Path) -> None:
    copy = write_files(tmp_path / "copy", published(log))
    (tmp_path / "trust.toml").write_bytes(_trust(log))
    keyfile.save(tmp_path / "auditor.pem", signer(NAME), "a long enough passphrase")  # type: ignore[arg-type]
    secret = tmp_path / "auditor.pem.passphrase"
    secret.write_text("a long enough passphrase\n")
    secret.chmod(0o600)
    with_trust = ("--trust", tmp_path / "trust.toml", "--state")
    key = ("--cosign", tmp_path / "auditor.pem", "--name", NAME)
    found = run_json("audit", copy, *with_trust, tmp_path / "one", *key)["cosigned"]
    assert (found["named"], found["handed_in"], found["vkey"]) == (True, False, vkey(NAME))
    assert (tmp_path / "one" / COSIGNED).read_text() == found["note"]
    printed = run("audit", copy, *with_trust, tmp_path / "one", *key).stdout
    assert f"cosigned as {NAME} at " in printed
    args = ("audit", copy, *with_trust, tmp_path / "two")
    size = stated_checkpoint(found["note"].encode()).size
    assert run_json(*args, "--compare", tmp_path / "one")["compared"] == [size, size]
    printed = run(*args, "--compare", tmp_path / "one" / COSIGNED).stdout
    assert f"of this history: {size} entries" in printed
    (tmp_path / "empty").mkdir()
    refused("usage.audit.compare", *args, "--compare", tmp_path / "empty", code=2)
    refused("usage.audit.compare", *args, "--compare", tmp_path / "trust.toml", code=2)


def _trust(log: LyingLog) -> bytes:
    from ledger.proof.trust import dump_trust

    return dump_trust(log.trust())


def test_keygen_prints_the_vkey(tmp_path: Path) -> None:
    made = run_json("keygen", tmp_path / "key.pem", "--cosigner", NAME)
    verifier = Verifier.parse(made["vkey"])
    assert (verifier.name, verifier.type) == (NAME, COSIGNATURE)
    assert verifier.key == keyfile.load(tmp_path / "key.pem", made["passphrase"]).key
    refused("malformed.note.name", "keygen", tmp_path / "b.pem", "--cosigner", "a b", code=1)
    assert not (tmp_path / "b.pem").exists()
