"""Mandates: an operator lets another sign for it, for some kinds of events, for some time.

A mandate is a statement of the principal about itself. The delegate is a registered operator, or a
device whose key the mandate states; its events carry ``mandate`` and ``on_behalf_of``, and rules
judge the principal. Given and revoked count by log order, the days by log time (in UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from keys.cose_key import CoseKey
from keys.errors import declare
from keys.possession import verify_possession
from keys.purposes import EVENTS
from ledger.custody.events import EVENTS as KINDS
from ledger.custody.events import Event, kind_of
from ledger.custody.events.base import check_forms
from ledger.custody.events.scalars import BatteryUri, Date, DelegateUri, EntryId, Short, Some, Text
from ledger.custody.governance.operators import KEY_OWNER, is_reserved, key_uri
from ledger.custody.governance.policy import key_of
from ledger.custody.governance.signing_keys import ALGORITHM
from ledger.custody.names.parties import device_uri, is_device
from ledger.custody.payload import FIELD, Payload, PayloadTable, encode_payload, parse_payload
from ledger.custody.states import (
    DeviceState,
    KeyClaim,
    LogState,
    MandateState,
    OperatorState,
    State,
)
from ledger.custody.values.times import format_moment
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import Statement

SUBJECT = declare(
    "rejected.mandate.subject",
    "A mandate is given and revoked by the registered operator for whom it lets sign.",
    "Sign it as the principal, with the principal's URI as sub.",
)
UNKNOWN = declare(
    "rejected.mandate.unknown",
    "The issuer has no such mandate of this principal.",
    "Name in `mandate` the entry id of the mandate, and its principal in `on_behalf_of`.",
)
KIND = declare(
    "rejected.mandate.kind",
    "The mandate does not let the delegate sign events of this kind.",
    "Let the principal sign, or give a mandate for this kind.",
)
BATTERY = declare(
    "rejected.mandate.battery",
    "The mandate is for other batteries.",
    "Let the principal sign, or give a mandate for this battery.",
)
DAY = declare(
    "rejected.mandate.day",
    "The mandate is not in force on the day of registration.",
    "Let the principal give a new mandate; its days count in UTC.",
)
REVOKED = declare(
    "rejected.mandate.revoked",
    "The principal has revoked the mandate.",
    "Let the principal sign, or give a new mandate.",
)

NEVER = frozenset({"resolution"})
"""An arbiter decides in person."""


class Mandate(Payload, tag_field="type", frozen=True, kw_only=True):
    """What both statements carry."""

    version: Literal[1] = 1

    def __post_init__(self) -> None:
        check_forms(self)


class DeviceKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device's key, and its own signature that it serves the principal (keys.possession)."""

    key: Annotated[bytes, Meta(min_length=1, max_length=4096)]
    possession: Annotated[bytes, Meta(min_length=1, max_length=8192)]


class MandateGiven(Mandate, tag="mandate-given", frozen=True, kw_only=True):
    """``delegate`` may sign events of ``kinds`` for the issuer, from the first day to the last.

    With ``batteries`` the mandate is for these only. ``device`` states the key of a delegate that
    is a device.
    """

    delegate: DelegateUri
    kinds: Annotated[tuple[Short, ...], Meta(min_length=1, max_length=32)]
    valid_from: Date
    valid_to: Date
    batteries: Annotated[tuple[BatteryUri, ...], Some] = ()
    device: DeviceKey | None = None
    reason: Text | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        known = {kind for kind, _ in KINDS} - NEVER
        if not known.issuperset(self.kinds) or list(self.kinds) != sorted(set(self.kinds)):
            raise FIELD.at("payload.kinds", "kinds of events, sorted, each once")
        if list(self.batteries) != sorted(set(self.batteries)):
            raise FIELD.at("payload.batteries", "sorted, each once")
        if self.valid_to < self.valid_from:
            raise FIELD.at("payload.valid_to", "before valid_from")
        if is_device(self.delegate) != (self.device is not None):
            raise FIELD.at("payload.device", "stated for a device, and only then")


class MandateRevoked(Mandate, tag="mandate-revoked", frozen=True, kw_only=True):
    """The mandate in the entry ``mandate`` is over; what was signed under it stays valid."""

    mandate: EntryId
    reason: Text


MANDATES: PayloadTable[Mandate] = {
    ("mandate-given", 1): MandateGiven,
    ("mandate-revoked", 1): MandateRevoked,
}


def parse_mandate(payload: bytes) -> Mandate:
    """The mandate statement in ``payload``; raises as ``parse_event`` does."""
    return parse_payload(payload, MANDATES)


def encode_mandate(statement: Mandate) -> bytes:
    """The deterministic payload bytes of ``statement``."""
    return encode_payload(statement)


def mandate_uri(entry_id: bytes) -> str:
    """The name of the mandate's state. Nothing is ever appended under it."""
    return f"urn:cellbook:mandate:{encode_base64url(entry_id)}"


def mandate_names(content: Mandate) -> tuple[str, ...]:
    """The states, beside the issuer's, that :func:`apply_mandate` reads."""
    if isinstance(content, MandateRevoked):
        return (mandate_uri(content.mandate),)
    assert isinstance(content, MandateGiven)  # noqa: S101 - the union is closed
    if content.device is None:
        return ()
    return (content.delegate, key_uri(key_of(content.device.key).kid))


def apply_mandate(
    statement: Statement,
    content: Mandate,
    entry_id: bytes,
    index: int,
    states: Mapping[str, State],
    log: LogState,
) -> dict[str, State]:
    """The states after a mandate was given or revoked by its principal.

    Raises ``rejected.mandate.*``, ``rejected.key.owner``, ``rejected.algorithm`` and
    ``failed.possession``. That the principal's own key signed is checked before.
    """
    if statement.sub != statement.iss or not isinstance(states.get(statement.iss), OperatorState):
        raise SUBJECT.at("sub", statement.sub)
    if isinstance(content, MandateRevoked):
        return _revoked(statement.iss, content, index, states)
    assert isinstance(content, MandateGiven)  # noqa: S101 - the union is closed
    if content.delegate == statement.iss:
        raise SUBJECT.at("payload.delegate", "nobody needs a mandate of its own")
    after: dict[str, State] = {
        mandate_uri(entry_id): MandateState(
            principal=statement.iss,
            delegate=content.delegate,
            kinds=content.kinds,
            batteries=content.batteries,
            valid_from=content.valid_from,
            valid_to=content.valid_to,
            given=index,
        )
    }
    if content.device is not None:
        after |= _device(statement.iss, content, content.device, states, log)
    return after


def _revoked(
    principal: str, content: MandateRevoked, index: int, states: Mapping[str, State]
) -> dict[str, State]:
    name = mandate_uri(content.mandate)
    before = states.get(name)
    if not isinstance(before, MandateState) or before.principal != principal:
        raise UNKNOWN.at("payload.mandate", name)
    if before.revoked is not None:
        raise REVOKED.at("payload.mandate", f"by entry {before.revoked}")
    return {name: replace(before, revoked=index)}


def _device(
    principal: str,
    content: MandateGiven,
    device: DeviceKey,
    states: Mapping[str, State],
    log: LogState,
) -> dict[str, State]:
    """A device serves one principal, under as many mandates as that one gives."""
    key = key_of(device.key)
    _check_device(key, content.delegate, log)
    before, claim = states.get(content.delegate), states.get(key_uri(key.kid))
    is_known = isinstance(before, DeviceState) and before.principal == principal
    if is_reserved(device.key, log) or not (is_known or (before is None and claim is None)):
        raise KEY_OWNER.at("payload.device", content.delegate)
    verify_possession(key, device.possession, principal, (EVENTS,), log.family)
    return {
        content.delegate: DeviceState(key=device.key, principal=principal),
        key_uri(key.kid): KeyClaim(owner=content.delegate),
    }


def _check_device(key: CoseKey, delegate: str, log: LogState) -> None:
    if device_uri(key.kid) != delegate:
        raise FIELD.at("payload.delegate", f"the key is that of {device_uri(key.kid)}")
    if key.alg not in log.algorithms:
        raise ALGORITHM.at("payload.device", str(key.alg))


def check_mandate(
    statement: Statement,
    event: Event,
    acted_on: Iterable[str],
    time: int,
    states: Mapping[str, State],
) -> str:
    """The principal for whom ``event`` is signed by its mandate, at log time ``time``.

    ``acted_on`` are the batteries to which it happens. Raises ``rejected.mandate.*``.
    """
    mandate = states.get(mandate_uri(event.mandate or b""))
    if (
        not isinstance(mandate, MandateState)
        or mandate.delegate != statement.iss
        or mandate.principal != event.on_behalf_of
    ):
        raise UNKNOWN.at("payload.mandate", statement.iss)
    if mandate.revoked is not None:
        raise REVOKED.at("payload.mandate", f"by entry {mandate.revoked}")
    if kind_of(event) not in mandate.kinds:
        raise KIND.at("payload.type", f"{kind_of(event)}; it is for {', '.join(mandate.kinds)}")
    day = format_moment(time)[:10]
    if not mandate.valid_from <= day <= mandate.valid_to:
        raise DAY.at("payload.mandate", f"{mandate.valid_from} to {mandate.valid_to}, not {day}")
    others = set(acted_on).difference(mandate.batteries) if mandate.batteries else ()
    if others:
        raise BATTERY.at("payload.mandate", min(others))
    return mandate.principal
