"""Receipts of consistency: that a later checkpoint's tree begins with an earlier one's."""

from __future__ import annotations

from asyncio import to_thread

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.describing import binary, parameter, refusals
from api.refusals import QUERY
from api.signed_root import COSE, tree_size
from ledger.log.ledger import Ledger
from ledger.log.reading.published import NO_CHECKPOINT, NOT_OLDER

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class Consistency:
    """``/consistency/{size1}/{size2}``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def receipt(self, request: Request) -> Response:
        """That of the checkpoints of two sizes."""
        sizes = [tree_size(request.path_params[name]) for name in ("size1", "size2")]
        data = await to_thread(self._ledger.consistency, *sizes)
        return Response(data, 200, _FOR_EVER, COSE)

    def add_to(self, router: APIRouter) -> None:
        """Add the route, with its description."""
        router.add_api_route(
            "/consistency/{size1}/{size2}",
            self.receipt,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch a receipt of consistency",
            description=_TEXT,
            openapi_extra={"parameters": [_OLDER, _NEWER]},
            responses={
                200: binary((COSE,), "A receipt with a proof of type -2 (RFC 9942)."),
                **refusals((QUERY, NOT_OLDER, NO_CHECKPOINT)),
            },
        )


_OLDER = parameter("size1", "path", "The tree size of the checkpoint that you hold.", "986")
_NEWER = parameter("size2", "path", "The tree size of a later checkpoint.", "1042")
_TEXT = """\
The log's signature on the root of the later checkpoint's tree, and the proof that it begins with
the earlier one's. It never changes."""
