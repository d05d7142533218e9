"""Strangers' texts in HTML: escaped, and without power over what stands around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from unicodedata import bidirectional

from ledger.proof.report.table import shown

_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN"))


def safe(text: str) -> str:
    """``text`` as HTML, on one line.

    Controls and invisible characters are written out, as in ``table``. What reads from right to
    left is isolated, so that dates and marks beside it keep their places.
    """
    if text.isascii():
        return escape(shown(text))
    return "".join(
        f"<bdi>{escape(shown(part))}</bdi>" if turns else escape(shown(part))
        for part, turns in _parts(text)
    )


def element(name: str, *inner: str, cls: str = "", **attributes: str) -> str:
    """An element around HTML that is safe already; so are the values of its attributes."""
    given = {"class": cls, **attributes} if cls else attributes
    opening = " ".join((name, *(f'{key}="{value}"' for key, value in given.items())))
    return f"<{opening}>{''.join(inner)}</{name}>"


def items(texts: Iterable[str], cls: str = "") -> str:
    """A list of texts."""
    return element("ul", *(element("li", safe(text)) for text in texts), cls=cls)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` in parts, and whether each reads from right to left.

    Such a part ends in its last letter before one that reads from left to right.
    """
    start = place = 0
    while place < len(text):
        if bidirectional(text[place]) not in _RIGHT_TO_LEFT:
            place += 1
            continue
        end = _end(text, place)
        yield text[start:place], False
        yield text[place:end], True
        start = place = end
    yield text[start:], False


def _end(text: str, place: int) -> int:
    end = place + 1
    for further in range(place + 1, len(text)):
        kind = bidirectional(text[further])
        if kind == "L":
            break
        if kind in _RIGHT_TO_LEFT:
            end = further + 1
    return end
