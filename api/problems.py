"""Errors as they leave the service: concise problem details, or JSON for who asks for it.

In CBOR (RFC 9290) a problem is a map: title (-1), detail (-2), and under the custom key
``urn:cellbook:problem`` a map with our ``code``, the HTTP ``status``, ``where``, ``remedy`` and
the facts of the error. ``location`` is the path of the entry that is registered, where one is. In
JSON (RFC 9457) the same stands at the top level, and ``type`` is ``urn:cellbook:error:<code>``.

What is wrong inside the service (statuses from 500) is written to its log. Outside, only the
declared text is shown: a detail may hold a path or what a database says.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.refusals import BODY_SIZE, BODY_TIME, FAULT, METHOD, NO_ROUTE, REQUEST, status_of
from keys.errors import CellbookError
from ledger.wire import cbor

CONCISE = "application/concise-problem-details+cbor"
PROBLEM_JSON = "application/problem+json"
CUSTOM = "urn:cellbook:problem"
ERROR_URN = "urn:cellbook:error:"
RETRY_AFTER = {429: "1", 503: "5"}
"""Seconds after which to try again, by status."""

Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]

_TITLE, _DETAIL = -1, -2
_JSON = {"application/json", PROBLEM_JSON}
_CBOR = {"application/cbor", CONCISE}
# After these, what the client still sends belongs to no request.
_CLOSING = {BODY_SIZE.code, BODY_TIME.code}

_log = logging.getLogger("cellbook.api")


def entry_path(locator: str) -> str:
    """The path of an entry, which ``Location`` gives."""
    return f"/entries/{locator}"


def concise(error: CellbookError, location: str | None = None) -> bytes:
    """``error`` as a concise problem; ``location`` if its statement is registered."""
    ours = _members(error, location)
    detail = ours.pop("detail")
    return cbor.encode({_TITLE: error.title, _DETAIL: detail, CUSTOM: ours})


def problem_json(error: CellbookError) -> bytes:
    """``error`` as a problem document in JSON."""
    members = {"type": ERROR_URN + error.code, "title": error.title, **_members(error, None)}
    return json.dumps(members, ensure_ascii=False).encode()


def problem_response(
    request: Request, error: CellbookError, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that refuses ``request``, in the form that its Accept header asks for."""
    status = status_of(error)
    if status >= 500:
        _log.error("%s %s: %s: %s", request.method, request.url.path, error.code, error.describe())
    if wants_json(request.headers.get("accept", "")):
        body, media = problem_json(error), PROBLEM_JSON
    else:
        body, media = concise(error), CONCISE
    return Response(body, status, {**_headers(error, status), **(headers or {})}, media)


def wants_json(accept: str) -> bool:
    """Whether an Accept header prefers JSON problems: it must name JSON, and no CBOR above it."""
    as_json, as_cbor = 0.0, 0.0
    for part in accept.split(","):
        name, _, parameters = part.partition(";")
        media = name.strip().lower()
        if media in _JSON:
            as_json = max(as_json, _quality(parameters))
        elif media in _CBOR:
            as_cbor = max(as_cbor, _quality(parameters))
    return as_json > as_cbor


async def on_refusal(request: Request, error: Exception) -> Response:
    """The handler of CellbookError."""
    if not isinstance(error, CellbookError):
        return await on_fault(request, error)
    return problem_response(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """The handler of what the framework refuses: no such route, no such method."""
    if not isinstance(error, HTTPException):
        return await on_fault(request, error)
    code = {404: NO_ROUTE, 405: METHOD, 413: BODY_SIZE}.get(error.status_code, REQUEST)
    where = f"{request.method} {request.url.path}"[:120]
    return problem_response(request, code.at(where), error.headers)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """The handler for a client that went away: nobody reads the answer."""
    return Response(status_code=400)


async def on_fault(request: Request, error: Exception) -> Response:
    """The handler of every other exception. What it was stays in the service's log."""
    _log.error("a fault in %s %s", request.method, request.url.path, exc_info=error)
    return problem_response(request, FAULT.at())


HANDLERS: Mapping[int | type[Exception], Handler] = {
    CellbookError: on_refusal,
    HTTPException: on_http_error,
    ClientDisconnect: on_disconnect,
    Exception: on_fault,
}


def _members(error: CellbookError, location: str | None) -> dict[str, str | int]:
    status = status_of(error)
    inside = status >= 500
    members = dict(error.facts)
    known = location or members.get("location")
    if known is not None:
        members["location"] = entry_path(str(known))
    members |= {"code": error.code, "status": status, "remedy": error.remedy}
    members["detail"] = error.error.meaning if inside else error.describe()
    if error.where and not inside:
        members["where"] = error.where
    return members


def _headers(error: CellbookError, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status in RETRY_AFTER:
        headers["Retry-After"] = RETRY_AFTER[status]
    if "location" in error.facts:
        headers["Location"] = entry_path(str(error.facts["location"]))
    if error.code in _CLOSING:
        headers["Connection"] = "close"
    return headers


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
