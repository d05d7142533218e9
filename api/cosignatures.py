"""``POST /checkpoint/cosignatures``: auditors, and late witnesses, hand in their lines."""

from __future__ import annotations

from asyncio import to_thread

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.bodies import Bodies
from api.describing import body, json_of, refusals
from api.refusals import BODY_SIZE, BODY_TIME, BUSY, MEDIA_TYPE
from ledger.log.ledger import Ledger
from ledger.log.publishing.lines import OTHER, STRANGERS, UNTIMELY
from ledger.wire.note import SIGNATURE

MOST = 64 << 10
"""Bytes of a note."""
_TEXT = ("text/plain",)


class TakenLines(msgspec.Struct, frozen=True):
    """How many lines were new."""

    new: int


class Cosignatures:
    """``/checkpoint/cosignatures``."""

    def __init__(self, ledger: Ledger, bodies: Bodies) -> None:
        self._ledger = ledger
        self._bodies = bodies

    async def take(self, request: Request) -> Response:
        """Take the cosigners' lines on a note."""
        async with self._bodies.read(request, MOST, _TEXT) as note:
            new = await to_thread(self._ledger.publishing.take, note)
        return Response(msgspec.json.encode(TakenLines(new)), 200, None, "application/json")

    def add_to(self, router: APIRouter) -> None:
        """Add the route, with its description."""
        router.add_api_route(
            "/checkpoint/cosignatures",
            self.take,
            methods=["POST"],
            tags=["Log"],
            summary="Hand in cosignatures on a checkpoint",
            description=_DESCRIPTION,
            openapi_extra=body(_TEXT, "A C2SP signed note: the checkpoint with the lines."),
            responses={
                200: json_of("TakenLines", "How many lines were new.", {"new": 1}),
                **refusals(
                    (MEDIA_TYPE, BODY_SIZE, BODY_TIME, BUSY, OTHER, STRANGERS, UNTIMELY, SIGNATURE),
                    {400: "`malformed.note.*`: the body is no note of a checkpoint."},
                ),
            },
        )


_DESCRIPTION = """\
Takes from anybody the lines of those cosigners whom the log's newest policy names as witnesses or
auditors, each verified, on a checkpoint that this log has signed. They are then on the note that
`GET /checkpoint` and dossiers show. Strangers' lines are left out. The same lines again change
nothing; of two by one key the later one stays."""
