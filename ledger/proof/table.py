"""Text in columns, for any script: a Chinese character takes two cells of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import combining, east_asian_width

_GAP = 2
_LEAST = 10


def columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """``rows`` as lines of at most ``width`` cells; the last column wraps in what is left."""
    count = len(rows[0])
    widths = [max(cells(row[place]) for row in rows) for place in range(count)]
    before = sum(widths[:-1]) + _GAP * (count - 1)
    last = max(width - before, _LEAST)
    for row in rows:
        head = "".join(
            padded(text, size + _GAP) for text, size in zip(row[:-1], widths, strict=False)
        )
        first, *others = list(_filled(row[-1], last)) or [""]
        yield (head + first).rstrip()
        yield from (" " * before + line for line in others)


def padded(text: str, width: int) -> str:
    """``text`` with spaces up to ``width`` cells."""
    return text + " " * max(0, width - cells(text))


def cells(text: str) -> int:
    """How many cells of a terminal ``text`` takes."""
    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def _filled(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > width:
            yield line
            line = word
        else:
            line = longer
    if line:
        yield line
