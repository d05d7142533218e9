"""Addresses of services."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from keys.errors import declare

URL = declare(
    "usage.service.url",
    "The address is not one of a service.",
    "Give https://HOST[:PORT][/PATH], or http:// for a service on this machine.",
)

_LONGEST = 1_000


def check_url(url: str) -> str:
    """``url`` without a slash at its end.

    Plain HTTP goes to this machine only: elsewhere anybody on the way could answer. Raises
    ``usage.service.url``. Whether a service is there is not checked.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise URL.at(repr(url)[:120], str(error)) from None
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise URL.at(repr(url)[:120], "characters that no URL has")
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise URL.at(repr(url)[:120], "not https:// or http:// with a host")
    if parts.scheme == "http" and not is_local(url):
        raise URL.at(repr(url)[:120], "http:// goes to this machine only")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise URL.at(repr(url)[:120], "it has a user, a query or a fragment")
    return url.rstrip("/")


def is_local(url: str) -> bool:
    """Whether the host of ``url`` is this machine by its name."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
