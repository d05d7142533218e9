"""Register a Signed Statement, and fetch its Receipt or Transparent Statement (SCRAPI)."""

from __future__ import annotations

import logging
from asyncio import to_thread

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.bodies import Bodies
from api.describing import binary, body, parameter, refusals
from api.intake import Intake
from api.problems import RETRY_AFTER, entry_path
from api.refusals import BODY_SIZE, BODY_TIME, BUSY, MEDIA_TYPE
from ledger.log import sequencer
from ledger.log.desk import SAME_CONTENT
from ledger.log.ledger import Ledger
from ledger.log.outcome import Outcome
from ledger.log.reading.published import NO_ENTRY
from ledger.wire.base64text import encode_base64url
from ledger.wire.locators import BAD_LOCATOR, locator_to_id

COSE = "application/cose"
STATEMENT = "application/scitt-statement+cose"
RECEIPT = "application/scitt-receipt+cose"
DUPLICATES = "Cellbook-Duplicates"
"""How many statements of a request were registered before it came."""

_log = logging.getLogger("cellbook.api")


class Entries:
    """``/entries``. Bodies have at most ``most`` bytes."""

    def __init__(self, ledger: Ledger, intake: Intake, bodies: Bodies, most: int) -> None:
        self._ledger = ledger
        self._intake = intake
        self._bodies = bodies
        self._most = most

    async def register(self, request: Request) -> Response:
        """Register the statement in the body."""
        async with self._bodies.read(request, self._most, (COSE, STATEMENT)) as data:
            outcome = await self._intake.one(data)
        if outcome.entry_id is None:
            if outcome.error is None:
                raise AssertionError("an outcome says what became of a statement")
            raise outcome.error
        headers = {
            "Location": entry_path(encode_base64url(outcome.entry_id)),
            DUPLICATES: str(int(outcome.duplicate)),
            "Cache-Control": "no-store",
        }
        if outcome.receipt is None:
            return _without_receipt(outcome, headers)
        return Response(outcome.receipt, 201, headers, _receipt_type(request))

    async def receipt(self, request: Request) -> Response:
        """A fresh receipt for an entry."""
        entry_id = locator_to_id(request.path_params["locator"])
        receipt = await to_thread(self._ledger.receipt, entry_id)
        headers = {"Location": entry_path(encode_base64url(entry_id)), "Cache-Control": "no-cache"}
        return Response(receipt, 200, headers, _receipt_type(request))

    async def statement(self, request: Request) -> Response:
        """The Transparent Statement of an entry."""
        entry_id = locator_to_id(request.path_params["locator"])
        data = await to_thread(self._ledger.transparent_statement, entry_id)
        return Response(data, 200, {"Cache-Control": "no-cache"}, STATEMENT)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/entries",
            self.register,
            methods=["POST"],
            tags=["Statements"],
            status_code=201,
            summary="Register a Signed Statement",
            description=_REGISTER,
            openapi_extra=body((COSE, STATEMENT), _STATEMENT_BODY),
            responses={
                201: binary((RECEIPT, COSE), _REGISTERED, Location=_LOCATION, **_COUNT),
                202: {"description": _NO_RECEIPT, "headers": _header("Location", _LOCATION)},
                **refusals(_REFUSED, {400: _REFUSED_STATEMENT}),
            },
        )
        router.add_api_route(
            "/entries/{locator}",
            self.receipt,
            methods=["GET"],
            tags=["Statements"],
            summary="Fetch a fresh Receipt",
            description=_RECEIPT_TEXT,
            openapi_extra={"parameters": [_LOCATOR]},
            responses={
                200: binary((RECEIPT, COSE), "A COSE Receipt (RFC 9942).", Location=_LOCATION),
                **refusals((BAD_LOCATOR, NO_ENTRY)),
            },
        )
        router.add_api_route(
            "/entries/{locator}/statement",
            self.statement,
            methods=["GET"],
            tags=["Statements"],
            summary="Fetch a Transparent Statement",
            description=_TRANSPARENT,
            openapi_extra={"parameters": [_LOCATOR]},
            responses={
                200: binary((STATEMENT,), "A COSE_Sign1 with one receipt in header 394."),
                **refusals((BAD_LOCATOR, NO_ENTRY)),
            },
        )


def _without_receipt(outcome: Outcome, headers: dict[str, str]) -> Response:
    """Registered and durable, but no receipt can be made now: SCRAPI's 202."""
    if outcome.error is not None:
        _log.error("no receipt: %s: %s", outcome.error.code, outcome.error.describe())
    return Response(status_code=202, headers={**headers, "Retry-After": RETRY_AFTER[503]})


def _receipt_type(request: Request) -> str:
    """The receipt's media type; the generic one for who accepts that alone, as in SCRAPI."""
    accept = request.headers.get("accept", "")
    return COSE if COSE in accept and RECEIPT not in accept else RECEIPT


def _header(name: str, description: str) -> dict[str, object]:
    return {name: {"description": description, "schema": {"type": "string"}}}


_REFUSED = (
    MEDIA_TYPE, BODY_SIZE, BODY_TIME, BUSY, sequencer.BUSY, SAME_CONTENT
)  # fmt: skip
_LOCATION = "The entry's path, `/entries/<locator>`."
_COUNT = {
    "Cellbook_Duplicates": "How many statements of the request were registered before it: 0 or 1."
}
_LOCATOR = parameter(
    "locator",
    "path",
    "base64url without padding of the entry id: SHA-256 of the leaf bytes, 43 characters.",
    "FyjpB8rQ6_0sGqVGd7pY6dUyQKp3oNjWZxZcD1l1JXk",
)
_REGISTER = """\
Checks the statement's form, its issuer's key and signature, and every rule of the registration
policy in force; then appends it to the log. When the answer comes, the entry is durable and in the
tree.

Needs no login: who may say what is decided by the signature on the statement.

**Submitting the same bytes again is no error**: the answer is 201 again, with the same `Location`
and a valid receipt, and `Cellbook-Duplicates: 1`. So repeat a request whose answer was lost. The
same content under *another* valid signature is refused with 409 and the `Location` of what is
registered.

    curl --data-binary @event.cose -H 'Content-Type: application/cose' \\
         -D - -o receipt.cose http://127.0.0.1:8417/entries

For more than a few statements use `POST /batches`."""
_STATEMENT_BODY = """\
One Signed Statement: a COSE_Sign1 with tag 18, in deterministic encoding, at most 65,535 bytes.
`cellbook event` makes one. The unprotected header is not kept: the log holds
`18([protected, {}, payload, signature])`."""
_REGISTERED = """\
Registered now, or earlier from the same bytes. The body is the Receipt (RFC 9942): it says, by the
service's word alone, that the statement is in the log. A dossier proves it."""
_NO_RECEIPT = """\
Registered and durable, but no receipt could be made at the moment. Ask for it at `Location`."""
_REFUSED_STATEMENT = """\
The statement is refused, and nothing has changed. The code says why: `malformed.*` (form),
`failed.*` (a signature or a proof), `rejected.*` (the policy or a rule, such as `rejected.ORD-4`),
`unsupported.*` (an algorithm, type or version that this service does not know)."""
_RECEIPT_TEXT = """\
A receipt at the present size of the tree. An entry's receipts differ from one day to the next, and
all stay valid.

There is no "registration is running" here: an entry has a path once it is durable."""
_TRANSPARENT = """\
The Signed Statement as it is in the log, with a fresh receipt in its unprotected header (label
394): what RFC 9943 calls a Transparent Statement."""
