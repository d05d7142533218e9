"""States: what is stored comes back, and is told apart."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.states import (
    AliasState,
    Assessed,
    BatteryState,
    KeyClaim,
    Mark,
    ModelState,
    OperatorKey,
    OperatorState,
    Released,
    SourceClaim,
    State,
    decode_state,
    encode_state,
)
from tests.custody.history import Log

NUMBERS = st.integers(0, 2**63 - 1)
NAMES = st.text(min_size=1, max_size=12)
MARKS = st.builds(
    Mark, entry_id=st.binary(min_size=32, max_size=32), index=NUMBERS, occurred=NUMBERS
)
PHYSICAL = st.sampled_from(
    ["made", "installed", "removed", "in-transit", "consumed", "destroyed", "recycled"]
)
BATTERIES = st.builds(
    BatteryState,
    made=MARKS,
    maker=NAMES,
    level=st.sampled_from(["pack", "module", "cell"]),
    physical=PHYSICAL,
    base_status=st.sampled_from(["original", "repurposed", "re-used", "remanufactured"]),
    possessor=NAMES,
    owner=NAMES,
    responsible=NAMES,
    last=MARKS,
    parties=st.lists(NAMES, max_size=4).map(tuple),
    last_use=st.none() | MARKS,
    install=st.none() | MARKS,
    assessed=st.none() | st.builds(Assessed, at=MARKS, verdict=NAMES, assessor=NAMES),
    released=st.lists(
        st.builds(
            Released,
            at=MARKS,
            giver=NAMES,
            receiver=NAMES,
            moves=st.just(("possession",)),
            physical=PHYSICAL,
        ),
        max_size=3,
    ).map(tuple),
    quarantine=st.none() | MARKS,
    missing=st.none() | MARKS,
    parent=st.none() | NAMES,
    waste=st.lists(NAMES, max_size=3).map(tuple),
    disputed=st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
)
KEYS = st.builds(
    OperatorKey,
    kid=st.binary(min_size=32, max_size=32),
    key=st.binary(max_size=40),
    purposes=st.just(("events",)),
    added=NUMBERS,
    revoked=st.none() | NUMBERS,
    compromised_since=st.none() | NUMBERS,
)
STATES = st.one_of(
    BATTERIES,
    st.builds(AliasState, of=NAMES),
    st.builds(ModelState, issuer=NAMES, at=MARKS),
    st.builds(KeyClaim, owner=NAMES),
    st.builds(
        SourceClaim,
        entry_id=st.binary(min_size=32, max_size=32),
        said=st.binary(min_size=32, max_size=32),
    ),
    st.builds(
        OperatorState,
        uri=NAMES,
        name=NAMES,
        country=NAMES,
        roles=st.just(("maker",)),
        keys=st.lists(KEYS, max_size=3).map(tuple),
        registered=NUMBERS,
    ),
)


@given(state=STATES)
def test_a_state_comes_back(state: State) -> None:
    data = encode_state(state)
    again = decode_state(data)
    assert again == state
    assert type(again) is type(state)
    assert encode_state(again) == data


def test_the_state_of_a_log_comes_back() -> None:
    state = Log("owner").log
    assert state is not None
    assert decode_state(encode_state(state)) == state


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", b"\x81\xa4type\xa3log"])
def test_what_is_no_state(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_state(data)


@given(first=MARKS, second=MARKS)
def test_after_is_by_log_order_and_by_occurrence(first: Mark, second: Mark) -> None:
    both = second.index > first.index and second.occurred > first.occurred
    assert second.is_after(first) == both
    assert not first.is_after(first)
    assert not (first.is_after(second) and second.is_after(first))


@given(marks=st.lists(MARKS, min_size=1, max_size=6), later=MARKS)
def test_what_is_after_the_latest_is_after_all(marks: list[Mark], later: Mark) -> None:
    marks.sort(key=lambda mark: mark.index)
    latest = None
    for mark in marks:
        latest = mark.not_before(latest)
    assert latest is not None
    assert later.is_after(latest) == all(later.is_after(mark) for mark in marks)


@pytest.mark.parametrize(
    ("place", "status"), [("EU", "waste"), ("DE", "waste"), ("CN", "original")]
)
def test_waste_in_a_member_state_is_waste_in_the_union(place: str, status: str) -> None:
    log = Log()
    pack = log.battery()
    log.live(pack, "manufacture")
    log.take(log.event("waste", pack, jurisdiction=place))
    assert log.state(pack).status == status
