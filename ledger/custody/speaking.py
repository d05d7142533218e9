"""For whom an event speaks: its issuer, the principal of a delegate, or a guest.

Rules and states know the speaker, not the hand that signed: what a delegate accepts is its
principal's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ledger.custody.events import Event
from ledger.custody.governance.mandates import UNKNOWN, check_mandate, mandate_uri
from ledger.custody.governance.signing_keys import REMOVED_ISSUER, UNKNOWN_ISSUER
from ledger.custody.states import DeviceState, GuestState, OperatorState, State
from ledger.wire.statement import Statement


class Speaker(msgspec.Struct, frozen=True):
    """Who speaks, and with which roles."""

    uri: str
    operator: OperatorState


def speaker_names(event: Event) -> tuple[str, ...]:
    """The states, beside the issuer's, that :func:`speaker_of` reads."""
    if event.mandate is None or event.on_behalf_of is None:
        return ()
    return (event.on_behalf_of, mandate_uri(event.mandate))


def speaker_of(
    statement: Statement,
    event: Event,
    acted_on: Iterable[str],
    time: int,
    states: Mapping[str, State],
) -> Speaker:
    """For whom ``event`` speaks at log time ``time``. ``acted_on`` are its batteries.

    Raises ``rejected.mandate.*`` and ``rejected.issuer.*``. ``signing_key`` has found the issuer.
    """
    issuer = states[statement.iss]
    if event.mandate is not None:
        return _principal(check_mandate(statement, event, acted_on, time, states), states)
    if isinstance(issuer, OperatorState):
        return Speaker(statement.iss, issuer)
    if isinstance(issuer, DeviceState):
        raise UNKNOWN.at("payload.mandate", "a device signs under a mandate only")
    assert isinstance(issuer, GuestState)  # noqa: S101 - signing_key has refused others
    return Speaker(statement.iss, _guest(statement.iss, issuer))


def _principal(uri: str, states: Mapping[str, State]) -> Speaker:
    principal = states.get(uri)
    if not isinstance(principal, OperatorState):
        raise UNKNOWN_ISSUER.at("payload.on_behalf_of", uri)
    if principal.removed is not None:
        raise REMOVED_ISSUER.at("payload.on_behalf_of", f"{uri} at entry {principal.removed}")
    return Speaker(uri, principal)


def _guest(uri: str, guest: GuestState) -> OperatorState:
    """What rules see of a guest: an operator without any role."""
    return OperatorState(uri=uri, name=uri, country="", roles=(), keys=(), registered=guest.named)
