"""Asking one witness (C2SP tlog-witness): requests as bytes, answers judged; no network in here."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from keys.errors import CellbookError, declare
from ledger.log.publishing.lines import identity
from ledger.tree.proofs import Proofs
from ledger.wire.base64text import encode_base64
from ledger.wire.note import NoteSignature, open_note
from ledger.wire.verifier import Verifier

MAX_ANSWER = 64 << 10
SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
_TRIES = 3
_CONTRADICTS = (409, 422)
"""Without a size: a witness checks the old size first, so it has a tree of this size, and the proof
from ours does not lead on from its root, or its root is another. Implementations differ in which
of both they answer."""

ANSWER = declare(
    "unavailable.witness.answer",
    "A witness gave no cosignature.",
    "Read its answer, and ask its operator whether it knows this log's key.",
)
LARGER = declare(
    "unavailable.witness.ahead",
    "A witness has cosigned a larger tree of this log.",
    "If no other service of this log has published it, the database is an old copy.",
)
FORKED = declare(
    "failed.witness.root",
    "A witness says that it has cosigned another root for this tree size.",
    "Stop the service, keep the database, and compare both checkpoints: the log may have forked.",
)


class Answer(msgspec.Struct, frozen=True):
    """What came over HTTP: at most ``MAX_ANSWER`` bytes of ``body``."""

    status: int
    media_type: str
    body: bytes


Ask = Callable[[str, bytes], Answer]
"""Sends the body to the witness at this URL, in bounded time. Raises ``unavailable.*``."""


class Asking(msgspec.Struct, frozen=True):
    """A witness to ask, by its name in the policy, its key and its URL."""

    name: str
    verifier: Verifier
    url: str


def cosignature(
    ask: Ask, witness: Asking, proofs: Proofs, note: bytes, size: int, old: int
) -> NoteSignature:
    """The witness's verified line on ``note``, whose tree has ``size`` entries; ``old`` is what it
    has cosigned last, or a guess: it says when that is wrong.

    Raises ``unavailable.witness.*``, ``failed.witness.root``, ``failed.note.*``,
    ``malformed.note.*`` and what ``ask`` raises.
    """
    text = note.rpartition(b"\n\n")[0] + b"\n"
    for _ in range(_TRIES):
        answer = ask(witness.url, request(proofs, note, old, size))
        if answer.status == 200:
            return _line(text, answer.body, witness.verifier)
        told = told_size(answer)
        if told is None and old > 0 and answer.status in _CONTRADICTS:
            raise FORKED.at(witness.name, f"tree size {old}, HTTP {answer.status}")
        if told is None:
            said = answer.body[:120].decode("utf-8", "replace")
            raise ANSWER.at(witness.name, f"HTTP {answer.status}: {said!r}")
        if told > size:
            raise LARGER.at(witness.name, f"{told} entries, this checkpoint has {size}", size=told)
        if told == old == size:
            raise FORKED.at(witness.name, f"tree size {size}")
        old = told
    raise ANSWER.at(witness.name, f"it tells another size each time, last {old}")


def request(proofs: Proofs, note: bytes, old: int, size: int) -> bytes:
    """The body of ``POST /add-checkpoint``."""
    path = proofs.consistency(old, size) if 0 < old < size else []
    lines = "".join(encode_base64(each) + "\n" for each in path)
    return f"old {old}\n{lines}\n".encode() + note


def told_size(answer: Answer) -> int | None:
    """The size that a witness has, where it says that the old size was another."""
    if answer.status != 409 or answer.media_type.partition(";")[0].strip() != SIZE_TYPE:
        return None
    found = _SIZE.fullmatch(answer.body)
    return int(found[1]) if found else None


def _line(text: bytes, body: bytes, verifier: Verifier) -> NoteSignature:
    opened = open_note(text + b"\n" + body, [verifier])
    # An empty line in the answer would move what is signed: good here, and wrong on the checkpoint.
    if opened.text != text:
        raise ANSWER.at(verifier.name, "its lines are for another text")
    (line,) = (one for one in opened.signatures if (one.name, one.key_id) == identity(verifier))
    return line


def describe(error: CellbookError) -> str:
    """Why a witness gave no line, in a few words for who runs the service."""
    return f"{error.code}, {error.detail}" if error.detail else error.code
