"""What anybody may copy: the log's keys, its newest checkpoint, and its tiles."""

from __future__ import annotations

import gzip
from asyncio import to_thread
from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.describing import binary, parameter, refusals, text
from api.refusals import QUERY
from ledger.log.ledger import NO_KEY, Ledger
from ledger.log.reading.published import NO_CHECKPOINT
from ledger.log.reading.tiles import NO_TILE
from ledger.tree.tiles import BAD_PATH
from ledger.wire import cbor
from ledger.wire.base64text import decode_base64url

CBOR = "application/cbor"
NOTE = "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"
_FOR_EVER = "public, max-age=31536000, immutable"
# It never changes either, but it is of no use once the tile is full.
_PARTIAL = "public, max-age=300"
_KEYS = "public, max-age=300"
_UNCACHED = {"Cache-Control": "no-cache"}
_BUNDLES = "tile/entries/"
_GZIP_LEVEL = 2
"""Statements differ in digests, which do not shrink; a higher level costs time for little."""


class Published:
    """``/.well-known/scitt-keys``, ``/checkpoint`` and ``/tile``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._newest = (0, b"")

    async def keys(self, request: Request) -> Response:
        """The keys for receipts, retired ones too: a COSE_KeySet (RFC 9052 section 7)."""
        keys = await to_thread(self._ledger.keys)
        data = cbor.encode([_with_kid(key.to_map(), key.kid) for key in keys])
        return Response(data, 200, {"Cache-Control": _KEYS}, CBOR)

    async def key(self, request: Request) -> Response:
        """One key for receipts: a COSE_Key."""
        try:
            kid = decode_base64url(request.path_params["kid"])
        except ValueError:
            raise NO_KEY.at("kid", "it is not unpadded base64url") from None
        key = await to_thread(self._ledger.key, kid)
        data = cbor.encode(_with_kid(key.to_map(), key.kid))
        return Response(data, 200, {"Cache-Control": _KEYS}, CBOR)

    async def checkpoint(self, request: Request) -> Response:
        """The published checkpoint. It never goes back: answers may be made in another order than
        they were read in, and a database may be restored while this process runs."""
        if "for" in request.query_params:
            return await self._candidate(request)
        note = await to_thread(self._ledger.checkpoint)
        # Of two notes of one size the longer has the lines of the other, and more.
        newest = max(self._newest, (int(note.split(b"\n", 2)[1]), note), key=_size_and_lines)
        self._newest = newest
        return Response(newest[1], 200, _UNCACHED, NOTE)

    async def _candidate(self, request: Request) -> Response:
        if request.query_params.getlist("for") != ["audit"]:
            raise QUERY.at("for", "it may be `audit`, once")
        return Response(await to_thread(self._ledger.candidate), 200, _UNCACHED, NOTE)

    async def tile(self, request: Request) -> Response:
        """A tile or an entry bundle."""
        path = "tile/" + request.path_params["path"]
        headers = {"Cache-Control": _PARTIAL if ".p/" in path else _FOR_EVER}
        if not path.startswith(_BUNDLES):
            return Response(await to_thread(self._ledger.tile, path), 200, headers, OCTETS)
        headers["Vary"] = "Accept-Encoding"
        if not _takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(await to_thread(self._ledger.tile, path), 200, headers, OCTETS)
        headers["Content-Encoding"] = "gzip"
        return Response(await to_thread(self._packed, path), 200, headers, OCTETS)

    def _packed(self, path: str) -> bytes:
        # No time in it: the same bundle is the same bytes from every process.
        return gzip.compress(self._ledger.tile(path), _GZIP_LEVEL, mtime=0)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, with their descriptions."""
        router.add_api_route(
            "/checkpoint",
            self.checkpoint,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch the published checkpoint",
            description=_CHECKPOINT,
            openapi_extra={"parameters": [_FOR]},
            responses={
                200: text(NOTE, "A C2SP signed note.", _NOTE_EXAMPLE),
                **refusals((QUERY, NO_CHECKPOINT)),
            },
        )
        router.add_api_route(
            "/tile/{path:path}",
            self.tile,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch a tile or an entry bundle",
            description=_TILE,
            openapi_extra={"parameters": [_PATH]},
            responses={
                200: binary((OCTETS,), "Hashes of 32 bytes each, or an entry bundle."),
                **refusals((BAD_PATH, NO_TILE)),
            },
        )
        router.add_api_route(
            "/.well-known/scitt-keys",
            self.keys,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch all keys for receipts",
            description=_KEYS_TEXT,
            responses={
                200: binary((CBOR,), "A COSE_KeySet (RFC 9052 section 7): a CBOR array."),
                **refusals(()),
            },
        )
        router.add_api_route(
            "/.well-known/scitt-keys/{kid}",
            self.key,
            methods=["GET"],
            tags=["Log"],
            summary="Fetch one key for receipts",
            description="The key whose kid stands in a receipt's protected header (label 4).",
            openapi_extra={"parameters": [_KID]},
            responses={200: binary((CBOR,), "A COSE_Key."), **refusals((NO_KEY,))},
        )


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip is named in an Accept-Encoding (RFC 9110 section 12.5.3), not with weight 0."""
    for item in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name in ("gzip", "x-gzip"):
            weights = [part[2:].strip() for part in parameters if part.startswith("q=")]
            return not weights or weights[0].strip("0.") != ""
    return False


def _size_and_lines(note: tuple[int, bytes]) -> tuple[int, int]:
    return note[0], len(note[1])


def _with_kid(key: Mapping[int, int | bytes], kid: bytes) -> dict[int, int | bytes]:
    return {**key, 2: kid}


_PATH = parameter(
    "path",
    "path",
    "`<L>/<N>[.p/<W>]` for hashes, `entries/<N>[.p/<W>]` for entries; N in groups of three digits, "
    "all but the last with an x before them (1234067 is `x001/x234/067`).",
    "0/000.p/3",
)
_FOR = parameter("for", "query", "`audit` for what auditors should audit.", "audit", required=False)
_KID = parameter(
    "kid",
    "path",
    "base64url without padding of the kid (RFC 9679 thumbprint, 32 bytes).",
    "wwLk2tpY1w4RyLDxVdvZ7R0aGb2xyyCaRd9zYbJEqEs",
)
_NOTE_EXAMPLE = """\
log.example/batteries
1042
jVB5yJOLdVHqvxRGcLtYDYCYYrL5BPzkgfFAMTbO5eM=

— log.example/batteries wXyzr2…
"""
_CHECKPOINT = """\
The published tree head: origin, tree size and root (C2SP tlog-checkpoint). There is a new one about
a second after something was registered; where the service has witnesses, once enough of them have
cosigned it, and it never goes back. Its last entry is the head that gives the log time.

With `for=audit` it is the one that auditors are asked to audit: it stays the same until they have
handed in their cosignatures."""
_TILE = """\
The published tree in pieces (C2SP tlog-tiles), 256 hashes wide. Full tiles never change and may be
kept for ever. A partial tile (`.p/<W>`) is served until that tile is full under the newest
checkpoint; where it is not found, take the full one. Entry bundles come with gzip where it is asked
for.

With `/checkpoint` this is all that is needed to copy and check the whole log."""
_KEYS_TEXT = """\
Keys with which receipts are verified, also those of the past. For verification in earnest take them
from the policies in a dossier, which the trust file vouches for, and not from here."""
