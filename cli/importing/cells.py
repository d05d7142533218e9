"""One cell as text: full-width characters made plain, and what a spreadsheet has spoiled named.

What is lost cannot be had back from the cell, so nothing is repaired: the row is refused, with what
seems to have happened to it. Only full-width forms of ASCII characters are replaced, because they
are the same characters in another width; the report says how often.
"""

from __future__ import annotations

import re

from keys.errors import CellbookError, declare

EXPONENT = declare(
    "malformed.cell.exponent",
    "A spreadsheet has turned the value into a number such as 1.2E+20; digits of it are lost.",
    "Take the value from the source again, with the column formatted as text before it is pasted.",
)
DECIMAL = declare(
    "malformed.cell.decimal",
    "The value ends in .0: it was a number with decimals on its way, and may have lost zeros.",
    "Export the column as text, or as whole numbers.",
)
ZEROS = declare(
    "malformed.cell.zeros",
    "The value is too short; a spreadsheet drops zeros in front of what looks like a number.",
    "Take the value from the source again, with the column formatted as text.",
)
DATED = declare(
    "malformed.cell.date",
    "A spreadsheet has turned a code into a date, or a date into the number of a day.",
    "Take the value from the source again, with the column formatted as text.",
)
FAILED = declare(
    "malformed.cell.error",
    "The cell holds the error of a spreadsheet, and no value.",
    "Repair the formula in the spreadsheet and export it again.",
)

_PLAIN = {point: point - 0xFEE0 for point in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_CODE = re.compile(r"[A-Za-z0-9 ./:_#()+-]*")
_NUMBER_LIKE = re.compile(r"[+-]?\d+(\.\d+)?[eE][+-]\d+")
_DECIMAL = re.compile(r"\d+\.0+")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE_LIKE = re.compile(
    rf"\d{{1,2}}-({_MONTHS})(-\d{{2,4}})?|({_MONTHS})-\d{{1,4}}|\d{{1,2}}月\d{{1,2}}日"
    r"|\d{4}年\d{1,2}月(\d{1,2}日)?|\d{4}/\d{1,2}/\d{1,2}( \d{1,2}:\d\d(:\d\d)?)?"
    r"|\d{1,2}/\d{1,2}/\d{4}",
    re.IGNORECASE,
)
_ERROR = re.compile(r"#(REF|N/A|VALUE|NAME\?|DIV/0|NUM|NULL|SPILL|CALC)!?|#{3,}")
_DAY_NUMBER = re.compile(r"\d{5}(\.\d+)?")


def plain(text: str) -> str:
    """``text`` with full-width forms of ASCII characters in their usual width, and stripped."""
    return (text if text.isascii() else text.translate(_PLAIN)).strip()


def plain_code(text: str) -> str:
    """As ``plain`` where that gives a code; sentences keep their punctuation as it was."""
    if text.isascii():
        return text.strip()
    made = plain(text)
    return made if _CODE.fullmatch(made) else text.strip()


def check_code(text: str) -> None:
    """Refuse what a spreadsheet makes of codes. Raises ``malformed.cell.*``."""
    fault = code_fault(text)
    if fault is not None:
        raise fault


def code_fault(text: str) -> CellbookError | None:
    """What seems to have happened to a code, or None."""
    if text.isalnum() and "e" not in text and "E" not in text and text.isascii():
        return None
    if _NUMBER_LIKE.fullmatch(text):
        return EXPONENT.at("", repr(text)[:60])
    if _DECIMAL.fullmatch(text):
        return DECIMAL.at("", repr(text)[:60])
    if _DATE_LIKE.fullmatch(text):
        return DATED.at("", repr(text)[:60])
    return error_fault(text)


def error_fault(text: str) -> CellbookError | None:
    """The error values of spreadsheets."""
    return FAILED.at("", repr(text)[:60]) if text[:1] == "#" and _ERROR.fullmatch(text) else None


def number_fault(text: str) -> CellbookError | None:
    """What seems to have happened to a number, or None."""
    if "e" in text.lower() and _NUMBER_LIKE.fullmatch(text):
        return EXPONENT.at("", repr(text)[:60])
    return error_fault(text)


def date_fault(text: str) -> CellbookError | None:
    """A date that is the number of a day, as spreadsheets count them, or None."""
    if _DAY_NUMBER.fullmatch(text):
        return DATED.at("", f"{text!r} is the number of a day")
    return error_fault(text)


def width_fault(text: str, width: int) -> CellbookError | None:
    """A code of digits that must have ``width`` characters and has fewer, or None."""
    if len(text) < width and text.isascii() and text.isdigit():
        return ZEROS.at("", f"{text!r} has {len(text)} digits of {width}")
    return None
