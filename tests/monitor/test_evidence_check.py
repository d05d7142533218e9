"""Evidence that somebody hands in: what it proves, and folders that prove nothing."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.monitor.auditing.evidence_check import Shown, verify_evidence
from ledger.monitor.kept import KeptCheckpoint
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.wire.note import sign_note
from ledger.wire.verifier import Verifier
from tests.cli.running import refused, run, run_json
from tests.monitor.publishing import published as files_of
from tests.monitor.test_audit import audited, evidence_of, fault, hide
from tests.monitor.test_kept import FORKED, HONEST, LOG, ORIGIN, Service, note, published
from tests.proof.lying import OTHER, PACK, LyingLog, begun, signer

KEY = Verifier.from_key("log.example/other", generate().key)


def kept(folder: Path, seen: bytes, tree: Any = HONEST, size: int = 300) -> Path:
    """What a verifier keeps who has seen the honest tree of 100 entries before ``seen``."""
    with closing(KeptCheckpoint(folder / "state", ORIGIN)) as state:
        state.see(note(100), LOG, None)
        with pytest.raises(CellbookError) as found:
            state.see(seen, LOG, Service(published(folder / "log", size, tree)))
    return Path(str(found.value.facts["evidence"]))


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    return kept(tmp_path, note(299, FORKED))


def code_of(folder: Path, *keys: Verifier) -> str:
    with pytest.raises(CellbookError) as found:
        verify_evidence(folder, keys or (LOG,))
    return found.value.code


def change(folder: Path, **fields: Any) -> None:
    file = folder / "fault.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_two_histories_are_proved(fork: Path, tmp_path: Path) -> None:
    assert verify_evidence(fork, [LOG]).is_proved
    assert verify_evidence(fork, [KEY, LOG]).is_proved
    same = kept(tmp_path / "same", note(100, FORKED))
    assert verify_evidence(same, [LOG]).is_proved
    # The two notes in the other order are the same two notes.
    one, two = fork / "checkpoint", fork / "checkpoint-before"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert verify_evidence(fork, [LOG]).is_proved


def test_a_roll_back_is_somebodys_word(tmp_path: Path) -> None:
    shown = verify_evidence(kept(tmp_path, note(50), size=60), [LOG])
    assert (shown.code, shown.is_proved) == ("failed.audit.rollback", False)


def test_against_an_honest_log_nothing_is_proved(fork: Path) -> None:
    """Checkpoints of one history, with whatever somebody writes beside them."""
    for newer, older in ((300, 100), (100, 100), (100, 300)):
        (fork / "checkpoint").write_bytes(note(newer))
        (fork / "checkpoint-before").write_bytes(note(older))
        assert code_of(fork) == "failed.evidence"
        path = [item.hex() for item in HONEST.proof(100, 300)]
        change(fork, consistency=path, root_in_newer_tree=HONEST.root(0, 100).hex())
        assert code_of(fork) == "failed.evidence"
        change(fork, root_in_newer_tree=FORKED.root(0, 100).hex())
        assert code_of(fork) == "failed.evidence"


def test_two_logs_are_no_two_histories(fork: Path) -> None:
    """Somebody who checks with the keys of both."""
    other = generate()
    body = format_body(Checkpoint(KEY.name, 100, FORKED.root(0, 100)))
    (fork / "checkpoint").write_bytes(note(100))
    (fork / "checkpoint-before").write_bytes(sign_note(body, KEY.name, other))
    assert code_of(fork, LOG, Verifier.from_key(KEY.name, other.key)) == "failed.evidence"


def test_what_the_log_has_not_signed(fork: Path) -> None:
    assert code_of(fork, KEY) == "failed.note.unsigned"
    genuine = (fork / "checkpoint").read_bytes()
    body = genuine.rpartition(b"\n\n")[0] + b"\n"
    (fork / "checkpoint").write_bytes(sign_note(body, ORIGIN, generate()))
    assert code_of(fork) == "failed.note.unsigned"
    (fork / "checkpoint").write_bytes(genuine.replace(b"\n300\n", b"\n298\n"))
    assert code_of(fork) == "failed.note.signature"


def test_what_is_no_evidence(fork: Path, tmp_path: Path) -> None:
    assert code_of(tmp_path) == "malformed.evidence"
    for fields in ({"root_in_newer_tree": "xy"}, {"consistency": ["ab"]}, {"entry": "one"}):
        folder = tmp_path / "changed"
        shutil.copytree(fork, folder)
        change(folder, **fields)
        assert code_of(folder) == "malformed.evidence"
        shutil.rmtree(folder)
    for data in (b"", b"{}", b"[" * 9999, b"\xff"):
        (fork / "fault.json").write_bytes(data)
        assert code_of(fork) == "malformed.evidence"
    (fork / "fault.json").write_bytes(b" " * (1 << 20) + b"x")
    assert code_of(fork) == "malformed.published.size"


def lying(tmp_path: Path) -> tuple[LyingLog, Path]:
    log = begun()
    log.live(PACK, "manufacture", "install")
    hide(log)
    log.head()
    return log, evidence_of(fault(log, files_of(log), tmp_path / "state"))[0]


def test_an_entry_is_proved_to_be_in_the_tree(tmp_path: Path) -> None:
    """That its index lies, a replay shows."""
    log, folder = lying(tmp_path)
    key = Verifier.from_key(log.origin, signer("checkpoint").key)
    shown = verify_evidence(folder, [key])
    assert isinstance(shown, Shown)
    assert (shown.code, shown.is_proved) == ("failed.audit.index", False)
    assert f"as entry {log.size - 1}" in shown.says
    leaf = (folder / "entry").read_bytes()
    (folder / "entry").write_bytes(leaf + b"\0")
    assert code_of(folder, key) == "failed.evidence"
    (folder / "entry").write_bytes(leaf)
    for entry in (log.size - 2, log.size, -1, 1 << 70):
        change(folder, entry=entry)
        assert code_of(folder, key) in ("failed.evidence", "malformed.evidence")


def test_an_auditors_fork(tmp_path: Path) -> None:
    logs = []
    for battery in (PACK, OTHER):
        log = begun()
        log.live(battery, "manufacture", "install")
        log.head()
        logs.append(log)
    audited(logs[0], files_of(logs[0]), tmp_path / "state")
    folder = evidence_of(fault(logs[1], files_of(logs[1]), tmp_path / "state"))[0]
    key = Verifier.from_key(logs[0].origin, signer("checkpoint").key)
    assert verify_evidence(folder, [key]).is_proved


def test_the_command(fork: Path, tmp_path: Path) -> None:
    shown = run("fault", fork, "--log-key", LOG.vkey).stdout
    assert shown.startswith("PROVED: failed.audit.fork\n")
    assert run_json("fault", fork, "--log-key", LOG.vkey)["proved"] is True
    back = kept(tmp_path / "back", note(50), size=60)
    assert run_json("fault", back, "--log-key", LOG.vkey, code=3)["proved"] is False
    refused("failed.note.unsigned", "fault", fork, "--log-key", KEY.vkey, code=1)
