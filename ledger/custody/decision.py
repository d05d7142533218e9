"""One statement, decided: the same function at registration, in ``fsck``, and in a buyer's hands.

Data flow: ``read_content`` (bytes → Content) → ``needed`` (which states and entries to fetch) →
``decide`` (subjects, states after, findings). Nothing here reads a store or a clock. The signature
is checked by the caller, with the key that ``signing_key`` names.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType

import msgspec

from keys.errors import declare
from ledger.custody.content import Content as Content
from ledger.custody.content import Needed as Needed
from ledger.custody.content import needed as needed
from ledger.custody.content import read_content as read_content
from ledger.custody.documents import check_document
from ledger.custody.events import Event, Model, kind_of
from ledger.custody.fold import fold
from ledger.custody.governance.carrying import check_carried, check_cited, without_fresh
from ledger.custody.governance.effects import AUDIENCE, WRONG_SUBJECT, govern
from ledger.custody.governance.guests import follow_guest
from ledger.custody.governance.mandates import Mandate, apply_mandate
from ledger.custody.governance.policy import NO_POLICY
from ledger.custody.governance.statements import (
    Governance,
)
from ledger.custody.identifiers import GS1_HOST, is_model_uri, parse_subject
from ledger.custody.placing import NO_WHOLES, Wholes
from ledger.custody.profiles import CORE, Profiles, version_of
from ledger.custody.refold import Chain, Change, change_of, changed, following
from ledger.custody.rules import Case, Finding, Occasion, judge, refusal
from ledger.custody.sourcing import claim_source
from ledger.custody.speaking import Speaker, speaker_of
from ledger.custody.states import (
    AliasState,
    BatteryState,
    LogState,
    Mark,
    ModelState,
    State,
)
from ledger.custody.subjects import (
    ACTED_ON,
    RESTATED,
    CitedEntry,
    Named,
    cited_by,
    concerned_by,
    named_by,
)
from ledger.custody.values.times import parse_moment
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import Statement

ALIAS = declare(
    "rejected.subject.alias",
    "This is a further identifier of a battery, not its subject.",
    "Use the battery's subject, which the error names.",
)
TAKEN = declare(
    "rejected.subject.taken",
    "There is a statement about this model version already.",
    "State the next version of the model.",
)
NO_CHAINS: Mapping[str, Chain] = MappingProxyType({})


class Decision(msgspec.Struct, frozen=True):
    """What an entry does: its subjects (in order), the states that it changes, what rules found,
    and the cases that they judged."""

    subjects: tuple[str, ...]
    after: dict[str, State]
    findings: tuple[Finding, ...]
    cases: tuple[Case, ...] = ()


def decide(
    statement: Statement,
    content: Content,
    occasion: Occasion,
    log: LogState | None,
    states: Mapping[str, State],
    cited: Mapping[bytes, CitedEntry],
    *,
    refuse: bool = True,
    carried: Container[str] | None = None,
    profiles: Profiles | None = None,
    chains: Mapping[str, Chain] = NO_CHAINS,
    wholes: Wholes = NO_WHOLES,
) -> Decision:
    """Decide ``statement`` as entry ``occasion.index`` under the policy ``log`` (None: genesis).

    ``states`` holds the states before, of ``needed().uris`` and of the subjects of cited entries.
    With ``refuse`` the first breach raises ``rejected.<rule>``, and remarks are left to who reads
    the log; without, breaches are findings and the event is folded all the same. ``carried``
    names the batteries whose histories are at hand: a buyer's dossier carries not all, and of
    others nothing is judged or folded. ``profiles`` are those that a buyer chose to judge by;
    without, the policy's. They change no state. ``chains`` are the entries before of the batteries
    of a corrected entry (``refold.fetch_chains``), ``wholes`` says where batteries are that are not
    carried. Raises ``rejected.*`` for everything that is no rule's matter.
    """
    if isinstance(content, Governance):
        subjects, after = govern(statement, content, occasion, log, states, carried)
        return Decision(subjects, after, ())
    if log is None:
        raise NO_POLICY.at(f"entry {occasion.index}")
    states = _known_before(statement, content, log, states, cited, carried)
    if isinstance(content, HashEnvelope):
        check_document(statement, occasion.time, log.skew_s, states)
        return Decision((statement.sub,), {}, ())
    at = (occasion.entry_id, occasion.index)
    if isinstance(content, Mandate):
        after = apply_mandate(statement, content, *at, states, log)
        return Decision((statement.sub,), after, ())
    judged_by = log.profiles if profiles is None else profiles
    # Before the rules: what is signed again breaks some of them, and that is not what is wrong.
    claims = claim_source(statement, content, occasion.entry_id, states)
    if content.corrects is None:
        claims |= follow_guest(statement, content, *at, states, log)
    if isinstance(content, Model):
        decision = _decide_model(statement, content, occasion, log, states, refuse, judged_by)
    else:
        decision = _decide_event(
            statement,
            content,
            occasion,
            log,
            states,
            cited,
            refuse,
            carried,
            judged_by,
            chains,
            wholes,
        )
    return msgspec.structs.replace(decision, after={**decision.after, **claims})


def _known_before(
    statement: Statement,
    content: Content,
    log: LogState,
    states: Mapping[str, State],
    cited: Mapping[bytes, CitedEntry],
    carried: Container[str] | None,
) -> Mapping[str, State]:
    """The states before; the statement is for this family, and what it rests on is taken over."""
    if statement.aud != log.family:
        raise AUDIENCE.at("aud", statement.aud)
    if log.predecessor is None:
        return states
    check_carried(statement, content, states, carried)
    check_cited(cited.values(), states, carried)
    return without_fresh(states)


def _decide_model(
    statement: Statement,
    content: Model,
    occasion: Occasion,
    log: LogState,
    states: Mapping[str, State],
    refuse: bool,
    profiles: Profiles,
) -> Decision:
    uri = statement.sub
    if not is_model_uri(uri) or uri != content.uri:
        raise WRONG_SUBJECT.at("sub", f"{uri}, not {content.uri}")
    if uri in states:
        raise TAKEN.at("sub", uri)
    speaker = speaker_of(statement, content, (), occasion.time, states)
    name = Named(uri, "event")
    case = _case(statement, content, name, speaker, occasion, log, states, {}, profiles)
    findings = _judged((case,), refuse)
    after: dict[str, State] = {uri: ModelState(issuer=speaker.uri, at=case.mark)}
    return Decision((uri,), after, findings, (case,))


def _decide_event(
    statement: Statement,
    content: Event,
    occasion: Occasion,
    log: LogState,
    states: Mapping[str, State],
    cited: Mapping[bytes, CitedEntry],
    refuse: bool,
    carried: Container[str] | None,
    profiles: Profiles,
    chains: Mapping[str, Chain],
    wholes: Wholes,
) -> Decision:
    named = named_by(content, statement.sub)
    for name in named:
        _check_name(name, states.get(name.uri))
    subjects = concerned_by(content, named, states, cited, log.subjects, wholes)
    entry_id = cited_by(content)
    if entry_id is not None:
        others = (uri for uri in cited[entry_id].subjects if uri != statement.sub)
        named = (*named, *(Named(uri, "unit") for uri in others))
    acted_on = (name.uri for name in named if name.part in ACTED_ON)
    speaker = speaker_of(statement, content, acted_on, occasion.time, states)
    if content.corrects is not None:
        _check_restated(content, named, cited[content.corrects])
        named = ()
    if carried is not None:
        named = tuple(name for name in named if _is_told(name, statement.sub, carried))
    judged = (Named(statement.sub, "event" if content.corrects is None else "restated"), *named)
    cases = tuple(
        _case(statement, content, name, speaker, occasion, log, states, cited, profiles)
        for name in judged
    )
    findings = _judged(cases, refuse)
    mark = Mark(
        entry_id=occasion.entry_id, index=occasion.index, occurred=parse_moment(content.occurred_at)
    )
    core = version_of(CORE, log.profiles)
    after = fold(content, named, states, speaker.uri, mark, core)
    change = change_of(content, cited, log)
    if change is None:
        return Decision(subjects, after, findings, cases)
    flags = tuple(_flags(change, named, chains))
    signers = (speaker.uri, statement.iss)
    after |= changed(content, change, named, {**states, **after}, chains, signers)
    return Decision(subjects, after, (*findings, *flags), cases)


def _check_restated(event: Event, named: tuple[Named, ...], entry: CitedEntry) -> None:
    if entry.kind != kind_of(event) or set(entry.subjects) != {name.uri for name in named}:
        raise RESTATED.at("payload.corrects", f"entry {entry.index} is a {entry.kind}")


def _flags(
    change: Change, named: tuple[Named, ...], chains: Mapping[str, Chain]
) -> Iterator[Finding]:
    """COR-2: what follows a changed entry was decided when that entry counted."""
    detail = f"it was decided when entry {change.entry.index} counted, which was changed since"
    for name in named:
        for index in following(change, chains.get(name.uri, ())):
            yield Finding("COR-2", False, name.uri, index, detail)


def _is_told(name: Named, sub: str, carried: Container[str]) -> bool:
    """Whether the history in which a name stands is at hand. That of a further identifier is its
    battery's; where it is a carried battery's own name, that one must know who claims it (ID-4)."""
    return name.uri in carried or (name.part == "alias" and sub in carried)


def _check_name(name: Named, before: State | None) -> None:
    """An alias never stands for its battery: a chain has one name (ID-4 judges new names)."""
    if isinstance(before, AliasState) and name.part not in ("alias", "output"):
        raise ALIAS.at(name.part, f"{name.uri}: the battery's subject is {before.of}")
    if before is not None and not isinstance(before, BatteryState | AliasState):
        raise WRONG_SUBJECT.at(name.part, f"{name.uri} is no battery")
    judged_by_rules = ("urn:cellbook:", GS1_HOST)
    if before is None and name.part != "alias" and not name.uri.startswith(judged_by_rules):
        parse_subject(name.uri)


def _case(
    statement: Statement,
    event: Event,
    name: Named,
    speaker: Speaker,
    occasion: Occasion,
    log: LogState,
    states: Mapping[str, State],
    cited: Mapping[bytes, CitedEntry],
    profiles: Profiles,
) -> Case:
    return Case(
        kind=kind_of(event),
        event=event,
        part=name.part,
        uri=name.uri,
        before=states.get(name.uri),
        issuer=speaker.uri,
        signer=statement.iss,
        operator=speaker.operator,
        occurred=parse_moment(event.occurred_at),
        issued=statement.iat,
        occasion=occasion,
        skew_s=log.skew_s,
        profiles=profiles,
        states=states,
        cited=cited,
    )


def _judged(cases: tuple[Case, ...], refuse: bool) -> tuple[Finding, ...]:
    if not refuse:
        return tuple(finding for case in cases for finding in judge(case))
    for case in cases:
        for finding in judge(case, refusing=True):
            raise refusal(finding).at(finding.uri, finding.detail)
    return ()
