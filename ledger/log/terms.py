"""Under which words an entry's subjects are found: a pure function of the entry.

Only public fields are told, so that no search finds what a reader may not see. The terms are kept
beside the log; ``fsck`` tells them once more from the entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from keys.errors import CellbookError
from ledger.custody.decision import Content
from ledger.custody.events import Event, Manufacture, Model, Repurpose
from ledger.custody.governance.handover import CarriedOver, CarriedSubject
from ledger.custody.governance.statements import ListSnapshot
from ledger.custody.identifiers import parse_subject
from ledger.custody.states import AliasState
from ledger.custody.subjects import named_by
from ledger.wire.statement import Statement

IDENTIFIER = "identifier"
SERIAL, PASSPORT, BATCH, OPERATOR, LIST = "serial", "passport", "batch", "operator", "list"
KINDS = (IDENTIFIER, SERIAL, PASSPORT, BATCH, OPERATOR, LIST)
"""By what is searched. An identifier is looked up among the subjects; the others are terms."""
FIELDS = (
    ("manufacture", "batch_id"),
    ("manufacture", "passport_id"),
    ("manufacture", "on_behalf_of"),
    ("repurpose", "outputs"),
)
"""Fields of events whose content is a term."""

Told = tuple[str, str, str]
"""(kind, value, URI of the subject)."""
_NAMING = ("child", "output")


def terms_of(statement: Statement, content: Content) -> list[Told]:
    """The terms that the entry gives to its subjects, some maybe twice.

    An operator is the one for whom the issuer speaks. The serial number of a further identifier
    finds the battery itself.
    """
    if isinstance(content, ListSnapshot):
        sub = statement.sub
        return [(LIST, content.scheme, sub), (LIST, content.announcement, sub)]
    if isinstance(content, CarriedOver):
        return [term for item in content.subjects for term in _carried(item)]
    if not isinstance(content, Event) or isinstance(content, Model):
        return []
    return list(_terms(statement, content))


def _terms(statement: Statement, event: Event) -> Iterator[Told]:
    sub = statement.sub
    operator = event.on_behalf_of or statement.iss
    for name in named_by(event, sub):
        if name.part == "alias":
            yield from _serial(name.uri, sub)
            continue
        yield OPERATOR, operator, name.uri
        if name.part in _NAMING or (name.part == "sub" and isinstance(event, Manufacture)):
            yield from _serial(name.uri, name.uri)
    if isinstance(event, Manufacture):
        if event.batch_id is not None:
            yield BATCH, event.batch_id, sub
        if event.passport_id is not None:
            yield PASSPORT, event.passport_id, sub
    elif isinstance(event, Repurpose):
        for output in event.outputs:
            if output.passport_id is not None:
                yield PASSPORT, output.passport_id, output.id


def _carried(item: CarriedSubject) -> Iterator[Told]:
    """A battery from the log before this one, which its serial number finds, and who holds it."""
    if isinstance(item.state, AliasState):
        yield from _serial(item.uri, item.state.of)
    elif item.state is not None:
        yield from _serial(item.uri, item.uri)
        yield OPERATOR, item.state.possessor, item.uri
        if item.state.stated is not None and item.state.stated.passport is not None:
            yield PASSPORT, item.state.stated.passport, item.uri


def _serial(identifier: str, uri: str) -> Iterator[Told]:
    try:
        yield SERIAL, parse_subject(identifier).serial, uri
    except CellbookError:
        return  # no rule judges the names of children that another maker has registered
