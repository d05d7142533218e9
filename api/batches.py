"""Many statements in one request."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.bodies import Bodies
from api.describing import binary, body, refusals
from api.entries import DUPLICATES
from api.intake import Intake
from api.problems import concise
from api.refusals import BATCH_COUNT, BODY_SIZE, BODY_TIME, BUSY, MEDIA_TYPE
from api.sequence import SEQUENCE, byte_string, read_sequence
from ledger.log import sequencer
from ledger.log.outcome import Outcome
from ledger.wire.base64text import encode_base64url

SEQUENCE_TYPE = "application/cbor-seq"


class Batches:
    """``/batches``, for bodies of at most ``most`` bytes and ``count`` statements."""

    def __init__(self, intake: Intake, bodies: Bodies, most: int, count: int) -> None:
        self._intake = intake
        self._bodies = bodies
        self._most = most
        self._count = count

    async def register(self, request: Request) -> Response:
        """Register the statements in the body, in order."""
        async with self._bodies.read(request, self._most, (SEQUENCE_TYPE,)) as data:
            items, error = read_sequence(data, self._count)
            if len(items) > self._count:
                raise BATCH_COUNT.at("body", f"at most {self._count} statements are taken")
            outcomes = await self._intake.many(items)
            answers = [_answer(outcome) for outcome in outcomes]
        if error is not None:
            answers.append(concise(error))
        headers = {
            DUPLICATES: str(sum(outcome.duplicate for outcome in outcomes)),
            "Cache-Control": "no-store",
        }
        return Response(b"".join(answers), 200, headers, SEQUENCE_TYPE)

    def add_to(self, router: APIRouter) -> None:
        """Add the route, with its description."""
        count = "How many of the statements were registered before this request."
        router.add_api_route(
            "/batches",
            self.register,
            methods=["POST"],
            tags=["Statements"],
            summary="Register many Signed Statements",
            description=_REGISTER.format(count=self._count, most=self._most >> 20),
            openapi_extra=body((SEQUENCE_TYPE,), _BODY),
            responses={
                200: binary((SEQUENCE_TYPE,), _ANSWER, Cellbook_Duplicates=count),
                **refusals(_REFUSED, {400: _WHOLE}),
            },
        )


def _answer(outcome: Outcome) -> bytes:
    """The item of the answer that says what became of one statement."""
    if outcome.receipt is not None:
        return byte_string(outcome.receipt)
    if outcome.error is None:
        raise AssertionError("an outcome says what became of a statement")
    location = None if outcome.entry_id is None else encode_base64url(outcome.entry_id)
    return concise(outcome.error, location)


_REFUSED = (MEDIA_TYPE, BODY_SIZE, BODY_TIME, BATCH_COUNT, BUSY, sequencer.BUSY)
_BODY = """\
A CBOR sequence (RFC 8742) of byte strings, each with one Signed Statement as `POST /entries` takes
it. Definite lengths in shortest form only."""
_REGISTER = """\
Registers statements in the order in which they stand, at most {count} of them and {most} MiB. Each
is decided by itself, after those before it: one that is refused changes nothing and leaves the rest
alone. A statement may stand on an earlier one of the same batch, such as an operator's registration
and then its first event.

Like `POST /entries`, this may be repeated: what is registered already gets a valid receipt and is
counted in `Cellbook-Duplicates`.

In Python:

    body = b"".join(cbor2.dumps(statement) for statement in statements)"""
_ANSWER = """\
A CBOR sequence with one item for each statement, in the same order:

- a **byte string** is the Receipt: the statement is registered and durable. Its path is
  `/entries/<base64url(SHA-256(leaf bytes))>`, where the leaf bytes are the statement with an empty
  unprotected header, as it stands in the log;
- a **map** is a concise problem (as in the refusals of `POST /entries`, with their `code` and
  `status`). It carries `location` if the statement, or one of the same content, is registered.

An item that is no byte string ends the batch: one last problem, `malformed.sequence`, stands for
all that follows, and its `where` names the byte. What stands before it is registered and answered.
The same holds, with `busy.queue` or `unavailable.*` for each of the remaining statements, when the
service can take no more in the middle of a batch: send those again."""
_WHOLE = f"""\
The request is refused as a whole. What is wrong with single statements, and `{SEQUENCE.code}`, is
answered with 200, item by item."""
