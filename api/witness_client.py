"""The service's way to witnesses: an HTTP client.

What comes back is bounded in size and time, and redirects are not followed: an answer comes from
the address that the ledger's folder names, or not at all.
"""

from __future__ import annotations

import time

import httpx

from keys.errors import declare
from ledger.log.publishing_witness import MAX_ANSWER, Answer

UNREACHABLE = declare(
    "unavailable.witness.unreachable",
    "A witness cannot be reached.",
    "Check the address and the network between; the service goes on, and asks again.",
)

SECONDS = 5.0
"""From the beginning of a request to the last byte of its answer."""
_CONNECTIONS = 64


class WitnessClient:
    """Requests of at most ``seconds`` each. For any number of threads."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._client = httpx.Client(
            timeout=httpx.Timeout(seconds),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            headers={"User-Agent": "cellbook", "Accept-Encoding": "identity"},
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, url: str, body: bytes) -> Answer:
        """``POST /add-checkpoint`` to the witness at ``url``. Raises
        ``unavailable.witness.unreachable``."""
        url = url.rstrip("/") + "/add-checkpoint"
        until = time.monotonic() + self._seconds
        try:
            request = self._client.build_request("POST", url, content=body)
            response = self._client.send(request, stream=True)
            try:
                data = _read(response, until)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UNREACHABLE.at(url, str(error) or type(error).__name__) from error
        return Answer(response.status_code, response.headers.get("content-type", ""), data)


def _read(response: httpx.Response, until: float) -> bytes:
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > MAX_ANSWER:
            raise UNREACHABLE.at(str(response.url), f"more than {MAX_ANSWER} bytes")
        if time.monotonic() > until:
            raise UNREACHABLE.at(str(response.url), "it takes too long")
    return bytes(data)
