"""A client that costs little: requests made beforehand, sent over kept connections."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec


class Traffic(msgspec.Struct, frozen=True):
    """What a load took: seconds, and seconds of this process's CPU."""

    seconds: float
    cpu_seconds: float
    sent_bytes: int
    received_bytes: int


def request(path: str, media_type: str, body: bytes) -> bytes:
    """One POST request as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send(url: str, requests: Sequence[bytes], connections: int, status: bytes) -> Traffic:
    """Send all ``requests``, each answered before the next on its connection.

    Every answer must have ``status``, such as ``b"201"``.
    """
    return asyncio.run(_send(url, requests, connections, status))


async def _send(url: str, requests: Sequence[bytes], connections: int, status: bytes) -> Traffic:
    waiting = deque(requests)
    place = urlsplit(url)
    lines = [await asyncio.open_connection(place.hostname, place.port) for _ in range(connections)]
    begun, cpu = time.perf_counter(), time.process_time()
    received = await asyncio.gather(
        *(_talk(reader, writer, waiting, status) for reader, writer in lines)
    )
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
    for _, writer in lines:
        writer.close()
    return Traffic(seconds, cpu_seconds, sum(map(len, requests)), sum(received))


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: deque[bytes],
    status: bytes,
) -> int:
    received = 0
    while waiting:
        writer.write(waiting.popleft())
        head = await reader.readuntil(b"\r\n\r\n")
        if head.split(b" ", 2)[1] != status:
            raise RuntimeError(head.decode())
        length = head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
        body = await reader.readexactly(int(length))
        if b"urn:cellbook:problem" in body:
            raise RuntimeError("a statement was refused")
        received += len(head) + len(body)
    return received
