"""Which subjects a statement concerns: a pure function that every auditor repeats.

An event concerns its sub and every battery that it names; while a unit is part of another, the
outer unit too. A statement about an entry (correction, dispute, resolution) concerns every subject
of that entry. A governance statement concerns its sub. Signers are not subjects of what they sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from keys.errors import declare
from ledger.custody.against import Against, against_of
from ledger.custody.events import (
    Correction,
    Dispute,
    Event,
    Manufacture,
    Model,
    Relabel,
    Repurpose,
    Resolution,
    Withdrawal,
    kind_of,
)
from ledger.custody.placing import NO_WHOLES, Wholes
from ledger.custody.states import BatteryState, State

Part = Literal["event", "sub", "alias", "child", "input", "output", "remainder", "unit", "restated"]
"""As what a battery is named. "event" is the event as a whole, once, under the name of its sub;
"restated" is the same for an event that only states anew what another says."""

ACTED_ON: frozenset[Part] = frozenset({"sub", "input", "remainder", "unit"})
"""Parts that something happens to; the others are new names, and units inside of new ones."""

NAMED_TWICE = declare(
    "rejected.subject.twice",
    "The event names one battery twice.",
    "Name every battery once.",
)
TOO_MANY = declare(
    "rejected.subject.count",
    "The statement names more batteries than the policy allows.",
    "Split it into several statements.",
)
NOT_THE_FIRST = declare(
    "rejected.subject.part",
    "The statement's sub is not the battery that the payload puts first.",
    "Take as sub the first of `ids` (manufacture) or of `inputs` (repurpose).",
)
NOT_CITED = declare(
    "rejected.entry.unknown",
    "The statement is about an entry that is not in this log, or not about batteries.",
    "Name the entry id of an event of this log, or of a log that it follows.",
)


RESTATED = declare(
    "rejected.entry.restated",
    "An event that states another anew is of another kind, or names other batteries.",
    "State the event as it should have been, of the same kind and with the same batteries.",
)


class Named(msgspec.Struct, frozen=True):
    """A battery that an event names, and as what."""

    uri: str
    part: Part


class CitedEntry(msgspec.Struct, frozen=True):
    """An entry of this log that a statement is about, as far as rules need it. ``issuer`` is for
    whom it speaks, ``against`` what it says against its batteries."""

    entry_id: bytes
    index: int
    issuer: str
    kind: str
    subjects: tuple[str, ...]
    against: Against | None = None


def cited_by(event: Event) -> bytes | None:
    """The entry id that a correction, dispute, resolution or withdrawal is about, or that an event
    states anew."""
    if isinstance(event, Correction | Dispute | Resolution):
        return event.entry_ref
    if isinstance(event, Withdrawal):
        return event.release_ref
    return event.corrects


def entries_of(event: Event) -> list[bytes]:
    """The entry that ``event`` is about, and the one that shall count in its place."""
    about = [cited_by(event)]
    if isinstance(event, Correction):
        about.append(event.replacement)
    return [entry_id for entry_id in dict.fromkeys(about) if entry_id is not None]


def cite(
    entry_id: bytes,
    index: int,
    issuer: str,
    sub: str,
    content: object,
    cited: Mapping[bytes, CitedEntry],
) -> CitedEntry:
    """What a later statement needs to know of this entry.

    A correction, dispute or resolution has the subjects of what it is about, which must be in
    ``cited``; an entry that is no event about batteries has none.
    """
    if not isinstance(content, Event) or isinstance(content, Model):
        return CitedEntry(entry_id, index, issuer, "governance", ())
    uris = [name.uri for name in named_by(content, sub)]
    about = cited.get(cited_by(content) or b"")
    subjects = tuple(dict.fromkeys((*uris, *(about.subjects if about else ()))))
    speaker = content.on_behalf_of or issuer
    return CitedEntry(entry_id, index, speaker, kind_of(content), subjects, against_of(content))


def named_by(event: Event, sub: str) -> tuple[Named, ...]:
    """The batteries that the event itself names, its sub first.

    Raises ``rejected.subject.twice`` and ``rejected.subject.part``.
    """
    named = [Named(sub, "sub")]
    if isinstance(event, Manufacture):
        first, *others = [identifier.uri for identifier in event.ids]
        if first != sub:
            raise NOT_THE_FIRST.at("payload.ids", first)
        named += [Named(uri, "alias") for uri in others]
        named += [Named(uri, "child") for uri in event.children]
    elif isinstance(event, Repurpose):
        if event.inputs[0].id != sub:
            raise NOT_THE_FIRST.at("payload.inputs", event.inputs[0].id)
        named += [Named(item.id, "input") for item in event.inputs[1:]]
        named += [Named(item.id, "output") for item in event.outputs]
        named += [Named(uri, "child") for item in event.outputs for uri in item.children]
        named += [Named(left.id, "remainder") for left in event.remainder if left.id is not None]
    elif isinstance(event, Relabel):
        named += [Named(identifier.uri, "alias") for identifier in event.new_ids]
    elif hasattr(event, "units"):
        named += [Named(uri, "unit") for uri in event.units]
    if len({name.uri for name in named}) != len(named):
        raise NAMED_TWICE.at("payload")
    return tuple(named)


def concerned_by(
    event: Event,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    cited: Mapping[bytes, CitedEntry],
    limit: int,
    wholes: Wholes = NO_WHOLES,
) -> tuple[str, ...]:
    """All subjects of the event, each once, in the order in which they are named.

    ``states`` are the states before the event; ``wholes`` says of batteries whose states are not
    at hand where they are. Raises ``rejected.entry.unknown`` where a cited
    entry is not in ``cited``, ``rejected.subject.count`` above ``limit``.
    """
    uris = [name.uri for name in named]
    entry_id = cited_by(event)
    if entry_id is not None:
        entry = cited.get(entry_id)
        if entry is None or not entry.subjects:
            raise NOT_CITED.at("payload.entry_ref")
        if uris[0] not in entry.subjects:
            raise NOT_THE_FIRST.at("sub", "the entry is not about this battery")
        uris += entry.subjects
    for uri in tuple(uris):
        state = states.get(uri)
        known = state.parent if isinstance(state, BatteryState) else None
        whole = wholes.get(uri, known)
        if whole is not None:
            uris.append(whole)
    subjects = tuple(dict.fromkeys(uris))
    if len(subjects) > limit:
        raise TOO_MANY.at("payload", f"{len(subjects)} subjects, {limit} are allowed")
    return subjects
