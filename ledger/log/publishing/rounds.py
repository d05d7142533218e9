"""The thread that shows checkpoints to witnesses, and publishes those that enough have cosigned.

All are asked at once. Only the newest checkpoint is: what was signed while a round went on replaces
what waits. Registration never waits for a witness; where too few answer, the last published
checkpoint stays, which is said, and they are asked again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from keys.errors import CellbookError
from ledger.log.publishing.checkpoints import Asked, Publishing
from ledger.log.publishing.claims import check_claims
from ledger.log.publishing.delay import Delay, Delayed
from ledger.log.publishing.lines import Cosigners, lines_on, only
from ledger.log.publishing.memory import host_lock
from ledger.log.publishing.witness import (
    FORKED,
    LARGER,
    Ask,
    Asking,
    cosignature,
    describe,
)
from ledger.store.sql import SqlStore
from ledger.tree.proofs import Proofs
from ledger.wire.note import NoteSignature
from ledger.wire.tlog_policy import TlogPolicy

LOCK = "publishing.lock"
"""In the ledger's folder: the process that asks holds it."""
ROUND_S = 15.0
GRACE_S = 0.1
"""For those who answer just after the quorum is met; who comes later is added later."""
IDLE_S = 2.0
STEP_S = 0.25
"""So often it is looked whether to stop."""
AGAIN_PAUSE_S = 3600.0
"""At most so often they are asked again about what is published."""
_AT_ONCE = 16

_log = logging.getLogger("cellbook.publishing")


class Publisher:
    """Asks the witnesses of ``policy`` through ``ask``, in threads of its own.

    Of the processes of one host, the one that holds the lock on ``lock`` asks. ``clock`` gives Unix
    seconds.
    """

    def __init__(
        self,
        store: SqlStore,
        publishing: Publishing,
        proofs: Proofs,
        policy: TlogPolicy,
        ask: Ask,
        lock: Path | None,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._publishing = publishing
        self._proofs = proofs
        self._policy = policy
        self._ask = ask
        self._lock = lock
        self._witnesses = [
            Asking(name, verifier, url)
            for name, (verifier, url) in policy.witnesses.items()
            if url is not None
        ]
        self._unasked = {
            name: "it has no URL" for name, (_, url) in policy.witnesses.items() if url is None
        }
        self._pool = ThreadPoolExecutor(
            min(_AT_ONCE, len(self._witnesses)) or 1, "cellbook-witness"
        )
        self._busy: dict[str, Future[NoteSignature]] = {}
        self._sizes: dict[str, int] = {}
        self._wake = threading.Condition()
        self._news = False
        self._stops = False
        self._delay = Delay(clock)
        self._missing: dict[str, str] = {}
        self._asked_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="cellbook-publisher", daemon=True)

    @property
    def delayed(self) -> Delayed | None:
        """What this process knows of a checkpoint that waits."""
        return self._delay.delayed

    @property
    def missing(self) -> dict[str, str]:
        """Who gave this process no line the last time, and why, though enough others may have."""
        return self._missing

    def start(self) -> None:
        """Start to ask; once only."""
        self._thread.start()

    def wake(self) -> None:
        """A checkpoint was signed."""
        with self._wake:
            self._news = True
            self._wake.notify()

    def close(self) -> None:
        """Stop. A request that is under way ends by its own time limit, and nobody waits for it."""
        with self._wake:
            self._stops = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def compare(self) -> None:
        """Before the start: that no witness has cosigned what this database does not hold.

        Who does not answer in time confirms nothing. Raises ``damaged.log.rolled-back``, unless
        ``check_claims`` finds the claim outvoted.
        """
        newest = self._store.checkpoint()
        if newest is None or not self._witnesses:
            return
        asked = Asked(newest[0], newest[1], newest[0])
        futures = self._send(asked, self._publishing.cosigners())
        done, _ = wait(futures.values(), ROUND_S)
        answers = {name: future.exception() for name, future in futures.items() if future in done}
        check_claims(self._policy, answers, lambda: self._store.head().size)

    def _run(self) -> None:
        pause = 0.0
        while self._waited(pause):
            try:
                pause = self._turn()
            except CellbookError as error:
                _log.warning("%s: %s", error.code, error.describe())
                pause = self._delay.pause()
            except Exception:
                _log.exception("a fault while witnesses were asked")
                pause = self._delay.pause()

    def _waited(self, pause: float) -> bool:
        """Wait for ``pause`` seconds or, where nothing has failed, for news; False to stop."""
        until = time.monotonic() + pause
        with self._wake:
            while not self._stops and (left := until - time.monotonic()) > 0:
                if self._news and not self._delay.failures:
                    break
                self._wake.wait(left)
            self._news = False
            return not self._stops

    def _turn(self) -> float:
        if self._lock is None:
            return self._asked_once()
        with host_lock(self._lock, wait=False) as held:
            if held:
                return self._asked_once()
        # Another process of this host asks; if it dies, the lock is free.
        self._delay.forget()
        self._missing = {}
        return IDLE_S

    def _asked_once(self) -> float:
        asked = self._publishing.next()
        if asked is None:
            self._delay.end()
            self._ask_again()
            return IDLE_S
        known = self._publishing.cosigners()
        faults = self._round(asked, known)
        if self._store.head().published >= asked.size:
            self._delay.end()
            return 0.0
        self._delay.begin(faults)
        return self._delay.pause()

    def _ask_again(self) -> None:
        """Where it is due, ask about what is published: who was away is on it then, and a log at
        rest, or one that has ended, is seen to be as it was."""
        if time.monotonic() - self._asked_at >= AGAIN_PAUSE_S:
            asked = self._publishing.again()
            if asked is not None:
                self._round(asked, self._publishing.cosigners())

    def _round(self, asked: Asked, known: Cosigners) -> dict[str, str]:
        """Ask everybody about one checkpoint; why those gave no line that gave none."""
        self._asked_at = time.monotonic()
        there = list(lines_on(asked.note, known.own(asked.size)))
        futures = self._send(asked, known)
        faults = {**self._unasked, **dict.fromkeys(self._busy, "no answer yet")}
        lines: list[NoteSignature] = []
        waiting, until = dict(futures), time.monotonic() + ROUND_S
        while waiting and not self._stops:
            is_quorum = known.is_quorum((*there, *lines))
            done = self._first(
                waiting, min(until, time.monotonic() + GRACE_S) if is_quorum else until
            )
            if not done:
                break
            for name in [name for name, future in waiting.items() if future in done]:
                self._collect(name, waiting.pop(name), asked, lines, faults)
        if lines or known.is_quorum(there):
            self._publishing.keep(asked.size, lines, known)
        for future in waiting.values():
            future.add_done_callback(lambda late: self._add_late(late, asked.size))
        self._tell_missing(faults)
        return faults

    def _tell_missing(self, faults: dict[str, str]) -> None:
        for name in sorted(faults.keys() - self._missing.keys()):
            _log.warning("witness %s gives no cosignature: %s", name, faults[name])
        self._missing = faults

    def _first(
        self, waiting: Mapping[str, Future[NoteSignature]], until: float
    ) -> set[Future[NoteSignature]]:
        """Those that have ended, once one has; none at ``until``, or when it is to stop."""
        done = set[Future[NoteSignature]]()
        while not done and not self._stops and (left := until - time.monotonic()) > 0:
            done, _ = wait(waiting.values(), min(left, STEP_S), FIRST_COMPLETED)
        return done

    def _send(self, asked: Asked, known: Cosigners) -> dict[str, Future[NoteSignature]]:
        """Requests to all witnesses that are not still at work on an earlier one."""
        note = only(asked.note, known.own(asked.size), ())
        for name in [name for name, future in self._busy.items() if future.done()]:
            del self._busy[name]
        idle = [witness for witness in self._witnesses if witness.name not in self._busy]
        sent = {
            witness.name: self._pool.submit(
                cosignature,
                self._ask,
                witness,
                self._proofs,
                note,
                asked.size,
                min(self._sizes.get(witness.name, asked.published), asked.size),
            )
            for witness in idle
        }
        self._busy.update(sent)
        return sent

    def _collect(
        self,
        name: str,
        future: Future[NoteSignature],
        asked: Asked,
        lines: list[NoteSignature],
        faults: dict[str, str],
    ) -> None:
        try:
            line = future.result()
            self._publishing.check_time(line, asked.size)
        except CellbookError as error:
            faults[name] = describe(error)
            if error.code in (FORKED.code, LARGER.code):
                _log.error("%s: %s", error.code, error.describe())
            return
        except Exception as error:
            _log.exception("a fault while %s was asked", name)
            faults[name] = type(error).__name__
            return
        lines.append(line)
        faults.pop(name, None)
        self._sizes[name] = asked.size

    def _add_late(self, future: Future[NoteSignature], size: int) -> None:
        if future.cancelled() or future.exception() is not None or self._stops:
            return
        try:
            line = future.result()
            self._publishing.check_time(line, size)
            self._publishing.keep(size, [line], self._publishing.cosigners())
            if size < self._store.head().published:
                # It was busy with an older one when it should have been asked.
                self._asked_at = float("-inf")
        except CellbookError as error:
            _log.warning("%s: %s", error.code, error.describe())
