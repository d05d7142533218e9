"""The search: ``GET /batteries?q=…``, page by page."""

from __future__ import annotations

from asyncio import to_thread

import msgspec
from starlette.requests import Request

from api.describing import parameter
from api.refusals import QUERY
from api.views import search_document
from ledger.log.ledger import Ledger
from ledger.log.reading.searching import DEFAULT_LIMIT, LONGEST_QUERY, MAX_LIMIT
from ledger.log.terms import KINDS


async def search(ledger: Ledger, request: Request) -> bytes:
    """A page of the search that ``request`` asks for, as JSON. Raises ``usage.http.query`` and
    ``usage.search.*``."""
    asked = _once(request)
    query, kind, after = asked["q"], asked.get("kind"), asked.get("after")
    limit = asked.get("limit", str(DEFAULT_LIMIT))
    if not 0 < len(query) <= LONGEST_QUERY:
        raise QUERY.at("q", f"give it with 1 to {LONGEST_QUERY} characters")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
        raise QUERY.at("limit", "it is no number")
    page = await to_thread(ledger.search, query, kind, after, int(limit))
    return msgspec.json.encode(search_document(page, query, kind, int(limit)))


def _once(request: Request) -> dict[str, str]:
    names = ("q", "kind", "after", "limit")
    given = request.query_params.multi_items()
    asked = dict(given)
    if len(asked) != len(given) or not asked.keys() <= set(names):
        raise QUERY.at("query", f"give each of {', '.join(names)} at most once, and nothing else")
    return asked


PARAMETERS = [
    parameter(
        "q",
        "query",
        "What to search for, instead of `id`: a whole value.",
        "0000001",
        required=False,
    ),
    parameter(
        "kind",
        "query",
        f"Search by this alone: {', '.join(KINDS)}.",
        "serial",
        required=False,
    ),
    parameter(
        "after",
        "query",
        "The subject with which the page before ended; `next` in the answer has it.",
        "urn:cellbook:gbt34014:4A6PBPM27KLPCLE740000001",
        required=False,
    ),
    parameter(
        "limit",
        "query",
        f"How many subjects a page has: 1 to {MAX_LIMIT}, {DEFAULT_LIMIT} if it is not said.",
        "20",
        required=False,
    ),
]
DESCRIPTION = """\
With `q` instead of `id` it searches for whole values, of all kinds or of one: an identifier; a
serial number (the last seven characters of a GB/T code, the serial number of a GS1 identifier); a
passport id; a batch id; an operator who signed about the battery, by URI, USCC or LEI; the scheme
or announcement of a list. What was found comes in pages, in the order in which the log first named
it. Only public fields are searched."""
