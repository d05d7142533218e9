"""From what is said about a battery to the statement that its issuer has signed."""

from __future__ import annotations

import msgspec

from cli.event_fields import fields_of
from cli.event_values import Values
from keys.errors import declare
from keys.signer import Signer
from ledger.custody.events import Event, Manufacture, Model, parse_event
from ledger.custody.identifiers import parse_subject
from ledger.custody.names.labels import parse_label
from ledger.custody.subjects import named_by
from ledger.wire import cbor
from ledger.wire.statement import TYP_EVENT, Statement, make_statement

MISSING = declare(
    "usage.event.missing",
    "The event lacks fields that its kind requires.",
    "State them, as options or with --fields; `cellbook event KIND --help` explains them.",
)
NO_BATTERY = declare(
    "usage.event.battery",
    "It is not said to which battery it happened.",
    "Name the battery with --battery: its code as printed, or its URI.",
)


class Draft(msgspec.Struct, frozen=True):
    """An event that is ready to be signed: its subject and its payload bytes."""

    kind: str
    sub: str
    payload: bytes


def resolve_battery(text: str) -> str:
    """The subject that a code as printed or scanned, a Digital Link or a URI names.

    Raises what ``parse_label`` raises. Other spellings are read: the statement has the right one.
    """
    return parse_label(text).uri


def draft_event(kind: str, values: Values, sub: str | None) -> Draft:
    """The event of ``kind`` with ``values`` (by wire names) about ``sub``.

    A model's subject follows from the event, and the ids of a manufacture from ``sub`` where they
    are not stated. Raises ``usage.event.*``, ``rejected.subject.*`` and what ``parse_event``
    raises. Whether it may happen now is for the ledger to decide.
    """
    if kind == "manufacture" and sub is not None and "ids" not in values:
        named = parse_subject(sub)
        values = {**values, "ids": [{"scheme": named.scheme, "value": named.code}]}
    payload = _payload(kind, values)
    content = parse_event(payload)
    subject = _subject(kind, content, sub)
    if not isinstance(content, Model):
        named_by(content, parse_subject(subject).uri)
    return Draft(kind, subject, payload)


def sign_draft(signer: Signer, draft: Draft, *, issuer: str, aud: str, iat: int) -> Statement:
    """The signed statement by ``issuer`` for the log family ``aud``; ``iat`` in Unix seconds.

    Raises what ``make_statement`` raises. That the key is one of the issuer's is not checked.
    """
    return make_statement(
        signer,
        typ=TYP_EVENT,
        iss=issuer,
        sub=draft.sub,
        aud=aud,
        iat=iat,
        payload=draft.payload,
    )


def _subject(kind: str, content: Event, sub: str | None) -> str:
    if isinstance(content, Model):
        return content.uri
    if sub is None and isinstance(content, Manufacture):
        return content.ids[0].uri
    if sub is None:
        raise NO_BATTERY.at(kind)
    return sub


def _payload(kind: str, values: Values) -> bytes:
    missing = [
        field.option for field in fields_of(kind) if field.need == "R" and field.wire not in values
    ]
    if missing:
        raise MISSING.at(kind, ", ".join(missing))
    return cbor.encode({"type": kind, "version": 1, **values})
