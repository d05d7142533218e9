"""The service's way to witnesses: an HTTP client.

What comes back is bounded in size and time, and redirects are not followed: an answer comes from
the address that the ledger's folder names, or not at all. The time is that of the whole request:
a witness that sends a byte now and then, headers included, holds no thread.

One address is asked one request after the other. A witness with two keys, such as Ed25519 and
ML-DSA-44, has one address and two lines in the policy, and does not take two requests about one
log at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from concurrent.futures import CancelledError

import httpx

from keys.errors import declare
from ledger.log.publishing.witness import MAX_ANSWER, Answer

UNREACHABLE = declare(
    "unavailable.witness.unreachable",
    "A witness cannot be reached.",
    "Check the address and the network between; the service goes on, and asks again.",
)

SECONDS = 5.0
"""From the beginning of a request, or of the wait for its turn, to the last byte of its answer."""
_CONNECTIONS = 64


class WitnessClient:
    """Requests of at most ``seconds`` each, made by a thread of its own. For any number of threads,
    until it is closed."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(seconds),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            headers={"User-Agent": "cellbook", "Accept-Encoding": "identity"},
            follow_redirects=False,
        )
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="cellbook-witness-client", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Give up what is under way, and close the connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def ask(self, url: str, body: bytes) -> Answer:
        """``POST /add-checkpoint`` to the witness at ``url``. Raises
        ``unavailable.witness.unreachable``."""
        url = url.rstrip("/") + "/add-checkpoint"
        if self._loop.is_closed():
            raise UNREACHABLE.at(url, "the service stops")
        try:
            return asyncio.run_coroutine_threadsafe(self._ask(url, body), self._loop).result()
        except TimeoutError as error:
            raise UNREACHABLE.at(url, f"no whole answer in {self._seconds:g} s") from error
        except CancelledError as error:
            raise UNREACHABLE.at(url, "the service stops") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UNREACHABLE.at(url, str(error) or type(error).__name__) from error

    async def _ask(self, url: str, body: bytes) -> Answer:
        async with (
            asyncio.timeout(self._seconds),
            self._turns[url],
            self._client.stream("POST", url, content=body) as response,
        ):
            data = await _read(response)
            return Answer(response.status_code, response.headers.get("content-type", ""), data)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()


async def _read(response: httpx.Response) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk
        if len(data) > MAX_ANSWER:
            raise UNREACHABLE.at(str(response.url), f"more than {MAX_ANSWER} bytes")
    return bytes(data)
