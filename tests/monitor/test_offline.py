"""Dossiers from a copied log: the service's own, byte for byte, or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.lists.rows import encode_document
from ledger.monitor.copying import offline
from ledger.monitor.copying.mirror import LOCAL, mirror
from ledger.monitor.copying.offline import OfflineLog
from ledger.monitor.source import TOO_LARGE
from ledger.proof.assembly.dossier import assemble
from ledger.proof.dossier import decode_dossier
from ledger.proof.verify import verify_dossier
from tests.log.building import World
from tests.monitor.publishing import FilesSource, LedgerSource, published, signed_root, write_files
from tests.proof.building import trust_of
from tests.proof.lying import OTHER, PACK, LyingLog, begun, signer
from tests.proof.test_dossier_lists import AT, Recycled


@pytest.fixture(scope="module")
def recycled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recycled]:
    with World(tmp_path_factory.mktemp("recycled"), operators=("owner",)) as world:
        made = Recycled(world)
        world.live(made.made, "install", "decommission")
        world.end_epoch()
        yield made


def copied(recycled: Recycled, folder: Path) -> Path:
    mirror(LedgerSource(recycled.world.ledger), folder)
    return folder


def offline_dossier(folder: Path, subject: str) -> bytes:
    with OfflineLog(folder) as log:
        assert log.find(subject) == subject
        return assemble(log, subject, log.documents)


def test_it_is_the_services_own(recycled: Recycled, tmp_path: Path) -> None:
    """With the lists of who recycled; log keys sign the same bytes the same way."""
    copy = copied(recycled, tmp_path / "copy")
    for subject in (recycled.pack, recycled.made):
        data = offline_dossier(copy, subject)
        assert data == recycled.world.ledger.dossier(subject)
        verify_dossier(data, trust_of(recycled.world), AT)
    assert decode_dossier(offline_dossier(copy, recycled.pack)).lists


def test_entries_are_read_once(
    recycled: Recycled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, copy, read = recycled.world, copied(recycled, tmp_path / "copy"), []
    with OfflineLog(copy, lambda done, total: read.append((done, total))) as log:
        size = log.checkpoint_size()
    assert read[0] == (0, size)
    with OfflineLog(copy, lambda done, total: pytest.fail("it was read before")):
        pass
    # It grows with the copy, and a correction at the end is about an entry of the beginning.
    pack = world.battery()
    world.live(pack, "manufacture", "install")
    world.end_epoch()
    mirror(LedgerSource(world.ledger), copy)
    grown = offline_dossier(copy, pack)
    assert grown == world.ledger.dossier(pack)
    shutil.rmtree(copy / LOCAL)
    assert offline_dossier(copy, pack) == grown
    file = copy / LOCAL / offline.INDEX
    kept = file.read_bytes()
    for damaged in (b"", kept[:-1], kept[:900] + b"\0" + kept[901:]):
        file.write_bytes(damaged)
        assert offline_dossier(copy, pack) == grown
        assert file.read_bytes()[:32] != damaged[:32] or damaged[:32] == kept[:32]


class OtherRows(LedgerSource):
    """A source that gives what the test wants in place of rows."""

    def __init__(self, recycled: Recycled, rows: bytes | None) -> None:
        super().__init__(recycled.world.ledger)
        self._rows = rows

    def fetch(self, path: str, most: int) -> bytes | None:
        if not path.startswith("lists/"):
            return super().fetch(path, most)
        if self._rows is not None and len(self._rows) > most:
            raise TOO_LARGE.at(path)
        return self._rows


def test_rows_of_lists(recycled: Recycled, tmp_path: Path) -> None:
    """Those of another root, cut off, endless: not copied. None: said, and looked for again."""
    copy = tmp_path / "copy"
    wrong = {
        "failed.list.root": encode_document(recycled.list),
        "malformed.cbor.truncated": encode_document(recycled.list)[:-1],
        "malformed.published.size": bytes((16 << 20) + 1),
    }
    for code, rows in wrong.items():
        with pytest.raises(CellbookError) as caught:
            mirror(OtherRows(recycled, rows), copy)
        assert caught.value.code == code
        assert not (copy / "checkpoint").exists()
    assert mirror(OtherRows(recycled, None), copy).without_rows == 2
    assert decode_dossier(offline_dossier(copy, recycled.pack)).lists == {}
    assert mirror(LedgerSource(recycled.world.ledger), copy).without_rows == 0
    assert offline_dossier(copy, recycled.pack) == recycled.world.ledger.dossier(recycled.pack)
    for file in (copy / "lists").rglob("*/rows/*"):
        file.write_bytes(encode_document(recycled.list)[:-1])
    with pytest.raises(CellbookError) as caught:
        offline_dossier(copy, recycled.pack)
    assert caught.value.code == "malformed.cbor.truncated"


def test_a_code_and_what_is_not_there(recycled: Recycled, tmp_path: Path) -> None:
    with OfflineLog(copied(recycled, tmp_path / "copy")) as log:
        assert log.find(recycled.pack.rpartition(":")[2].lower()) == recycled.pack
        with pytest.raises(CellbookError) as caught:
            log.find("4A6PCPM27KLPCLE742946319")
        assert caught.value.code == "missing.battery"


def told() -> LyingLog:
    log = begun()
    log.live(PACK, "manufacture", "install")
    log.head()
    log.event("incident", PACK)
    log.event("manufacture", OTHER)
    log.head()
    return log


def test_a_log_whose_index_hides_an_entry_gives_no_dossier(tmp_path: Path) -> None:
    """Another log than the honest one: its heads state an index without the incident."""
    log = begun()
    log.live(PACK, "manufacture", "install", "incident")
    log.hidden = {log.size - 1}
    log.head()
    copy = write_files(tmp_path / "copy", published(log))
    with pytest.raises(CellbookError) as caught:
        offline_dossier(copy, PACK)
    assert caught.value.code == "failed.published.index"
    assert not (copy / LOCAL / offline.INDEX).exists()


SIGNED_ROOTS: dict[str, Any] = {
    "failed.signature": [
        lambda log: signed_root(log, log.size, root=bytes(32)),
        lambda log: signed_root(log, log.size)[:-1] + b"\0",
    ],
    "failed.signed-root": [
        lambda log: signed_root(log, log.last_head),
        lambda log: signed_root(log, log.size, by="checkpoint"),
        lambda log: signed_root(log, log.size, time=log.now + 1),
    ],
    "malformed.signed-root": [lambda log: log.receipts([0])[0]],
    "malformed.cbor.truncated": [lambda log: signed_root(log, log.size)[:40]],
    "missing.published": [lambda log: None],
    "malformed.published.size": [lambda log: bytes(1 << 20)],
}


@pytest.mark.parametrize("code", SIGNED_ROOTS)
def test_wrong_signed_roots(tmp_path: Path, code: str) -> None:
    """Neither copied nor used; what was copied before stays whole."""
    log = told()
    earlier = published(log, log.size - 3)
    copy = tmp_path / "copy"
    mirror(FilesSource(earlier), copy)
    for make in SIGNED_ROOTS[code]:
        files, path = published(log), f"signed-root/{log.size}"
        data = make(log)
        files.pop(path)
        if data is not None:
            files[path] = data
        with pytest.raises(CellbookError) as caught:
            mirror(FilesSource(files), copy)
        assert caught.value.code.startswith(code)
        assert (copy / "checkpoint").read_bytes() == earlier["checkpoint"]
        assert not (copy / path).exists()
        assert decode_dossier(offline_dossier(copy, PACK)).subject == PACK
        with pytest.raises(CellbookError) as caught:
            offline_dossier(write_files(tmp_path / f"bad-{code}-{id(make)}", files), PACK)
        assert caught.value.code.startswith(code)


def test_receipts_of_a_key_that_was_exchanged(tmp_path: Path) -> None:
    """By policies: the first key's signed root is none after the second key has begun."""
    log = told()
    old = log.policy_in_force
    new, at = signer("receipts-2"), log.size + 1
    kept = tuple(k for k in old.log_keys if k.purpose != "receipts")
    first = next(k for k in old.log_keys if k.purpose == "receipts")
    ended = msgspec.structs.replace(first, to_size=at)
    begun_ = msgspec.structs.replace(first, key=new.key.to_cbor(), from_size=at)
    log.next_policy(log_keys=(*kept, ended, begun_))
    log.head()
    files = published(log)
    with pytest.raises(CellbookError) as caught:
        mirror(FilesSource(files), tmp_path / "copy")
    assert caught.value.code == "failed.signed-root"
    log.keys["receipts"] = new
    assert mirror(FilesSource(published(log)), tmp_path / "copy").size == log.size
