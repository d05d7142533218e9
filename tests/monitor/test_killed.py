"""An auditor that ends between any two of its writes: what it left is a beginning of the audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.monitor import state as states
from ledger.monitor.audit import Auditor
from ledger.monitor.records import Records
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


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_it_goes_on_from_its_last_mark(
    log: LyingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    source = FilesSource(published(log))
    places = {"write_whole": states.write_whole, "sync": Records.sync, "append": Records.append}
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
    monkeypatch.setattr("ledger.monitor.replay._SLACK", 0)
    state = tmp_path / "state"
    source = FilesSource(published(log))
    with Auditor(log.trust(), state, processes=1, saved_every=1) as auditor:
        auditor.run(source)
    (file,) = state.glob("states-*")
    assert file.name != "states-0"
    with Auditor(log.trust(), state, processes=1) as auditor:
        assert auditor.run(source).subjects == _subjects(log, tmp_path)
