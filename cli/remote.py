"""The service of a ledger, as a client sees it: the only HTTP client of Cellbook.

Everything may be sent again: the same bytes are registered once. So what fails on the way, or finds
the service busy, is repeated after a pause, and only then an error. Answers have bounds, since a
service that misbehaves must not fill a client's memory. Nothing that is fetched here is verified;
that is what a dossier and a trust file are for.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import httpx

from api.sequence import byte_string
from cli.address import check_url, is_local
from cli.answers import (
    ANSWER,
    Answer,
    FoundPage,
    parse_problem,
    plain_text,
    read_answers,
    read_keys,
    read_page,
    read_subject,
)
from keys.cose_key import CoseKey
from keys.errors import BusyError, CellbookError, UnavailableError, declare
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import locator_to_id

UNREACHABLE = declare(
    "unavailable.service.unreachable",
    "The service cannot be reached.",
    "Check the address and the network, and that `cellbook serve` runs there; then try again.",
)
TOO_LARGE = declare(
    "unavailable.service.size",
    "The service answers with more than such an answer can be.",
    "Check the address; if it is right, report it to whoever runs the service.",
)

COSE, SEQUENCE, JSON = "application/cose", "application/cbor-seq", "application/json"
CONCISE = "application/concise-problem-details+cbor"

MAX_RECEIPT = 64 * 1024
MAX_STATEMENT = 256 * 1024
MAX_JSON = 16 << 20
MAX_DOSSIER = 64 << 20
_MAX_ANSWER = 16 * 1024
"""Bytes of the answer to one statement of a batch."""

_AGAIN = frozenset({429, 502, 503, 504})
_GONE = frozenset({404, 410})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0


class Batch(NamedTuple):
    """What became of statements: an answer for each, in order, and how many of them were
    registered before they were sent."""

    answers: list[Answer]
    duplicates: int


class Registered(NamedTuple):
    """Where a statement is, its receipt, and whether it was registered before it was sent."""

    location: str
    receipt: bytes
    duplicate: bool


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Remote:
    """The service at ``url``. ``attempts`` are made of every request, each of ``timeout`` seconds
    without a byte at most."""

    def __init__(self, url: str, *, attempts: int = 5, timeout: float = 30.0) -> None:
        """Raises ``usage.service.url``."""
        self.url = check_url(url)
        self._attempts = attempts
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            headers={"User-Agent": "cellbook", "Accept-Encoding": "identity"},
            # A proxy of the environment cannot reach this machine for us.
            trust_env=not is_local(self.url),
        )

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def register(self, statement: bytes) -> Registered:
        """Register one statement. Raises its refusal with the service's code, and
        ``unavailable.service.*``."""
        reply = self._send("POST", "/entries", MAX_RECEIPT, statement, COSE)
        location = plain_text(reply.headers.get("location"))
        duplicate = reply.headers.get("cellbook-duplicates") == "1"
        locator = location.rpartition("/")[2]
        if not location:
            raise ANSWER.at(f"{self.url}/entries", "no Location")
        receipt = self.receipt(locator) if reply.status == 202 else reply.body
        return Registered(self.url + "/entries/" + locator, receipt, duplicate)

    def submit(self, statements: Sequence[bytes]) -> Batch:
        """Register many statements in order; each gets a receipt or an error.

        Those that the service had no room for are sent again. Raises ``unavailable.service.*``,
        ``busy.*``, or what refuses the batch as a whole; then no answer is known.
        """
        batch = self._batch(statements)
        for attempt in range(self._attempts - 1):
            left = [n for n, answer in enumerate(batch.answers) if _is_passing(answer)]
            if not left:
                break
            time.sleep(_pause(attempt))
            again = self._batch([statements[n] for n in left])
            for n, answer in zip(left, again.answers, strict=True):
                batch.answers[n] = answer
            batch = Batch(batch.answers, batch.duplicates + again.duplicates)
        return batch

    def receipt(self, locator: str) -> bytes:
        """A fresh receipt for an entry."""
        return self._get(f"/entries/{_checked(locator)}", MAX_RECEIPT)

    def entry(self, locator: str) -> bytes:
        """The Transparent Statement of an entry."""
        return self._get(f"/entries/{_checked(locator)}/statement", MAX_STATEMENT)

    def find(self, identifier: str) -> str:
        """The subject of the battery that a code or a URI names. Raises ``missing.battery``."""
        body = self._send("GET", "/batteries", MAX_JSON, params={"id": identifier}).body
        return read_subject(body)

    def search(self, asked: Mapping[str, str]) -> FoundPage:
        """A page of what the service finds; ``asked`` has ``q``, and ``kind``, ``after``,
        ``limit`` where they are meant. Raises ``usage.search.*``."""
        return read_page(self._send("GET", "/batteries", MAX_JSON, params=asked).body)

    def dossier(self, subject: str, *, audited: bool = False) -> bytes:
        """The dossier of a battery, not verified."""
        path = f"/batteries/{encode_base64url(subject.encode())}/dossier"
        return self.fetch(path, MAX_DOSSIER, **({"completeness": "audited"} if audited else {}))

    def fetch(self, path: str, most: int, **params: str) -> bytes:
        """What is at ``path``, at most ``most`` bytes."""
        return self._send("GET", path, most, params=params).body

    def put(self, path: str, content: bytes, media_type: str, *, method: str = "PUT") -> None:
        """Put ``content`` at ``path``, or post it."""
        self._send(method, path, MAX_RECEIPT, content, media_type)

    def checkpoint(self) -> bytes:
        """The newest checkpoint, a signed note."""
        return self._get("/checkpoint", MAX_RECEIPT)

    def published(self, path: str, most: int) -> bytes | None:
        """A file of the published log, at most ``most`` bytes; None where there is none.

        Any web server may answer. Raises ``unavailable.service.*``.
        """
        url = f"{self.url}/{path}"
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip"}
        reply = self._exchange(self._client.build_request("GET", url, headers=headers), most)
        if reply.status in _GONE:
            return None
        if reply.status != 200:
            raise parse_problem(reply.body, url, reply.status)
        is_packed = reply.headers.get("content-encoding", "").strip().lower() == "gzip"
        return _unpacked(reply.body, most, url) if is_packed else reply.body

    def keys(self) -> list[CoseKey]:
        """The keys with which the log signs or signed receipts, by its own word."""
        return read_keys(self._get("/.well-known/scitt-keys", MAX_JSON))

    def is_ready(self) -> bool:
        """Whether the service answers and takes statements now."""
        try:
            self._get("/readyz", MAX_JSON)
        except UnavailableError:
            return False
        return True

    def _batch(self, statements: Sequence[bytes]) -> Batch:
        content = b"".join(map(byte_string, statements))
        reply = self._send("POST", "/batches", _MAX_ANSWER * len(statements), content, SEQUENCE)
        duplicates = reply.headers.get("cellbook-duplicates", "")
        known = int(duplicates) if duplicates.isdecimal() and len(duplicates) < 9 else 0
        return Batch(read_answers(reply.body, len(statements)), known)

    def _get(self, path: str, most: int) -> bytes:
        return self._send("GET", path, most).body

    def _send(
        self,
        method: str,
        path: str,
        most: int,
        content: bytes | None = None,
        media_type: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> _Reply:
        """The answer of success to a request. Raises the problem that the service states."""
        headers = {"Accept": f"{media_type or JSON}, {CONCISE}, */*;q=0.5"}
        if media_type is not None:
            headers["Content-Type"] = media_type
        request = self._client.build_request(
            method, self.url + path, content=content, headers=headers, params=params
        )
        reply = self._exchange(request, most)
        if not 200 <= reply.status < 300:
            raise parse_problem(reply.body, str(request.url), reply.status)
        return reply

    def _exchange(self, request: httpx.Request, most: int) -> _Reply:
        """The answer to a request, whatever its status; after some attempts, the last one."""
        for attempt in range(self._attempts):
            outcome = self._try(request, most)
            if isinstance(outcome, _Reply) and outcome.status not in _AGAIN:
                break
            if attempt < self._attempts - 1:
                time.sleep(_pause(attempt, outcome))
        if isinstance(outcome, CellbookError):
            raise outcome
        return outcome

    def _try(self, request: httpx.Request, most: int) -> _Reply | CellbookError:
        """One attempt: the answer, or why there is none and another attempt may get it."""
        try:
            response = self._client.send(request, stream=True)
            try:
                return _Reply(response.status_code, response.headers, _body(response, most))
            finally:
                response.close()
        except httpx.HTTPError as error:
            return UNREACHABLE.at(str(request.url), plain_text(str(error) or type(error).__name__))


def _checked(locator: str) -> str:
    """The locator, once it is one: nothing else goes into a path."""
    return encode_base64url(locator_to_id(locator))


def _is_passing(answer: Answer) -> bool:
    return isinstance(answer, BusyError | UnavailableError)


def _pause(attempt: int, outcome: _Reply | CellbookError | None = None) -> float:
    """Seconds before the next attempt: what the service asks for, or twice as long each time."""
    if isinstance(outcome, _Reply):
        asked = outcome.headers.get("retry-after", "")
        if asked.isdecimal() and asked.isascii():
            return min(float(int(asked[:9])), _LONGEST_PAUSE)
    # Clients that were refused together must not come back together.
    pause = min(_FIRST_PAUSE * float(1 << attempt), _LONGEST_PAUSE)
    return pause * random.uniform(0.5, 1.0)  # noqa: S311


def _unpacked(data: bytes, most: int, url: str) -> bytes:
    """What was sent with gzip: never more of it than ``most`` bytes are made."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(data, most + 1)
    except zlib.error as error:
        raise ANSWER.at(url, f"no gzip: {error}") from None
    if len(found) > most:
        raise TOO_LARGE.at(url, f"more than {most} bytes")
    if not unpacking.eof:
        raise ANSWER.at(url, "gzip that is cut off")
    return found


def _body(response: httpx.Response, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > most:
            raise TOO_LARGE.at(str(response.url), f"more than {most} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
