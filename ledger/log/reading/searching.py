"""The search: by identifier, serial number, passport, batch, operator or list, page by page."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.names.labels import parse_label
from ledger.custody.states import AliasState, FreshState
from ledger.log.stored import read_states
from ledger.log.terms import IDENTIFIER, KINDS, LIST, OPERATOR, SERIAL
from ledger.store.sql import SqlStore

UNKNOWN_KIND = declare(
    "usage.search.kind",
    "There is no search of this kind.",
    "Search by identifier, serial, passport, batch, operator or list, or by all of them.",
)
PAGE = declare(
    "usage.search.page",
    "The page that was asked for cannot be found.",
    "Give the subject with which the page before ended, and a limit of 1 to 1000.",
)

LONGEST_QUERY = 512
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100


class Hit(msgspec.Struct, frozen=True):
    """A subject that was found, and by what."""

    subject: str
    kinds: tuple[str, ...]


class Page(msgspec.Struct, frozen=True):
    """Some of what was found, in the order in which the log first named it. ``after`` is where the
    next page begins, None after the last one."""

    hits: tuple[Hit, ...]
    after: str | None


def search(
    store: SqlStore, query: str, kind: str | None, after: str | None, limit: int = DEFAULT_LIMIT
) -> Page:
    """What ``query`` finds, of one ``kind`` or of all; at most ``limit`` subjects.

    Whole values are compared, as they were stated: a serial number in capitals too, an operator by
    URI, USCC or LEI, an identifier in every form of ``custody.labels``. Raises
    ``usage.search.kind`` and ``usage.search.page``. Nothing of the answer is proven.
    """
    if kind is not None and kind not in KINDS:
        raise UNKNOWN_KIND.at("kind", repr(kind)[:40])
    if not 1 <= limit <= MAX_LIMIT:
        raise PAGE.at("limit", str(limit)[:20])
    text = query.strip()
    kinds = KINDS if kind is None else (kind,)
    terms = [(each, value) for each in kinds if each != IDENTIFIER for value in _values(each, text)]
    names = _named(store, text) if IDENTIFIER in kinds else []
    found = store.search(terms, names, after, limit + 1)
    if found is None:
        raise PAGE.at("after", repr(after)[:80])
    by_subject: dict[str, list[str]] = {}
    for uri, of_kind in found:
        by_subject.setdefault(uri, []).append(of_kind)
    hits = [Hit(uri, tuple(dict.fromkeys(by))) for uri, by in by_subject.items()]
    more = len(hits) > limit
    return Page(tuple(hits[:limit]), hits[limit - 1].subject if more else None)


def _values(kind: str, text: str) -> tuple[str, ...]:
    """How a value of ``kind`` may be stated that somebody looks for as ``text``."""
    if kind == SERIAL:
        return tuple({text, text.upper()})
    if kind == OPERATOR:
        return (text, f"urn:uscc:{text.upper()}", f"urn:lei:{text.upper()}")
    return tuple({text, text.lower()}) if kind == LIST else (text,)


def _named(store: SqlStore, text: str) -> list[str]:
    """The subject with this name: of a battery, or any other that the log knows a state of."""
    names = [text]
    with suppress(CellbookError):
        names.append(parse_label(text).uri)
    states = read_states(store.states(names))
    return [
        state.of if isinstance(state, AliasState) else uri
        for uri, state in states.items()
        if not isinstance(state, FreshState)
    ]
