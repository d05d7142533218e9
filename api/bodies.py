"""Request bodies: of the right type, and never larger than what the service has room for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from api.refusals import BODY_SIZE, BODY_TIME, BUSY, MEDIA_TYPE


class Bodies:
    """Reads bodies. All that are held at once share ``total`` bytes; each has ``seconds``."""

    def __init__(self, total: int, seconds: float) -> None:
        self._left = total
        self._seconds = seconds

    @asynccontextmanager
    async def read(
        self, request: Request, most: int, media_types: tuple[str, ...]
    ) -> AsyncIterator[bytes]:
        """The body of ``request``, held until the block ends.

        Raises ``usage.http.media-type``, ``usage.http.body-size``, ``usage.http.body-time`` and
        ``busy.requests``. A body that is too large is not read to its end.
        """
        _check_type(request, media_types)
        # A body of unknown length is counted as the largest one that it may become.
        size = _declared(request, most)
        if size > self._left:
            raise BUSY.at("body")
        self._left -= size
        try:
            yield await self._receive(request, most)
        finally:
            self._left += size

    async def _receive(self, request: Request, most: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        raise BODY_SIZE.at("body", f"at most {most} bytes are taken")
                    chunks.append(chunk)
        except TimeoutError:
            raise BODY_TIME.at("body", f"{size} bytes in {self._seconds:g} s") from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _check_type(request: Request, media_types: tuple[str, ...]) -> None:
    headers = request.headers
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in media_types:
        raise MEDIA_TYPE.at("Content-Type", f"this resource takes {' or '.join(media_types)}")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise MEDIA_TYPE.at("Content-Encoding", "no encoding is taken")


def _declared(request: Request, most: int) -> int:
    text = request.headers.get("content-length", "")
    if not text.isascii() or not text.isdigit():
        return most
    if len(text) > 12 or int(text) > most:
        raise BODY_SIZE.at("Content-Length", f"at most {most} bytes are taken")
    return int(text)
