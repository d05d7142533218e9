"""Signed notes and cosignatures."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.algorithms import ED25519, ESP256, ML_DSA_44
from keys.errors import CellbookError
from keys.signer import generate
from ledger.wire import cosignature, note
from ledger.wire.note import NoteSignature, OpenNote, Verifier, cosign, open_note, sign_note

LOG = generate(ED25519)
WITNESS = generate(ED25519)
MODERN = generate(ML_DSA_44)
ROOT = bytes(range(32))
TEXT = b"example.org/log\n42\n" + b64encode(ROOT) + b"\n"
SIGNED = sign_note(TEXT, "example.org/log", LOG)
LOG_KEY = Verifier.from_key("example.org/log", LOG.key)
WITNESS_KEY = Verifier.from_key("w.example/1", WITNESS.key, note.COSIGNATURE)
MODERN_KEY = Verifier.from_key("w.example/2", MODERN.key, note.ML_DSA_COSIGNATURE)


def refused(code: str, call: Any, *args: Any, **named: Any) -> CellbookError:
    with pytest.raises(CellbookError) as caught:
        call(*args, **named)
    assert caught.value.code == code
    return caught.value


def test_pinned_bytes() -> None:
    digest = sha256(b"example.org/log\n\x01" + LOG.key.raw).digest()
    assert LOG_KEY.key_id == digest[:4]
    encoded = b64encode(digest[:4] + LOG.sign(TEXT)).decode()
    assert TEXT + f"\n— example.org/log {encoded}\n".encode() == SIGNED
    assert SIGNED[len(TEXT) + 1 :].startswith(b"\xe2\x80\x94 ")
    assert (note.PLAIN, note.COSIGNATURE, note.ML_DSA_COSIGNATURE) == (1, 4, 6)


def test_verifier_keys_round_trip() -> None:
    for verifier in (LOG_KEY, WITNESS_KEY, MODERN_KEY):
        assert Verifier.parse(verifier.vkey) == verifier
    encoded = b64encode(b"\x04" + WITNESS.key.raw).decode()
    assert WITNESS_KEY.vkey == f"w.example/1+{WITNESS_KEY.key_id.hex()}+{encoded}"


def test_one_key_has_another_id_for_each_type() -> None:
    plain = Verifier.from_key("w.example/1", WITNESS.key)
    assert plain.key_id != WITNESS_KEY.key_id


@pytest.mark.parametrize("vkey", [None, "", "a+b", "a+00000000+", "+00000000+AQ==", "a" * 5000])
def test_refused_verifier_keys(vkey: Any) -> None:
    with pytest.raises(CellbookError):
        Verifier.parse(vkey)


def test_from_key_refuses_what_notes_do_not_know() -> None:
    refused("unsupported.note.key-type", Verifier.from_key, "a", LOG.key, 2)
    refused("unsupported.note.key-type", Verifier.from_key, "a", LOG.key, 999)
    refused("malformed.key.size", Verifier.from_key, "a", generate(ESP256).key)
    refused("malformed.key.size", Verifier.from_key, "a", LOG.key, note.ML_DSA_COSIGNATURE)
    for name in ("", "a b", "a+b", "a\n", "a\u2003b", "\ud800", "n" * 256):
        refused("malformed.note.name", Verifier.from_key, name, LOG.key)


def test_open_with_keywords() -> None:
    opened = open_note(note=SIGNED, verifiers=[LOG_KEY])
    line = NoteSignature("example.org/log", LOG_KEY.key_id, LOG.sign(TEXT))
    assert opened == OpenNote(TEXT, (line,), ())
    assert TEXT + b"\n" + line.line == SIGNED


def test_cosignatures_carry_their_time() -> None:
    lines = [
        cosign(TEXT, "w.example/1", WITNESS, 1_780_452_000),
        cosign(TEXT, "w.example/2", MODERN, 0),
    ]
    whole = SIGNED + b"".join(line.line for line in lines)
    opened = open_note(whole, [MODERN_KEY, LOG_KEY, WITNESS_KEY])
    assert [s.name for s in opened.signatures] == ["example.org/log", "w.example/1", "w.example/2"]
    assert [s.time for s in opened.signatures] == [None, 1_780_452_000, 0]
    assert opened.signatures[1:] == tuple(lines)
    partly = open_note(whole, [LOG_KEY])
    assert [s.name for s in partly.unknown] == ["w.example/1", "w.example/2"]
    assert [s.time for s in partly.unknown] == [None, None]


def test_messages_of_cosignatures() -> None:
    assert cosignature.ed25519_message(TEXT, 7) == b"cosignature/v1\ntime 7\n" + TEXT
    assert cosignature.ml_dsa_44_message(TEXT, "w", 7) == (
        b"subtree/v1\n\x00\x01w" + bytes(7) + b"\x07\x0fexample.org/log"
        b"" + bytes(8) + bytes(7) + b"\x2a" + ROOT
    )


@pytest.mark.parametrize(
    "text",
    [
        b"any text\n",
        TEXT + b"extension\n",
        TEXT.replace(b"\n42\n", b"\n042\n"),
        TEXT.replace(b"\n42\n", b"\n-1\n"),
        TEXT.replace(b"\n42\n", b"\n" + b"9" * 20 + b"\n"),
        TEXT.replace(b"=", b""),
        TEXT.replace(b"example.org/log", b""),
    ],
)
def test_ml_dsa_cosignatures_are_for_three_lines_only(text: bytes) -> None:
    refused("malformed.note.checkpoint", cosign, text, "w.example/2", MODERN, 0)
    forged = NoteSignature("w.example/2", MODERN_KEY.key_id, bytes(8 + 2420)).line
    refused("malformed.note.checkpoint", open_note, text + b"\n" + forged, [MODERN_KEY])


def test_an_ml_dsa_cosignature_is_bound_to_its_name() -> None:
    line = cosign(TEXT, "w.example/2", MODERN, 5)
    other = Verifier.from_key("w.example/3", MODERN.key, note.ML_DSA_COSIGNATURE)
    moved = NoteSignature("w.example/3", other.key_id, line.signature).line
    refused("failed.note.signature", open_note, TEXT + b"\n" + moved, [other])


def test_signers_that_notes_do_not_know() -> None:
    refused("usage.note.signer", sign_note, TEXT, "a", generate(ESP256))
    refused("usage.note.signer", sign_note, TEXT, "a", MODERN)
    refused("usage.note.signer", cosign, TEXT, "a", generate(ESP256), 1)
    refused("usage.note.signer", cosign, TEXT, "a", WITNESS, -1)
    refused("usage.note.signer", cosign, TEXT, "a", WITNESS, 1 << 63)


@pytest.mark.parametrize("text", [b"", b"no newline", b"tab\t\n", b"\r\n", b"\xff\n", "text\n"])
def test_texts_that_are_not_signed(text: Any) -> None:
    refused("malformed.note.text", sign_note, text, "a", LOG)
    refused("malformed.note.text", cosign, text, "a", LOG, 1)


def test_verifiers_that_cannot_be_told_apart() -> None:
    twin = Verifier(LOG_KEY.name, LOG_KEY.key_id, LOG_KEY.type, WITNESS.key)
    refused("usage.note.verifiers", open_note, SIGNED, [LOG_KEY, twin])
    open_note(SIGNED, [LOG_KEY, LOG_KEY])


def test_a_large_note_is_refused() -> None:
    refused("malformed.note.size", open_note, b"x" * note.MAX_NOTE + b"\n", [LOG_KEY])
    many = NoteSignature("other.example", b"\0\0\0\0", b"x").line
    open_note(SIGNED + many * (note.MAX_SIGNATURES - 1), [LOG_KEY])
    refused("malformed.note.size", open_note, SIGNED + many * note.MAX_SIGNATURES, [LOG_KEY])


@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_is_never_the_same_note(data: st.DataObject) -> None:
    changed = bytearray(SIGNED)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CellbookError):
        open_note(bytes(changed), [LOG_KEY])


@given(st.binary(max_size=60) | st.text(alphabet="a\n— =+AQ", max_size=40).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    for whole in (data, TEXT + b"\n" + data + b"\n"):
        with pytest.raises(CellbookError):
            open_note(whole, [LOG_KEY])
