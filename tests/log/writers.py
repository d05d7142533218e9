"""What other processes of a test do: they open the ledger's folder and register."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ledger.log.home import Home
from ledger.log.ledger import Ledger
from ledger.log.outcome import Outcome

GROUP = 16


def now() -> int:
    return int(time.time())


def register_all(folder: Path, source: Path, answer: Path) -> None:
    """Register the statements in ``source``, some at a time; what became of each in ``answer``."""
    data = [bytes.fromhex(line) for line in source.read_text().splitlines()]
    home = Home.open(folder)
    store = home.open_store()
    ledger = Ledger(store, home.signers(), clock=now)
    ledger.start()
    answer.with_suffix(".started").touch()
    while not (folder.parent / "go").exists():
        time.sleep(0.005)
    outcomes: list[Outcome] = []
    for start in range(0, len(data), GROUP):
        outcomes += ledger.register_now(data[start : start + GROUP])
    ledger.close()
    store.close()
    answer.write_text(json.dumps([[o.index, o.error and o.error.code] for o in outcomes]))


def register_until_refused(folder: Path, source: Path, answer: Path) -> None:
    """Register the statements in ``source`` one by one, until one is refused."""
    home = Home.open(folder)
    store = home.open_store()
    ledger = Ledger(store, home.signers(), clock=now)
    ledger.start()
    indexes: list[int | None] = []
    code = None
    for line in source.read_text().splitlines():
        (outcome,) = ledger.register_now([bytes.fromhex(line)])
        if outcome.error is not None:
            code = outcome.error.code
            break
        indexes.append(outcome.index)
        answer.with_suffix(".started").touch()
    ledger.close()
    store.close()
    answer.write_text(json.dumps([indexes, code]))
