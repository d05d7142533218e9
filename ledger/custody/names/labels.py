"""What people type, scan or copy from a battery, read as a subject.

Here, and nowhere in the log, spellings are corrected: small letters and spaces of GB/T codes,
full-width characters, the forms of GS1 identifiers, other hosts of Digital Links.
"""

from __future__ import annotations

from collections.abc import Mapping

from keys.errors import CellbookError
from ledger.custody.identifiers import (
    BATTERY_PREFIX,
    LONGEST_URI,
    STORAGE_PREFIX,
    UNKNOWN_SCHEME,
    BatterySubject,
    parse_gs1,
    parse_subject,
)
from ledger.custody.names.gs1_forms import GS, looks_like_gs1

MAX_ALIKE = 32
_FULL_WIDTH = {point: point - 0xFEE0 for point in range(0xFF01, 0xFF5F)}
_LETTERS: Mapping[str, str] = {"O": "0", "I": "1"}
_OTHERS = {**_LETTERS, "0": "O", "1": "I"}


def parse_label(text: str) -> BatterySubject:
    """The battery that ``text`` names: a code as printed, element strings, a Digital Link, a URI.

    Raises ``malformed.code.*``, ``malformed.gs1.*``, ``rejected.gs1.serial``, ``unsupported.*``:
    what is wrong with it as what it looks like most. That there is such a battery is not checked.
    """
    if type(text) is not str or len(text) > LONGEST_URI:
        raise UNKNOWN_SCHEME.at("identifier", f"not text of at most {LONGEST_URI} characters")
    # GS is a space for Python, and the separator of what a scanner reads.
    plain = "".join(c for c in text if c == GS or not c.isspace()).translate(_FULL_WIDTH)
    if plain.lower().startswith("urn:"):
        return _named(plain)
    if not _is_code(plain) and looks_like_gs1(plain):
        return parse_subject(parse_gs1(plain).uri)
    prefix = STORAGE_PREFIX if "-" in plain else BATTERY_PREFIX
    # Capitals of other letters can be Latin ones: what is not ASCII stays, and is refused.
    return parse_subject(prefix + (plain.upper() if plain.isascii() else plain))


def _named(uri: str) -> BatterySubject:
    try:
        return parse_subject(uri)
    except CellbookError as error:
        right = error.facts.get("canonical")
        if type(right) is not str or not uri.isascii():
            raise
        return parse_subject(right)


def _is_code(text: str) -> bool:
    """GB/T 34014 has a letter where an element string of GS1 has its fourth digit."""
    return len(text) in (19, 24) and text[3] in "PMCpmc"


def look_alikes(uri: str, *, typed: bool = False) -> tuple[str, ...]:
    """The names of GB/T codes for which a person may have read the one in ``uri``, at most 32.

    Each O and I is read as 0 and 1, one of them or all. With ``typed`` also each 0 and 1 as O and
    I: too many to be looked up for every entry of a log, not too many for who mistyped a code.
    """
    if not uri.startswith(BATTERY_PREFIX):
        return ()
    code = uri[len(BATTERY_PREFIX) :]
    table = _OTHERS if typed else _LETTERS
    if table.keys().isdisjoint(code):
        return ()
    swapped = [code[:n] + table[c] + code[n + 1 :] for n, c in enumerate(code) if c in table]
    plain = code.translate(str.maketrans("OI", "01"))
    others = dict.fromkeys((plain, *swapped))
    others.pop(code, None)
    return tuple(BATTERY_PREFIX + other for other in others)[:MAX_ALIKE]
