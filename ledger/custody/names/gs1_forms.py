"""The forms in which a GS1 identifier is written: application identifiers (AIs) with their values.

Only the split is made here; what the values must be is for ``gs1``. An AI that does not identify
the battery (a batch, a date) is read over; as scanned only those whose end is known can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, cast

from keys.errors import declare

UNKNOWN = declare(
    "unsupported.gs1",
    "The text is no GS1 identifier of a form that this version reads.",
    "Give (01) with (21), (8003), (8004), or (8006) with (21): in brackets, as scanned, or as a "
    "GS1 Digital Link.",
)
FORM = declare(
    "malformed.gs1.form",
    "The application identifiers of a GS1 identifier cannot be told apart.",
    "Write them in brackets, each once, such as (01)09506000134352(21)0001.",
)
ESCAPE = declare(
    "malformed.gs1.escape",
    "A percent-escape in a GS1 Digital Link is none of an ASCII character.",
    "Copy the link once more.",
)

Key = Literal["01", "8003", "8004", "8006"]
LONGEST = 512
GS = "\x1d"
KEYS = ("01", "8003", "8004", "8006")
# How many characters follow, where nothing marks the end; None: up to FNC1 or the end.
_SCANNED: dict[str, int | None] = {
    "01": 14,
    "11": 6,
    "13": 6,
    "15": 6,
    "17": 6,
    "10": None,
    "21": None,
    "22": None,
    "240": None,
    "8003": None,
    "8004": None,
    "8006": 18,
}
_SYMBOLOGY = re.compile(r"\](C1|d2|e0|J1|Q3)")
_AI = re.compile(r"\(([0-9]{2,4})\)")
_BEGINS_SCANNED = re.compile(r"(\](C1|d2|e0|J1|Q3)|\x1d|01[0-9]{14}|800[346][0-9]{4})", re.ASCII)
_LINK = re.compile(r"https?://[^/?#]*([^?#]*)", re.IGNORECASE)


def looks_like_gs1(text: str) -> bool:
    """Whether ``text`` is more likely a GS1 identifier than anything else: by its beginning."""
    return bool(_AI.match(text) or _BEGINS_SCANNED.match(text) or _LINK.match(text))


def read_parts(text: str) -> dict[str, str]:
    """AI → value, unescaped. Raises ``unsupported.gs1`` and ``malformed.gs1.*``."""
    if len(text) > LONGEST:
        raise UNKNOWN.at("identifier", f"it has {len(text)} characters")
    link = _LINK.match(text)
    if link:
        return _linked(link[1])
    if _AI.match(text):
        return _in_brackets(text)
    if _BEGINS_SCANNED.match(text):
        return _scanned(text)
    raise UNKNOWN.at("identifier", repr(text)[:80])


def key_of(parts: dict[str, str]) -> Key:
    """The AI that says what is identified. Raises ``unsupported.gs1``, ``malformed.gs1.form``."""
    keys = [ai for ai in KEYS if ai in parts]
    if not keys:
        raise UNKNOWN.at("identifier", f"it has ({') ('.join(parts)}) only")
    if len(keys) > 1:
        raise FORM.at("identifier", f"it has ({') and ('.join(keys)}): two names at once")
    return cast(Key, keys[0])


def bracketed(parts: dict[str, str]) -> str:
    """The element string for people; a bracket inside of a value is escaped by a backslash."""
    return "".join(f"({ai}){value.replace('(', chr(92) + '(')}" for ai, value in parts.items())


def _in_brackets(text: str) -> dict[str, str]:
    # A backslash before a bracket says that it belongs to the value. No value has U+0000.
    plain = text.replace("\\(", "\0")
    _, *rest = _AI.split(plain)
    return _once(zip(rest[::2], (value.replace("\0", "(") for value in rest[1::2]), strict=True))


def _scanned(text: str) -> dict[str, str]:
    begin = _SYMBOLOGY.match(text)
    rest, pairs = text[begin.end() if begin else 0 :].removeprefix(GS), []
    while rest:
        ai = next((ai for ai in _SCANNED if rest.startswith(ai)), None)
        if ai is None:
            raise FORM.at("identifier", f"this version cannot tell where ({rest[:4]}…) ends")
        length, rest = _SCANNED[ai], rest[len(ai) :]
        if length is None:
            value, _, rest = rest.partition(GS)
        else:
            value, rest = rest[:length], rest[length:].removeprefix(GS)
        pairs.append((ai, value))
    return _once(pairs)


def _linked(path: str) -> dict[str, str]:
    """The AIs in the path of a Digital Link: from the first key on, name and value in turns."""
    segments = path.split("/")
    for start, segment in enumerate(segments):
        following = segments[start:]
        if segment in KEYS and len(following) % 2 == 0:
            names, values = following[::2], following[1::2]
            if all(re.fullmatch("[0-9]{2,4}", name) for name in names):
                return _once(zip(names, map(_unescaped, values), strict=True))
    raise UNKNOWN.at("identifier", "the link has no (01), (8003), (8004) or (8006) in its path")


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for ai, value in pairs:
        if parts.setdefault(ai, value) != value:
            raise FORM.at("identifier", f"({ai}) stands twice, with different values")
    return parts


def _unescaped(text: str) -> str:
    first, *others = text.split("%")
    for part in others:
        if not re.fullmatch("[0-7][0-9A-Fa-f]", part[:2]):
            raise ESCAPE.at("identifier", f"%{part[:2]}")
        first += chr(int(part[:2], 16)) + part[2:]
    return first
