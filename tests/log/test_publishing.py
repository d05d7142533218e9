"""Cosigners' lines on checkpoints, and which sizes are kept open for auditors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.algorithms import ED25519
from keys.errors import CellbookError
from keys.signer import Signer, generate
from ledger.custody.governance.policy import log_key
from ledger.log.publishing.checkpoints import AUDITED, CANDIDATE, PATIENCE_S, PUBLISHED
from ledger.log.publishing.lines import FUTURE_S
from ledger.log.publishing.witness import SIZE_TYPE, Answer, Asking, cosignature, told_size
from ledger.proof.dossier import decode_dossier
from ledger.proof.trust import load_trust
from ledger.proof.verify import verify_dossier
from ledger.store.engine import sqlite_driver
from ledger.tree.proofs import Proofs
from ledger.wire.note import OpenNote, cosign, open_note
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.log.building import ORIGIN, World

ONE, TWO = generate(ED25519), generate(ED25519)
VERIFIERS = {
    "one.example": Verifier.from_key("one.example", ONE.key, COSIGNATURE),
    "two.example": Verifier.from_key("two.example", TWO.key, COSIGNATURE),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger whose policy names two auditors, and no witness."""
    with World(tmp_path, operators=("owner",)) as made:
        vkeys = tuple(verifier.vkey for verifier in VERIFIERS.values())
        made.accepted(made.next_policy(auditors=vkeys))
        made.end_epoch()
        yield made


def by(signer: Signer, name: str, note: bytes, time: int) -> bytes:
    text = note.rpartition(b"\n\n")[0] + b"\n"
    return text + b"\n" + cosign(text, name, signer, time).line


def grow(world: World) -> str:
    battery = world.battery()
    world.live(battery, "manufacture")
    world.end_epoch()
    return battery


def opened(world: World, note: bytes) -> OpenNote:
    own = Verifier.from_key(ORIGIN, log_key(world.ledger.log(), "checkpoint", 2))
    return open_note(note, [own, *VERIFIERS.values()])


def size_of(note: bytes) -> int:
    return int(note.split(b"\n", 2)[1])


def until_pinned(world: World, purpose: str) -> int:
    """Pins move after the checkpoint is stored; the next one finds what is due."""
    for _ in range(500):
        if purpose in (pins := world.store.pins()):
            return pins[purpose]
        world.ledger.publishing.tend()
    raise AssertionError(f"nothing is pinned for {purpose}")


def test_the_candidate_stays_until_all_auditors_have_cosigned(world: World) -> None:
    first = until_pinned(world, CANDIDATE)
    battery = grow(world)
    note = world.ledger.candidate()
    assert size_of(note) == first < size_of(world.ledger.checkpoint())
    assert world.ledger.publishing.take(by(ONE, "one.example", note, world.clock())) == 1
    assert world.store.pins() == {CANDIDATE: first, AUDITED: first}
    assert world.ledger.publishing.take(by(TWO, "two.example", note, world.clock())) == 1
    pins = world.store.pins()
    assert pins[AUDITED] == first
    assert pins[CANDIDATE] == size_of(world.ledger.checkpoint())
    with pytest.raises(CellbookError) as refused:
        world.ledger.audited_dossier(battery)
    assert refused.value.code == "missing.audited"
    grow(world)
    second = world.ledger.candidate()
    for signer, name in ((ONE, "one.example"), (TWO, "two.example")):
        world.ledger.publishing.take(by(signer, name, second, world.clock()))
    dossier = decode_dossier(world.ledger.audited_dossier(battery))
    lines = opened(world, dossier.checkpoint)
    assert {line.name for line in lines.signatures} == {ORIGIN, *VERIFIERS}
    assert size_of(dossier.checkpoint) < size_of(world.ledger.checkpoint())
    world.fsck()


def test_an_hour_is_long_enough_to_wait_for_the_other_auditor(world: World) -> None:
    first = until_pinned(world, CANDIDATE)
    note = world.ledger.candidate()
    world.ledger.publishing.take(by(ONE, "one.example", note, world.clock()))
    world.clock.advance(PATIENCE_S - 2)
    grow(world)
    assert until_pinned(world, CANDIDATE) == first
    world.clock.advance(4)
    newest = size_of(world.ledger.checkpoint())
    world.ledger.publishing.tend()
    assert world.store.pins() == {AUDITED: first, CANDIDATE: newest}


def test_without_auditors_nothing_is_kept(world: World) -> None:
    until_pinned(world, CANDIDATE)
    world.accepted(world.next_policy(auditors=()))
    world.end_epoch()
    world.ledger.publishing.tend()
    assert world.store.pins() == {}


def test_of_two_lines_by_one_key_the_later_stays(world: World) -> None:
    note = world.ledger.checkpoint()
    take = world.ledger.publishing.take
    assert take(by(ONE, "one.example", note, 1_790_000_100)) == 1
    assert take(by(ONE, "one.example", note, 1_790_000_200)) == 0
    assert take(by(ONE, "one.example", note, 1_790_000_050)) == 0
    times = [line.time for line in opened(world, world.ledger.checkpoint()).signatures]
    assert times == [None, 1_790_000_200]


def test_a_cosigner_whose_clock_is_wrong_spoils_nothing(world: World) -> None:
    """One line from before the head, and nobody could verify any file of the log."""
    battery = grow(world)
    note = world.ledger.checkpoint()
    head_time = world.ledger.log().head_time
    for time in (head_time - 1, 0, world.clock() + FUTURE_S + 1, 2**62):
        with pytest.raises(CellbookError) as refused:
            world.ledger.publishing.take(by(ONE, "one.example", note, time))
        assert refused.value.code == "rejected.cosignature.time"
    assert world.ledger.checkpoint() == note
    assert world.ledger.publishing.take(by(ONE, "one.example", note, head_time)) == 1
    verdict = verify_dossier(
        world.ledger.dossier(battery), load_trust(world.home.trust_bytes()), world.clock()
    )
    assert verdict.record.size == size_of(note)


def answered(
    world: World, body: bytes, status: int = 200, media_type: str = "", old: int = 0
) -> CellbookError:
    """What becomes of a witness that answers ``body`` to whatever it is asked."""
    note, answer = world.ledger.checkpoint(), Answer(status, media_type, body)
    witness = Asking("one", VERIFIERS["one.example"], "https://one.example")
    size, proofs = size_of(note), Proofs(world.store)
    with pytest.raises(CellbookError) as refused:
        cosignature(lambda url, sent: answer, witness, proofs, note, size, old)
    return refused.value


def test_a_witness_that_has_another_history(world: World) -> None:
    """However it says so: with its size, by the status for a conflict, or that for a bad proof."""
    grow(world)
    size = size_of(world.ledger.checkpoint())
    told = f"{size}\n".encode()
    assert answered(world, told, 409, SIZE_TYPE, size).code == "failed.witness.root"
    for status in (409, 422):
        for old in (size, size - 1):
            for body in (b"", b"roots do not match\n", told):
                error = answered(world, body, status, "text/plain", old)
                assert error.code == "failed.witness.root"
                assert f"tree size {old}" in error.detail
    for status in (302, 400, 403, 404, 429, 500, 503):
        assert answered(world, told, status, SIZE_TYPE, size).code == "unavailable.witness.answer"
    # From nothing every tree follows.
    assert answered(world, b"", 422).code == "unavailable.witness.answer"


def test_a_witness_that_signs_more_than_the_checkpoint(world: World) -> None:
    """Behind an empty line in the answer, its line is good for another text: on the checkpoint it
    would be a bad line by a known key, and no file of the log would verify."""
    text = world.ledger.checkpoint().rpartition(b"\n\n")[0] + b"\n"
    for more in (b"more\n", b"\n", cosign(text, "one.example", ONE, world.clock()).line):
        line = cosign(text + b"\n" + more, "one.example", ONE, world.clock()).line
        assert answered(world, more + b"\n" + line).code == "unavailable.witness.answer"


def test_a_witness_that_answers_nonsense(world: World) -> None:
    text = world.ledger.checkpoint().rpartition(b"\n\n")[0] + b"\n"
    good = cosign(text, "one.example", ONE, world.clock()).line
    others = cosign(text, "two.example", TWO, world.clock()).line
    for body in (
        b"",
        b"\n",
        b"\xff" * 99,
        good[:-1],
        good + good,
        good * 101,
        good + b"\n",
        others,
    ):
        assert answered(world, body).code.split(".")[:2] in (
            ["malformed", "note"],
            ["failed", "note"],
        )
    wrong = cosign(text, "one.example", TWO, world.clock()).line
    assert answered(world, wrong).code == "failed.note.unsigned"


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("UPDATE checkpoint SET note = ? WHERE size = ?", "note"),
        ("UPDATE log_head SET published = published - 1", "published"),
        ("UPDATE index_pin SET size = size + 1000000", "size"),
    ],
)
def test_fsck_names_what_is_wrong_with_what_is_published(
    world: World, change: str, column: str
) -> None:
    until_pinned(world, CANDIDATE)
    note = world.ledger.checkpoint()
    size = size_of(note)
    world.ledger.publishing.take(by(ONE, "one.example", note, world.clock()))
    world.fsck()
    kept = world.store.checkpoint(size)
    assert kept is not None
    world.close()
    # The auditor's line with the time of another.
    wrong = (
        kept[1].replace(
            cosign(note.rpartition(b"\n\n")[0] + b"\n", "one.example", ONE, world.clock()).line,
            b"",
        )
        + cosign(b"other\n", "one.example", ONE, world.clock()).line
    )
    connection = sqlite_driver().connect(str(world.home.path / "ledger.db"))
    connection.execute(change, (wrong, size) if "?" in change else ())
    connection.commit()
    connection.close()
    with pytest.raises(CellbookError) as found:
        world.fsck()
    assert found.value.code.startswith("damaged.")
    assert found.value.facts["column"] == column


def test_a_ledger_without_cosigners_keeps_nothing(tmp_path: Path) -> None:
    with World(tmp_path, operators=("owner",)) as world:
        grow(world)
        head = world.store.head()
        assert head.published == head.checkpoint
        assert world.store.pins() == {}
        assert PUBLISHED not in world.store.pins()


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (Answer(409, "text/x.tlog.size", b"17\n"), 17),
        (Answer(409, "text/x.tlog.size", b"0\n"), 0),
        (Answer(409, "text/plain", b"17\n"), None),
        (Answer(409, "text/x.tlog.size", b"017\n"), None),
        (Answer(409, "text/x.tlog.size", b"-1\n"), None),
        (Answer(409, "text/x.tlog.size", b"9" * 30), None),
        (Answer(404, "text/x.tlog.size", b"17\n"), None),
    ],
)
def test_a_size_is_read_from_a_conflict_only(answer: Answer, size: int | None) -> None:
    assert told_size(answer) == size
