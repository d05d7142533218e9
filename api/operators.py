"""Operators: shown as the service knows them, and in a file that proves their registration."""

from __future__ import annotations

from asyncio import to_thread

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.describing import binary, json_of, parameter, refusals
from api.operator_views import ACTIVITY, STATED, operator_document, operator_path
from api.refusals import QUERY
from ledger.custody.values.times import DATE
from ledger.log.ledger import Ledger
from ledger.log.reading.published import NO_CHECKPOINT
from ledger.log.reading.suppliers import NO_OPERATOR
from ledger.wire.base64text import decode_base64url

SUPPLIER = "application/vnd.cellbook.supplier+cbor"
JSON = "application/json"
_FRESH = {"Cache-Control": "no-cache"}


class Operators:
    """``/operators``."""

    def __init__(self, ledger: Ledger) -> None:
        self._suppliers = ledger.suppliers

    async def show(self, request: Request) -> Response:
        """An operator, its number of units, and a sample of them."""
        view = await to_thread(self._suppliers.view, _operator(request))
        return Response(msgspec.json.encode(operator_document(view)), 200, _FRESH, JSON)

    async def file(self, request: Request) -> Response:
        """The supplier file for a day."""
        operator, days = _operator(request), request.query_params.getlist("day")
        if len(days) != 1:
            raise QUERY.at("day", "give it once")
        data = await to_thread(self._suppliers.file, operator, days[0])
        disposition = f'attachment; filename="{days[0]}.supplier"'
        return Response(data, 200, {**_FRESH, "Content-Disposition": disposition}, SUPPLIER)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/operators/{operator}",
            self.show,
            methods=["GET"],
            tags=["Operators"],
            summary="Show an operator",
            description=_SHOW + ACTIVITY,
            openapi_extra={"parameters": [_OPERATOR]},
            responses={
                200: json_of("OperatorDocument", "The operator, by the service's word.", _EXAMPLE),
                **refusals((QUERY, NO_OPERATOR, NO_CHECKPOINT)),
            },
        )
        router.add_api_route(
            "/operators/{operator}/file",
            self.file,
            methods=["GET"],
            tags=["Operators"],
            summary="Fetch an operator's supplier file",
            description=_FILE,
            openapi_extra={"parameters": [_OPERATOR, _DAY]},
            responses={
                200: binary(
                    (SUPPLIER,),
                    "The supplier file: CBOR.",
                    Content_Disposition="A name for the file.",
                ),
                **refusals((QUERY, DATE, NO_OPERATOR, NO_CHECKPOINT)),
            },
        )


def _operator(request: Request) -> str:
    """The URI in the path. Raises ``usage.http.query``."""
    try:
        return decode_base64url(request.path_params["operator"]).decode()
    except ValueError as error:
        raise QUERY.at("operator", str(error)[:80]) from None


_URI = "https://recycler.example"
_OPERATOR = parameter(
    "operator",
    "path",
    f"base64url without padding of the operator's URI, here `{_URI}`.",
    operator_path(_URI).rpartition("/")[2],
)
_DAY = parameter("day", "query", "The day that is asked about.", "2026-07-30")
_SHOW = """\
Registration, roles, facilities and keys, what became of the units about which it signed, and a
sample of them with what the service knows of each. All of it is the service's word.

"""
_FILE = """\
One file that shows, offline and with `cellbook supplier verify`, what the registrar has signed
about the operator, and what public lists say of it on a day and on the day of the checkpoint."""
_EXAMPLE = {
    "operator": _URI,
    "word": STATED,
    "name": "Recycler Ltd",
    "country": "CN",
    "roles": ["recycler"],
    "maker_codes": [],
    "gs1_prefixes": [],
    "facilities": [
        {"id": "HZ-1", "country": "CN", "name": "Huizhou works", "address": "1 Road, Huizhou"}
    ],
    "registered": 4,
    "removed": None,
    "keys": [
        {
            "kid": "00" * 32,
            "purposes": ["events"],
            "added": 4,
            "revoked": None,
            "compromised_since": None,
        }
    ],
    "activity": ACTIVITY,
    "counts": {
        "taken_in": 1,
        "repurposed": 0,
        "recycled": 1,
        "in_stock": 0,
        "quarantined": 0,
        "missing": 0,
        "open_disputes": 0,
    },
    "units": 1,
    "more": False,
    "seed": "00" * 32,
    "sample": [
        {
            "subject": "urn:cellbook:gbt34014:4A6PBPM27KLPCLE740000001",
            "physical": "recycled",
            "held": False,
            "quarantined": False,
            "missing": False,
            "disputes": 0,
            "dossier": "/batteries/dXJuOmNlbGxib29r/dossier",
        }
    ],
    "links": {"file": f"{operator_path(_URI)}/file"},
}
