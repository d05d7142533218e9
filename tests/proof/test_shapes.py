"""The forms of a dossier, value by value: what is of another form is named as such."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from keys.errors import CellbookError
from ledger.proof.checkpoint import Checkpoint, format_body, parse_body
from ledger.proof.dossier import decode_dossier
from ledger.wire.cbor import decode, encode
from tests.proof.lying import told

Form = dict[str, Any]
Change = Callable[[Form], object]


@cache
def genuine() -> bytes:
    return told("manufacture").dossier()


def past_of(form: Form) -> Form:
    return {name: form[name] for name in ("checkpoint", "entries", "index")}


INDEX: list[Change] = [
    lambda form: form.update(index={"a": 1}),
    lambda form: form.update(index="text"),
    lambda form: form["index"].append({}),
    lambda form: form["index"][0].pop(),
    lambda form: form["index"][0].__setitem__(0, ""),
    lambda form: form["index"][-1].__setitem__(0, "urn:" + "z" * 509),
    lambda form: form["index"][0].__setitem__(0, 1),
    lambda form: form["index"][0].__setitem__(1, -1),
    lambda form: form["index"][0].__setitem__(1, 2**63),
    lambda form: form["index"][0].__setitem__(1, "1"),
    lambda form: form["index"][0].__setitem__(1, True),
    lambda form: form["index"][0].__setitem__(1, 0),
    lambda form: form["index"][0].__setitem__(2, bytes(31)),
    lambda form: form["index"][0].__setitem__(2, "text"),
    lambda form: form["index"].append(form["index"][-1]),
    lambda form: form["index"].reverse(),
]
LISTS: list[Change] = [
    lambda form: form.update(lists={}),
    lambda form: form.update(lists=["cn-miit-whitelist"]),
    lambda form: form.update(lists={1: {"a": []}}),
    lambda form: form.update(lists={"cn-miit-whitelist": {}}),
    lambda form: form.update(lists={"cn-miit-whitelist": ["a"]}),
]
DOSSIER: list[Change] = [
    lambda form: form.update(version="2"),
    lambda form: form.update(version=True),
    lambda form: form.pop("version"),
    lambda form: form.update(type="cellbook-supplier"),
    lambda form: form.update(more=1),
    lambda form: form.pop("index"),
    lambda form: form.update(subject=""),
    lambda form: form.update(subject="urn:" + "z" * 509),
    lambda form: form.update(subject=b"bytes"),
    lambda form: form.update(checkpoint="text"),
    lambda form: form.update(entries=[]),
    lambda form: form.update(entries={"a": 1}),
    lambda form: form["entries"].append({}),
    lambda form: form["entries"][0].pop(),
    lambda form: form["entries"][0].__setitem__(0, -1),
    lambda form: form["entries"][0].__setitem__(0, "0"),
    lambda form: form["entries"][0].__setitem__(1, "text"),
    lambda form: form["entries"][0].__setitem__(2, "text"),
    lambda form: form.update(predecessor=[]),
    lambda form: form.update(predecessor={**past_of(form), "type": "past"}),
    lambda form: form.update(predecessor={**past_of(form), "checkpoint": "text"}),
    lambda form: form.update(predecessor={**past_of(form), "entries": []}),
    lambda form: form.update(predecessor={**past_of(form), "predecessor": 1}),
]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (INDEX, "malformed.dossier.index"),
        (LISTS, "malformed.list.proof"),
        (DOSSIER, "malformed.dossier"),
    ],
)
def test_another_form(changes: list[Change], code: str) -> None:
    codes = [code_of(changed) for changed in map(changed_by, changes)]
    assert codes == [code] * len(changes)


def changed_by(change: Change) -> bytes:
    form: Any = decode(genuine())
    change(form)
    return encode(form)


def code_of(data: bytes) -> str:
    with pytest.raises(CellbookError) as refused:
        decode_dossier(data)
    return refused.value.code


def test_versions_that_this_one_does_not_read() -> None:
    assert code_of(changed_by(lambda form: form.update(version=1))) == "unsupported.dossier"
    assert code_of(changed_by(lambda form: form.update(version=3))) == "unsupported.dossier"
    assert code_of(changed_by(lambda form: form.update(lists={"x": {"a": []}}))) == (
        "unsupported.dossier.list"
    )


@pytest.mark.parametrize("more", [b"more", b"\n\n", b" ", b"\r\n"])
def test_a_checkpoint_ends_with_its_third_line(more: bytes) -> None:
    body = format_body(Checkpoint("log.example/test", 1, bytes(32)))
    assert parse_body(body).size == 1
    with pytest.raises(CellbookError) as refused:
        parse_body(body + more)
    assert refused.value.code in ("malformed.checkpoint", "unsupported.checkpoint")
    with pytest.raises(CellbookError) as refused:
        parse_body(body[:-1])
    assert refused.value.code == "malformed.checkpoint"


def test_what_is_changed_here_is_read_unchanged() -> None:
    assert decode_dossier(changed_by(lambda form: None)) == decode_dossier(genuine())
