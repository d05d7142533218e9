"""Checkpoints are shown to witnesses before anybody else sees them: with real processes."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from keys.algorithms import ED25519
from keys.signer import Signer, generate
from ledger.custody.governance.policy import log_key
from ledger.log.home import WITNESSES_FILE
from ledger.log.publishing.checkpoints import AUDITED, CANDIDATE, PUBLISHED
from ledger.log.publishing.lines import only
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.proof.dossier import decode_dossier
from ledger.wire.base64text import encode_base64url
from ledger.wire.note import OpenNote, cosign, open_note
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.log.building import ORIGIN, World
from tests.log.writers import now
from tests.service import Service, running_service
from tests.witnesses import WitnessProcess, policy_text

SECONDS = 60.0


class Setting:
    """A ledger that a service serves, and witnesses."""

    def __init__(self, folder: Path, stack: ExitStack, count: int, needed: int) -> None:
        self.world = World(folder, clock=now, operators=("owner",))
        self.log = Verifier.from_key(ORIGIN, log_key(self.world.ledger.log(), "checkpoint", 2))
        self.witnesses = [
            stack.enter_context(WitnessProcess(folder / f"w{n}", f"w{n}.example", self.log))
            for n in range(1, count + 1)
        ]
        self.world.close()
        self.folder = self.world.home.path
        text = policy_text(*self.witnesses, needed=needed)
        (self.folder / WITNESSES_FILE).write_bytes(text)
        stack.callback(self.world.close)

    def reopen(self) -> None:
        """A process that registers; it asks no witnesses and publishes nothing."""
        self.world.store, self.world.ledger = self.world.open()

    def published(self, service: Service, query: str = "") -> tuple[Checkpoint, OpenNote]:
        note = httpx.get(f"{service.url}/checkpoint{query}").content
        known = [witness.verifier for witness in self.witnesses]
        return open_checkpoint(note, self.log, known)

    def signers(self, service: Service) -> set[str]:
        return {line.name for line in self.published(service)[1].signatures} - {ORIGIN}

    def until_published(self, service: Service, size: int) -> Checkpoint:
        deadline = time.monotonic() + SECONDS
        while True:
            found, _ = self.published(service)
            if found.size >= size:
                return found
            assert time.monotonic() < deadline, service.log
            time.sleep(0.05)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def register(service: Service, world: World) -> str:
    """A battery that is registered over HTTP, and proved with a receipt."""
    battery = world.battery()
    answer = httpx.post(
        f"{service.url}/entries",
        content=world.event("manufacture", battery),
        headers={"Content-Type": "application/cose"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    assert answer.content
    return battery


def signed_after(setting: Setting, size: int) -> int:
    """Wait until a checkpoint beyond ``size`` is signed, and give its size."""
    store = setting.world.home.open_store()
    try:
        deadline = time.monotonic() + SECONDS
        while (found := store.head().checkpoint) <= size:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found
    finally:
        store.close()


def test_a_checkpoint_is_published_when_the_quorum_has_cosigned(
    tmp_path: Path, stack: ExitStack
) -> None:
    setting = Setting(tmp_path, stack, 2, 2)
    with running_service(setting.folder) as service:
        before, _ = setting.published(service)
        register(service, setting.world)
        found = setting.until_published(service, before.size + 1)
        assert setting.signers(service) == {"w1.example", "w2.example"}
        store = setting.world.home.open_store()
        head = store.head()
        assert (head.checkpoint, head.published) == (found.size, found.size)
        assert store.pins()[PUBLISHED] == found.size
        store.close()
        subject = encode_base64url(setting.world.battery().encode())
        assert httpx.get(f"{service.url}/batteries/{subject}/dossier").status_code == 404
    report = setting.world.home.open_store()
    report.close()


@pytest.mark.slow
def test_one_of_two_suffices_where_one_is_needed(tmp_path: Path, stack: ExitStack) -> None:
    setting = Setting(tmp_path, stack, 2, 1)
    setting.witnesses[1].kill()
    with running_service(setting.folder) as service:
        before, _ = setting.published(service)
        register(service, setting.world)
        setting.until_published(service, before.size + 1)
        assert setting.signers(service) == {"w1.example"}
        assert httpx.get(f"{service.url}/healthz").text == "ok\n"


@pytest.mark.slow
def test_a_witness_that_hangs_holds_nobody_up(tmp_path: Path, stack: ExitStack) -> None:
    setting = Setting(tmp_path, stack, 2, 1)
    with running_service(setting.folder) as service:
        setting.witnesses[1].pause()
        try:
            before, _ = setting.published(service)
            started = time.monotonic()
            register(service, setting.world)
            setting.until_published(service, before.size + 1)
            assert time.monotonic() - started < 4.0
            assert setting.signers(service) == {"w1.example"}
        finally:
            setting.witnesses[1].resume()
        deadline = time.monotonic() + SECONDS
        while setting.signers(service) != {"w1.example", "w2.example"}:
            assert time.monotonic() < deadline, "the late line did not come to the note"
            time.sleep(0.1)


def test_without_witnesses_registration_goes_on_and_it_is_said(
    tmp_path: Path, stack: ExitStack
) -> None:
    setting = Setting(tmp_path, stack, 2, 2)
    with running_service(setting.folder) as service:
        before, _ = setting.published(service)
        register(service, setting.world)
        held = setting.until_published(service, before.size + 1)
        for witness in setting.witnesses:
            witness.kill()
        battery = register(service, setting.world)
        signed = signed_after(setting, held.size)
        deadline = time.monotonic() + SECONDS
        while "delayed since" not in (said := httpx.get(f"{service.url}/readyz").text):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert said.startswith("ready\nwitnessed checkpoint delayed since ")
        assert "w1 (" in said
        facts = httpx.get(f"{service.url}/healthz", headers={"Accept": "application/json"}).json()
        assert facts["status"] == "ok"
        assert set(facts["witnessed_checkpoint"]["by"]) == {"w1", "w2"}
        assert setting.published(service)[0] == held
        # What is not published yet is in no dossier.
        subject = encode_base64url(battery.encode())
        answer = httpx.get(f"{service.url}/batteries/{subject}/dossier", timeout=30)
        assert answer.status_code == 404
        register(service, setting.world)
        for witness in setting.witnesses:
            witness.start()
        found = setting.until_published(service, signed)
        assert found.size >= signed
        deadline = time.monotonic() + SECONDS
        while "delayed" in httpx.get(f"{service.url}/healthz").text:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        answer = httpx.get(f"{service.url}/batteries/{subject}/dossier", timeout=30)
        assert answer.status_code == 200
        lines = open_note(decode_dossier(answer.content).checkpoint, [setting.log])
        assert lines.unknown == (), "the policy names none of these witnesses"
    assert "witnessed checkpoint delayed since" in service.log
    assert "published again" in service.log


@pytest.mark.slow
def test_two_services_on_one_log_never_go_back(tmp_path: Path, stack: ExitStack) -> None:
    setting = Setting(tmp_path, stack, 2, 2)
    with running_service(setting.folder) as one, running_service(setting.folder) as two:
        seen = 0
        until = time.monotonic() + 6
        while time.monotonic() < until:
            register(one, setting.world)
            for service in (two, one, two):
                size = setting.published(service)[0].size
                assert size >= seen
                seen = size
        last = signed_after(setting, 0)
        setting.until_published(two, last)
        setting.until_published(one, last)
        assert setting.signers(one) == {"w1.example", "w2.example"}


@pytest.mark.slow
def test_a_service_killed_at_any_moment_publishes_after_it_starts_again(
    tmp_path: Path, stack: ExitStack
) -> None:
    setting = Setting(tmp_path, stack, 2, 2)
    published = 0
    for round_ in range(4):
        with Service(setting.folder) as service:
            found, _ = setting.published(service)
            assert found.size >= published
            register(service, setting.world)
            signed_after(setting, found.size)
            # Somewhere between the signature and the publication, or just after it.
            time.sleep(0.004 * round_)
            service.kill()
        published = found.size
    with running_service(setting.folder) as service:
        setting.until_published(service, signed_after(setting, 0))
        assert setting.signers(service) == {"w1.example", "w2.example"}


@pytest.mark.slow
def test_an_old_copy_of_the_database_is_known_by_the_witnesses(
    tmp_path: Path, stack: ExitStack
) -> None:
    """The folder's memory is lost too: only witnesses know."""
    setting = Setting(tmp_path, stack, 1, 1)
    copy = tmp_path / "copy"
    shutil.copytree(setting.folder, copy)
    with running_service(setting.folder) as service:
        before, _ = setting.published(service)
        register(service, setting.world)
        found = setting.until_published(service, before.size + 1)
    with pytest.raises(RuntimeError, match="does not hold a tree"):
        Service(copy)
    # With no witness in reach it starts: nobody can say that it should not.
    setting.witnesses[0].kill()
    with running_service(copy) as service:
        assert setting.published(service)[0].size < found.size
        register(service, setting.world)
        setting.witnesses[0].start()
        time.sleep(3)
        # It signs, but no witness cosigns another history: nothing is published.
        assert setting.published(service)[0] == before
        said = httpx.get(f"{service.url}/healthz").text
        assert "delayed" in said
    # Its tree is as large as the one that the witness has cosigned, and is another.
    with pytest.raises(RuntimeError, match="has cosigned another root of this size"):
        Service(copy)


def test_an_old_copy_is_known_by_the_folder(tmp_path: Path, stack: ExitStack) -> None:
    setting = Setting(tmp_path, stack, 1, 1)
    database = setting.folder / "ledger.db"
    shutil.copy(database, tmp_path / "old.db")
    with running_service(setting.folder) as service:
        before, _ = setting.published(service)
        register(service, setting.world)
        setting.until_published(service, before.size + 1)
    for file in setting.folder.glob("ledger.db*"):
        file.unlink()
    shutil.copy(tmp_path / "old.db", database)
    for workers in (1, 2):
        with pytest.raises(RuntimeError, match="does not hold a tree"):
            Service(setting.folder, workers)


@pytest.mark.slow
def test_a_stopped_worker_gives_its_turn_to_another(tmp_path: Path, stack: ExitStack) -> None:
    setting = Setting(tmp_path, stack, 1, 1)
    with running_service(setting.folder, workers=2) as service:
        before, _ = setting.published(service)
        register(service, setting.world)
        found = setting.until_published(service, before.size + 1)
        os.kill(service.workers()[0], signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                register(service, setting.world)
                break
            except (httpx.HTTPError, AssertionError):
                assert time.monotonic() < deadline
        setting.until_published(service, found.size + 1)


def line_on(note: bytes, signer: Signer, name: str, time_: int) -> bytes:
    text = note.rpartition(b"\n\n")[0] + b"\n"
    return note + cosign(text, name, signer, time_).line


def hand_in(service: Service, note: bytes) -> httpx.Response:
    return httpx.post(
        f"{service.url}/checkpoint/cosignatures",
        content=note,
        headers={"Content-Type": "text/plain", "Accept": "application/json"},
    )


def test_auditors_hand_in_their_lines(tmp_path: Path, stack: ExitStack) -> None:
    setting = Setting(tmp_path, stack, 1, 1)
    auditor, stranger = generate(ED25519), generate(ED25519)
    verifier = Verifier.from_key("auditor.example", auditor.key, COSIGNATURE)
    setting.reopen()
    world = setting.world
    world.accepted(
        world.next_policy(
            witnesses=(setting.witnesses[0].verifier.vkey,), auditors=(verifier.vkey,)
        )
    )
    battery = world.battery()
    world.live(battery, "manufacture")
    world.close()
    with running_service(setting.folder) as service:
        first = setting.until_published(service, world_size(setting))
        # A checkpoint after the policy: from now on there is a candidate.
        register(service, world)
        setting.until_published(service, first.size + 1)
        candidate = httpx.get(f"{service.url}/checkpoint?for=audit").content
        size = int(candidate.split(b"\n")[1])
        subject = encode_base64url(battery.encode())
        path = f"{service.url}/batteries/{subject}/dossier?completeness=audited"
        refused = httpx.get(path, headers={"Accept": "application/json"})
        assert refused.json()["code"] == "missing.audited"
        # Strangers, other texts, bad signatures.
        codes = {
            "rejected.cosignature.unknown": line_on(
                only(candidate, setting.log, ()), stranger, "other.example", now()
            ),
            "failed.note.signature": spoiled(line_on(candidate, auditor, "auditor.example", 1)),
            "rejected.cosignature.checkpoint": line_on(
                candidate.replace(b"\n%d\n" % size, b"\n%d\n" % (size + 1)), auditor,
                "auditor.example", now(),
            ),
            "malformed.checkpoint": b"x\n",
        }  # fmt: skip
        for code, note in codes.items():
            assert hand_in(service, note).json()["code"] == code
        assert hand_in(service, b"x" * (65 << 10)).status_code == 413
        cosigned = line_on(candidate, auditor, "auditor.example", now())
        answer = hand_in(service, line_on(cosigned, stranger, "other.example", now()))
        assert answer.json() == {"new": 1}
        assert hand_in(service, cosigned).json() == {"new": 0}
        dossier = decode_dossier(httpx.get(path).content)
        opened = open_note(dossier.checkpoint, [setting.log, verifier])
        assert {line.name for line in opened.signatures} == {ORIGIN, "auditor.example"}
        assert [line.name for line in opened.unknown] == ["w1.example"]
        store = setting.world.home.open_store()
        pins = store.pins()
        assert pins[AUDITED] == size
        assert pins[CANDIDATE] == store.head().published
        store.close()


def spoiled(note: bytes) -> bytes:
    """The last line's signature with another time: no longer by that key."""
    text, _, lines = note.rpartition(b"\n\n")
    *others, last = lines.rstrip(b"\n").split(b"\n")
    place = last.rindex(b" ") + 12
    other = b"B" if last[place : place + 1] != b"B" else b"C"
    changed = last[:place] + other + last[place + 1 :]
    return text + b"\n\n" + b"\n".join([*others, changed]) + b"\n"


def world_size(setting: Setting) -> int:
    store = setting.world.home.open_store()
    try:
        return store.head().size
    finally:
        store.close()
