"""``cellbook submit``: files, sequences and folders; refusals, interruptions, going on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.problems import concise
from api.sequence import byte_string
from cli import remote as remote_module
from cli.submission import BATCH_BYTES, BATCH_ITEMS, Item, Journal, batches, read_items
from keys.errors import CellbookError
from ledger.log.sequencer import BUSY
from ledger.proof.receipt import verify_receipt
from ledger.wire.statement import parse_statement
from tests.cli.answering import Answering, Reply
from tests.cli.running import refused, run, run_json
from tests.cli.test_modules import loaded
from tests.log.building import World
from tests.log.writers import now
from tests.service import Service, running_service


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), clock=now) as made:
        yield made


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    with running_service(world.home.path) as running:
        yield running


def made(world: World, count: int) -> list[bytes]:
    """Manufactures of new batteries."""
    return [world.event("manufacture", world.battery()) for _ in range(count)]


def sequence(file: Path, *items: bytes) -> Path:
    file.write_bytes(b"".join(map(byte_string, items)))
    return file


def locator(data: bytes) -> str:
    return parse_statement(data).locator


def test_many_files_with_receipts(world: World, service: Service, tmp_path: Path) -> None:
    data = made(world, 3)
    files = [tmp_path / f"{n}.cose" for n in range(3)]
    for file, item in zip(files, data, strict=True):
        file.write_bytes(item)
    receipts = tmp_path / "receipts"
    facts = run_json("submit", *files, "--url", service.url, "--receipts", receipts)
    assert (facts["statements"], facts["registered"], facts["duplicates"]) == (3, 3, 0)
    (key,) = world.ledger.keys()
    for item in data:
        receipt = (receipts / f"{locator(item)}.receipt").read_bytes()
        assert verify_receipt(receipt, item, key).log == world.ledger.uri


def test_a_second_run_sends_nothing(world: World, service: Service, tmp_path: Path) -> None:
    file = sequence(tmp_path / "night.cbor-seq", *made(world, 5))
    assert run_json("submit", file, "--url", service.url)["registered"] == 5
    with Answering(Reply(500)) as nobody:
        journal = tmp_path / ".cellbook-submitted"
        journal.write_text(journal.read_text().replace(service.url, nobody.url))
        facts = run_json("submit", file, "--url", nobody.url)
        assert (facts["registered"], facts["skipped"]) == (0, 5)
        assert nobody.requests == []


def test_what_was_done_for_one_service_is_not_done_for_another(
    world: World, service: Service, tmp_path: Path
) -> None:
    file = sequence(tmp_path / "night.cbor-seq", *made(world, 2))
    run_json("submit", file, "--url", service.url)
    facts = run_json("submit", file, "--url", service.url.replace("127.0.0.1", "localhost"))
    assert (facts["registered"], facts["duplicates"], facts["skipped"]) == (2, 2, 0)


def test_a_lost_receipt_is_fetched_again(world: World, service: Service, tmp_path: Path) -> None:
    (item,) = made(world, 1)
    file = tmp_path / "one.cose"
    file.write_bytes(item)
    receipts = tmp_path / "receipts"
    args = ("submit", file, "--url", service.url, "--receipts", receipts)
    run_json(*args)
    (receipts / f"{locator(item)}.receipt").unlink()
    facts = run_json(*args)
    assert (facts["registered"], facts["duplicates"]) == (1, 1)
    assert (receipts / f"{locator(item)}.receipt").exists()


def test_refusals_are_counted_by_code_with_their_files(
    world: World, service: Service, tmp_path: Path
) -> None:
    pack, other = world.battery(), world.battery()
    good = world.event("manufacture", pack)
    early = [world.event("install", other), world.event("install", other)]
    night = sequence(tmp_path / "night.seq", good, early[0], b"nonsense", good, early[1])
    (tmp_path / "bad.cose").write_bytes(b"\xd2\x84")
    args = ("submit", night, tmp_path / "bad.cose", "--url", service.url)
    text = run(*args, code=1).stdout
    assert f"6 statements for {service.url}" in text
    assert "registered      1" in text
    assert "repeated        1" in text
    assert "refused         4" in text
    assert "REFUSED rejected.ORD-1 (2)" in text
    assert f"{night}, item 2: " in text
    assert f"{night}, item 5: " in text
    assert f"REFUSED malformed.cose.tag (1)\n  {night}, item 3: " in text
    assert f"  {tmp_path / 'bad.cose'}: " in text
    facts = run_json(*args, code=1)
    assert (facts["registered"], facts["skipped"], facts["undecided"]) == (0, 1, [])
    assert [row["code"] for row in facts["refused"] if row["entry"]] == ["rejected.ORD-1"] * 2


def test_a_folder_is_taken_in_the_order_of_names(
    world: World, service: Service, tmp_path: Path
) -> None:
    pack = world.battery()
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    (outbox / "2.cose").write_bytes(world.event("install", pack))
    (outbox / "1.cose").write_bytes(world.event("manufacture", pack))
    (outbox / "note.txt").write_text("not a statement")
    assert run_json("submit", outbox, "--url", service.url)["registered"] == 2
    assert (outbox / ".cellbook-submitted").exists()


def test_a_broken_sequence_gives_what_stands_before_the_break(
    world: World, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "night.seq"
    first, second = made(world, 2)
    file.write_bytes(byte_string(first) + byte_string(second)[:-1])
    facts = run_json("submit", file, "--url", service.url, code=1)
    assert facts["registered"] == 1
    (row,) = facts["refused"]
    assert (row["code"], row["file"]) == ("malformed.sequence", f"{file}, item 2")


def test_an_interrupted_run_goes_on(
    world: World, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that goes away after the first portion: 3, and then the rest."""
    monkeypatch.setattr(remote_module, "_FIRST_PAUSE", 0.001)
    data = made(world, BATCH_ITEMS + 3)
    file = sequence(tmp_path / "night.seq", *data)
    journal = tmp_path / "journal"
    receipts = b"".join(map(byte_string, [b"r"] * BATCH_ITEMS))
    with Answering(Reply(200, receipts), Reply(drop=True)) as failing:
        args = ("submit", file, "--journal", journal, "--url")
        facts = run_json(*args, failing.url, code=3)
        assert facts["registered"] == BATCH_ITEMS
        assert {row["code"] for row in facts["undecided"]} == {"unavailable.service.unreachable"}
        assert len(facts["undecided"]) == 3
        journal.write_text(journal.read_text().replace(failing.url, service.url))
        facts = run_json(*args, service.url)
        assert (facts["registered"], facts["skipped"]) == (3, BATCH_ITEMS)
    assert all(f"{locator(item)} {service.url}\n" in journal.read_text() for item in data[-3:])


def test_killed_and_started_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "_FIRST_PAUSE", 0.001)
    data = made(world, 20)
    file = sequence(tmp_path / "night.seq", *data)
    with Service(world.home.path) as first:
        args = ("submit", file, "--url")
        run_json(*args, first.url)
        first.kill()
        printed = run(*args, first.url.replace("127.0.0.1", "localhost"), code=3).stdout
        assert "not decided     20" in printed
        assert "Run the same command again" in printed
        assert "NOT DECIDED unavailable.service.unreachable (20)" in printed
        assert "and 10 more" in printed
    with running_service(world.home.path) as again:
        facts = run_json(*args, again.url)
    assert (facts["registered"], facts["duplicates"]) == (20, 20)


def test_a_busy_service_decides_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "_FIRST_PAUSE", 0.001)
    file = sequence(tmp_path / "night.seq", *made(world, 2))
    answer = Reply(200, concise(BUSY.at()) * 2)
    with Answering(answer) as busy:
        facts = run_json("submit", file, "--url", busy.url, code=3)
    assert [row["code"] for row in facts["undecided"]] == ["busy.queue"] * 2
    assert facts["registered"] == 0


@pytest.mark.parametrize("torn", ["x", f"{'A' * 43} http://127.0.0.1:1"])
def test_a_torn_line_of_the_journal_does_not_count(torn: str, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    url = "http://127.0.0.1:1"
    file.write_text(f"one {url}\ntwo http://else\n{torn}")
    journal = Journal(file, url)
    assert journal.done == {"one"}
    journal.record(["three"])
    assert Journal(file, url).done >= {"one", "three"}


def test_a_journal_that_cannot_be_written_stops_the_run_before_it(
    world: World, tmp_path: Path
) -> None:
    file = sequence(tmp_path / "night.seq", *made(world, 1))
    with Answering(Reply(500)) as server:
        args = ("submit", file, "--journal", tmp_path / "no" / "journal", "--url", server.url)
        assert "--journal" in refused("usage.file.write", *args, code=2)
        assert server.requests == []


def test_nothing_to_submit(tmp_path: Path) -> None:
    refused("usage.submit.empty", "submit", tmp_path, "--url", "http://127.0.0.1:1", code=2)
    refused("usage.file.read", "submit", tmp_path / "no", "--url", "http://127.0.0.1:1", code=2)
    refused("usage.command-line", "submit", "--url", "http://127.0.0.1:1", code=2)
    refused("usage.command-line", "submit", tmp_path, code=2)


def test_a_client_needs_no_server_packages(tmp_path: Path) -> None:
    (tmp_path / "bad.cose").write_bytes(b"\xd2\x84")
    with Answering(Reply(500)) as server:
        args = ("submit", tmp_path / "bad.cose", "--url", server.url)
        modules = {name.partition(".")[0] for name in loaded(tmp_path, *args, code=1)}
    assert "httpx" in modules
    assert modules.isdisjoint({"fastapi", "starlette", "uvicorn", "pydantic", "sqlmodel"})
    assert modules.isdisjoint({"sqlalchemy", "pysqlite3", "sqlite3", "psycopg", "nacl"})


def test_stdin_is_a_file(
    world: World, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (item,) = made(world, 1)
    assert run_json("submit", "-", "--url", service.url, stdin=item)["registered"] == 1


def test_governance_is_submitted_like_events(
    world: World, service: Service, tmp_path: Path
) -> None:
    pack = world.battery()
    registration = world.registration("newcomer", ("maker",))
    event = world.event("manufacture", pack, by="newcomer")
    file = sequence(tmp_path / "both.seq", registration, event)
    assert run_json("submit", file, "--url", service.url)["registered"] == 2


def test_portions_fit_a_service() -> None:
    small = [Item(str(n), b"x" * 300) for n in range(2 * BATCH_ITEMS + 1)]
    assert [len(batch) for batch in batches(small)] == [BATCH_ITEMS, BATCH_ITEMS, 1]
    large = [Item(str(n), b"x" * 65_000) for n in range(40)]
    portions = list(batches(large))
    assert [item for portion in portions for item in portion] == large
    for portion in portions:
        assert sum(len(byte_string(item.data)) for item in portion) <= BATCH_BYTES
    assert list(batches([])) == []


def test_an_empty_file_is_one_bad_item(tmp_path: Path) -> None:
    (tmp_path / "empty.cose").write_bytes(b"")
    (item,) = read_items([tmp_path / "empty.cose"])
    assert isinstance(item.error, CellbookError)
