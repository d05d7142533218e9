"""The auditor over logs that lie, in every way that their published files show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.decision import read_content
from ledger.custody.governance.statements import Head, LogKey
from ledger.monitor.auditing.audit import Auditor
from ledger.monitor.auditing.audited import Audited
from ledger.monitor.source import MAX_BUNDLE, FolderSource
from ledger.proof.checkpoint import Checkpoint, format_body, open_checkpoint
from ledger.proof.checks.heads import LATEST
from ledger.tree.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.tree.tiles import decode_entry_bundle, encode_entry_bundle
from ledger.wire.note import cosign, sign_note
from ledger.wire.statement import TYP_HEAD, check_signature, parse_statement
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.monitor.publishing import Files, FilesSource, published
from tests.proof.lying import OTHER, PACK, LyingLog, begun, code, operator_uri, signer


def audited(log: LyingLog, files: Files, state: Path, **options: Any) -> Audited:
    with Auditor(log.trust(), state, processes=1, **options) as auditor:
        return auditor.run(FilesSource(files))


def fault(log: LyingLog, files: Files, state: Path, **options: Any) -> CellbookError:
    with pytest.raises(CellbookError) as caught:
        audited(log, files, state, **options)
    return caught.value


def evidence_of(error: CellbookError) -> tuple[Path, dict[str, Any]]:
    folder = Path(str(error.facts["evidence"]))
    return folder, json.loads((folder / "fault.json").read_text())


def heads(log: LyingLog) -> list[int]:
    """The tree sizes that end at a head."""
    typ = TYP_HEAD.encode()
    return [index + 1 for index, leaf in enumerate(log.leaves) if typ in leaf]


@pytest.fixture(scope="module")
def honest() -> LyingLog:
    """A log of several tiles and epochs."""
    log = begun()
    for number in range(1, 301):
        log.event("manufacture", code(number))
        if number % 50 == 0:
            log.head()
    return log


@pytest.fixture
def short() -> LyingLog:
    log = begun()
    log.live(PACK, "manufacture", "install", "decommission")
    log.head()
    return log


def test_an_honest_log(honest: LyingLog, tmp_path: Path) -> None:
    report = audited(honest, published(honest), tmp_path / "state")
    assert (report.size, report.replayed, report.before, report.withheld) == (
        honest.size,
        honest.size,
        0,
        0,
    )
    assert report.root == honest.tree().root(0, honest.size)
    assert (report.heads, report.time, report.policy) == (7, honest.now, 0)


def test_it_goes_on_from_where_it_was(honest: LyingLog, tmp_path: Path) -> None:
    state = tmp_path / "state"
    sizes = heads(honest)
    assert len(sizes) == 7
    known = 0
    for size in sizes:
        report = audited(honest, published(honest, size), state)
        assert (report.before, report.replayed) == (known, size - known)
        known = size
    assert audited(honest, published(honest), state).replayed == 0


def test_what_was_audited_is_not_fetched_again(honest: LyingLog, tmp_path: Path) -> None:
    audited(honest, published(honest), tmp_path / "state")
    with Auditor(honest.trust(), tmp_path / "state", processes=1) as auditor:
        source = FilesSource(published(honest))
        auditor.run(source)
        assert not [path for path in source.asked if "entries" in path]


def test_a_partial_tile_that_is_full_by_now(honest: LyingLog, tmp_path: Path) -> None:
    size = heads(honest)[3]
    assert 128 < size < 256
    files = published(honest)
    files["checkpoint"] = honest.note(size)
    del files["tile/1/000.p/1"]
    assert audited(honest, files, tmp_path / "state").size == size


def test_corrections_are_replayed_from_their_chains(tmp_path: Path) -> None:
    """What a later statement is about is found again, also by an auditor that was away."""
    log = begun()
    log.next_policy(profiles=_core(2))
    log.live(PACK, "manufacture", "install")
    installed = log.refs[PACK, "install"]
    log.event("dispute", PACK, entry_ref=installed)
    log.head()
    state = tmp_path / "state"
    audited(log, published(log), state)
    arbiter = operator_uri("all")
    log.event("resolution", PACK, entry_ref=installed, outcome="upheld", arbiter=arbiter)
    log.event("install", PACK)
    log.head()
    assert audited(log, published(log), state).replayed == 3
    # The second installation stands because the first one was taken back.
    del log.leaves[log.size - 3]
    assert fault(log, published(log), tmp_path / "other").facts["reason"] == "rejected.ORD-2"


def _core(version: int) -> tuple[Any, ...]:
    from ledger.custody.governance.statements import Profile

    return (Profile(name="core", version=version),)


# Files that are not what the checkpoint says


def spoil_truncated_bundle(files: Files) -> None:
    files["tile/entries/000"] = files["tile/entries/000"][:-1]


def spoil_short_bundle(files: Files) -> None:
    entries = decode_entry_bundle(files["tile/entries/000"])
    files["tile/entries/000"] = encode_entry_bundle(entries[:-1])


def spoil_endless_bundle(files: Files) -> None:
    files["tile/entries/000"] = bytes(MAX_BUNDLE + 1)


def spoil_swapped_bundles(files: Files) -> None:
    other = next(path for path in files if path.startswith("tile/entries/001"))
    width = int(other.rpartition("/")[2])
    entries = decode_entry_bundle(files["tile/entries/000"])
    files[other] = encode_entry_bundle(entries[:width])


def spoil_swapped_entries(files: Files) -> None:
    first, second, *rest = decode_entry_bundle(files["tile/entries/000"])
    files["tile/entries/000"] = encode_entry_bundle([second, first, *rest])


def spoil_truncated_tile(files: Files) -> None:
    path = next(path for path in files if path.startswith("tile/0/001"))
    files[path] = files[path][:-32]


def spoil_endless_tile(files: Files) -> None:
    path = next(path for path in files if path.startswith("tile/0/001"))
    files[path] = files[path] * 300


def spoil_upper_tile(files: Files) -> None:
    files["tile/1/000.p/1"] = bytes(32)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_truncated_bundle, "malformed.tile.bundle"),
        (spoil_short_bundle, "malformed.tile.bundle"),
        (spoil_endless_bundle, "malformed.published.size"),
        (spoil_swapped_bundles, "failed.published.entry"),
        (spoil_swapped_entries, "failed.published.entry"),
        (spoil_truncated_tile, "malformed.published.tile"),
        (spoil_endless_tile, "malformed.published.size"),
        (spoil_upper_tile, "failed.published.tree"),
    ],
)
def test_spoiled_files(
    honest: LyingLog, tmp_path: Path, spoil: Callable[[Files], None], expected: str
) -> None:
    files = published(honest)
    spoil(files)
    error = fault(honest, files, tmp_path / "state")
    assert (error.code, error.exit_code) == (expected, 1)
    folder, found = evidence_of(error)
    assert found["code"] == expected
    assert (folder / "checkpoint").read_bytes() == files["checkpoint"]
    # Nothing of it stays: with the right files the audit is what it would have been.
    assert audited(honest, published(honest), tmp_path / "state").before == 0


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/000", "tile/1/000.p/1"])
def test_a_file_that_is_not_there_decides_nothing(
    honest: LyingLog, tmp_path: Path, path: str
) -> None:
    files = published(honest)
    del files[path]
    error = fault(honest, files, tmp_path / "state")
    assert (error.code, error.exit_code) == ("missing.published", 3)
    assert not (tmp_path / "state" / "evidence").exists()


def test_a_spoiled_file_does_not_undo_what_was_done(honest: LyingLog, tmp_path: Path) -> None:
    files = published(honest)
    spoil_swapped_bundles(files)
    state = tmp_path / "state"
    assert fault(honest, files, state, saved_every=100).code == "failed.published.entry"
    assert audited(honest, published(honest), state).before == 200


# Checkpoints


def test_a_rolled_back_checkpoint(short: LyingLog, tmp_path: Path) -> None:
    before = published(short)
    short.event("incident", PACK)
    short.head()
    audited(short, published(short), tmp_path / "state")
    error = fault(short, before, tmp_path / "state")
    assert error.code == "failed.audit.rollback"
    folder, found = evidence_of(error)
    sizes = [_opened(short, folder / name).size for name in ("checkpoint", "checkpoint-before")]
    assert sizes == [short.size - 2, short.size]
    assert (found["tree_size"], found["older_size"]) == tuple(sizes)


def test_an_old_copy_is_no_fault(short: LyingLog, tmp_path: Path) -> None:
    for path, data in published(short).items():
        (tmp_path / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / path).write_bytes(data)
    short.event("incident", PACK)
    short.head()
    audited(short, published(short), tmp_path / "state")
    auditor = Auditor(short.trust(), tmp_path / "state", processes=1)
    with auditor, pytest.raises(CellbookError) as caught:
        auditor.run(FolderSource(tmp_path / "copy"))
    assert (caught.value.code, caught.value.exit_code) == ("undecided.audit.behind", 3)
    assert not (tmp_path / "state" / "evidence").exists()
    assert audited(short, published(short), tmp_path / "state").replayed == 0


def _opened(log: LyingLog, file: Path) -> Checkpoint:
    """As a third party does it, with the log's key from its policy."""
    key = Verifier.from_key(log.origin, signer("checkpoint").key)
    return open_checkpoint(file.read_bytes(), key)[0]


@pytest.mark.parametrize("more", [0, 1])
def test_a_fork(short: LyingLog, tmp_path: Path, more: int) -> None:
    """Of the same size, or of a greater one: both checkpoints are signed, and kept."""
    audited(short, published(short), tmp_path / "state")
    fork = begun()
    fork.live(OTHER, "manufacture", "install", "decommission")
    fork.head()
    for _ in range(more):
        fork.event("incident", OTHER)
        fork.head()
    error = fault(short, published(fork), tmp_path / "state")
    assert error.code == "failed.audit.fork"
    folder, found = evidence_of(error)
    newer, older = (_opened(short, folder / name) for name in ("checkpoint", "checkpoint-before"))
    root = bytes.fromhex(found["root_in_newer_tree"])
    path = [bytes.fromhex(item) for item in found.get("consistency", [])]
    assert root != older.root
    verify_consistency(older.size, newer.size, root, newer.root, path)
    # The state is as it was.
    assert audited(short, published(short), tmp_path / "state").replayed == 0


def test_a_wrong_origin(short: LyingLog, tmp_path: Path) -> None:
    body = format_body(
        Checkpoint("log.example/other", short.size, short.tree().root(0, short.size))
    )
    note = sign_note(body, "log.example/other", short.keys["checkpoint"])
    error = fault(short, published(short, note=note), tmp_path / "state")
    assert error.code == "failed.checkpoint.origin"


def test_a_known_keys_bad_signature(short: LyingLog, tmp_path: Path) -> None:
    text, _, line = short.note().partition(b"\n\n")
    other = short.note(short.size - 1).partition(b"\n\n")[2]
    assert other != line
    error = fault(short, published(short, note=text + b"\n\n" + other), tmp_path / "state")
    assert error.code == "failed.note.signature"


def test_another_key(short: LyingLog, tmp_path: Path) -> None:
    files = published(short, note=short.note(by="receipts"))
    assert fault(short, files, tmp_path / "state").code == "failed.note.unsigned"
    assert fault(short, files, tmp_path / "state", saved_every=1).code == "failed.note.unsigned"
    assert audited(short, published(short), tmp_path / "state").before == 0


def test_unknown_further_signatures_mean_nothing(short: LyingLog, tmp_path: Path) -> None:
    stranger = cosign(_text(short), "stranger.example", signer("stranger"), 1)
    note = short.note() + stranger.line
    assert audited(short, published(short, note=note), tmp_path / "state").witnesses == ()


@pytest.mark.parametrize(("late", "expected"), [(0, None), (-1, "failed.audit.time")])
def test_cosignatures_are_not_before_the_head(
    short: LyingLog, tmp_path: Path, late: int, expected: str | None
) -> None:
    witness = Verifier.from_key("witness.example", signer("witness").key, COSIGNATURE)
    line = cosign(_text(short), witness.name, signer("witness"), short.now + late).line
    files = published(short, note=short.note() + line)
    if expected is None:
        report = audited(short, files, tmp_path / "state", witnesses=[witness])
        assert report.witnesses == (witness.name,)
    else:
        assert fault(short, files, tmp_path / "state", witnesses=[witness]).code == expected


def _text(log: LyingLog) -> bytes:
    return log.note().partition(b"\n\n")[0] + b"\n"


def test_a_checkpoint_that_ends_at_no_head(short: LyingLog, tmp_path: Path) -> None:
    short.event("install", PACK)
    error = fault(short, published(short), tmp_path / "state")
    assert error.code == "failed.published.head"


def test_another_genesis(short: LyingLog, tmp_path: Path) -> None:
    other = begun(family="other")
    other.live(PACK, "manufacture")
    other.head()
    error = fault(short, published(other), tmp_path / "state")
    assert (error.code, error.facts["entry"]) == ("failed.audit.genesis", 0)


def test_the_checkpoint_key_of_a_later_policy(short: LyingLog, tmp_path: Path) -> None:
    """An auditor that was away for that long learns the key while it replays."""
    state = tmp_path / "state"
    audited(short, published(short), state)
    short.keys["new-checkpoint"] = signer("new-checkpoint")
    old, *rest = short.policy_in_force.log_keys
    start = short.size + 1
    ended = msgspec.structs.replace(old, to_size=start)
    key = short.keys["new-checkpoint"].key.to_cbor()
    begins = LogKey(purpose="checkpoint", key=key, from_size=start)
    short.next_policy(log_keys=(ended, begins, *rest))
    short.head()
    stale = published(short, note=short.note(by="checkpoint"))
    assert fault(short, stale, state).code == "failed.note.unsigned"
    report = audited(short, published(short, note=short.note(by="new-checkpoint")), state)
    assert report.policy == 1


def test_an_older_policy_than_the_trust_file_asks_for(short: LyingLog, tmp_path: Path) -> None:
    trust = short.trust(minimum_policy=1)
    auditor = Auditor(trust, tmp_path / "state", processes=1)
    with auditor, pytest.raises(CellbookError) as caught:
        auditor.run(FilesSource(published(short)))
    assert (caught.value.code, caught.value.exit_code) == ("undecided.policy.old", 3)


# Entries that registration refuses


def lie_unregistered(log: LyingLog) -> None:
    log.keys["nobody"] = signer("nobody")
    log.event("incident", PACK, by="nobody")


def lie_wrong_signature(log: LyingLog) -> None:
    log.event("incident", PACK)
    data = bytearray(log.leaves[-1])
    data[-1] ^= 1
    log.leaves[-1] = bytes(data)


def lie_broken_rule(log: LyingLog) -> None:
    log.event("manufacture", PACK)


def lie_other_family(log: LyingLog) -> None:
    log.event("incident", PACK, aud="urn:cellbook:family:other")


def lie_revoked_key(log: LyingLog) -> None:
    log.revoke("all")
    log.event("incident", PACK)


def lie_stranger_as_registrar(log: LyingLog) -> None:
    log.keys["thief"] = signer("thief")
    log.register("friend", "maker", by="thief")


def lie_policy_without_root(log: LyingLog) -> None:
    log.next_policy(by="registrar")


def lie_twice(log: LyingLog) -> None:
    log.add(log.leaves[-2])


def lie_head_elsewhere(log: LyingLog) -> None:
    log.head(tree_size=log.size + 1)


def lie_head_back_in_time(log: LyingLog) -> None:
    log.event("incident", PACK)
    log.head(time=log.now - 120)


def lie_no_statement(log: LyingLog) -> None:
    log.add(b"nonsense")


def lie_unprotected_header(log: LyingLog) -> None:
    from ledger.wire.cose import encode_sign1

    log.event("incident", PACK)
    statement = parse_statement(log.leaves[-1])
    log.leaves[-1] = encode_sign1(
        statement.protected, {100: 1}, statement.payload, statement.signature
    )


LIES = {
    lie_unregistered: "rejected.issuer.unknown",
    lie_wrong_signature: "failed.signature",
    lie_broken_rule: "rejected.ID-4",
    lie_other_family: "rejected.aud",
    lie_revoked_key: "rejected.KEY-1",
    lie_stranger_as_registrar: "rejected.issuer.authority",
    lie_policy_without_root: "rejected.key.unknown",
    lie_twice: "failed.published.twice",
    lie_head_elsewhere: "rejected.head",
    lie_head_back_in_time: "rejected.head",
    lie_no_statement: "malformed.cose.tag",
    lie_unprotected_header: "failed.published.leaf",
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__[4:])
def test_an_entry_that_had_to_be_refused(
    short: LyingLog, tmp_path: Path, lie: Callable[[LyingLog], None]
) -> None:
    """It is named, and a third party finds it proven to be in the signed tree."""
    state = tmp_path / "state"
    audited(short, published(short), state, saved_every=1)
    before = short.size
    lie(short)
    wrong = short.size - 1
    short.event("incident", PACK)
    short.head()
    error = fault(short, published(short), state, saved_every=1)
    assert not (state / "progress.json").exists()
    assert error.code == "failed.audit.entry"
    assert error.facts["reason"] == LIES[lie], error.describe()
    assert error.facts["entry"] == wrong
    folder, found = evidence_of(error)
    checkpoint = _opened(short, folder / "checkpoint")
    leaf = (folder / "entry").read_bytes()
    assert leaf == short.leaves[wrong]
    path = [bytes.fromhex(item) for item in found["inclusion"]]
    verify_inclusion(leaf_hash(leaf), wrong, checkpoint.size, path, checkpoint.root)
    again = fault(short, published(short), state)
    # It is found again, and its evidence is kept once.
    assert again.facts == error.facts
    assert audited(short, published(short, before), state).replayed == 0


def hide(log: LyingLog) -> None:
    """The index leaves out that there was an incident."""
    log.event("incident", PACK)
    log.hidden.add(log.size - 1)


def keep_silent(log: LyingLog) -> None:
    """The index is that of the head before."""
    log.event("incident", PACK)
    log.hidden |= {log.size - 1}
    log.head()
    log.hidden.clear()


def add_unheard(log: LyingLog) -> None:
    log.event("incident", PACK)
    log.head(index_root=bytes(32))


@pytest.mark.parametrize("lie", [hide, keep_silent, add_unheard], ids=lambda lie: lie.__name__)
@pytest.mark.parametrize("was_there", [False, True])
def test_an_index_that_lies(
    short: LyingLog, tmp_path: Path, lie: Callable[[LyingLog], None], was_there: bool
) -> None:
    """The head is named, and a third party finds with the entries that it states another root."""
    state = tmp_path / "state"
    if was_there:
        audited(short, published(short), state)
    lie(short)
    wrong = short.size if lie is hide else short.size - 1
    short.head()
    short.event("incident", PACK)
    short.head()
    error = fault(short, published(short), state)
    assert (error.code, error.facts["entry"]) == ("failed.audit.index", wrong)
    folder, found = evidence_of(error)
    checkpoint, leaf = _opened(short, folder / "checkpoint"), (folder / "entry").read_bytes()
    path = [bytes.fromhex(item) for item in found["inclusion"]]
    verify_inclusion(leaf_hash(leaf), wrong, checkpoint.size, path, checkpoint.root)
    statement = parse_statement(leaf)
    check_signature(statement, signer("statements").key)
    head = read_content(statement)
    assert isinstance(head, Head)
    assert head.index_root.hex() != found["index_root"]
    assert short.indexed().root(head.tree_size).hex() == found["index_root"]


@pytest.mark.parametrize(
    ("time", "expected"),
    [(LATEST, None), (LATEST + 1, "failed.published.time"), (1 << 62, "failed.published.head")],
)
def test_a_time_that_is_in_no_calendar(
    short: LyingLog, tmp_path: Path, time: int, expected: str | None
) -> None:
    short.event("incident", PACK)
    short.head(time=time)
    if expected is None:
        assert audited(short, published(short), tmp_path / "state").time == LATEST
        return
    error = fault(short, published(short), tmp_path / "state")
    assert (error.code, error.facts["entry"]) == (expected, short.size - 1)


def test_the_first_of_two_faults_is_named(short: LyingLog, tmp_path: Path) -> None:
    """A bad signature is found by others, maybe later than a decision after it."""
    lie_wrong_signature(short)
    wrong = short.size - 1
    lie_broken_rule(short)
    short.head()
    error = fault(short, published(short), tmp_path / "state")
    assert (error.facts["entry"], error.facts["reason"]) == (wrong, "failed.signature")


def test_what_this_version_does_not_know_is_no_fault(short: LyingLog, tmp_path: Path) -> None:
    short.next_policy(profiles=_core(99))
    short.head()
    error = fault(short, published(short), tmp_path / "state")
    assert (error.code, error.exit_code) == ("unsupported.profile", 3)
    assert "entry" in error.where


def test_the_state_of_another_log(short: LyingLog, tmp_path: Path) -> None:
    audited(short, published(short), tmp_path / "state")
    other = begun(family="other")
    other.head()
    assert fault(other, published(other), tmp_path / "state").code == "usage.audit.state"


def test_two_audits_at_once(short: LyingLog, tmp_path: Path) -> None:
    with Auditor(short.trust(), tmp_path / "state", processes=1):
        assert fault(short, published(short), tmp_path / "state").code == "busy.audit.state"


@pytest.mark.parametrize("name", ["states-0", "ids", "links", "blocks-0"])
def test_a_state_that_lost_something(
    short: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("ledger.monitor.auditing.replay._BLOCKS_EVERY", 0)
    state = tmp_path / "state"
    audited(short, published(short), state)
    with (state / name).open("r+b") as file:
        file.truncate(10)
    assert fault(short, published(short), state).code == "damaged.audit.state"


@pytest.mark.parametrize("name", ["states-0", "blocks-0"])
def test_a_state_that_was_changed(
    short: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Wherever: the log is not accused of it."""
    monkeypatch.setattr("ledger.monitor.auditing.replay._BLOCKS_EVERY", 0)
    state = tmp_path / "state"
    audited(short, published(short), state)
    short.event("incident", PACK)
    short.head()
    whole = (state / name).read_bytes()
    for place in range(0, len(whole), 97):
        (state / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert fault(short, published(short), state).code == "damaged.audit.state"
    assert not (state / "evidence").exists()
    (state / name).write_bytes(whole)
    assert audited(short, published(short), state).replayed == 2
