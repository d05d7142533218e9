"""Checkpoints: one text for one tree, signed by the log that it names."""

from __future__ import annotations

from base64 import b64encode

import pytest

from keys.errors import CellbookError
from ledger.proof.checkpoint import (
    MAX_SIZE,
    Checkpoint,
    format_body,
    open_checkpoint,
    parse_body,
)
from ledger.tree.merkle import EMPTY_ROOT
from ledger.wire.note import Verifier, cosign, sign_note
from tests.proof.lying import signer

NAME = "log.example/a"
KEY = signer("checkpoint")
LOG = Verifier.from_key(NAME, KEY.key)
ROOT = b64encode(b"\x05" * 32).decode()


def refusal(text: bytes) -> str:
    with pytest.raises(CellbookError) as refused:
        parse_body(text)
    return refused.value.code


@pytest.mark.parametrize("size", [1, 9, 10, 2**40, MAX_SIZE])
def test_what_is_written_is_read_back(size: int) -> None:
    checkpoint = Checkpoint(NAME, size, b"\x05" * 32)
    assert format_body(checkpoint) == f"{NAME}\n{size}\n{ROOT}\n".encode()
    assert parse_body(format_body(checkpoint)) == checkpoint


def test_the_empty_tree_has_its_root() -> None:
    empty = Checkpoint(NAME, 0, EMPTY_ROOT)
    assert parse_body(format_body(empty)) == empty
    assert refusal(f"{NAME}\n0\n{ROOT}\n".encode()) == "malformed.checkpoint"
    filled = format_body(Checkpoint(NAME, 1, EMPTY_ROOT))
    assert refusal(filled) == "malformed.checkpoint"


@pytest.mark.parametrize(
    "size",
    ["", "01", "00", "-1", "+1", " 1", "1 ", "1_0", "0x1", "1e3", "٣", "²", "9" * 5_000, "9" * 19],
)
def test_sizes_in_another_form(size: str) -> None:
    assert refusal(f"{NAME}\n{size}\n{ROOT}\n".encode()) == "malformed.checkpoint"


@pytest.mark.parametrize(
    "root", ["", "AAAA", ROOT[:-2] + "Z=", ROOT + " ", ROOT.rstrip("="), "*" * 44]
)
def test_roots_in_another_form(root: str) -> None:
    assert refusal(f"{NAME}\n1\n{root}\n".encode()) == "malformed.checkpoint"


@pytest.mark.parametrize("text", [b"", b"\n", b"a\n1\n", f"\n1\n{ROOT}\n".encode(), b"\xff\n\n\n"])
def test_what_is_no_checkpoint(text: bytes) -> None:
    assert refusal(text) == "malformed.checkpoint"


def test_a_missing_last_newline() -> None:
    assert refusal(f"{NAME}\n1\n{ROOT}".encode()) == "malformed.checkpoint"


def test_extension_lines_are_not_passed_over() -> None:
    assert refusal(f"{NAME}\n1\n{ROOT}\nindex AAAA\n".encode()) == "unsupported.checkpoint"


BODY = f"{NAME}\n7\n{ROOT}\n".encode()


def opened(note: bytes, *others: Verifier) -> str:
    with pytest.raises(CellbookError) as refused:
        open_checkpoint(note, LOG, others)
    return refused.value.code


def test_signed_by_the_log() -> None:
    checkpoint, note = open_checkpoint(sign_note(BODY, NAME, KEY), LOG)
    assert (checkpoint.size, checkpoint.root) == (7, b"\x05" * 32)
    assert [line.name for line in note.signatures] == [NAME]
    assert note.unknown == ()


def test_witnesses_count_beside_the_log_only() -> None:
    witness = signer("witness")
    verifier = Verifier.from_key("witness.example", witness.key, 4)
    line = cosign(BODY, "witness.example", witness, 1_780_000_000).line
    _, note = open_checkpoint(sign_note(BODY, NAME, KEY) + line, LOG, [verifier])
    assert [(s.name, s.time) for s in note.signatures][1] == ("witness.example", 1_780_000_000)
    assert opened(BODY + b"\n" + line, verifier) == "failed.checkpoint.origin"
    _, note = open_checkpoint(sign_note(BODY, NAME, KEY) + line, LOG)
    assert [line.name for line in note.unknown] == ["witness.example"]


def test_signed_by_others() -> None:
    assert opened(sign_note(BODY, NAME, signer("receipts"))) == "failed.note.unsigned"
    assert opened(sign_note(BODY, "log.example/b", KEY)) == "failed.note.unsigned"


def test_the_origin_of_another_log_under_the_right_key() -> None:
    other = BODY.replace(b"/a", b"/b")
    assert opened(sign_note(other, NAME, KEY)) == "failed.checkpoint.origin"


def test_a_text_changed_after_it_was_signed() -> None:
    note = sign_note(BODY, NAME, KEY).replace(b"\n7\n", b"\n8\n")
    assert opened(note) == "failed.note.signature"
