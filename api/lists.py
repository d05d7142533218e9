"""Public lists: shown, their rows taken and given, and who was on them on a day, proved."""

from __future__ import annotations

from asyncio import to_thread

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.bodies import Bodies
from api.describing import binary, body, json_of, parameter, refusals
from api.list_views import list_document, rows_path, schemes_document
from api.refusals import BODY_SIZE, BODY_TIME, BUSY, MEDIA_TYPE, QUERY
from ledger.custody.lists.rows import LEAF, ROOT
from ledger.custody.lists.schemes import SCHEME
from ledger.custody.values.times import DATE
from ledger.log.ledger import Ledger
from ledger.log.reading.lists import NO_LIST, NO_ROWS, NO_SNAPSHOT
from ledger.log.reading.published import NO_CHECKPOINT
from ledger.wire.base64text import decode_base64url

LIST = "application/vnd.cellbook.list+cbor"
PARTICIPATION = "application/vnd.cellbook.participation+cbor"
JSON = "application/json"
_FRESH = {"Cache-Control": "no-cache"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_LONGEST = 512


class Lists:
    """``/lists``. Rows are at most ``most`` bytes."""

    def __init__(self, ledger: Ledger, bodies: Bodies, most: int) -> None:
        self._lists = ledger.lists
        self._bodies = bodies
        self._most = most

    async def all(self, request: Request) -> Response:
        """The schemes of which there is a snapshot."""
        schemes = await to_thread(self._lists.schemes)
        return Response(msgspec.json.encode(schemes_document(schemes)), 200, _FRESH, JSON)

    async def show(self, request: Request) -> Response:
        """A scheme with its snapshots."""
        view = await to_thread(self._lists.view, request.path_params["scheme"])
        return Response(msgspec.json.encode(list_document(view)), 200, _FRESH, JSON)

    async def rows(self, request: Request) -> Response:
        """The rows of a snapshot's list."""
        data = await to_thread(self._lists.rows, request.path_params["scheme"], _root(request))
        return Response(data, 200, _FOR_EVER, LIST)

    async def put_rows(self, request: Request) -> Response:
        """Take the rows of a snapshot's list."""
        scheme, root = request.path_params["scheme"], _root(request)
        async with self._bodies.read(request, self._most, (LIST,)) as data:
            await to_thread(self._lists.put_rows, scheme, root, data)
        return Response(status_code=204, headers={"Location": rows_path(scheme, root)})

    async def participation(self, request: Request) -> Response:
        """What the lists of a scheme say of somebody on a day, proved."""
        scheme = request.path_params["scheme"]
        identifier, day = (_parameter(request, name) for name in ("identifier", "day"))
        data = await to_thread(self._lists.participation, scheme, identifier, day)
        disposition = f'attachment; filename="{day}.participation"'
        headers = {**_FRESH, "Content-Disposition": disposition}
        return Response(data, 200, headers, PARTICIPATION)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        self._add_views(router)
        self._add_rows(router)

    def _add_views(self, router: APIRouter) -> None:
        router.add_api_route(
            "/lists",
            self.all,
            methods=["GET"],
            tags=["Lists"],
            summary="Show all lists",
            description="The schemes of which a publisher has stated a list.",
            responses={
                200: json_of("SchemesDocument", "The schemes.", _SCHEMES),
                **refusals(()),
            },
        )
        router.add_api_route(
            "/lists/{scheme}",
            self.show,
            methods=["GET"],
            tags=["Lists"],
            summary="Show a list and its snapshots",
            description=_SHOW,
            openapi_extra={"parameters": [_SCHEME]},
            responses={
                200: json_of("ListDocument", "The snapshots, in log order.", _LIST),
                **refusals((SCHEME, NO_LIST)),
            },
        )
        router.add_api_route(
            "/lists/{scheme}/participation",
            self.participation,
            methods=["GET"],
            tags=["Lists"],
            summary="Prove who was listed on a day",
            description=_PARTICIPATION,
            openapi_extra={"parameters": [_SCHEME, _IDENTIFIER, _DAY]},
            responses={
                200: binary(
                    (PARTICIPATION,),
                    "The participation file: CBOR.",
                    Content_Disposition="A name for the file.",
                ),
                **refusals((SCHEME, QUERY, LEAF, DATE, NO_LIST, NO_ROWS, NO_CHECKPOINT)),
            },
        )

    def _add_rows(self, router: APIRouter) -> None:
        router.add_api_route(
            "/lists/{scheme}/rows/{root}",
            self.rows,
            methods=["GET"],
            tags=["Lists"],
            summary="Fetch the rows of a list",
            description=_ROWS,
            openapi_extra={"parameters": [_SCHEME, _ROOT]},
            responses={
                200: binary((LIST,), "A list document: CBOR."),
                **refusals((SCHEME, QUERY, NO_LIST, NO_SNAPSHOT, NO_ROWS)),
            },
        )
        router.add_api_route(
            "/lists/{scheme}/rows/{root}",
            self.put_rows,
            methods=["PUT"],
            tags=["Lists"],
            status_code=204,
            summary="Hand in the rows of a list",
            description=_PUT,
            openapi_extra={
                "parameters": [_SCHEME, _ROOT],
                **body((LIST,), "The list document, as `cellbook list import` writes it."),
            },
            responses={
                204: {"description": "The rows are kept."},
                **refusals(_PUT_REFUSED, {400: "`malformed.list.*`: the rows are not a list."}),
            },
        )


def _root(request: Request) -> bytes:
    """The root in the path. Raises ``usage.http.query``."""
    try:
        root = decode_base64url(request.path_params["root"])
    except ValueError as error:
        raise QUERY.at("root", str(error)[:80]) from None
    if len(root) != 32:
        raise QUERY.at("root", f"{len(root)} bytes")
    return root


def _parameter(request: Request, name: str) -> str:
    values = request.query_params.getlist(name)
    if len(values) != 1 or not 0 < len(values[0]) <= _LONGEST:
        raise QUERY.at(name, f"give it once, with 1 to {_LONGEST} characters")
    return values[0]


_PUT_REFUSED = (
    SCHEME, QUERY, MEDIA_TYPE, BODY_SIZE, BODY_TIME, BUSY, ROOT, NO_LIST, NO_SNAPSHOT
)  # fmt: skip
_NAME = "cn-miit-whitelist"
_ROOT_TEXT = "FyjpB8rQ6_0sGqVGd7pY6dUyQKp3oNjWZxZcD1l1JXk"
_SCHEME = parameter("scheme", "path", "The name of the scheme.", _NAME)
_ROOT = parameter(
    "root", "path", "The Merkle root of the list, base64url without padding.", _ROOT_TEXT
)
_IDENTIFIER = parameter(
    "identifier", "query", "Under which the list would name it: a USCC.", "91440300MA5FKPKM15"
)
_DAY = parameter("day", "query", "A day in the scheme's time zone.", "2026-07-30")
_SHOW = """\
A snapshot is a list as a publisher copied it, from the day `effective` on until the next snapshot
of the same publisher. Publishers are named by the log's policy. They copy: whose list it is does
not sign."""
_ROWS = """\
All rows of the list whose Merkle root a snapshot states, as a CBOR map with the leaves of the tree:
`[identifier, [row, …]]`, ascending."""
_PUT = """\
Takes the rows from anybody, once a registered snapshot states their root: they are the publisher's
rows or they are refused. The same rows again change nothing."""
_PARTICIPATION = """\
One file that shows, offline and with `cellbook list verify`, what the lists of the scheme say of an
identifier on a day: that it is there, with which rows, or that it is not. Twice for each publisher:
by what the log had by the end of that day, and by what it has now."""
_SCHEMES = {"lists": [{"scheme": _NAME, "list": f"/lists/{_NAME}"}]}
_LIST = {
    "scheme": _NAME,
    "utc_offset_min": 480,
    "snapshots": [
        {
            "index": 12,
            "locator": _ROOT_TEXT,
            "publisher": "urn:cellbook:authority:publisher",
            "announcement": "20/2026",
            "effective": "2026-07-30",
            "log_time": 1785400000,
            "identifiers": 56,
            "rows": 61,
            "root": _ROOT_TEXT,
            "source_sha256": "00" * 32,
            "rows_path": f"/lists/{_NAME}/rows/{_ROOT_TEXT}",
            "receipt": f"/entries/{_ROOT_TEXT}",
        }
    ],
}
