"""Batteries: found by any of their names, shown, and given away as a dossier."""

from __future__ import annotations

import re
from asyncio import to_thread

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.describing import binary, json_of, parameter, refusals
from api.refusals import QUERY, SUBJECT
from api.searching import DESCRIPTION, PARAMETERS, search
from api.views import battery_document, found
from ledger.custody.identifiers import GS1_HOST, code_of
from ledger.log.ledger import Ledger
from ledger.log.publishing.checkpoints import NOT_AUDITED
from ledger.log.reading.published import NO_BATTERY, NO_CHECKPOINT
from ledger.log.reading.searching import PAGE, UNKNOWN_KIND
from ledger.wire.base64text import decode_base64url

DOSSIER = "application/vnd.cellbook.dossier+cbor"
JSON = "application/json"
_LONGEST_ID = 512
_FRESH = {"Cache-Control": "no-cache"}


class Batteries:
    """``/batteries``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def find(self, request: Request) -> Response:
        """The battery that a code, a URI or a further name stands for; or a page of a search."""
        if "q" in request.query_params:
            return Response(await search(self._ledger, request), 200, _FRESH, JSON)
        names = request.query_params.getlist("id")
        if len(names) != 1 or not 0 < len(names[0]) <= _LONGEST_ID:
            raise QUERY.at("id", f"give it once, with 1 to {_LONGEST_ID} characters")
        subject = await to_thread(self._ledger.find, names[0])
        return Response(msgspec.json.encode(found(subject)), 200, _FRESH, JSON)

    async def show(self, request: Request) -> Response:
        """A battery as the log knows it."""
        view = await to_thread(self._ledger.battery, _subject(request))
        return Response(msgspec.json.encode(battery_document(view)), 200, _FRESH, JSON)

    async def dossier(self, request: Request) -> Response:
        """The battery's dossier."""
        subject = _subject(request)
        make = self._ledger.audited_dossier if _is_audited(request) else self._ledger.dossier
        data = await to_thread(make, subject)
        disposition = f'attachment; filename="{_file_name(subject)}"'
        return Response(data, 200, {**_FRESH, "Content-Disposition": disposition}, DOSSIER)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/batteries",
            self.find,
            methods=["GET"],
            tags=["Batteries"],
            summary="Find a battery, or search",
            description=_FIND + DESCRIPTION,
            openapi_extra={"parameters": [_ID, *PARAMETERS]},
            responses={
                200: json_of(
                    ("FoundBattery", "SearchDocument"),
                    "With `id` the subject, and where to go on; with `q` a page of what was found.",
                    _FOUND,
                ),
                **refusals((QUERY, UNKNOWN_KIND, PAGE, NO_BATTERY)),
            },
        )
        router.add_api_route(
            "/batteries/{subject}",
            self.show,
            methods=["GET"],
            tags=["Batteries"],
            summary="Show a battery",
            description=_SHOW,
            openapi_extra={"parameters": [_SUBJECT]},
            responses={
                200: json_of("BatteryDocument", "Its state and entries.", _BATTERY),
                **refusals((SUBJECT, NO_BATTERY)),
            },
        )
        router.add_api_route(
            "/batteries/{subject}/dossier",
            self.dossier,
            methods=["GET"],
            tags=["Batteries"],
            summary="Fetch a battery's dossier",
            description=_DOSSIER,
            openapi_extra={"parameters": [_SUBJECT, _COMPLETENESS]},
            responses={
                200: binary(
                    (DOSSIER,),
                    "The dossier, a CBOR file.",
                    Content_Disposition="A name for the file: the battery's code and .dossier.",
                ),
                **refusals((SUBJECT, QUERY, NO_BATTERY, NO_CHECKPOINT, NOT_AUDITED)),
            },
        )


def _subject(request: Request) -> str:
    """The URI in the path. Raises ``usage.http.subject``."""
    try:
        return decode_base64url(request.path_params["subject"]).decode()
    except ValueError as error:
        raise SUBJECT.at("subject", str(error)[:80]) from None


def _is_audited(request: Request) -> bool:
    """Whether an audited dossier is asked for. Raises ``usage.http.query``."""
    asked = request.query_params.getlist("completeness")
    if asked not in ([], ["audited"]):
        raise QUERY.at("completeness", "it may be `audited`")
    return bool(asked)


def _file_name(subject: str) -> str:
    code = code_of(subject).removeprefix(GS1_HOST)
    return (re.sub(r"[^A-Za-z0-9._-]", "_", code)[:80] or "battery") + ".dossier"


_URI = "urn:cellbook:gbt34014:4A6PBPM27KLPCLE740000001"
_SEGMENT = "dXJuOmNlbGxib29rOmdidDM0MDE0OjRBNlBCUE0yN0tMUENMRTc0MDAwMDAwMQ"
_ID = parameter("id", "query", "The code on the label, a URI, or a further name of it.",
                "4A6PBPM27KLPCLE740000001", required=False)  # fmt: skip
_SUBJECT = parameter(
    "subject",
    "path",
    f"base64url without padding of the battery's URI, here `{_URI}`. "
    "`GET /batteries?id=…` gives the path.",
    _SEGMENT,
)
_COMPLETENESS = parameter(
    "completeness",
    "query",
    "`audited` for the dossier at the newest checkpoint that auditors have cosigned.",
    "audited",
    required=False,
)
_FIND = """\
Takes what stands on the battery and gives its subject: the one URI under which its whole life is
recorded. Codes are taken in either case, GS1 identifiers as printed, scanned or as a Digital Link.

"""
_SHOW = """\
What the log says about the battery at this moment, decided from its entries by the rules of the
policy. For convenience: nothing here is proven. Whoever must rely on it takes the dossier.

Times are Unix seconds, operators are URIs."""
_DOSSIER = """\
One file from which anybody can check the battery's life offline, with `cellbook verify`: a
checkpoint, all of the battery's statements and those that they rest on, and a receipt for each.

Waits up to three seconds for a checkpoint that covers the battery's newest entry. After that it
gives the dossier at the published checkpoint.

With `completeness=audited` it is made at the newest checkpoint that an auditor of the log's policy
has cosigned. That one is older, and lacks what was registered since."""
_FOUND = {
    "subject": _URI,
    "links": {"battery": f"/batteries/{_SEGMENT}", "dossier": f"/batteries/{_SEGMENT}/dossier"},
}
_PLACE = {
    "locator": "FyjpB8rQ6_0sGqVGd7pY6dUyQKp3oNjWZxZcD1l1JXk",
    "index": 7,
    "occurred": 1767578400,
}
_BATTERY = {
    "subject": _URI,
    "status": "original",
    "physical": "made",
    "record": "active",
    "level": "pack",
    "maker": "https://maker.example",
    "possessor": "https://maker.example",
    "owner": "https://maker.example",
    "responsible": "https://maker.example",
    "parent": None,
    "waste": [],
    "predecessors": [],
    "made": _PLACE,
    "last": _PLACE,
    "install": None,
    "quarantine": None,
    "missing": None,
    "assessed": None,
    "released": [],
    "disputed": [],
    "entries": [
        {
            "index": 7,
            "locator": _PLACE["locator"],
            "kind": "manufacture",
            "issuer": "https://maker.example",
            "occurred_at": "2026-01-05T10:00:00+08:00",
            "log_time": 1767578461,
            "receipt": f"/entries/{_PLACE['locator']}",
            "statement": f"/entries/{_PLACE['locator']}/statement",
        }
    ],
    "links": _FOUND["links"],
}
