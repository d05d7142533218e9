"""Dossiers over two logs, with statements in the second one about entries of the first."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ledger.custody.governance.handover import CarriedEntry, CarriedHistory, PastEntry
from ledger.custody.governance.statements import Governance, Profile
from tests.proof.following import FollowingLog, ended
from tests.proof.lying import PACK, LyingLog
from tests.proof.made import Made, of

LIFE = ("manufacture", "install", "incident", "decommission")


def followed(*kinds: str) -> FollowingLog:
    """A log in which ``PACK`` was taken over, with all that happened to it."""
    log = FollowingLog(ended(*(kinds or LIFE)))
    log.next_policy(profiles=(Profile(name="core", version=3),))
    log.register("all", "maker", "installer", "dismantler", "authority")
    log.carry(PACK)
    return log


def place(log: LyingLog, kind: str, battery: str = PACK) -> int:
    ref = log.refs[battery, kind]
    return next(n for n, leaf in enumerate(log.leaves) if sha256(leaf).digest() == ref)


def shown(log: FollowingLog, kind: str, **changes: Any) -> CarriedEntry:
    """What an honest log says of the event of ``kind``, with ``changes``."""
    old, index = log.old, place(log.old, kind)
    values = {
        "entry": PastEntry(index=index, leaf=old.leaves[index]),
        "path": tuple(old.tree().path(index, old.size)),
        "subjects": (PACK,),
        **changes,
    }
    return CarriedEntry(**values)


def history(log: FollowingLog, *kinds: str) -> CarriedHistory:
    places = [place(log.old, kind) for kind in kinds]
    entries = (PastEntry(index=index, leaf=log.old.leaves[index]) for index in places)
    return CarriedHistory(uri=PACK, entries=tuple(entries))


def say(log: FollowingLog, content: Governance) -> None:
    log.state(content, log.uri, by="statements", iss=log.uri)


def upheld(log: FollowingLog) -> None:
    """The dispute of the incident, and the word of an authority that it did not happen."""
    ref = log.old.refs[PACK, "incident"]
    log.event("dispute", PACK, entry_ref=ref)
    log.event("resolution", PACK, entry_ref=ref, outcome="upheld", arbiter="https://all.example")


def made(*histories: tuple[str, ...], entry: str | None = "incident") -> Callable[[], Made]:
    """A dispute of the incident, upheld, after what the log says of the entry and of its past."""

    def make() -> Made:
        log = followed()
        if entry is not None:
            say(log, shown(log, entry))
        for kinds in histories:
            say(log, history(log, *kinds))
        upheld(log)
        log.head()
        return of(log, log.spanning(log.past()))

    return make


PAST_CASES: tuple[tuple[str, str, Callable[[], Made]], ...] = (
    ("past-annulled", "an entry of the log before annulled", made(LIFE[:2], LIFE[2:])),
    ("past-not-shown", "an entry of the log before that is not shown", made(LIFE, entry=None)),
    ("past-without-history", "the past not shown", made()),
    ("past-with-a-gap", "a past without the installation", made((LIFE[0], *LIFE[2:]))),
)
