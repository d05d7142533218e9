"""A battery in JSON: the log's state of it in words, with links.

For convenience and proven by nothing: what counts is the dossier.
"""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from ledger.custody.identifiers import BATTERY_NAMES
from ledger.custody.states import Assessed, BatteryState, Mark, Released
from ledger.log.reading.published import BatteryView, EntryView
from ledger.log.reading.searching import Hit, Page
from ledger.wire.base64text import encode_base64url


class Links(msgspec.Struct, frozen=True):
    """Paths on this service."""

    battery: str
    dossier: str


class FoundBattery(msgspec.Struct, frozen=True):
    """The subject of a battery, and where to go on."""

    subject: str
    links: Links


class HitDocument(msgspec.Struct, frozen=True):
    """A subject that was found, and by what. ``links`` are null where it is no battery."""

    subject: str
    kinds: list[str]
    links: Links | None


class SearchDocument(msgspec.Struct, frozen=True):
    """A page of what was found; ``next`` is the path of the next one, null after the last."""

    hits: list[HitDocument]
    next: str | None


class Place(msgspec.Struct, frozen=True):
    """An entry of the log; ``occurred`` is when its issuer says that it happened (Unix seconds)."""

    locator: str
    index: int
    occurred: int


class AssessmentDocument(msgspec.Struct, frozen=True):
    """The last assessment; ``valid_until`` is a date or null."""

    at: Place
    verdict: str
    assessor: str
    valid_until: str | None


class ReleaseDocument(msgspec.Struct, frozen=True):
    """A release that waits for its acceptance; ``moves`` says what changes with it."""

    at: Place
    giver: str
    receiver: str
    moves: list[str]


class EntryDocument(msgspec.Struct, frozen=True):
    """One entry. ``log_time`` (Unix seconds) is null until its epoch has ended; ``occurred_at``
    is the issuer's claim."""

    index: int
    locator: str
    kind: str
    issuer: str
    occurred_at: str | None
    log_time: int | None
    receipt: str
    statement: str


class BatteryDocument(msgspec.Struct, frozen=True):
    """A battery as the log knows it now. ``released`` are the releases that wait, ``disputed``
    the locators of entries that are contested."""

    subject: str
    status: str
    physical: str
    record: str
    level: str | None
    maker: str
    possessor: str
    owner: str
    responsible: str
    parent: str | None
    waste: list[str]
    predecessors: list[str]
    made: Place
    last: Place
    install: Place | None
    quarantine: Place | None
    missing: Place | None
    assessed: AssessmentDocument | None
    released: list[ReleaseDocument]
    disputed: list[str]
    entries: list[EntryDocument]
    links: Links


def found(subject: str) -> FoundBattery:
    """What the search answers."""
    return FoundBattery(subject, _links(subject))


def search_document(page: Page, query: str, kind: str | None, limit: int) -> SearchDocument:
    """The document of a page of the search."""
    return SearchDocument([_hit(hit) for hit in page.hits], _next(page, query, kind, limit))


def _hit(hit: Hit) -> HitDocument:
    is_battery = hit.subject.startswith(BATTERY_NAMES)
    return HitDocument(hit.subject, list(hit.kinds), _links(hit.subject) if is_battery else None)


def _next(page: Page, query: str, kind: str | None, limit: int) -> str | None:
    if page.after is None:
        return None
    asked = {"q": query, **({} if kind is None else {"kind": kind})}
    return "/batteries?" + urlencode({**asked, "limit": limit, "after": page.after})


def battery_document(view: BatteryView) -> BatteryDocument:
    """The document of a battery."""
    state = view.state
    return BatteryDocument(
        subject=view.subject,
        status=state.status,
        physical=state.physical,
        record=state.record,
        level=state.level,
        maker=state.maker,
        possessor=state.possessor,
        owner=state.owner,
        responsible=state.responsible,
        parent=state.parent,
        waste=list(state.waste),
        predecessors=list(state.predecessors),
        made=_place(state.made),
        last=_place(state.last),
        install=_optional(state.install),
        quarantine=_optional(state.quarantine),
        missing=_optional(state.missing),
        assessed=_assessment(state),
        released=[_release(waiting) for waiting in state.released],
        disputed=[encode_base64url(entry_id) for entry_id in state.disputed],
        entries=[_entry(entry) for entry in view.entries],
        links=_links(view.subject),
    )


def _links(subject: str) -> Links:
    path = f"/batteries/{encode_base64url(subject.encode())}"
    return Links(path, f"{path}/dossier")


def _place(mark: Mark) -> Place:
    return Place(encode_base64url(mark.entry_id), mark.index, mark.occurred)


def _optional(mark: Mark | None) -> Place | None:
    return None if mark is None else _place(mark)


def _assessment(state: BatteryState) -> AssessmentDocument | None:
    last: Assessed | None = state.assessed
    if last is None:
        return None
    return AssessmentDocument(_place(last.at), last.verdict, last.assessor, last.valid_until)


def _release(waiting: Released) -> ReleaseDocument:
    return ReleaseDocument(_place(waiting.at), waiting.giver, waiting.receiver, list(waiting.moves))


def _entry(entry: EntryView) -> EntryDocument:
    locator = encode_base64url(entry.entry_id)
    return EntryDocument(
        index=entry.index,
        locator=locator,
        kind=entry.kind,
        issuer=entry.iss,
        occurred_at=entry.occurred_at,
        log_time=entry.log_time,
        receipt=f"/entries/{locator}",
        statement=f"/entries/{locator}/statement",
    )
