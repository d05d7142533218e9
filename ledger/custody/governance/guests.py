"""Guests: a buyer who is not registered has one key, which the giver names in the release.

The key is the guest's for that release alone. With it the guest accepts or refuses, once. Whoever
has accepted may contest what is said about the units, and hand them on: a release of its own, and
the withdrawal of that. Whatever else befalls a battery is signed by operators.

The release claims the guest's name, so that no other release can name the same key; the guest's
first signature claims the key, and is the proof that somebody has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from keys.errors import declare
from ledger.custody.events import Accept, Dispute, Event, Refuse, Release, Withdrawal
from ledger.custody.governance.operators import KEY_OWNER, is_reserved, key_uri
from ledger.custody.governance.policy import key_of
from ledger.custody.governance.signing_keys import ALGORITHM
from ledger.custody.names.parties import is_guest
from ledger.custody.states import GuestState, KeyClaim, LogState, State
from ledger.wire.statement import Statement

KIND = declare(
    "rejected.guest.kind",
    "A guest may not sign this, or not yet.",
    "A guest accepts or refuses the release that names its key; after that it may dispute, and "
    "release what it has accepted.",
)
OTHER = declare(
    "rejected.guest.release",
    "The guest's key was given for another release.",
    "Use the key that this release names, or have the giver name this key in a new release.",
)
ANSWERED = declare(
    "rejected.guest.answered",
    "The guest has answered the release already: its key serves for one answer.",
    "For another transfer make a new key, which the giver names in that release.",
)


def guest_names(statement: Statement, event: Event) -> tuple[str, ...]:
    """The states, beside the issuer's, that :func:`follow_guest` reads."""
    names: tuple[str, ...] = ()
    if isinstance(event, Release) and event.guest_key is not None:
        names = (event.receiver, key_uri(key_of(event.guest_key).kid))
    if is_guest(statement.iss):
        names = (*names, key_uri(statement.kid))
    return names


def follow_guest(
    statement: Statement,
    event: Event,
    entry_id: bytes,
    index: int,
    states: Mapping[str, State],
    log: LogState,
) -> dict[str, State]:
    """The claims of guests after ``event``, entry ``index``; most events have none.

    Raises ``rejected.guest.*``, ``rejected.key.owner`` and ``rejected.algorithm``. That the key is
    the issuer's is checked before, by ``signing_key``.
    """
    if not isinstance(event, Release) and not is_guest(statement.iss):
        return {}
    after: dict[str, State] = {}
    guest = states.get(statement.iss)
    if isinstance(guest, GuestState):
        after = _spoken(statement, event, guest, index, states)
    if isinstance(event, Release) and event.guest_key is not None:
        after[event.receiver] = _named(event, event.guest_key, entry_id, index, states, log)
    return after


def _named(
    event: Release,
    data: bytes,
    entry_id: bytes,
    index: int,
    states: Mapping[str, State],
    log: LogState,
) -> GuestState:
    key = key_of(data)
    if key.alg not in log.algorithms:
        raise ALGORITHM.at("payload.guest_key", str(key.alg))
    if event.receiver in states or key_uri(key.kid) in states or is_reserved(data, log):
        raise KEY_OWNER.at("payload.guest_key", event.receiver)
    return GuestState(key=data, release=entry_id, giver=event.giver, named=index)


def _spoken(
    statement: Statement,
    event: Event,
    guest: GuestState,
    index: int,
    states: Mapping[str, State],
) -> dict[str, State]:
    if not isinstance(event, Accept | Refuse):
        if not guest.accepted or not isinstance(event, Release | Withdrawal | Dispute):
            raise KIND.at("payload.type")
        return {}
    if guest.answered is not None:
        raise ANSWERED.at("payload.type", f"by entry {guest.answered}")
    if event.release_ref != guest.release:
        raise OTHER.at("payload.release_ref")
    claim = key_uri(statement.kid)
    if claim in states:
        raise KEY_OWNER.at("protected header kid", claim)
    answered = replace(guest, answered=index, accepted=isinstance(event, Accept))
    return {statement.iss: answered, claim: KeyClaim(owner=statement.iss)}
