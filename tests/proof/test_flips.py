"""No byte of a dossier can be changed, and no value in it: each change is refused.

No checksum stands in for a check: what refuses is the signature, proof or comparison that the
changed byte belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys import errors
from ledger.proof.dossier import DossierEntry, decode_dossier, encode_dossier
from ledger.proof.verdict.values import Verdict
from ledger.proof.verify import verify_dossier
from ledger.wire.cbor import Tag, decode, encode
from tests.proof.building import changed, parts_of, with_entries, with_part
from tests.proof.lying import OTHER, PACK, LyingLog, begun, told

REFUSED = (
    *(errors.MalformedError, errors.FailedError, errors.RejectedError),
    *(errors.UndecidedError, errors.UnsupportedError),
)
"""What a changed file may be: false (exit code 1), or of another ledger or version (3)."""


@cache
def genuine() -> tuple[LyingLog, bytes]:
    log = told("manufacture", "install", "decommission")
    return log, log.dossier()


def outcome(data: bytes) -> str | Verdict:
    """The code with which ``data`` is refused, or the verdict on it."""
    log, _ = genuine()
    try:
        return verify_dossier(data, log.trust(), log.now + 60)
    except REFUSED as error:
        return error.code


def flipped(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def accepted(data: bytes, masks: Callable[[int], Iterator[int]]) -> list[tuple[int, int]]:
    """Where a flip was accepted: (place, mask)."""
    return [
        (at, mask)
        for at in range(len(data))
        for mask in masks(at)
        if isinstance(outcome(flipped(data, at, mask)), Verdict)
    ]


def test_every_byte_once() -> None:
    _, data = genuine()
    assert isinstance(outcome(data), Verdict)
    assert accepted(data, lambda at: iter([1 << at * 5 % 8])) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_byte_in_every_bit_and_all_of_them() -> None:
    _, data = genuine()
    assert accepted(data, lambda at: iter([1, 2, 4, 8, 16, 32, 64, 128, 255])) == []


def test_every_byte_left_out_or_doubled() -> None:
    _, data = genuine()
    for at in range(0, len(data), 7):
        assert isinstance(outcome(data[:at] + data[at + 1 :]), str)
        assert isinstance(outcome(data[:at] + data[at : at + 1] + data[at:]), str)
    for at in range(0, len(data), 11):
        assert isinstance(outcome(data[:at]), str)


# Every value in the decoded parts, changed and encoded again in the one right form


def test_every_value_of_every_part() -> None:
    _, data = genuine()
    count = 0
    whole = outcome(data)
    assert isinstance(whole, Verdict)
    for mutant in mutants(unfolded(data)):
        count += 1
        changed_data = folded(mutant)
        found = outcome(changed_data)
        if isinstance(found, Verdict) and changed_data != data:
            # An entry as a whole, to which nothing refers: see test_missing.
            assert len(found.life) < len(whole.life)
            assert found.life == whole.life[: len(found.life)]
    assert folded(unfolded(data)) == data
    assert count > 1_000


def test_every_part_shortened_and_lengthened() -> None:
    _, data = genuine()
    dossier = decode_dossier(data)
    for name, part in parts_of(dossier):
        for other in (part[:-1], part + b"\x00", part[1:], b"", part + part):
            if name == "subject" and not other:
                continue
            assert isinstance(outcome(encode_dossier(with_part(dossier, name, other))), str), name


class Inner(list[Any]):
    """A byte string that holds CBOR, decoded: one item."""


def unfolded(data: bytes) -> Any:
    """The dossier with its statements, headers, payloads, receipts and proofs decoded."""
    value: Any = decode(data)
    for row in value["entries"]:
        row[1], row[2] = _message(row[1]), _message(row[2])
    return value


def _message(data: bytes) -> Inner:
    tag: Any = decode(data, tags=frozenset({18}))
    protected, unprotected, payload, signature = tag.value
    for proofs in unprotected.get(396, {}).values():
        proofs[:] = [Inner([decode(proof)]) for proof in proofs]
    inner = payload if payload is None else Inner([decode(payload)])
    return Inner([Tag(18, [Inner([decode(protected)]), unprotected, inner, signature])])


def folded(value: Any) -> bytes:
    return encode(_folded(value))


def _folded(value: Any) -> Any:
    if isinstance(value, Inner):
        return encode(_folded(value[0]))
    if isinstance(value, Tag):
        return Tag(value.number, _folded(value.value))
    if isinstance(value, list):
        return [_folded(item) for item in value]
    if isinstance(value, dict):
        return {key: _folded(item) for key, item in value.items()}
    return value


def mutants(value: Any) -> Iterator[Any]:
    """``value`` with one thing in it changed, left out or added, for every thing in it."""
    if isinstance(value, Inner):
        yield from (Inner([item]) for item in mutants(value[0]))
    elif isinstance(value, Tag):
        yield from (Tag(18, item) for item in mutants(value.value))
    elif isinstance(value, dict):
        for key in value:
            yield {other: item for other, item in value.items() if other != key}
            yield from ({**value, key: item} for item in mutants(value[key]))
        yield {**value, "zz": 0}
    elif isinstance(value, list):
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
            for item in mutants(value[place]):
                yield [*value[:place], item, *value[place + 1 :]]
        yield [*value, 0]
    else:
        yield from _others(value)


def _others(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 2**63)
    elif isinstance(value, str):
        yield from (value + "x", value[:-1], value.swapcase() + "1", "")
    elif isinstance(value, bytes):
        yield from (bytes(len(value)), value[::-1] + b"\x00", value[:-1], b"")
    yield from (None, True, 0, b"", [], {})[: 2 if value is not None else 1]
    if value is None:
        yield b""


# Structural changes between entries, and between two dossiers of one log


@cache
def two_batteries() -> tuple[LyingLog, bytes, bytes]:
    log = begun()
    for battery in (PACK, OTHER):
        log.live(battery, "manufacture", "install", "decommission", "recycle")
    log.head()
    mine, others = tuple(range(4, 8)), tuple(range(8, 12))
    return log, log.dossier(PACK, leave_out=others), log.dossier(OTHER, leave_out=mine)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["swap", "double", "drop", "graft", "receipt", "leaf", "index", "borrow"]),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    min_size=1,
    max_size=4,
)


def apply(entries: list[DossierEntry], others: list[DossierEntry], step: Step) -> None:
    kind, i, j = step
    if not entries:
        return
    i, j, k = i % len(entries), j % len(entries), j % len(others)
    one, two = entries[i], entries[j]
    if kind == "swap":
        entries[i], entries[j] = two, one
    elif kind == "double":
        entries.insert(i, two)
    elif kind == "drop":
        del entries[i]
    elif kind == "graft":
        entries[i] = others[k]
    elif kind == "borrow":
        entries.append(others[k])
        entries.sort(key=lambda entry: entry.index)
    else:
        fields = {"receipt": two.receipt, "leaf": two.leaf, "index": two.index}
        values = {"index": one.index, "leaf": one.leaf, "receipt": one.receipt}
        entries[i] = DossierEntry(**{**values, kind: fields[kind]})


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(STEPS, st.sampled_from([None, PACK, OTHER]))
def test_no_shuffling_tells_other_facts(steps: list[Step], subject: str | None) -> None:
    log, data, other = two_batteries()
    entries, others = list(decode_dossier(data).entries), list(decode_dossier(other).entries)
    for step in steps:
        apply(entries, others, step)
    mutant = with_entries(data if subject is None else changed(data, subject=subject), *entries)
    try:
        verdict = verify_dossier(mutant, log.trust(), log.now)
    except (errors.MalformedError, errors.FailedError, errors.RejectedError):
        return
    assert_part_of_the_truth(verdict)


def assert_part_of_the_truth(verdict: Verdict) -> None:
    """What was accepted is genuine entries of one battery: at most something is left out."""
    log, data, other = two_batteries()
    whole = verify_dossier(data if verdict.subject == PACK else other, log.trust(), log.now)
    assert set(verdict.life) <= set(whole.life)
    assert verdict.record.root == whole.record.root
    if len(verdict.life) == len(whole.life):
        assert verdict == with_file(whole, verdict)
    else:
        assert "nothing was left out" in verdict.unchecked[0]


def with_file(whole: Verdict, verdict: Verdict) -> Verdict:
    digest = verdict.record.file_sha256
    return msgspec.structs.replace(
        whole, record=msgspec.structs.replace(whole.record, file_sha256=digest)
    )
