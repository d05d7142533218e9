"""For those who watch the service: is the process alive, can it register, are witnesses late."""

from __future__ import annotations

from asyncio import to_thread
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.describing import Described, refusals, text
from api.problems import wants_json
from ledger.custody.values.times import format_moment
from ledger.log.ledger import Ledger

_UNCACHED = {"Cache-Control": "no-store", "Vary": "Accept"}
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"


class Health:
    """``/healthz`` and ``/readyz``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def alive(self, request: Request) -> Response:
        """The process answers."""
        return self._said(request, "ok")

    async def ready(self, request: Request) -> Response:
        """Statements can be registered now."""
        await to_thread(self._ledger.ready)
        return self._said(request, "ready")

    def _said(self, request: Request, status: str) -> Response:
        """Late witnesses are said and refuse nothing: registration goes on without them."""
        delayed = self._ledger.delayed
        if not wants_json(request.headers.get("accept", "")):
            lines = [status] if delayed is None else [status, str(delayed)]
            return PlainTextResponse("".join(f"{line}\n" for line in lines), headers=_UNCACHED)
        facts: dict[str, Any] = {"status": status, "witnessed_checkpoint": None}
        if missing := self._ledger.missing_witnesses:
            facts["missing_witnesses"] = missing
        if delayed is not None:
            facts["witnessed_checkpoint"] = {
                "delayed_since": format_moment(delayed.since, 0),
                "by": delayed.by,
            }
        return Response(msgspec.json.encode(facts), 200, _UNCACHED, _JSON)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/healthz",
            self.alive,
            methods=["GET"],
            tags=["Health"],
            summary="Is the process alive?",
            description="Touches no database. If it does not answer, start the service again.\n\n"
            + _DELAYED,
            responses={200: _answer("It is.", "ok")},
        )
        router.add_api_route(
            "/readyz",
            self.ready,
            methods=["GET"],
            tags=["Health"],
            summary="Can statements be registered?",
            description="Takes the database's write lock for a moment. If it refuses, send"
            " requests to another service of this log, and read this one's log.\n\n" + _DELAYED,
            responses={200: _answer("They can.", "ready"), **refusals(())},
        )


def _answer(description: str, status: str) -> Described:
    answer = text(_TEXT, description, f"{status}\n")
    example = {
        "status": status,
        "witnessed_checkpoint": {
            "delayed_since": "2026-11-25T13:00:00+00:00",
            "by": {"north": "unavailable.witness.unreachable"},
        },
        "missing_witnesses": {"north": "unavailable.witness.unreachable"},
    }
    answer["content"][_JSON] = {"schema": {"type": "object"}, "example": example}
    return answer


_DELAYED = """\
Where the newest checkpoint waits for witnesses, a second line says since when, and which of them
gave no cosignature; with `Accept: application/json` it is a JSON object, where
`missing_witnesses` names those who gave none though enough others may have. Registration goes
on."""
