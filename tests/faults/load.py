"""A load of batches over HTTP, and what must be true of a log after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import httpx
import msgspec

from ledger.custody.governance.policy import log_key
from ledger.log.home import Home
from ledger.log.integrity.fsck import Report, fsck
from ledger.log.stored import find_log_uri, log_state
from ledger.proof.receipt import verify_receipt
from ledger.store.sql import SqlStore
from ledger.tree.proofs import Proofs
from ledger.wire.statement import parse_statement
from tests.api.exchange import items, post_batch
from tests.log.building import World

BATCH = 50


class Answers(msgspec.Struct):
    """What a service acknowledged, by leaf bytes; and the codes of what it refused."""

    receipts: dict[bytes, bytes]
    refused: dict[bytes, str]


def now() -> int:
    return int(time.time())


def batches(statements: Sequence[bytes], size: int = BATCH) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(statements), size):
        yield statements[start : start + size]


def post(url: str, statements: Sequence[bytes], answers: Answers) -> None:
    """Submit one batch and keep what is answered. Raises ``httpx.HTTPError`` where it is not."""
    with httpx.Client(base_url=url, timeout=60) as client:
        response = post_batch(client, *statements)
    for statement, item in zip(statements, items(response), strict=True):
        if isinstance(item, bytes):
            answers.receipts[statement] = item
        else:
            answers.refused[statement] = item["code"]


class Load(threading.Thread):
    """Submits ``statements`` in batches until all are answered or the service is gone."""

    def __init__(self, url: str, statements: Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self.answers = Answers({}, {})
        self.has_begun = threading.Event()
        self._url = url
        self._statements = statements

    def run(self) -> None:
        try:
            for batch in batches(self._statements):
                post(self._url, batch, self.answers)
                self.has_begun.set()
        except httpx.HTTPError:
            pass
        finally:
            self.has_begun.set()


def events(world: World, count: int) -> list[bytes]:
    """Signed manufactures of ``count`` batteries."""
    return [world.event("manufacture", world.battery()) for _ in range(count)]


def check_log(home: Home, *acknowledged: dict[bytes, bytes]) -> Report:
    """The log is whole, and every acknowledged entry is where its receipt said that it is."""
    store = home.open_store()
    try:
        report = fsck(store)
        for receipts in acknowledged:
            _check_receipts(store, receipts)
    finally:
        store.close()
    return report


def _check_receipts(store: SqlStore, receipts: dict[bytes, bytes]) -> None:
    proofs, roots = Proofs(store), dict[int, bytes]()
    log = log_state(store, find_log_uri(store))
    for leaf, receipt in receipts.items():
        stored = store.entry_by_id(parse_statement(leaf).entry_id)
        assert stored is not None, "an acknowledged entry is lost"
        assert stored.leaf == leaf
        facts = verify_receipt(receipt, leaf, log_key(log, "receipts", store.head().size))
        assert facts.tree_size is not None
        if facts.tree_size not in roots:
            roots[facts.tree_size] = proofs.root(facts.tree_size)
        assert facts.root == roots[facts.tree_size], "the tree was rewritten after a receipt"
