"""What a statement says, as a type, and what must be fetched before it can be decided."""

from __future__ import annotations

import msgspec

from keys.errors import declare
from ledger.custody.events import Event, parse_event
from ledger.custody.governance.carrying import carried_names
from ledger.custody.governance.guests import guest_names
from ledger.custody.governance.handover import CarriedEntry, CarriedHistory, CarriedOver
from ledger.custody.governance.mandates import Mandate, mandate_names, parse_mandate
from ledger.custody.governance.operators import key_uri
from ledger.custody.governance.past_entries import past_entry_names
from ledger.custody.governance.policy import key_of
from ledger.custody.governance.statements import (
    Governance,
    Head,
    KeyAdded,
    OperatorRegistered,
    parse_governance,
)
from ledger.custody.names.issuing import claim_names, issuer_names
from ledger.custody.sourcing import source_of
from ledger.custody.speaking import speaker_names
from ledger.custody.subjects import entries_of, named_by
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import TYP_EVENT, TYP_GOVERNANCE, TYP_HEAD, TYP_MANDATE, Statement

Content = Event | Governance | Mandate | HashEnvelope

WRONG_KIND = declare(
    "rejected.typ",
    "The payload is not of the kind that typ announces.",
    "Heads have the typ of heads, other governance statements that of governance.",
)
UNSUPPORTED_TYP = declare(
    "unsupported.typ.registration",
    "This version registers no statements of this typ.",
    "Events, governance statements, mandates and hash envelopes can be registered.",
)


class Registered(msgspec.Struct, frozen=True):
    """An entry of the log, read."""

    index: int
    entry_id: bytes
    statement: Statement
    content: Content


class Needed(msgspec.Struct, frozen=True):
    """What must be fetched before a statement can be decided."""

    uris: tuple[str, ...]
    entries: tuple[bytes, ...]


def read_content(statement: Statement) -> Content:
    """The typed payload of ``statement``. Raises ``malformed.*``, ``unsupported.*``,
    ``rejected.typ``."""
    if statement.typ == TYP_EVENT:
        return parse_event(statement.payload)
    if statement.envelope is not None:
        return statement.envelope
    if statement.typ == TYP_MANDATE:
        return parse_mandate(statement.payload)
    if statement.typ not in (TYP_GOVERNANCE, TYP_HEAD):
        raise UNSUPPORTED_TYP.at("typ", statement.typ)
    content = parse_governance(statement.payload)
    if isinstance(content, Head) != (statement.typ == TYP_HEAD):
        raise WRONG_KIND.at("typ", statement.typ)
    return content


def needed(statement: Statement, content: Content) -> Needed:
    """The states and entries that ``decide`` reads, but for the subjects of cited entries.

    Raises ``rejected.subject.*`` for an event that names its batteries wrongly.
    """
    if isinstance(content, Event):
        uris = [statement.iss, *(name.uri for name in named_by(content, statement.sub))]
        source = source_of(statement, content)
        if source is not None:
            uris.append(source)
        uris += (*speaker_names(content), *guest_names(statement, content))
        uris += issuer_names(content)
        return Needed(tuple(uris), tuple(entries_of(content)))
    if isinstance(content, HashEnvelope):
        return Needed((statement.iss, statement.sub), ())
    if isinstance(content, Mandate):
        return Needed((statement.iss, statement.sub, *mandate_names(content)), ())
    if isinstance(content, CarriedOver):
        return Needed((statement.sub, *carried_names(content)), ())
    if isinstance(content, CarriedEntry):
        return Needed((statement.sub, *past_entry_names(content)), ())
    if isinstance(content, CarriedHistory):
        return Needed((statement.sub, content.uri), ())
    uris = [statement.sub, *claim_names(content)]
    if isinstance(content, OperatorRegistered):
        uris += [key_uri(key_of(grant.key).kid) for grant in content.keys]
    elif isinstance(content, KeyAdded):
        uris.append(key_uri(key_of(content.grant.key).kid))
    return Needed(tuple(uris), ())
