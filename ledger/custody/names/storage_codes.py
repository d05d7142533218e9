"""Codes of GB/T 45565-2025, for storage, consumer and small-traction batteries: recognised only.

The standard is in force since 2025-11-01; its text was not at hand. Known of it: an enterprise code
of four characters without I and O, a hyphen between the fixed and the variable part, ``-R`` at the
end where the battery is used again. Nothing else of a code is validated, and everybody who shows
one says so.
"""

from __future__ import annotations

import msgspec

from keys.errors import declare

FORM = declare(
    "malformed.code.gbt45565",
    "The text has not the outline of a GB/T 45565 code.",
    "Compare it with the label: four characters of the enterprise (no I, no O) first, capitals and "
    "digits in parts that single hyphens separate.",
)

LONGEST = 64
_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_ENTERPRISE = _CHARACTERS - frozenset("IO")
_NOT_ESTABLISHED = (
    "That the code has the syntax of GB/T 45565-2025: only its outline was looked at.",
    "That the enterprise's code is registered, and for whom.",
    "When the battery was made, and whether it is a pack, a module or a cell.",
    "That the battery exists, and carries this code.",
)


class Gbt45565(msgspec.Struct, frozen=True, kw_only=True):
    """A code that is recognised and not validated. ``enterprise`` are its first four characters."""

    code: str
    enterprise: str
    re_used: bool
    established: tuple[str, ...]
    not_established: tuple[str, ...] = _NOT_ESTABLISHED


def parse_gbt45565(code: str) -> Gbt45565:
    """The outline of ``code``, exactly as printed. Raises ``malformed.code.gbt45565``.

    Whether it is a code of this standard at all is not established.
    """
    if type(code) is not str:
        raise FORM.at("code", f"it is {type(code).__name__}, not text")
    parts = code.split("-")
    if len(code) > LONGEST or len(parts) < 2:
        raise FORM.at("code", f"{len(code)} characters, {len(parts) - 1} hyphens")
    if not all(part and _CHARACTERS.issuperset(part) for part in parts):
        raise FORM.at("code", f"{code!r:.70} has a part that is empty, or not capitals and digits")
    if len(parts[0]) < 4 or not _ENTERPRISE.issuperset(code[:4]):
        raise FORM.at("code", f"{code[:4]!r} is no enterprise code")
    return Gbt45565(
        code=code,
        enterprise=code[:4],
        re_used=parts[-1] == "R",
        established=("The text has the outline of a code of GB/T 45565-2025.",),
    )
