"""The signed root of a checkpoint: what receipts are made from when the service is gone."""

from __future__ import annotations

from asyncio import to_thread

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.describing import binary, parameter, refusals
from api.refusals import QUERY
from ledger.log.ledger import Ledger
from ledger.log.reading.published import NO_CHECKPOINT

COSE = "application/cose"
_FRESH = {"Cache-Control": "no-cache"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_MOST_DIGITS = 18


class SignedRoots:
    """``/signed-root``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def newest(self, request: Request) -> Response:
        """That of the newest checkpoint."""
        return Response(await to_thread(self._ledger.signed_root), 200, _FRESH, COSE)

    async def of_size(self, request: Request) -> Response:
        """That of the checkpoint of one size."""
        data = await to_thread(self._ledger.signed_root, tree_size(request.path_params["size"]))
        return Response(data, 200, _FOR_EVER, COSE)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/signed-root",
            self.newest,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch the signed root of the newest checkpoint",
            description=_TEXT,
            responses={200: binary((COSE,), _ANSWER), **refusals((NO_CHECKPOINT,))},
        )
        router.add_api_route(
            "/signed-root/{size}",
            self.of_size,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch the signed root of one checkpoint",
            description="The same for the checkpoint of this tree size. It never changes.",
            openapi_extra={"parameters": [_SIZE]},
            responses={200: binary((COSE,), _ANSWER), **refusals((QUERY, NO_CHECKPOINT))},
        )


def tree_size(text: str) -> int:
    """The tree size in a path, in its one form. Raises ``usage.http.query``."""
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise QUERY.at("size", "no tree size")
    if text != str(int(text)):
        raise QUERY.at("size", "it begins with a zero")
    return int(text)


_SIZE = parameter("size", "path", "The tree size of a checkpoint.", "1042")
_ANSWER = "A COSE_Sign1 message without payload: the header and the signature of receipts."
_TEXT = """\
What all receipts of the checkpoint's tree have in common: protected header and signature. Who has
the tiles makes the receipt of any entry from it, the same as the log's own. `cellbook mirror` keeps
it, so that dossiers can be made when the service is gone for good."""
