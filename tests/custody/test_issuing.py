"""Maker codes and company prefixes: claimed with an operator, one owner at a time."""

from __future__ import annotations

import pytest

from keys.errors import CellbookError
from ledger.custody.governance.statements import (
    OperatorChanged,
    OperatorRegistered,
    parse_governance,
)
from ledger.custody.identifiers import battery_uri
from ledger.custody.names.issuing import claims_on, maker_uri, owner_of, prefix_uri
from ledger.custody.names.labels import look_alikes
from tests.custody.history import Log, operator_uri

OWNER, MAKER = operator_uri("owner"), operator_uri("maker")


@pytest.fixture
def log() -> Log:
    return Log("owner", "maker")


def give(log: Log, name: str, makers: tuple[str, ...], *prefixes: str) -> None:
    log.take(log.give_codes(name, makers, prefixes))


def changed(log: Log, **codes: tuple[str, ...]) -> bytes:
    content = OperatorChanged(name="Maker", country="CN", roles=("maker",), **codes)
    return log.governance(content, MAKER)


def owners(log: Log, *names: str) -> list[str | None]:
    return [owner_of(name, log.states) for name in names]


def test_codes_are_claimed_given_up_and_claimed_again(log: Log) -> None:
    give(log, "maker", ("X12", "001"), "9506000", "061414")
    names = [maker_uri("X12"), maker_uri("001"), prefix_uri("9506000"), prefix_uri("061414")]
    assert owners(log, *names) == [MAKER] * 4
    assert log.operator("maker").gs1_prefixes == ("9506000", "061414")
    give(log, "maker", ("X12",), "061414")
    assert owners(log, *names) == [MAKER, None, None, MAKER]
    give(log, "owner", ("4A6", "001"), "9506000")
    assert owners(log, *names) == [MAKER, OWNER, OWNER, MAKER]
    log.take(log.remove("owner"))
    assert owners(log, *names) == [MAKER, None, None, MAKER]
    assert owners(log, maker_uri("4A6")) == [None]
    assert log.operator("owner").maker_codes == ()


def test_a_registration_may_state_codes_and_a_change_may_leave_them(log: Log) -> None:
    new = operator_uri("new")
    content = OperatorRegistered(
        name="New",
        country="CN",
        roles=("maker",),
        keys=(log.grant(new, "new"),),
        maker_codes=("X12",),
    )
    log.take(log.governance(content, new))
    log.take(log.change("new", "maker", "repurposer"))
    assert log.operator("new").maker_codes == ("X12",)
    assert owners(log, maker_uri("X12")) == [new]


@pytest.mark.parametrize(
    ("makers", "prefixes"),
    [
        (("4A6",), ()),
        (("X12", "X12"), ()),
        ((), ("9506000", "9506000")),
        ((), ("9506000",)),
        ((), ("95060001234",)),
    ],
)
def test_codes_of_others_are_refused(
    log: Log, makers: tuple[str, ...], prefixes: tuple[str, ...]
) -> None:
    give(log, "owner", ("4A6",), "9506000")
    assert log.refused(log.give_codes("maker", makers, prefixes)) == "rejected.operator.code"


@pytest.mark.parametrize(
    "codes",
    [
        {"maker_codes": ("4a6",)},
        {"maker_codes": ("4A6\n",)},
        {"maker_codes": ("4A",)},
        {"gs1_prefixes": ("950",)},
        {"gs1_prefixes": ("9506000123456",)},
        {"gs1_prefixes": ("95060A",)},
    ],
)
def test_codes_of_another_form(log: Log, codes: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(CellbookError) as caught:
        log.take(changed(log, **codes))
    assert caught.value.code.startswith("malformed.payload.")


def test_statements_without_codes_have_the_bytes_that_they_had() -> None:
    content = OperatorChanged(name="Maker", country="CN", roles=("maker",))
    bare = bytes.fromhex(
        "a5646e616d65654d616b65726474797065706f70657261746f722d6368616e67656465726f6c657381"
        "656d616b657267636f756e74727962434e6776657273696f6e01"
    )
    assert parse_governance(bare) == content


def test_which_claims_concern_an_identifier() -> None:
    assert claims_on(battery_uri("4A6PBPM27KLPCLE740000001")) == (maker_uri("4A6"),)
    assert claims_on(battery_uri("4A6PBPMG630000001RP")) == ()
    assert claims_on("https://id.gs1.org/8004/9506000A1") == tuple(
        prefix_uri("9506000"[:n]) for n in (4, 5, 6, 7)
    )
    assert len(claims_on("https://id.gs1.org/01/09506000134352/21/1")) == 9
    assert claims_on("urn:cellbook:gbt45565:4A6P12345-0000001") == ()
    assert claims_on("urn:cellbook:gbt34014:short") == ()


def test_look_alikes_are_few_and_never_the_code_itself() -> None:
    plain = battery_uri("4A6PBPM27KLPCLE740000001")
    assert look_alikes(plain) == ()
    assert look_alikes(plain.replace("0000001", "O00000I")) == tuple(
        plain.replace("0000001", end) for end in ("0000001", "000000I", "O000001")
    )
    typed = look_alikes(plain, typed=True)
    assert plain not in typed
    assert plain.replace("0000001", "000000I") in typed
    assert len(look_alikes(battery_uri("0I0PBIO0O0I0I0174OO00II1"), typed=True)) <= 32
    assert look_alikes("https://id.gs1.org/8004/9506000O1", typed=True) == ()
