"""In which encoding a table is written: UTF-8 with or without a byte order mark, or GB18030.

Decided by all lines together and used line by line: one broken byte among 100,000 lines of UTF-8
must neither stop the others nor turn all of them into other Chinese characters.
"""

from __future__ import annotations

import codecs

import msgspec

from keys.errors import declare

ENCODING = declare(
    "usage.import.encoding",
    "The file is in no encoding that this command reads.",
    "Save it as CSV in UTF-8 (a spreadsheet calls it 'CSV UTF-8') or in GB18030.",
)

UTF8, GB18030 = "utf-8", "gb18030"
MARK = codecs.BOM_UTF8
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of spreadsheet programs begin: XLSX and ODS, and the old XLS."""


class Encoding(msgspec.Struct, frozen=True):
    """An encoding, and whether the file begins with a byte order mark."""

    name: str
    mark: bool = False

    @property
    def shown(self) -> str:
        return self.name.upper() + (" with byte order mark" if self.mark else "")

    def encode(self, text: str) -> bytes:
        """``text`` in this encoding, without a mark; undecodable bytes come back as they were."""
        return text.encode(self.name, "surrogateescape")


def recognise(data: bytes, name: str, stated: str | None = None) -> tuple[Encoding, list[bytes]]:
    """The encoding of ``data``, from the file ``name``, and its lines, without their ends.

    ``stated`` decides where it is given. Both encodings keep ASCII bytes for ASCII characters
    where lines and quotes are concerned, so lines are known before the encoding is. Raises
    ``usage.import.encoding``.
    """
    if data.startswith(_WORKBOOK):
        raise ENCODING.at(name, "it is a workbook of a spreadsheet program, not a table of text")
    if data.startswith(_WIDE):
        raise ENCODING.at(name, "it begins with the mark of UTF-16")
    if stated not in (None, UTF8, GB18030):
        raise ENCODING.at("mapping, encoding", f"{stated!r:.40} is not {UTF8} or {GB18030}")
    mark = data.startswith(MARK)
    lines = _lines(data[len(MARK) :] if mark else data)
    if mark or stated is not None:
        return Encoding(UTF8 if mark else stated or UTF8, mark), lines
    return Encoding(_guessed(lines, name)), lines


def _lines(data: bytes) -> list[bytes]:
    """As ended by CR LF, by LF, or by CR alone (old spreadsheets)."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _guessed(lines: list[bytes], name: str) -> str:
    """What most lines with other than ASCII characters are.

    Chinese text in GB18030 is all but never UTF-8 by chance, so lines that are decide.
    """
    telling = [line for line in lines if not line.isascii()]
    in_utf8 = sum(_is(line, UTF8) for line in telling)
    if 2 * in_utf8 >= len(telling):
        return UTF8
    in_gb18030 = sum(_is(line, GB18030) for line in telling)
    if 2 * in_gb18030 <= len(telling):
        raise ENCODING.at(name, "most lines are neither UTF-8 nor GB18030")
    return GB18030


def _is(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
