"""For those who watch the service: is the process alive, can it register."""

from __future__ import annotations

from asyncio import to_thread

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.describing import refusals, text
from ledger.log.ledger import Ledger

_UNCACHED = {"Cache-Control": "no-store"}
_TEXT = "text/plain; charset=utf-8"


class Health:
    """``/healthz`` and ``/readyz``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def alive(self, request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n", headers=_UNCACHED)

    async def ready(self, request: Request) -> Response:
        """Statements can be registered now."""
        await to_thread(self._ledger.ready)
        return PlainTextResponse("ready\n", headers=_UNCACHED)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/healthz",
            self.alive,
            methods=["GET"],
            tags=["Health"],
            summary="Is the process alive?",
            description="Touches no database. If it does not answer, start the service again.",
            responses={200: text(_TEXT, "It is.", "ok\n")},
        )
        router.add_api_route(
            "/readyz",
            self.ready,
            methods=["GET"],
            tags=["Health"],
            summary="Can statements be registered?",
            description="Takes the database's write lock for a moment. If it refuses, send"
            " requests to another service of this log, and read this one's log.",
            responses={200: text(_TEXT, "They can.", "ready\n"), **refusals(())},
        )
