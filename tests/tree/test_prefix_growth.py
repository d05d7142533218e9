"""The index against a plain dictionary: roots, blocks and proofs, whatever the order of changes."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.tree.prefix import EMPTY, verify_absence, verify_presence
from ledger.tree.prefix_full import SIZE, is_full
from ledger.tree.prefix_growth import CHUNK, change
from ledger.tree.prefix_proofs import prove
from tests.tree import prefix_reference as reference
from tests.tree.prefix_reference import Blocks


def key(number: int) -> bytes:
    return sha256(b"key %d" % number).digest()


def value(number: int) -> bytes:
    return sha256(b"value %d" % number).digest()


def filled(count: int) -> tuple[Blocks, dict[bytes, bytes]]:
    blocks, values = Blocks(), {key(i): value(i) for i in range(count)}
    change(blocks, values)
    return blocks, values


# Keys of few shapes, so that many share long prefixes, up to the last bit.
KEYS = st.builds(
    lambda head, length, tail: (head * 32)[:length] + bytes(32 - length - 1) + tail,
    st.sampled_from([b"\x00", b"\xff", b"\x80", b"\x01"]),
    st.integers(0, 31),
    st.binary(min_size=1, max_size=1),
) | st.binary(min_size=32, max_size=32)
CHANGES = st.lists(st.dictionaries(KEYS, st.binary(min_size=32, max_size=32)), max_size=5)


@settings(max_examples=150, deadline=None)
@given(CHANGES, st.randoms(use_true_random=False))
def test_any_order_of_changes_gives_the_root_of_the_dictionary(changes, random) -> None:
    blocks, model = Blocks(), {}
    root = EMPTY
    for values in changes:
        root = change(blocks, values)
        model |= values
    assert root == reference.root(model)
    again = Blocks()
    order = list(model)
    random.shuffle(order)
    for one in order:
        change(again, {one: model[one]})
    # Not the roots alone: nothing in what is kept tells of the order.
    assert {k: v for k, v in again.held.items() if k or model} == {
        k: v for k, v in blocks.held.items() if k or model
    }


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, st.binary(min_size=32, max_size=32)), st.lists(KEYS, max_size=4))
def test_proofs_have_the_siblings_of_the_definition_and_verify(values, others) -> None:
    blocks = Blocks()
    root = change(blocks, values)
    found = prove(blocks, [*values, *others])
    for asked, lookup in found.items():
        assert lookup.root == root
        way = reference.siblings(values, asked)
        assert lookup.proof.depth == len(way)
        assert lookup.proof.siblings == b"".join(s for s in way if s != EMPTY)
        assert lookup.value == values.get(asked)
        if lookup.value is not None:
            verify_presence(asked, lookup.value, lookup.proof, root)
            with pytest.raises(CellbookError) as refused:
                verify_absence(asked, lookup.proof, root)
        else:
            verify_absence(asked, lookup.proof, root)
            with pytest.raises(CellbookError) as refused:
                verify_presence(asked, value(0), lookup.proof, root)
        assert refused.value.code.startswith("failed.prefix.")


def test_more_keys_than_one_part_holds() -> None:
    blocks, values = filled(2 * CHUNK + 7)
    assert change(blocks, {}) == reference.root(values)
    changed = {key(i): value(-i) for i in range(1, CHUNK + 300)}
    assert change(blocks, changed) == reference.root(values | changed)


def test_the_cost_follows_what_changed() -> None:
    blocks, _ = filled(20_000)
    blocks.read = blocks.written = 0
    change(blocks, {key(7): value(0)})
    # The root's block twice (once for the root), then one for each eight levels.
    assert blocks.read <= 4
    assert blocks.written <= 3


def test_blocks_are_small_however_many_keys_there_are() -> None:
    blocks, _ = filled(70_000)
    assert max(map(len, blocks.held.values())) <= 255 * 36 + 256 * 65
    assert len(blocks.held) < 70_000


def wide(first: int, second: int, number: int) -> bytes:
    """A key with these first bytes."""
    return bytes([first, second]) + sha256(b"%d" % number).digest()[2:]


def test_blocks_that_are_full_of_links() -> None:
    """Two keys under every byte fill the root's block; so do 512 keys one byte below."""
    values = {wide(a, b, a + b): value(a) for a in range(256) for b in (3, 200)}
    values |= {wide(7, b, n): value(b) for b in range(256) for n in (1, 2)}
    blocks = Blocks()
    change(blocks, values)
    assert is_full(blocks.held[b""])
    assert is_full(blocks.held[b"\x07"])
    assert not is_full(blocks.held[b"\x08"])
    some = list(values)[::9]
    for changed in (some[:1], some[:2], some, [*some, wide(7, 0, 9), wide(9, 9, 9)]):
        values |= {one: value(len(changed)) for one in changed}
        root = change(blocks, {one: values[one] for one in changed})
        assert root == reference.root(values)
    again = Blocks()
    change(again, values)
    assert again.held == blocks.held


def test_a_block_of_the_size_of_a_full_one_need_not_be_full() -> None:
    """One leaf and one place without keys are as long as two links."""
    pairs = [(a, b) for a in range(256) for b in (0, 128)]
    keys = {wide(a, b, a) for a, b in pairs if a not in (0, 1, 2)}
    # Below byte 0 nothing, below 2 one key: these two have as siblings a link and a link.
    keys |= {wide(1, 0, 1), wide(1, 128, 1), wide(2, 0, 2)}
    values = {one: value(1) for one in keys}
    blocks = Blocks()
    change(blocks, values)
    assert len(blocks.held[b""]) == SIZE
    assert not is_full(blocks.held[b""])
    changed = {one: value(2) for one in keys if one[0] < 9}
    assert change(blocks, changed) == reference.root(values | changed)


def test_long_common_prefixes() -> None:
    near = [bytes(31) + bytes([i]) for i in range(256)]
    far = [b"\x55" * 20 + sha256(b"%d" % i).digest()[:12] for i in range(300)]
    values = {one: value(i) for i, one in enumerate(near + far)}
    blocks = Blocks()
    root = change(blocks, values)
    assert root == reference.root(values)
    lookups = prove(blocks, values)
    assert max(lookup.proof.depth for lookup in lookups.values()) == 256
    for one, lookup in lookups.items():
        verify_presence(one, values[one], lookup.proof, root)
    # No siblings but where keys part: a proof is no longer for a way of 256 levels.
    assert len(lookups[near[0]].proof.siblings) == 9 * 32


@pytest.mark.parametrize("bad", [{b"short": bytes(32)}, {bytes(32): b""}, {"text": bytes(32)}])
def test_what_is_no_key_or_value_changes_nothing(bad) -> None:
    blocks, _ = filled(3)
    before = dict(blocks.held)
    with pytest.raises(CellbookError) as refused:
        change(blocks, {key(9): value(9), **bad})
    assert refused.value.code == "malformed.prefix.key"
    assert blocks.held == before


def test_a_missing_or_older_block_is_damage() -> None:
    blocks, _ = filled(600)
    place = next(place for place in blocks.held if place)
    inside = next(key(i) for i in range(600) if key(i)[:1] == place)
    old = blocks.held.pop(place)
    for damage in (None, b"\x02" + bytes(32) + old[33:], old[:1]):
        if damage is not None:
            blocks.held[place] = damage
        for use in (lambda: prove(blocks, [inside]), lambda: change(blocks, {inside: value(1)})):
            with pytest.raises(CellbookError) as refused:
                use()
            assert refused.value.code == "damaged.tree.block"
            assert place.hex() in refused.value.where
