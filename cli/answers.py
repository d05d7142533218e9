"""What a service answers, as facts or as errors with the service's own codes.

A service is not trusted: its texts are shortened and made printable before anybody sees them, and
nothing that it says is taken for more than its word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import cbor2
import msgspec

from keys import cose_key
from keys.cose_key import CoseKey
from keys.errors import CLASSES, CellbookError, ErrorCode, declare
from ledger.wire import cbor
from ledger.wire.cbor import Limits

ANSWER = declare(
    "unavailable.service.answer",
    "What answers at this address does not answer as a Cellbook service does.",
    "Check the URL, and what stands between here and there.",
)


class _Found(msgspec.Struct, frozen=True):
    """What of the answer to a search is used."""

    subject: str


class FoundHit(msgspec.Struct, frozen=True):
    """A subject that a service found, and by what."""

    subject: str
    kinds: tuple[str, ...]


class FoundPage(msgspec.Struct, frozen=True):
    """A page of what a service found; ``after`` is where the next one begins."""

    hits: tuple[FoundHit, ...]
    after: str | None


class _Page(msgspec.Struct, frozen=True):
    hits: tuple[FoundHit, ...]
    next: str | None


Answer = bytes | CellbookError
"""A receipt, or why there is none."""

PROBLEM = "urn:cellbook:problem"
"""The custom key of our problems in RFC 9290 maps."""

_TITLE, _DETAIL = -1, -2
_LONGEST = 1_000
_ITEM = Limits(size=65_536, depth=4, items=64, total=1_024)


def read_answers(data: bytes, count: int) -> list[Answer]:
    """The answer to a batch of ``count`` statements: a receipt or an error for each, in order.

    Raises ``unavailable.service.answer`` where it is not one. Receipts are not verified.
    """
    answers: list[Answer] = []
    position = 0
    while position < len(data):
        item, position = _next_item(data, position)
        answers.append(item if isinstance(item, bytes) else read_problem(item, "batch"))
    if len(answers) != count:
        raise ANSWER.at("batch", f"{len(answers)} answers to {count} statements")
    return answers


def parse_problem(data: bytes, where: str, status: int) -> CellbookError:
    """The error in the body of a refused request; ``unavailable.service.answer`` for other bodies,
    such as the error page of a proxy."""
    try:
        return read_problem(cbor.decode(data, limits=_ITEM), where)
    except CellbookError:
        return ANSWER.at(where, f"status {status} without a problem of ours")


def read_problem(problem: object, where: str) -> CellbookError:
    """The error that a decoded problem (RFC 9290) states, with the service's words.

    Its code need not be one that this version knows; its class must be, since the class decides
    what the error means. Otherwise it is ``unavailable.service.answer``, which shows the code.
    """
    members = problem.get(PROBLEM) if isinstance(problem, dict) else None
    if not isinstance(problem, dict) or not isinstance(members, dict):
        return ANSWER.at(where, "a problem without our code")
    code = plain_text(members.get("code"))
    detail = plain_text(problem.get(_DETAIL)) or "no detail"
    if code.partition(".")[0] not in CLASSES:
        return ANSWER.at(where, f"the code {code!r}: {detail}")
    error = ErrorCode(
        code, detail, plain_text(members.get("remedy")), plain_text(problem.get(_TITLE))
    )
    # The detail names the place already.
    return error.at("", "", **_facts(members))


def read_subject(body: bytes) -> str:
    """The subject in the answer to a search. Raises ``unavailable.service.answer``."""
    try:
        return plain_text(msgspec.json.decode(body, type=_Found).subject)
    except ValueError as error:
        raise ANSWER.at("batteries", plain_text(str(error))) from None


def read_page(body: bytes) -> FoundPage:
    """The page in the answer to a search. Raises ``unavailable.service.answer``."""
    try:
        page = msgspec.json.decode(body, type=_Page)
    except ValueError as error:
        raise ANSWER.at("batteries", plain_text(str(error))) from None
    hits = tuple(
        FoundHit(plain_text(hit.subject), tuple(map(plain_text, hit.kinds))) for hit in page.hits
    )
    return FoundPage(hits, hits[-1].subject if hits and page.next is not None else None)


def read_keys(body: bytes) -> list[CoseKey]:
    """The keys of a COSE_KeySet. Raises ``unavailable.service.answer``."""
    try:
        value = cbor.decode(body)
        keys = value if isinstance(value, list) else []
        return [cose_key.from_map(key) for key in keys]  # type: ignore[arg-type]  # it checks
    except CellbookError as error:
        raise ANSWER.at("keys", error.describe()) from None


def plain_text(value: object) -> str:
    """A text of the service, short and without what would steer a terminal."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else "\ufffd" for c in value[:_LONGEST])


def _facts(members: Mapping[Any, Any]) -> dict[str, str | int]:
    facts: dict[str, str | int] = {}
    for name, value in members.items():
        if not isinstance(name, str) or name in ("code", "remedy", "where", "detail", "status"):
            continue
        if isinstance(value, str):
            facts[plain_text(name)] = plain_text(value)
        elif type(value) is int:
            facts[plain_text(name)] = value
    return facts


def _next_item(data: bytes, position: int) -> tuple[object, int]:
    """The item at ``position``, and where the next one begins."""
    # Far more than an item can have, so that reading it costs no more.
    window = BytesIO(data[position : position + _ITEM.size])
    try:
        cbor2.CBORDecoder(
            window, max_depth=_ITEM.depth, allow_indefinite=False, semantic_decoders=_NoTags()
        ).decode()
        size = window.tell()
        return cbor.decode(data[position : position + size], limits=_ITEM), position + size
    except Exception as error:
        # cbor2 raises errors of its own, and others out of what it builds.
        raise ANSWER.at("batch", f"byte {position}: {type(error).__name__}") from None


class _NoTags(dict[int, Callable[[Any, bool], Any]]):
    """Takes tags away from cbor2, which would make Python objects of them."""

    def __missing__(self, number: int) -> Callable[[Any, bool], Any]:
        raise ValueError("tag")
