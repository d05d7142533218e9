"""A witness never cosigns two histories, nor a smaller tree after a larger one."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.algorithms import ED25519, ESP256, ML_DSA_44
from keys.errors import CellbookError
from keys.signer import generate
from ledger.monitor.witnessing.state import WitnessState
from ledger.monitor.witnessing.witness import Witness, witness_verifier
from ledger.proof.checkpoint import open_checkpoint
from ledger.wire.base64text import encode_base64
from ledger.wire.note import cosign, sign_note
from ledger.wire.verifier import ML_DSA_COSIGNATURE, Verifier
from tests.monitor.witnessing import (
    FORKED,
    LEAVES,
    LOG,
    LOG_KEY,
    NAME,
    ORIGIN,
    body,
    checkpoint,
    proof,
    request,
)

KEY = generate(ED25519)
VERIFIER = witness_verifier(NAME, KEY)
NOW = 1_800_000_000


def witness(folder: Path) -> Witness:
    return Witness(NAME, KEY, [LOG_KEY], WitnessState(folder, VERIFIER))


def refused(one: Witness, data: bytes, now: int = NOW) -> CellbookError:
    with pytest.raises(CellbookError) as caught:
        one.add_checkpoint(data, now)
    return caught.value


def cosigned(one: Witness, old: int, new: int, now: int = NOW) -> int | None:
    note = checkpoint(new) + one.add_checkpoint(request(old, new), now)
    _, opened = open_checkpoint(note, LOG_KEY, [VERIFIER])
    assert len(opened.signatures) == 2
    return opened.signatures[1].time


def test_a_log_grows(tmp_path: Path) -> None:
    one = witness(tmp_path)
    assert cosigned(one, 0, 0) == NOW
    for old, new in ((0, 3), (3, 8), (8, 8), (8, 23)):
        assert cosigned(one, old, new, NOW + new) == NOW + new
    assert cosigned(witness(tmp_path), 23, 24, NOW + 30) == NOW + 30


def test_what_is_refused(tmp_path: Path) -> None:
    one = witness(tmp_path)
    cosigned(one, 0, 8)
    error = refused(one, request(3, 12))
    assert (error.code, error.facts) == ("conflict.witness.size", {"size": 8})
    cases = {
        "usage.witness.old-size": request(9, 8),
        "conflict.witness.root": request(8, 8, FORKED),
        "failed.witness.consistency": request(8, 12, FORKED),
        "failed.witness.signature": body(
            8,
            proof(8, 12),
            sign_note(checkpoint(12).partition(b"\n\n")[0] + b"\n", LOG_KEY.name, KEY),
        ),
        "missing.witness.log": body(8, [], checkpoint(12, origin="other.example")),
    }
    for code, data in cases.items():
        assert refused(one, data).code == code
    assert refused(one, body(8, [], checkpoint(12))).code == "failed.witness.consistency"
    assert refused(one, body(8, [LEAVES[0]], checkpoint(8))).code == "failed.witness.consistency"
    assert refused(one, request(8, 12), NOW - 1).code == "undecided.witness.clock"
    assert cosigned(one, 8, 12) == NOW


def test_a_proof_from_nothing_is_empty(tmp_path: Path) -> None:
    one = witness(tmp_path)
    for size in (0, 8):
        data = body(0, [LEAVES[0]], checkpoint(size))
        assert refused(one, data).code == "failed.witness.consistency"


def test_nothing_has_one_root(tmp_path: Path) -> None:
    text = f"{ORIGIN}\n0\n{encode_base64(LEAVES[0])}\n".encode()
    data = body(0, [], sign_note(text, ORIGIN, LOG))
    assert refused(witness(tmp_path), data).code == "failed.witness.consistency"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 00\n\n" + checkpoint(3),
        b"old -1\n\n" + checkpoint(3),
        b"old 0\r\n\n" + checkpoint(3),
        b"old 0\nAAAA\n\n" + checkpoint(3),
        b"old 0\n" + b"x" * 44 + b"\n\n" + checkpoint(3),
        body(0, [LEAVES[0]] * 64, checkpoint(3)),
        b"old 0\n\n" + checkpoint(3).rstrip(b"\n"),
        b"old 0\n\n" + sign_note(b"log.example/a\n3\n", "log.example/a", LOG),
        b"old 0\n\n" + b"x" * (128 << 10),
    ],
)
def test_malformed(tmp_path: Path, data: bytes) -> None:
    error = refused(witness(tmp_path), data)
    assert error.code.startswith(("malformed.", "missing.")), error.code


def test_extension_lines_are_cosigned(tmp_path: Path) -> None:
    text = checkpoint(3).partition(b"\n\n")[0] + b"\nmore\n"
    one = witness(tmp_path)
    one.add_checkpoint(body(0, [], sign_note(text, LOG_KEY.name, LOG)), NOW)
    assert cosigned(one, 3, 8) == NOW


def test_two_at_once(tmp_path: Path) -> None:
    def ask(size: int) -> str:
        try:
            # A state of its own for each: as two processes have.
            witness(tmp_path).add_checkpoint(request(0, size), NOW)
        except CellbookError as error:
            return error.code
        return "cosigned"

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(ask, range(1, 17)))
    assert sorted(told) == ["conflict.witness.size"] * 15 + ["cosigned"]


@pytest.mark.parametrize("damage", [b"", b"{}", None, b"tampered"])
def test_a_damaged_state_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    one = witness(tmp_path)
    cosigned(one, 0, 8)
    file = tmp_path / "witnessed.json"
    if damage is None:
        file.unlink()
    elif damage == b"tampered":
        file.write_bytes(file.read_bytes().replace(b"\\n8\\n", b"\\n7\\n"))
    else:
        file.write_bytes(damage)
    assert refused(one, request(0, 12)).code == "damaged.witness.state"
    with pytest.raises(CellbookError) as caught:
        witness(tmp_path)
    assert caught.value.code == "damaged.witness.state"


def test_keys(tmp_path: Path) -> None:
    witness(tmp_path)
    other = witness_verifier(NAME, generate(ED25519))
    for call, code in (
        (lambda: WitnessState(tmp_path, other), "usage.witness.state"),
        (lambda: witness_verifier(NAME, generate(ESP256)), "usage.witness.key"),
        (
            lambda: Witness(NAME, LOG, [LOG_KEY], WitnessState(tmp_path, VERIFIER)),
            "usage.witness.key",
        ),
    ):
        with pytest.raises(CellbookError) as caught:
            call()
        assert caught.value.code == code


def test_a_log_with_two_keys(tmp_path: Path) -> None:
    newer = Verifier.from_key(LOG_KEY.name, generate(ED25519).key)
    one = Witness(NAME, KEY, [newer, LOG_KEY], WitnessState(tmp_path, VERIFIER))
    assert cosigned(one, 0, 3) == NOW


def test_ml_dsa(tmp_path: Path) -> None:
    """Of the log, of the witness, or of both: C2SP tlog-cosignature of type 06."""
    log_signer, signer = generate(ML_DSA_44), generate(ML_DSA_44)
    log = Verifier.from_key(ORIGIN, log_signer.key, ML_DSA_COSIGNATURE)
    verifier = witness_verifier(NAME, signer)
    assert verifier.type == ML_DSA_COSIGNATURE
    state = WitnessState(tmp_path, verifier)
    one = Witness(NAME, signer, [log, LOG_KEY], state)
    for old, new in ((0, 3), (3, 8)):
        text = checkpoint(new).partition(b"\n\n")[0] + b"\n"
        note = text + b"\n" + cosign(text, ORIGIN, log_signer, NOW).line
        answer = one.add_checkpoint(body(old, proof(old, new), note), NOW + new)
        _, opened = open_checkpoint(note + answer, log, [verifier])
        assert [line.time for line in opened.signatures] == [NOW, NOW + new]
    _, opened = open_checkpoint(
        checkpoint(9) + one.add_checkpoint(request(8, 9), NOW + 9), LOG_KEY, [verifier]
    )
    assert len(opened.signatures) == 2
    assert refused(one, body(9, [], bad_line(note))).code == "failed.witness.signature"
    extended = sign_note(checkpoint(9).partition(b"\n\n")[0] + b"\nmore\n", ORIGIN, LOG)
    assert refused(one, body(9, [], extended), NOW + 9).code == "malformed.note.checkpoint"


def bad_line(note: bytes) -> bytes:
    """``note`` with another signature in its last line."""
    return note[:-40] + (b"A" if note[-40:-39] != b"A" else b"B") + note[-39:]


ASKED = st.tuples(
    st.integers(0, 24), st.integers(0, 24), st.booleans(), st.integers(-2, 9), st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ASKED, max_size=25))
def test_any_requests_yield_one_history(asked: list[tuple[int, int, bool, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, sizes, times, last = witness(Path(folder)), [], [], 0
        roots: dict[int, bool] = {}
        for old, new, is_forked, later, fits in asked:
            data = request(last if fits else old, new, FORKED if is_forked else LEAVES)
            try:
                one.add_checkpoint(data, NOW + later)
            except CellbookError:
                one = witness(Path(folder))
                continue
            last = new
            sizes.append(new)
            times.append(NOW + later)
            if new > 5:
                roots[new] = is_forked
        assert sizes == sorted(sizes)
        assert times == sorted(times)
        assert len(set(roots.values())) <= 1
