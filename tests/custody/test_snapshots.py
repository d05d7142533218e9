"""Snapshots of lists as entries: who may state them, and what cannot be stated."""

from __future__ import annotations

from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.statements import Authority, ListSnapshot, Policy
from ledger.custody.lists import snapshots
from ledger.custody.lists.schemes import list_uri
from ledger.custody.states import ListState, decode_state, encode_state
from ledger.tree.merkle import EMPTY_ROOT
from tests.custody.history import REGISTRAR, Log, cose, genesis

PUBLISHER, SECOND = "urn:cellbook:authority:publisher", "https://second-publisher.example"
SCHEME = "cn-miit-whitelist"
SUB = list_uri(SCHEME)


def policy(*publishers: str) -> Policy:
    """A policy that names publishers; the key of each has its name."""
    authorities = [Authority(uri=REGISTRAR, role="registrar", key=cose("registrar"))]
    authorities += [Authority(uri=uri, role="publisher", key=cose(uri)) for uri in publishers]
    return genesis(authorities=tuple(authorities))


@pytest.fixture
def log() -> Log:
    return Log("maker", policy=policy(PUBLISHER, SECOND))


def snapshot(**changes: Any) -> ListSnapshot:
    values: dict[str, Any] = {
        "scheme": SCHEME,
        "announcement": "20/2026",
        "effective": "2026-07-30",
        "utc_offset_min": 480,
        "leaves": 2,
        "rows": 3,
        "root": b"\x11" * 32,
        "source_sha256": b"\x22" * 32,
    }
    return ListSnapshot(**{**values, **changes})


def said(log: Log, *, by: str = PUBLISHER, sub: str = SUB, key: str = "", **changes: Any) -> bytes:
    """A snapshot, signed."""
    return log.governance(snapshot(**changes), sub, iss=by, key=key or by)


def test_snapshots_are_kept_in_log_order(log: Log) -> None:
    first = log.take(said(log))
    earlier = log.take(said(log, effective="2023-01-05", announcement="60/2022"))
    second = log.take(said(log, by=SECOND))
    state = log.states[SUB]
    assert isinstance(state, ListState)
    assert [item.index for item in state.snapshots] == [t.index for t in (first, earlier, second)]
    assert [item.publisher for item in state.snapshots] == [PUBLISHER, PUBLISHER, SECOND]
    assert state.snapshots[0].root == b"\x11" * 32
    assert (state.scheme, state.utc_offset_min) == (SCHEME, 480)
    assert first.decision.subjects == (SUB,)
    assert decode_state(encode_state(state)) == state


@pytest.mark.parametrize(
    ("by", "key", "code"),
    [
        ("https://stranger.example", "", "rejected.issuer.authority"),
        (REGISTRAR, "registrar", "rejected.issuer.authority"),
        ("https://maker.example", "maker", "rejected.issuer.authority"),
        (PUBLISHER, "registrar", "rejected.issuer.authority"),
        (PUBLISHER, SECOND, "rejected.issuer.authority"),
    ],
)
def test_only_a_publisher_that_the_policy_names_states_lists(
    log: Log, by: str, key: str, code: str
) -> None:
    assert log.refused(said(log, by=by, key=key)) == code


def test_a_publisher_registers_nobody(log: Log) -> None:
    data = log.registration("buyer", iss=PUBLISHER, key=PUBLISHER)
    assert log.refused(data) == "rejected.issuer.authority"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "rejected.list.effective"),
        ({"root": b"\x33" * 32}, "rejected.list.effective"),
        ({"effective": "2026-08-01", "utc_offset_min": 0}, "rejected.list.offset"),
    ],
)
def test_what_contradicts_an_earlier_snapshot(log: Log, changes: Any, code: str) -> None:
    log.take(said(log))
    assert log.refused(said(log, announcement="21/2026", **changes)) == code


@pytest.mark.parametrize(
    "sub", [list_uri("cn-other"), "urn:cellbook:list:", "https://maker.example"]
)
def test_a_snapshot_is_about_its_own_scheme(log: Log, sub: str) -> None:
    assert log.refused(said(log, sub=sub)) == "rejected.subject.kind"


def test_a_scheme_does_not_grow_for_ever(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS", 2)
    log.take(said(log))
    log.take(said(log, effective="2026-07-31"))
    assert log.refused(said(log, effective="2026-08-01")) == "rejected.list.full"
    log.take(said(log, sub=list_uri("cn-other"), scheme="cn-other"))


@pytest.mark.parametrize(
    "changes",
    [
        {"leaves": 4},
        {"leaves": 0},
        {"rows": 0, "leaves": 0},
        {"root": EMPTY_ROOT},
        {"leaves": 0, "rows": 1, "root": EMPTY_ROOT},
    ],
)
def test_counts_and_root_that_cannot_be_of_one_list(changes: Any) -> None:
    with pytest.raises(CellbookError) as refused:
        snapshot(**changes)
    assert refused.value.code == "malformed.payload.field"


def test_the_empty_list_can_be_stated(log: Log) -> None:
    log.take(said(log, leaves=0, rows=0, root=EMPTY_ROOT))
