"""Codes of enterprises with check characters: USCC (GB 32100-2015) and LEI (ISO 17442)."""

from __future__ import annotations

import msgspec

from keys.errors import declare

USCC = declare(
    "malformed.uscc",
    "The text is not a Unified Social Credit Code with a right check character.",
    "Compare the 18 characters with the business licence; I, O, S, V and Z do not occur.",
)
LEI = declare(
    "malformed.lei",
    "The text is not a Legal Entity Identifier with right check digits.",
    "Compare the 20 characters with the register.",
)

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, n, 31) for n in range(17))
_LEI_VALUES = {c: str(n) for n, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_REGISTER = (
    "That an enterprise of this code is registered, and still exists.",
    "That whoever uses the code is that enterprise.",
)


class Uscc(msgspec.Struct, frozen=True, kw_only=True):
    """A Unified Social Credit Code: authority 1, kind 1, region 6, organisation 9, check 1."""

    code: str
    region: str
    organisation: str
    established: tuple[str, ...] = ("The text has the syntax and the check character of a USCC.",)
    not_established: tuple[str, ...] = _REGISTER


class Lei(msgspec.Struct, frozen=True, kw_only=True):
    """A Legal Entity Identifier."""

    code: str
    established: tuple[str, ...] = ("The text has the syntax and the check digits of an LEI.",)
    not_established: tuple[str, ...] = _REGISTER


def parse_uscc(code: str) -> Uscc:
    """The parts of ``code``: 18 characters, the last the check character modulo 31.

    Raises ``malformed.uscc``. The check character finds every single wrong character; it does not
    tell a real enterprise from an invented code.
    """
    if type(code) is not str or len(code) != 18:
        raise USCC.at("uscc", f"{len(code)} characters" if type(code) is str else "not text")
    for position, character in enumerate(code, 1):
        if character not in _USCC_VALUES:
            raise USCC.at("uscc", f"character {position} is {character!r}")
    total = sum(_USCC_VALUES[c] * w for c, w in zip(code, _USCC_WEIGHTS, strict=False))
    expected = _USCC_ALPHABET[-total % 31]
    if code[17] != expected:
        raise USCC.at("uscc", f"the check character is {code[17]}, the others give {expected}")
    return Uscc(code=code, region=code[2:8], organisation=code[8:17])


def parse_lei(code: str) -> Lei:
    """``code`` as an LEI: 20 characters, modulo 97 equal to 1 (ISO 7064 MOD 97-10).

    Raises ``malformed.lei``. Does not look into the register.
    """
    if type(code) is not str or len(code) != 20:
        raise LEI.at("lei", f"{len(code)} characters" if type(code) is str else "not text")
    digits = [_LEI_VALUES.get(character, "") for character in code]
    if "" in digits or not code[18:].isdigit():
        raise LEI.at("lei", "a character that no LEI has")
    if int("".join(digits)) % 97 != 1:
        raise LEI.at("lei", "the check digits are wrong")
    return Lei(code=code)
