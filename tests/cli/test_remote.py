"""The HTTP client: what a service refuses, what fails on the way, and what no service answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from api.problems import CUSTOM, concise
from api.sequence import byte_string
from cli import remote as remote_module
from cli.address import check_url
from cli.answers import PROBLEM, read_answers
from cli.remote import MAX_RECEIPT, Remote
from keys.errors import CellbookError
from ledger.custody.governance.signing_keys import UNKNOWN_ISSUER
from ledger.log.reading.published import NO_BATTERY
from ledger.log.sequencer import BUSY
from ledger.proof.receipt import verify_receipt
from ledger.wire import cbor
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import parse_statement
from tests.cli.answering import Answering, Reply
from tests.log.building import World
from tests.log.writers import now
from tests.service import Service, running_service

LOCATOR = encode_base64url(bytes(32))
BUSY_NOW = Reply(429, concise(BUSY.at("queue")), "0")
FOUND = Reply(200, b'{"subject": "urn:cellbook:gbt34014:X"}')


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


@pytest.fixture
def remote(service: Service) -> Iterator[Remote]:
    with Remote(service.url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "_FIRST_PAUSE", 0.001)


def code_of(call: object, *args: object) -> CellbookError:
    with pytest.raises(CellbookError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value


def test_a_statement_is_registered_once_and_its_receipt_verifies(
    world: World, remote: Remote
) -> None:
    data = world.event("manufacture", world.battery())
    first, second = remote.register(data), remote.register(data)
    leaf = parse_statement(data)
    (key,) = remote.keys()
    assert first.location == f"{remote.url}/entries/{leaf.locator}" == second.location
    assert (first.duplicate, second.duplicate) == (False, True)
    for receipt in (first.receipt, second.receipt, remote.receipt(leaf.locator)):
        assert verify_receipt(receipt, leaf.leaf, key).log == world.ledger.uri
    assert parse_statement(remote.entry(leaf.locator)).leaf == leaf.leaf
    assert remote.checkpoint().startswith(world.ledger.uri.rpartition(":")[2].encode() + b"\n")
    assert remote.is_ready()


def test_a_batch_is_answered_in_order(world: World, remote: Remote) -> None:
    pack, other = world.battery(), world.battery()
    made = world.event("manufacture", pack)
    data = [made, b"nonsense", world.event("install", other), world.event("install", pack), made]
    batch = remote.submit(data)
    assert [bytes if isinstance(a, bytes) else a.code for a in batch.answers] == [
        bytes,
        "malformed.cose.tag",
        "rejected.ORD-1",
        bytes,
        bytes,
    ]
    assert batch.duplicates == 1
    refusal = batch.answers[2]
    assert isinstance(refusal, CellbookError)
    assert refusal.exit_code == 1
    assert other in refusal.describe()
    assert refusal.remedy.startswith("Register the manufacture")
    assert refusal.title == "Rejected"


def test_refusals_have_the_codes_and_facts_of_the_service(world: World, remote: Remote) -> None:
    pack = world.battery()
    stranger = world.event("manufacture", pack, iss="https://nobody.example")
    refusal = code_of(remote.register, stranger)
    assert (refusal.code, refusal.exit_code) == (UNKNOWN_ISSUER.code, 1)
    assert "https://nobody.example" in refusal.describe()
    assert code_of(remote.find, pack).code == NO_BATTERY.code
    assert code_of(remote.receipt, LOCATOR).code == "missing.entry"
    assert code_of(remote.receipt, "../keys").code == "malformed.locator"
    assert code_of(remote.dossier, pack).code == NO_BATTERY.code


def test_a_battery_is_found_and_its_dossier_fetched(world: World, remote: Remote) -> None:
    pack = world.battery()
    remote.register(world.event("manufacture", pack))
    assert remote.find(pack.rpartition(":")[2].lower()) == pack
    assert remote.dossier(pack)[:1] == b"\xa6"


@pytest.mark.parametrize(
    "reply",
    [
        BUSY_NOW,
        Reply(503, b"", "0"),
        Reply(502, b"<html>"),
        Reply(504),
        Reply(drop=True),
    ],
)
def test_what_passes_is_tried_again(reply: Reply) -> None:
    with Answering(reply, reply, FOUND) as server, Remote(server.url) as remote:
        assert remote.find("X") == "urn:cellbook:gbt34014:X"
    assert len(server.requests) == 3
    assert len({request.path for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (BUSY_NOW, "busy.queue"),
        (Reply(503, b"<html>", "0"), "unavailable.service.answer"),
        (Reply(drop=True), "unavailable.service.unreachable"),
    ],
)
def test_the_last_attempt_decides(reply: Reply, code: str) -> None:
    with Answering(reply) as server, Remote(server.url, attempts=3) as remote:
        error = code_of(remote.find, "X")
    assert (error.code, error.exit_code, len(server.requests)) == (code, 3, 3)


def test_a_refusal_is_not_repeated() -> None:
    refusal = Reply(400, concise(UNKNOWN_ISSUER.at("iss")), "0")
    with Answering(refusal) as server, Remote(server.url) as remote:
        assert code_of(remote.register, b"\xd2").code == UNKNOWN_ISSUER.code
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/entries", b"\xd2")
    assert request.headers["content-type"] == "application/cose"


def test_the_service_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    replies = [Reply(429, retry_after=text) for text in ("7", "99999999999", "-1", "soon")]
    with Answering(*replies, FOUND) as server, Remote(server.url) as remote:
        remote.find("X")
    assert waited[:2] == [7.0, 30.0]
    assert all(0 < pause < 1 for pause in waited[2:])


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Remote(url, attempts=2) as remote:
        error = code_of(remote.find, "X")
        assert (error.code, error.exit_code) == ("unavailable.service.unreachable", 3)
        assert url in error.describe()
        assert not remote.is_ready()


def test_a_silent_service_is_left() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Remote(f"http://127.0.0.1:{silent.getsockname()[1]}", attempts=1, timeout=0.05) as remote,
    ):
        assert code_of(remote.find, "X").code == "unavailable.service.unreachable"


def test_an_endless_answer_is_cut_off() -> None:
    with Answering(Reply(200, bytes(MAX_RECEIPT + 1))) as server, Remote(server.url) as remote:
        assert code_of(remote.checkpoint).code == "unavailable.service.size"
    assert len(server.requests) == 1


def test_only_what_had_no_room_is_sent_again() -> None:
    first = byte_string(b"r1") + concise(UNKNOWN_ISSUER.at()) + concise(BUSY.at())
    replies = Reply(200, first), Reply(200, byte_string(b"r3"))
    with Answering(*replies) as server, Remote(server.url) as remote:
        batch = remote.submit([b"s1", b"s2", b"s3"])
    assert [batch.answers[0], batch.answers[2]] == [b"r1", b"r3"]
    assert [request.body for request in server.requests] == [b"\x42s1\x42s2\x42s3", b"\x42s3"]


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", 1),
        (byte_string(b"r"), 2),
        (byte_string(b"r") * 3, 2),
        (b"\x43r", 1),
        (b"<html>", 1),
        (b"\x5f\x41r\xff", 1),
        (b"\xd8\x1d\x00", 1),
        (b"\xc2\x41\x01", 1),
        (b"\x81" * 100_000, 1),
        (b"\x5b" + b"\xff" * 8, 1),
    ],
)
def test_what_is_no_answer_to_a_batch(data: bytes, count: int) -> None:
    assert code_of(read_answers, data, count).code == "unavailable.service.answer"


@pytest.mark.parametrize(
    ("problem", "code", "exit_code"),
    [
        ({PROBLEM: {"code": "rejected.XYZ-99"}, -2: "new rule"}, "rejected.XYZ-99", 1),
        ({PROBLEM: {"code": "unsupported.new"}}, "unsupported.new", 3),
        ({PROBLEM: {"code": "novel.code"}, -2: "d"}, "unavailable.service.answer", 3),
        ({PROBLEM: {"code": 7}}, "unavailable.service.answer", 3),
        ({PROBLEM: "rejected.x"}, "unavailable.service.answer", 3),
        ({-1: "Rejected", -2: "because"}, "unavailable.service.answer", 3),
        ({}, "unavailable.service.answer", 3),
        ([], "unavailable.service.answer", 3),
    ],
)
def test_problems_of_other_versions_and_of_strangers(
    problem: object, code: str, exit_code: int
) -> None:
    (answer,) = read_answers(cbor.encode(problem), 1)
    assert isinstance(answer, CellbookError)
    assert (answer.code, answer.exit_code) == (code, exit_code)


def test_texts_of_a_service_cannot_steer_a_terminal() -> None:
    nasty = "a\x1b[2J\u202eb\n" + "x" * 5_000
    problem = {-2: nasty, PROBLEM: {"code": "rejected.x", "remedy": nasty, nasty: nasty}}
    (answer,) = read_answers(cbor.encode(problem), 1)
    assert isinstance(answer, CellbookError)
    shown = answer.describe() + answer.remedy + "".join(answer.facts) + str(answer.facts)
    assert shown.isprintable()
    assert len(answer.describe()) <= 1_000


def test_the_problem_key_is_that_of_the_service() -> None:
    assert PROBLEM == CUSTOM


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("http://127.0.0.1:8417/", "http://127.0.0.1:8417"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("https://log.example.org/shop/", "https://log.example.org/shop"),
    ],
)
def test_addresses(url: str, right: str) -> None:
    assert check_url(url) == right


@pytest.mark.parametrize(
    "url",
    [
        "",
        "log.example.org",
        "http://log.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "ftp://localhost",
        "https://",
        "https://user:secret@log.example.org",
        "https://log.example.org?x=1",
        "https://log.example.org/#a",
        "https://log.example.org:99999",
        "http://127.0.0.1:0",
        "http://[::1",
        "https://log example",
        "https://" + "a" * 2_000,
    ],
)
def test_what_is_no_address_of_a_service(url: str) -> None:
    assert code_of(check_url, url).code == "usage.service.url"
    assert code_of(Remote, url).code == "usage.service.url"
