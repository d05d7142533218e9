"""An auditor that ends between any two of its writes: what it left is a beginning of the audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.monitor.auditing import state as states
from ledger.monitor.auditing.audit import Auditor
from ledger.monitor.auditing.records import Records
from tests.monitor.publishing import FilesSource, published
from tests.proof.lying import LyingLog, begun, code


class Killed(BaseException):
    """As if the process had ended here."""


@pytest.fixture(scope="module")
def log() -> LyingLog:
    made = begun()
    for number in range(1, 32):
        made.event("manufacture", code(number))
        if number % 10 == 0:
            made.head()
    made.head()
    return made


def after(count: int, write: Callable[..., object], *, done: bool) -> Callable[..., object]:
    """``write``, which ends everything at its ``count``-th call: after it, or instead of it."""
    calls = 0

    def killing(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == count and not done:
            raise Killed
        result = write(*args)
        if calls == count:
            raise Killed
        return result

    return killing


def everything_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a large log: nothing fits into memory, and files are begun anew again and again."""
    monkeypatch.setattr("ledger.monitor.auditing.replay._CACHED", 4_000)
    monkeypatch.setattr("ledger.monitor.auditing.replay._BLOCKS_EVERY", 3_000)
    monkeypatch.setattr("ledger.monitor.auditing.recomputed._MOST", 3)
    monkeypatch.setattr("ledger.monitor.auditing.keyed.SLACK", 0)
    monkeypatch.setattr("ledger.monitor.auditing.keyed.TIMES", 1)


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("large", [False, True], ids=["in memory", "on disk"])
def test_it_goes_on_from_its_last_mark(
    log: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool, large: bool
) -> None:
    """And so does the index: the roots that heads state are those that come out."""
    if large:
        everything_on_disk(monkeypatch)
    source = FilesSource(published(log))
    places: dict[str, Callable[..., object]] = {
        "write_whole": states.write_whole,
        "sync": Records.sync,
        "append": Records.append,
    }
    subjects, ends = _subjects(log, tmp_path), 0
    for name, real in places.items():
        for count in range(1, 400, 1 if name != "append" else 7):
            state = tmp_path / f"{name}-{count}"
            owner = Records if name != "write_whole" else states
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, after(count, real, done=done))
                try:
                    with Auditor(log.trust(), state, processes=1, saved_every=10) as auditor:
                        auditor.run(source)
                except Killed:
                    ends += 1
                else:
                    break
            with Auditor(log.trust(), state, processes=1, saved_every=10) as auditor:
                report = auditor.run(source)
            assert (report.size, report.before + report.replayed) == (log.size, log.size)
            assert report.subjects == subjects
    assert ends > 20


def _subjects(log: LyingLog, folder: Path) -> int:
    with Auditor(log.trust(), folder / "whole", processes=1) as auditor:
        return auditor.run(FilesSource(published(log))).subjects


def test_the_file_of_states_is_begun_anew(
    log: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where most of it was replaced; and the state is the same."""
    everything_on_disk(monkeypatch)
    state = tmp_path / "state"
    source = FilesSource(published(log))
    with Auditor(log.trust(), state, processes=1, saved_every=1) as auditor:
        auditor.run(source)
    for pattern in ("states-*", "blocks-*"):
        (file,) = state.glob(pattern)
        assert int(file.name.rpartition("-")[2]) > 2
    log.event("incident", code(1))
    log.head()
    try:
        with Auditor(log.trust(), state, processes=1) as auditor:
            report = auditor.run(FilesSource(published(log)))
        assert (report.replayed, report.subjects) == (2, _subjects(log, tmp_path))
    finally:
        del log.leaves[-2:]
