"""Routes that FastAPI documents and Starlette serves.

A handler takes the request and gives the response. FastAPI's own way from one to the other
(dependencies, validation, serialization) costs a third of a small request's time, and nothing here
needs it: bodies are CBOR, and what is in them is checked by the ledger.
"""

from __future__ import annotations

from typing import Any

from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Match, request_response
from starlette.types import Receive, Scope, Send


class DirectRoute(APIRoute):
    """An APIRoute whose endpoint is ``async (Request) -> Response``. Answers HEAD where it
    answers GET; the server leaves the body out."""

    def __init__(self, path: str, endpoint: Any, **documentation: Any) -> None:
        # Otherwise every answer would be described as JSON, too.
        super().__init__(path, endpoint, **{**documentation, "response_class": Response})
        self.app = request_response(endpoint)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match == Match.PARTIAL and self._is_head(scope):
            match = Match.FULL
        return match, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_head(scope):
            await self.app(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def _is_head(self, scope: Scope) -> bool:
        return scope.get("method") == "HEAD" and "GET" in (self.methods or ())
