"""What a web server can answer instead of a file: endless, packed, cut off, not at all."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cli.log_source import RemoteSource
from cli.remote import Remote
from keys.errors import CellbookError

MOST = 1_000_000
PIECE = bytes(1 << 16)

Answer = Callable[[BaseHTTPRequestHandler], None]


def plain(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"a tile")


def packed(handler: BaseHTTPRequestHandler) -> None:
    assert "gzip" in handler.headers["Accept-Encoding"]
    answer(handler, gzip.compress(b"a bundle"), encoding="gzip")


def packed_zeros(handler: BaseHTTPRequestHandler) -> None:
    """Far less than is allowed, and far more once it is unpacked."""
    answer(handler, gzip.compress(bytes(300 * MOST)), encoding="gzip")


def packed_cut_off(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, gzip.compress(bytes(range(256)) * 9)[:-9], encoding="gzip")


def packed_not(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"a tile", encoding="gzip")


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(PIECE)
    except OSError:
        pass


def gone(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"<html>not here</html>", status=404)


def forbidden(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"<html>no</html>", status=403)


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    """Followed, it could lead into a network that the auditor is in."""
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:1/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def answer(
    handler: BaseHTTPRequestHandler, data: bytes, *, status: int = 200, encoding: str = ""
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data)))
    if encoding:
        handler.send_header("Content-Encoding", encoding)
    handler.end_headers()
    handler.wfile.write(data)


ANSWERS: dict[str, Answer] = {
    each.__name__: each
    for each in (
        *(plain, packed, packed_zeros, packed_cut_off, packed_not),
        *(endless, gone, forbidden, elsewhere),
    )
}


@pytest.fixture(scope="module")
def source() -> Iterator[RemoteSource]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ANSWERS[self.path.strip("/")](self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Remote(f"http://127.0.0.1:{server.server_port}", attempts=1) as remote:
        yield RemoteSource(remote)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "expected"), [("plain", b"a tile"), ("packed", b"a bundle"), ("gone", None)]
)
def test_what_is_there(source: RemoteSource, path: str, expected: bytes | None) -> None:
    assert source.fetch(path, MOST) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("endless", "malformed.published.size"),
        ("packed_zeros", "malformed.published.size"),
        ("packed_cut_off", "unavailable.service.answer"),
        ("packed_not", "unavailable.service.answer"),
        ("forbidden", "unavailable.service.answer"),
        ("elsewhere", "unavailable.service.answer"),
    ],
)
def test_what_is_no_file(source: RemoteSource, path: str, expected: str) -> None:
    with pytest.raises(CellbookError) as caught:
        source.fetch(path, MOST)
    assert caught.value.code == expected
