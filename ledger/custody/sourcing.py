"""``source_ref``: an issuer's own name of a record, under which it registers one event, once.

So a night's export can be signed and submitted again after a failure: what has arrived is refused
as registered, with its place. The claim is a state under a name of its own, like the owner of a
key; nobody reads from that name who the issuer is or what its record is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from keys.errors import declare
from ledger.custody.events import Event
from ledger.custody.states import SourceClaim, State
from ledger.custody.values.fields import EventView, Present, read
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import Statement

SAME = declare(
    "conflict.source-ref",
    "The issuer has registered this very event under this source_ref before.",
    "Nothing needs to be done; the error names the location of the entry.",
)
CHANGED = declare(
    "conflict.source-ref.changed",
    "The issuer has registered another event under this source_ref.",
    "Compare it with the entry that the error names. If that one is wrong, sign a correction; "
    "another record needs another source_ref.",
)


def source_uri(issuer: str, source_ref: str) -> str:
    """The name under which ``issuer`` claims ``source_ref``. Neither can hold NUL."""
    claimed = issuer.encode() + b"\0" + source_ref.encode()
    return f"urn:cellbook:source:{sha256(claimed).hexdigest()}"


def said_by(subject: str, payload: bytes) -> bytes:
    """By what two signings are known to say the same: a SHA-256 over subject and payload."""
    return sha256(subject.encode() + b"\0" + payload).digest()


def source_of(statement: Statement, event: Event | EventView) -> str | None:
    """The name that ``event`` claims; None where it states no source_ref, or withholds it."""
    stated = read(event, "source_ref")
    return source_uri(statement.iss, stated.value) if isinstance(stated, Present) else None


def claim_source(
    statement: Statement, event: Event, entry_id: bytes, states: Mapping[str, State]
) -> dict[str, State]:
    """The claim that ``event`` makes as the entry ``entry_id``, by its name; empty without one.

    Raises ``conflict.source-ref`` where the same content about the same subject is registered
    under the name, ``conflict.source-ref.changed`` where something else is.
    """
    uri = source_of(statement, event)
    if uri is None:
        return {}
    said = said_by(statement.sub, statement.payload)
    before = states.get(uri)
    if isinstance(before, SourceClaim):
        error = SAME if before.said == said else CHANGED
        raise error.at("payload.source_ref", location=encode_base64url(before.entry_id))
    return {uri: SourceClaim(entry_id=entry_id, said=said)}
