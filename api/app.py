"""The HTTP service of one ledger: SCRAPI (draft 11), and what Cellbook serves beside it.

There is no login. Whoever may register a statement is known by the signature on it, and what is in
the log is for everybody who reaches the service; put a proxy in front of it where that must be
narrower, and for TLS. What a stranger can make the service do is bounded: the size of bodies, the
statements in a batch, the memory for all bodies at once, and the statements that wait.
"""

from __future__ import annotations

import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.batches import Batches
from api.batteries import Batteries
from api.bodies import Bodies
from api.consistency import Consistency
from api.cosignatures import Cosignatures, TakenLines
from api.describing import PROBLEM_SCHEMAS
from api.entries import Entries
from api.health import Health
from api.intake import Intake
from api.list_views import ListDocument, SchemesDocument
from api.lists import Lists
from api.operator_views import OperatorDocument
from api.operators import Operators
from api.problems import HANDLERS
from api.published import Published
from api.routing import DirectRoute
from api.signed_root import SignedRoots
from api.views import BatteryDocument, FoundBattery, SearchDocument
from ledger.log.ledger import Ledger


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one process. Sizes are in bytes."""

    statement_bytes: int = 1 << 20
    batch_bytes: int = 32 << 20
    batch_count: int = 4096
    bodies_bytes: int = 256 << 20
    body_seconds: float = 60.0
    list_bytes: int = 16 << 20
    verifiers: int = max(2, os.cpu_count() or 1)


def create_app(ledger: Ledger, settings: Settings | None = None) -> FastAPI:
    """The application of ``ledger``, which it starts and, at its end, closes."""
    settings = settings or Settings()
    threads = ThreadPoolExecutor(settings.verifiers, "cellbook-verifier")
    app = FastAPI(
        title="Cellbook",
        version=version("cellbook"),
        summary="A chain-of-custody ledger for batteries.",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=_TAGS,
        # The framework's pages for a person load scripts from elsewhere; the document is enough.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(ledger, threads),
        exception_handlers=dict(HANDLERS),
    )
    _add_routes(app, ledger, settings, Intake(ledger, threads))
    app.openapi = _document(app)  # type: ignore[method-assign]
    return app


def _add_routes(app: FastAPI, ledger: Ledger, settings: Settings, intake: Intake) -> None:
    router = app.router
    router.route_class = DirectRoute
    bodies = Bodies(settings.bodies_bytes, settings.body_seconds)
    Entries(ledger, intake, bodies, settings.statement_bytes).add_to(router)
    Batches(intake, bodies, settings.batch_bytes, settings.batch_count).add_to(router)
    Published(ledger).add_to(router)
    SignedRoots(ledger).add_to(router)
    Consistency(ledger).add_to(router)
    Cosignatures(ledger, bodies).add_to(router)
    Batteries(ledger).add_to(router)
    Lists(ledger, bodies, settings.list_bytes).add_to(router)
    Operators(ledger).add_to(router)
    Health(ledger).add_to(router)


def _lifespan(
    ledger: Ledger, threads: ThreadPoolExecutor
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ledger.start()
        try:
            yield
        finally:
            await to_thread(ledger.close)
            threads.shutdown()

    return lifespan


def _document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """FastAPI's OpenAPI document with the schemas of our bodies, made at first use."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                license_info=app.license_info,
                tags=app.openapi_tags,
                routes=app.routes,
            )
            _, schemas = msgspec.json.schema_components(
                [
                    FoundBattery,
                    SearchDocument,
                    BatteryDocument,
                    SchemesDocument,
                    ListDocument,
                    OperatorDocument,
                    TakenLines,
                ],
                ref_template="#/components/schemas/{name}",
            )
            document["components"] = {"schemas": {**PROBLEM_SCHEMAS, **schemas}}
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


_TAGS = [
    {
        "name": "Statements",
        "description": "Register Signed Statements and fetch what proves it (SCRAPI).",
    },
    {"name": "Batteries", "description": "Find a battery, look at it, take its dossier."},
    {
        "name": "Lists",
        "description": "Public lists: their snapshots, their rows, and who was on them on a day.",
    },
    {
        "name": "Operators",
        "description": "What is known of an operator, and the file that proves its registration.",
    },
    {
        "name": "Log",
        "description": "Keys, checkpoint and tiles: all that is needed to check it.",
    },
    {"name": "Health", "description": "For load balancers and supervisors."},
]
_DESCRIPTION = """\
Every event in a battery's life is a **Signed Statement**: a COSE_Sign1 message that its operator
has signed. This service checks statements, appends them to a Merkle log that only grows, and gives
**Receipts**. A **dossier** holds all that concerns one battery and is verified offline, with no
trust in this service.

It speaks SCRAPI (draft-ietf-scitt-scrapi-11) under `/entries` and `/.well-known/scitt-keys`, and
C2SP tlog-tiles under `/checkpoint` and `/tile`.

**No login.** Statements are signed, and all else is public to whoever reaches the service.

**Errors** are concise problem details in CBOR (RFC 9290); send `Accept: application/problem+json`
(or `application/json`) for JSON (RFC 9457). Both have a `code` that never changes its meaning, such
as `rejected.ORD-4`, and a `remedy`. Busy answers (429, 503) say in `Retry-After` when to come back.
All requests may be repeated: registering the same bytes twice registers them once.

**To begin:** sign an event with `cellbook event`, register it with `POST /entries`, look at the
battery with `GET /batteries?id=CODE`, take its dossier, and check it with `cellbook verify`."""
