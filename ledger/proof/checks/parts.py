"""Step 4 of the verification: the file holds what it rests on, and nothing that is not its matter.

What a dossier rests on is found from the dossier itself: a policy names the one before, a removal
its installation, a repurposed battery its inputs. That an entry to which nothing in the file points
is not missing either, the log's index shows (``completeness``).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

import msgspec

from keys.errors import declare
from ledger.custody.decision import Content
from ledger.custody.events import Event, Install, Manufacture, Model, Release, Repurpose
from ledger.custody.governance.handover import FromPast, subjects_of
from ledger.custody.governance.mandates import Mandate, MandateGiven
from ledger.custody.governance.statements import AboutLog, Head, OperatorRegistered, Policy
from ledger.custody.names.naming import log_uri
from ledger.proof.checks.completeness import names_of
from ledger.proof.checks.contents import models_of, principals, rests_on
from ledger.proof.checks.heads import HEAD
from ledger.proof.checks.history import History, ReadEntry
from ledger.tree.prefix_chain import Chain
from ledger.wire.hash_envelope import HashEnvelope

MISSING = declare(
    "failed.dossier.missing",
    "The dossier lacks an entry that it rests on.",
    "Ask the sender for the whole dossier: `cellbook dossier` makes one.",
)
FOREIGN = declare(
    "failed.dossier.foreign",
    "The dossier holds an entry that does not belong to this battery's record.",
    "Ask the sender for a dossier made by `cellbook dossier`.",
)


class Elsewhere(msgspec.Struct, frozen=True):
    """What entries may rest on that stands in the file of an earlier log: entry ids, and batteries
    that began there."""

    known: frozenset[bytes] = frozenset()
    made: frozenset[str] = frozenset()

    def joined(self, entries: tuple[ReadEntry, ...]) -> Elsewhere:
        """With ``entries``, which were verified."""
        known = {entry.entry_id for entry in entries}
        made = {uri for entry in entries for uri in _made_by(entry.content)}
        return Elsewhere(self.known | known, self.made | made)


NOWHERE = Elsewhere()


def check_parts(
    entries: tuple[ReadEntry, ...], carried: frozenset[str], elsewhere: Elsewhere = NOWHERE
) -> None:
    """Everything to which an entry points is among ``entries``, before it, or ``elsewhere``.

    Raises ``failed.dossier.missing``, and ``failed.dossier.head`` where no head is the last entry.
    """
    if not isinstance(entries[-1].content, Head):
        raise HEAD.at(f"entry {entries[-1].index}", "the last entry is no head")
    known: set[bytes] = set(elsewhere.known)
    issuers: set[str] = set()
    made: set[str] = set(elsewhere.made)
    policies = 0
    for entry in entries:
        statement, content, where = entry.statement, entry.content, f"entry {entry.index}"
        if isinstance(content, Policy):
            if content.number > policies:
                raise MISSING.at(where, f"policy {policies} is missing")
            policies += 1
        elif isinstance(content, Event | Mandate | HashEnvelope):
            for uri in (statement.iss, *principals(content)):
                if uri not in issuers:
                    raise MISSING.at(where, f"the registration of {uri} is missing")
            for entry_id in rests_on(content, statement.sub, carried):
                if entry_id not in known:
                    raise MISSING.at(where, f"it names entry {entry_id.hex()}, which is missing")
            made.update(_made_by(content))
        issuers.update(_introduced_by(content, statement.sub))
        known.add(entry.entry_id)
    for uri in sorted(carried - made):
        raise MISSING.at("entries", f"the first event of {uri} is missing")


def check_assessments(history: History, elsewhere: Elsewhere = NOWHERE) -> None:
    """An installation that needed an assessment, and breaks a rule for want of the one that it
    names, tells that it was left out. Raises ``failed.dossier.missing``."""
    known = elsewhere.known | {decided.entry.entry_id for decided in history.events}
    for decided in history.events:
        event = decided.event
        named = event.assessment_ref if isinstance(event, Install) else None
        if decided.forbidden_by and named is not None and named not in known:
            detail = f"it names entry {named.hex()}, which is missing"
            raise MISSING.at(f"entry {decided.entry.index}", detail)


def check_belongs(
    history: History, entries: tuple[ReadEntry, ...], carried: frozenset[str]
) -> None:
    """Every entry is about the log, an issuer, a principal or a model here, about a battery that
    is carried, or the head that gives one of these its time. Raises ``failed.dossier.foreign``."""
    check_heads(history, entries)
    names = rests_on_names(entries, carried)
    models = {uri for entry in entries for uri in models_of(entry.content, carried)}
    for entry in entries:
        sub, content = entry.statement.sub, entry.content
        if isinstance(content, Event | Head):
            continue
        if isinstance(content, FromPast):
            if not any(uri in carried or uri in names for uri in subjects_of(content)):
                raise FOREIGN.at(f"entry {entry.index}", "what was taken over of others")
            continue
        if not isinstance(content, AboutLog) and sub not in names and sub not in carried:
            raise FOREIGN.at(f"entry {entry.index}", sub)
    for decided in history.events:
        about = models if isinstance(decided.event, Model) else carried
        if about.isdisjoint(decided.subjects):
            raise FOREIGN.at(f"entry {decided.entry.index}", decided.entry.statement.sub)


def rests_on_names(entries: Iterable[ReadEntry], carried: Container[str]) -> set[str]:
    """``completeness.names_of`` these entries."""
    rows = ((entry.statement.iss, entry.statement.sub, entry.content) for entry in entries)
    return names_of(rows, carried)


def held_chains(
    history: History, entries: tuple[ReadEntry, ...], names: Iterable[str]
) -> dict[str, Chain]:
    """The chains over ``entries`` of ``names`` and of the log: what the index must state."""
    chains = dict.fromkeys((log_uri(history.log.origin), *names), Chain())
    concerned = {decided.entry.index: decided.subjects for decided in history.events}
    for entry in entries:
        if isinstance(entry.content, Head):
            continue
        subjects: tuple[str, ...] = (entry.statement.sub,)
        if isinstance(entry.content, FromPast):
            subjects = subjects_of(entry.content)
        for uri in concerned.get(entry.index, subjects):
            if uri in chains:
                chains[uri] = chains[uri].after(entry.index, entry.statement.leaf_hash)
    return chains


def check_heads(history: History, entries: tuple[ReadEntry, ...]) -> None:
    """Every head gives an entry that needs it its time, or is the last one. Raises
    ``failed.dossier.foreign``."""
    heads = sorted(entry.index for entry in entries if isinstance(entry.content, Head))
    wanted = {heads[-1], *_first_heads(heads, history)}
    for index in heads:
        if index not in wanted:
            raise FOREIGN.at(f"entry {index}", "a head that no entry needs")


def _introduced_by(content: Content, sub: str) -> Iterator[str]:
    """Who may sign from here on."""
    if isinstance(content, OperatorRegistered):
        yield sub
    elif isinstance(content, Release) and content.guest_key is not None:
        yield content.receiver
    elif isinstance(content, MandateGiven) and content.device is not None:
        yield content.delegate


def _made_by(event: Content) -> Iterator[str]:
    """The batteries whose first event this may be."""
    if isinstance(event, Manufacture):
        yield event.ids[0].uri
        yield from event.children
    elif isinstance(event, Repurpose):
        for output in event.outputs:
            yield output.id


def _first_heads(heads: list[int], history: History) -> Iterator[int]:
    """The first head after each event, document and snapshot; ``heads`` ascend."""
    place = 0
    indexes = [decided.entry.index for decided in history.events]
    indexes += [item.entry.index for item in history.documents]
    indexes += [item.entry.index for item in history.snapshots]
    for index in sorted(indexes):
        while place < len(heads) and heads[place] < index:
            place += 1
        if place < len(heads):
            yield heads[place]
