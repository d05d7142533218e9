"""Cases of the vectors about who vouches for a file, and how old it may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.proof.dossier import decode_dossier
from ledger.proof.quorum import Panel, panel_of
from ledger.wire.note import cosign
from ledger.wire.verifier import COSIGNATURE, Verifier
from tests.proof.building import changed
from tests.proof.lying import LyingLog, signer, told
from tests.proof.made import Made, of

DAY = 86_400
WITNESSES, AUDITORS = ("witness 1", "witness 2", "witness 3"), ("auditor 1", "auditor 2")
Lines = tuple[tuple[str, int], ...]
"""Who has cosigned, and how many seconds after the newest head."""


def verifier(name: str) -> Verifier:
    return Verifier.from_key(f"{name.replace(' ', '-')}.example", signer(name).key, COSIGNATURE)


def panel(names: tuple[str, ...], quorum: int) -> Panel:
    return panel_of(map(verifier, names), quorum)


def named(**changes: Any) -> LyingLog:
    """A log whose newest policy names witnesses and auditors."""
    log = told("manufacture", "install")
    vkeys = {
        "witnesses": tuple(verifier(name).vkey for name in WITNESSES),
        "auditors": tuple(verifier(name).vkey for name in AUDITORS),
    }
    log.next_policy(**{**vkeys, **changes})
    log.head()
    return log


def with_lines(log: LyingLog, lines: Lines, *, key: str = "") -> bytes:
    """The dossier with these lines on its checkpoint; with ``key`` they are made with that key."""
    data = log.dossier()
    note = decode_dossier(data).checkpoint
    text = note.rpartition(b"\n\n")[0] + b"\n"
    for name, after in lines:
        known = verifier(name)
        made = cosign(text, known.name, signer(key or name), log.now + after)
        note += msgspec.structs.replace(made, key_id=known.key_id).line
    return changed(data, checkpoint=note)


def by(
    *lines: tuple[str, int], at: int = 60, log: LyingLog | None = None, **trust: Any
) -> Callable[[], Made]:
    """Lines on the dossier of a log, for a trust file that asks for two witnesses and a week."""

    def make() -> Made:
        asked = {
            "completeness": "witnessed",
            "witnesses": panel(WITNESSES, 2),
            "max_age_days": 7,
            **trust,
        }
        used = log or named()
        return of(used, with_lines(used, lines), at, **asked)

    return make


def rested(log: LyingLog, days: int) -> LyingLog:
    """The log, at rest for so many days: each has an empty epoch."""
    for _ in range(days):
        log.now += DAY - 60
        log.head()
    return log


def bad_line() -> Made:
    log = named()
    return of(log, with_lines(log, (("witness 1", 5),), key="auditor 1"))


def at_rest() -> Made:
    log = rested(told("manufacture"), 9)
    log.event("install", "urn:cellbook:gbt34014:4A6PBPM27KLPCLE740000001")
    log.head()
    return of(rested(log, 9), max_age_days=7)


ONE, TWO, THREE = ("witness 1", 5), ("witness 2", 9), ("witness 3", 40)
_AUDITED: dict[str, Any] = {"completeness": "audited", "auditors": panel(AUDITORS, 1)}
_STATED: dict[str, Any] = {"completeness": "stated", "witnesses": None}

COSIGNED: tuple[tuple[str, str, Callable[[], Made]], ...] = (
    ("witnessed", "two of three witnesses have cosigned", by(ONE, THREE)),
    (
        "audited",
        "one of two auditors, and the witnesses",
        by(("auditor 2", 30), ONE, TWO, **_AUDITED),
    ),
    ("stated-only", "cosigned, and nobody asks for it", by(ONE, TWO, **_STATED)),
    (
        "witnessed-anew",
        "a head of ten days, seen today",
        by(("witness 1", 10 * DAY), ("witness 2", 10 * DAY), at=10 * DAY),
    ),
    ("quorum-too-small", "one of two witnesses that are needed", by(ONE)),
    ("not-audited", "witnessed, and no auditor", by(ONE, TWO, **_AUDITED)),
    ("auditor-no-witness", "an auditor's line in place of a witness's", by(ONE, ("auditor 1", 5))),
    (
        "auditor-as-witness",
        "a trust file that takes an auditor for a witness",
        by(ONE, ("auditor 1", 5), witnesses=panel(("witness 1", "auditor 1"), 2)),
    ),
    (
        "line-before-head",
        "cosigned one second before the head's time",
        by(ONE, TWO, ("witness 3", -1)),
    ),
    (
        "line-from-later",
        "cosigned after the time of the check: it does not count",
        by(ONE, ("witness 2", 400)),
    ),
    (
        "line-by-stranger",
        "a line by a key that the policy does not name",
        by(ONE, TWO, ("stranger", 5)),
    ),
    (
        "line-named-elsewhere",
        "a witness of the trust file alone",
        by(ONE, ("witness 9", 5), witnesses=panel(("witness 1", "witness 9"), 2)),
    ),
    ("line-bad", "a line of a witness, made with another key", bad_line),
    ("line-doubled", "two lines by one key", by(ONE, ("witness 1", 9))),
    ("witnessed-old", "seen eight days ago", by(ONE, TWO, at=8 * DAY)),
    (
        "witnessed-once-anew",
        "one of two has seen it since: not the quorum",
        by(ONE, ("witness 2", 8 * DAY), at=8 * DAY),
    ),
    ("stated-old", "a head of eight days, and no witness", by(at=8 * DAY, **_STATED)),
    ("at-rest", "heads with nothing between them, one a day", at_rest),
)
