"""Profiles: sets of rules with a version and a source, chosen by a policy or by a buyer.

A rule belongs to one profile, from one version of it on and maybe until another. A version that was
released never changes: what it decides is decided so for ever, and a change is a new version.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from keys.errors import declare

PROFILE = declare(
    "unsupported.profile",
    "This version does not know the rules of a profile.",
    "Use a newer version of Cellbook, or a profile and version that docs/rules.md lists.",
)

CORE = "core"
HEIRS = 4
"""The version of ``core`` from which on states hold what a unit has from its whole and its parts,
which days it was read on, and that what a party takes back may be contested."""
Profiles = tuple[tuple[str, int], ...]
"""Names and versions, such as ``(("core", 2), ("cn-2026", 1))``."""


class Profile(msgspec.Struct, frozen=True):
    """A set of rules: its newest version, what it is about, and where its rules come from."""

    name: str
    newest: int
    title: str
    sources: tuple[str, ...]


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            CORE,
            4,
            "custody of batteries, anywhere",
            ("design of Cellbook", "GB/T 34014-2017", "IEC 63338:2024", "EU 2023/1542"),
        ),
        Profile(
            "cn-2018",
            1,
            "China until 2026-03-31",
            ("traceability rules of 2018 for traction batteries, as replaced by MIIT Order 73",),
        ),
        Profile(
            "cn-2026",
            1,
            "China from 2026-04-01",
            ("MIIT Order 73 (Interim Measures)", "MIIT Announcement 20/2026"),
        ),
        Profile("eu-2023-1542", 1, "European Union", ("Regulation (EU) 2023/1542",)),
        Profile("ul-1974", 1, "assessments by UL 1974", ("UL 1974",)),
    )
}


def check_known(profiles: Iterable[tuple[str, int]], where: str = "profiles") -> None:
    """Raise ``unsupported.profile`` unless this release has the rules of all of ``profiles``."""
    for name, version in profiles:
        known = PROFILES.get(name)
        if known is None or not 1 <= version <= known.newest:
            raise PROFILE.at(where, f"{name} version {version}")


def parse_profile(text: str, where: str = "profile") -> tuple[str, int]:
    """``NAME`` (its newest version) or ``NAME@VERSION``. Raises ``unsupported.profile``."""
    name, at, version = text.partition("@")
    known = PROFILES.get(name)
    if known is None or (at and not (version.isascii() and version.isdigit())):
        raise PROFILE.at(where, repr(text)[:80])
    chosen = (name, int(version[:9]) if at else known.newest)
    check_known((chosen,), where)
    return chosen


def choose(texts: Iterable[str], where: str = "profile") -> Profiles:
    """The profiles that ``texts`` name, and ``core`` in its newest version unless they name it.

    Raises ``unsupported.profile``; of a name that is given twice the last one counts.
    """
    chosen = {CORE: PROFILES[CORE].newest}
    chosen.update(parse_profile(text, where) for text in texts)
    return tuple(chosen.items())


def version_of(name: str, profiles: Iterable[tuple[str, int]]) -> int:
    """The version of ``name`` among ``profiles``; 0 where it is not there."""
    return max((version for known, version in profiles if known == name), default=0)
