"""Text for a terminal of fixed width, in any script: a Chinese character takes two cells.

What is shown comes from strangers, so nothing here passes on a character that would steer the
terminal, turn the direction of reading, or be invisible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import category, east_asian_width

_GAP = 2
_WIDEST, _LEAST = 24, 12
"""Cells of the widest column before the last, and what the last one keeps in any case."""

_BLANK = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Printable for Python, and yet nothing is seen of them: two names would look like one."""
_SPACES = frozenset(" \u3000")


def shown(text: str) -> str:
    r"""``text`` on one line, with what cannot be seen written as ``\uXXXX``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in _SPACES or (character.isprintable() and character not in _BLANK):
        return character
    return f"\\u{ord(character):04x}"


def cells(text: str) -> int:
    """How many cells of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def padded(text: str, width: int) -> str:
    """``text`` with spaces up to ``width`` cells."""
    return text + " " * max(0, width - cells(text))


def filled(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells; there is at least one.

    Lines end between words. A word that is too long for a line, as every sentence in Chinese is,
    is broken inside.
    """
    lines, used = [""], 0
    for word in shown(text).split():
        size = cells(word)
        if used and used + 1 + size <= width:
            lines[-1] += f" {word}"
            used += 1 + size
            continue
        pieces = list(_broken(word, width)) if size > width else [word]
        lines[-1:] = [lines[-1], *pieces] if used else pieces
        used = cells(pieces[-1])
    return lines


def _broken(line: str, width: int) -> Iterator[str]:
    start, used = 0, 0
    for place, character in enumerate(line):
        size = _cells(character)
        if used + size > width:
            yield line[start:place]
            start, used = place, 0
        used += size
    yield line[start:]


def columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """``rows`` as lines of at most ``width`` cells; every column is filled in what it has."""
    widths = _widths(rows, width)
    for row in rows:
        parts = [filled(text, size) for text, size in zip(row, widths, strict=True)]
        for height in range(max(len(part) for part in parts)):
            texts = (part[height] if height < len(part) else "" for part in parts)
            padded_texts = (
                padded(text, size + _GAP) for text, size in zip(texts, widths, strict=True)
            )
            yield "".join(padded_texts).rstrip()


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    count = len(rows[0]) - 1
    widest = [max(cells(shown(row[place])) for row in rows) for place in range(count)]
    widths = [min(size, _WIDEST) for size in widest]
    return [*widths, max(width - sum(widths) - _GAP * count, _LEAST)]
