"""LST rules: whether who worked on a battery was listed for this work.

They compare an event with the lists of a scheme, which no battery's state holds: so they are no
part of registration. Who has the answers of the lists at hand, proved, asks these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ledger.custody.lists.listed import ListAnswer, PublisherAnswer, Word
from ledger.custody.lists.schemes import RECYCLING, SECOND_LIFE, WHITE_LIST
from ledger.custody.profiles import Profiles
from ledger.custody.rules.registry import Finding

CATEGORY_FOR = {"recycle": RECYCLING, "repurpose": SECOND_LIFE}
"""The category that the signer of an event of a kind should be listed in."""

CLOSED_AFTER = "2026-07-30"
"""The day of Announcement 20/2026, the last one of the category second-life."""


class Work(msgspec.Struct, frozen=True):
    """An event of a kind in ``CATEGORY_FOR``, and what the lists say of its signer: on the day on
    which it happened by the signer's word, and on the day of its log time."""

    uri: str
    index: int
    kind: str
    happened: ListAnswer
    logged: ListAnswer


ListCheck = Callable[[Work], str | None]


class ListRule(msgspec.Struct, frozen=True):
    """A rule over the answers of lists; what it finds is a remark."""

    id: str
    kind: str
    profile: str
    basis: str
    text: str
    repair: str
    scheme: str
    check: ListCheck


LIST_RULES: list[ListRule] = []
_PROFILE = "cn-2026"


def is_of(profiles: Profiles) -> bool:
    """Whether these rules are among those of ``profiles``."""
    return any(name == _PROFILE for name, _ in profiles)


def judge_lists(work: Work) -> Iterator[Finding]:
    """What the rules find in ``work``. The answers must be of the rules' scheme."""
    for rule in LIST_RULES:
        if {work.happened.scheme, work.logged.scheme} == {rule.scheme}:
            detail = rule.check(work)
            if detail is not None:
                yield Finding(rule.id, False, work.uri, work.index, detail)


def _rule(rule_id: str, basis: str, text: str, repair: str) -> Callable[[ListCheck], ListCheck]:
    def register(check: ListCheck) -> ListCheck:
        LIST_RULES.append(ListRule(rule_id, "F", _PROFILE, basis, text, repair, WHITE_LIST, check))
        return check

    return register


@_rule(
    "LST-1",
    "MIIT announcements of enterprises that meet the conditions of comprehensive utilisation",
    "Who recycles or repurposes is listed for it on the day of the event and on the day of its "
    "log time, by every publisher, as it was known then and as it is known now.",
    "Ask the signer for the announcement that lists it. To be listed is no licence, and not to be "
    "listed no offence.",
)
def is_listed_for_the_work(work: Work) -> str | None:
    category = CATEGORY_FOR.get(work.kind)
    if category is None:
        return None
    for answer in (work.happened, work.logged):
        words = [word for publisher in answer.publishers for word in _words(publisher)]
        if not words:
            return f"no list in this ledger says anything about {answer.day}"
        for word in words:
            if category not in word.categories(answer.day):
                return f"not listed for {category} on {answer.day} by {named(word)}"
    return None


@_rule(
    "LST-2",
    "MIIT Announcement 20/2026",
    "After 2026-07-30 a listing for second life is not valid.",
    "Ask the publisher to state the list as the announcement left it.",
)
def category_was_open(work: Work) -> str | None:
    if CATEGORY_FOR.get(work.kind) != SECOND_LIFE:
        return None
    for answer in (work.happened, work.logged):
        for word in (word for publisher in answer.publishers for word in _words(publisher)):
            if answer.day > CLOSED_AFTER and SECOND_LIFE in word.categories(answer.day):
                return f"still listed for {SECOND_LIFE} on {answer.day} by {named(word)}"
    return None


def named(word: Word) -> str:
    """A snapshot for people: whose it is, and from which announcement and day."""
    snapshot = word.stated.snapshot
    afterwards = ", stated afterwards" if word.stated.is_late else ""
    return (
        f"the snapshot in entry {snapshot.index} (announcement {snapshot.announcement}, "
        f"effective {snapshot.effective}, copied by {snapshot.publisher}{afterwards})"
    )


def _words(publisher: PublisherAnswer) -> list[Word]:
    return [word for word in (publisher.then, publisher.now) if word is not None]
