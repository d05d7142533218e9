"""Whose ledger it is: trust file, policies, checkpoint and receipts of a dossier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.governance.statements import LogKey
from ledger.proof.checkpoint import Checkpoint, format_body
from ledger.proof.checks.genuine import CLOCK_SKEW
from ledger.proof.dossier import decode_dossier, encode_dossier
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from ledger.wire.note import cosign, sign_note
from tests.log.building import World
from tests.proof.building import AT, changed, dossier_of, trust_of, two_lives
from tests.proof.lying import PACK, LyingLog, begun, signer, told

LIFE = ("manufacture", "install", "decommission")


def verify(log: LyingLog, data: bytes | None = None, at: int = 0, **trust: Any) -> Verdict:
    return verify_dossier(data or log.dossier(), log.trust(**trust), at or log.now)


def refusal(log: LyingLog, data: bytes | None = None, at: int = 0, **trust: Any) -> CellbookError:
    with pytest.raises(CellbookError) as refused:
        verify(log, data, at, **trust)
    return refused.value


def receipts_of(data: bytes, receipts: list[bytes]) -> bytes:
    """The dossier with other receipts."""
    dossier = decode_dossier(data)
    entries = tuple(
        msgspec.structs.replace(entry, receipt=receipt)
        for entry, receipt in zip(dossier.entries, receipts, strict=True)
    )
    return encode_dossier(msgspec.structs.replace(dossier, entries=entries))


# The trust file


def test_another_ledger_is_no_forgery() -> None:
    error = refusal(told(*LIFE), origin="log.example/other")
    assert (error.code, error.exit_code) == ("undecided.trust.other-ledger", 3)
    assert (error.facts["trusted"], error.facts["found"]) == (
        "log.example/other",
        "log.example/lies",
    )


def test_a_ledger_that_took_the_name(tmp_path: Path) -> None:
    mine, forged = told(*LIFE), told(*LIFE, family="other")
    error = refusal(mine, forged.dossier())
    assert (error.code, error.exit_code) == ("failed.dossier.genesis", 1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"genesis": bytes(32)}, "failed.dossier.genesis"),
        ({"root_key": signer("next-root").key}, "failed.dossier.genesis"),
        ({"family": "urn:cellbook:family:x"}, "failed.dossier.genesis"),
        ({"minimum_policy": 1}, "undecided.policy.old"),
    ],
)
def test_what_the_trust_file_demands(changes: dict[str, Any], code: str) -> None:
    assert refusal(told(*LIFE), **changes).code == code


def test_the_time_of_the_check() -> None:
    log = told(*LIFE)
    assert verify(log, at=log.now - CLOCK_SKEW).record.time == log.now
    error = refusal(log, at=log.now - CLOCK_SKEW - 1)
    assert (error.code, error.exit_code) == ("undecided.time", 3)
    assert refusal(log, at=1).code == "undecided.time"


# Policies


def test_an_old_trust_file_verifies_after_root_and_log_keys_were_exchanged() -> None:
    log = told(*LIFE)
    size = log.size
    log.keys["second root"] = signer("second root")
    log.next_policy(
        by="next-root",
        root_key=signer("next-root").key.to_cbor(),
        next_root=log.keys["second root"].key.kid,
    )
    names = ("checkpoint", "receipts", "statements")
    new = {name: signer(f"new {name}") for name in names}
    rotated: list[LogKey] = []
    for name in names:
        old_key, new_key = log.keys[name].key.to_cbor(), new[name].key.to_cbor()
        rotated += [
            LogKey(purpose=name, key=old_key, from_size=0, to_size=size + 3),
            LogKey(purpose=name, key=new_key, from_size=size + 3),
        ]
    log.next_policy(by="next-root", log_keys=tuple(rotated))
    log.head()
    log.keys |= new
    log.event("recycle", PACK)
    log.head()
    verdict = verify(log)
    assert (verdict.record.policy, verdict.battery.physical) == (2, "recycled")
    assert verify(log, minimum_policy=2).record.policy == 2
    assert refusal(log, minimum_policy=3).code == "undecided.policy.old"
    for left_out in (size, size + 1):
        error = refusal(log, log.dossier(leave_out=(left_out,)))
        assert error.code in ("failed.dossier.missing", "rejected.key.unknown")
    for name in names:
        log.keys |= new | {name: signer(name)}
        if name == "statements":
            log.leaves.pop()
            log.head(previous=None)
        assert refusal(log).exit_code == 1


@pytest.mark.parametrize(
    ("by", "changes", "code"),
    [
        ("registrar", {}, "rejected.key.unknown"),
        ("stranger", {}, "rejected.key.unknown"),
        ("next-root", {}, "rejected.key.unknown"),
        ("stranger", {"root_key": signer("stranger").key.to_cbor()}, "rejected.policy.root"),
        ("root", {"root_key": signer("next-root").key.to_cbor()}, "rejected.key.unknown"),
        ("root", {"number": 2}, "failed.dossier.missing"),
        ("root", {"number": 0}, "rejected.policy.order"),
        ("root", {"previous": bytes(32)}, "rejected.policy.order"),
        ("root", {"origin": "log.example/new"}, "rejected.subject.kind"),
    ],
)
def test_policies_that_nobody_could_register(by: str, changes: dict[str, Any], code: str) -> None:
    log = told(*LIFE)
    log.keys["stranger"] = signer("stranger")
    log.next_policy(by=by, **changes)
    log.head()
    assert refusal(log).code == code


# The checkpoint


def test_a_checkpoint_of_another_tree() -> None:
    log = told(*LIFE)
    data, size = log.dossier(), log.size
    assert refusal(log, changed(data, checkpoint=log.note(size - 1))).code == "failed.dossier.head"
    assert refusal(log, changed(data, checkpoint=log.note(2))).code == "failed.dossier.head"
    other = Checkpoint(log.origin, size, b"\x01" * 32)
    note = sign_note(format_body(other), log.origin, log.keys["checkpoint"])
    assert refusal(log, changed(data, checkpoint=note)).code == "failed.inclusion"
    log.event("recycle", PACK)
    log.head()
    assert refusal(log, changed(data, checkpoint=log.note())).code == "failed.dossier.head"
    older = changed(log.dossier(), checkpoint=decode_dossier(data).checkpoint)
    assert refusal(log, older).code == "failed.dossier.head"


@pytest.mark.parametrize("name", ["receipts", "statements", "root", "registrar", "stranger"])
def test_a_checkpoint_by_another_key(name: str) -> None:
    log = told(*LIFE)
    log.keys["stranger"] = signer("stranger")
    data = changed(log.dossier(), checkpoint=log.note(by=name))
    assert refusal(log, data).code == "failed.note.unsigned"


def test_signature_lines_that_nobody_asked_for() -> None:
    log = told(*LIFE)
    note = log.note()
    body = note.rpartition(b"\n\n")[0] + b"\n"
    line = cosign(body, "witness.example", signer("witness"), log.now).line
    data = changed(log.dossier(), checkpoint=note + line)
    assert refusal(log, data).code == "failed.dossier.checkpoint"
    twice = changed(log.dossier(), checkpoint=note + note.rpartition(b"\n\n")[2])
    assert refusal(log, twice).code == "malformed.note.signed-twice"


# Receipts


def test_receipts_of_another_size_key_time_or_entry() -> None:
    log = told(*LIFE)
    data = log.dossier()
    dossier = decode_dossier(data)
    indexes = [entry.index for entry in dossier.entries]
    good = [entry.receipt for entry in dossier.entries]
    assert refusal(log, receipts_of(data, [*good[1:], good[0]])).code == "failed.dossier.receipt"
    assert refusal(log, receipts_of(data, [good[0]] * len(good))).code == "failed.dossier.receipt"
    for by in ("checkpoint", "statements"):
        wrong = receipts_of(data, log.receipts(indexes, by=by))
        assert refusal(log, wrong).code == "failed.dossier.receipt"
    log.now += 1
    assert refusal(log, receipts_of(data, log.receipts(indexes))).code == "failed.dossier.receipt"
    log.event("recycle", PACK)
    log.head()
    assert refusal(log, receipts_of(data, log.receipts(indexes))).code == "failed.dossier.receipt"


def test_a_genuine_receipt_on_another_statement(tmp_path: Path) -> None:
    """The right size, index and signature, and a statement that never was in the log."""
    log = told(*LIFE)
    data, good = log.dossier(), log.size - 2
    log.leaves[good:] = []
    log.event("decommission", PACK, reason="another")
    log.leaves.append(decode_dossier(data).entries[-1].leaf)
    dossier = decode_dossier(data)
    entries = tuple(
        msgspec.structs.replace(entry, leaf=log.leaves[entry.index]) for entry in dossier.entries
    )
    forged = encode_dossier(msgspec.structs.replace(dossier, entries=entries))
    error = refusal(log, forged)
    assert (error.code, error.where) == ("failed.inclusion", f"entry {good}, receipt")


@pytest.mark.parametrize("alg", [-9, -48, -49])
def test_logs_with_receipt_keys_of_other_algorithms(alg: int) -> None:
    assert verify(told(*LIFE, receipts=generate(alg))).record.entries == 6


def test_another_worlds_dossier(tmp_path: Path) -> None:
    """Two real ledgers of one origin: each file belongs to its own trust file."""
    with World(tmp_path / "a") as one, World(tmp_path / "b") as two:
        for world, other in ((one, two), (two, one)):
            data = dossier_of(world, two_lives(world)[1])
            assert verify_dossier(data, trust_of(world), AT).record.genesis
            with pytest.raises(CellbookError) as refused:
                verify_dossier(data, trust_of(other), AT)
            assert refused.value.code == "failed.dossier.genesis"


def test_heads_keep_their_place_when_an_epoch_is_empty() -> None:
    log = begun()
    log.head()
    log.live(PACK, "manufacture")
    log.head()
    log.head()
    assert verify(log).record.size == log.size
