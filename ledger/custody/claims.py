"""States of who signs, and of what was claimed once: operators, guests, devices, keys, codes."""

from __future__ import annotations

import msgspec

from ledger.custody.governance.base import Facility


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frozen value inside a state."""


class OperatorKey(Value, frozen=True, kw_only=True):
    """A key of an operator. ``added`` and ``revoked`` are log indexes: valid in between (KEY-1)."""

    kid: bytes
    key: bytes
    purposes: tuple[str, ...]
    added: int
    revoked: int | None = None
    compromised_since: int | None = None


class OperatorState(Value, tag="operator", frozen=True, kw_only=True):
    """An operator that the registrar registered."""

    uri: str
    name: str
    country: str
    roles: tuple[str, ...]
    keys: tuple[OperatorKey, ...]
    registered: int
    removed: int | None = None
    maker_codes: tuple[str, ...] = ()
    gs1_prefixes: tuple[str, ...] = ()
    facilities: tuple[Facility, ...] = ()


class GuestState(Value, tag="guest", frozen=True, kw_only=True):
    """A buyer with one key, which the release in the entry ``release`` (at index ``named``) names.

    ``answered`` is the index of its acceptance or refusal.
    """

    key: bytes
    release: bytes
    giver: str
    named: int
    answered: int | None = None
    accepted: bool = False


class DeviceState(Value, tag="device", frozen=True, kw_only=True):
    """A device whose key its principal has stated in a mandate."""

    key: bytes
    principal: str


class MandateState(Value, tag="mandate", frozen=True, kw_only=True):
    """What a delegate may sign for its principal, on which days (UTC). ``given`` and ``revoked``
    are log indexes; without ``batteries`` it is for all."""

    principal: str
    delegate: str
    kinds: tuple[str, ...]
    valid_from: str
    valid_to: str
    given: int
    batteries: tuple[str, ...] = ()
    revoked: int | None = None


class KeyClaim(Value, tag="key", frozen=True, kw_only=True):
    """A key belongs to one owner, for ever."""

    owner: str


class CodeClaim(Value, tag="code", frozen=True, kw_only=True):
    """A maker code or GS1 company prefix belongs to one operator at a time; None: to nobody."""

    owner: str | None


class PastEntryState(Value, tag="past-entry", frozen=True, kw_only=True):
    """An event of a log before this one, as statements here need it: ``index`` is below 0,
    ``issuer`` is for whom it speaks; ``effect`` is what it says against its batteries, and
    ``since`` from when on (Unix seconds)."""

    index: int
    issuer: str
    kind: str
    subjects: tuple[str, ...]
    effect: str | None = None
    since: int = 0


class SourceClaim(Value, tag="source", frozen=True, kw_only=True):
    """A record of an issuer is told by one entry. ``said`` is the SHA-256 over subject, NUL and
    payload: whether a repeated signing says the same."""

    entry_id: bytes
    said: bytes
