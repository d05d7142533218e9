"""What public lists say of those who recycled or repurposed the battery, in words.

It is the publishers' word: they copied, and nobody else has signed a list. Both days count, that of
the event by its signer's word and that of its log time, as the log knew it then and as it knows it
now. Each firm has one sentence, with all its works in it; what is the same is said once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ledger.custody.lists.listed import ListAnswer, PublisherAnswer, Word
from ledger.custody.lists.schemes import SCHEMES, title_of
from ledger.custody.rules.listing import CATEGORY_FOR, Work

_AUTHORITY = "urn:cellbook:authority:"


class _Said(msgspec.Struct, frozen=True):
    """What a list says, but for the days: they come between ``before`` and ``after``."""

    before: str
    after: str = ""


def list_sentences(works: Sequence[Work], signers: Mapping[int, str]) -> Iterator[str]:
    """A sentence for each firm that should be listed, and who copied the list.

    ``signers`` are their names by the index of the event.
    """
    firms: dict[tuple[str, str], list[Work]] = {}
    for work in works:
        firms.setdefault((work.happened.scheme, work.happened.identifier), []).append(work)
    for of_one in firms.values():
        yield f"{signers.get(of_one[0].index, 'who signed')}: {'; '.join(_clauses(of_one))}."
    for scheme in dict.fromkeys(scheme for scheme, _ in firms):
        known = SCHEMES.get(scheme)
        authority = known.authority if known else "whose list it is"
        names = joined(map(publisher_name, _publishers(works, scheme))) or "nobody"
        yield f"The {title_of(scheme)} was copied by {names}; {authority} does not sign."


def publisher_name(uri: str) -> str:
    """How a publisher is called: by the name in the ledger's own policy, else by its URI."""
    return uri.removeprefix(_AUTHORITY)


def joined(texts: Iterable[str]) -> str:
    """``texts`` as people list them: ``a``, ``a and b``, ``a, b and c``."""
    *first, last = [*texts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _publishers(works: Sequence[Work], scheme: str) -> tuple[str, ...]:
    answers = (answer for work in works for answer in (work.happened, work.logged))
    found = {item.publisher for answer in answers if answer.scheme == scheme
             for item in answer.publishers}  # fmt: skip
    return tuple(sorted(found))


def _clauses(works: Sequence[Work]) -> Iterator[str]:
    """What is said of one firm, each with all the days of which it is said."""
    several = len(_publishers(works, works[0].happened.scheme)) > 1
    happened = {work.happened.day for work in works}
    days: dict[_Said, set[str]] = {}
    for work in works:
        for answer in (work.happened, work.logged):
            for said in _told(answer, CATEGORY_FOR[work.kind], several):
                days.setdefault(said, set()).add(answer.day)
    for said, found in days.items():
        named = (
            day if day in happened else f"{day} (day of registration)" for day in sorted(found)
        )
        yield f"{said.before} {joined(named)}{said.after}"


def _told(answer: ListAnswer, category: str, several: bool) -> Iterator[_Said]:
    words = [item for item in answer.publishers if item.then or item.now]
    if not words:
        yield _Said("no list here says anything about")
    for item in words:
        yield from _of_publisher(item, category, answer.day, several)


def _of_publisher(item: PublisherAnswer, category: str, day: str, several: bool) -> Iterator[_Said]:
    known: list[tuple[Word, str]] = []
    if item.then is not None and item.then != item.now:
        known.append((item.then, "as was known then, "))
    if item.now is not None:
        differs = item.then is not None and item.then != item.now
        known.append((item.now, "as is known now, " if differs else ""))
    for word, when in known:
        yield _word(word, category, day, when, several, knew=item.then is not None)


def _word(word: Word, category: str, day: str, when: str, several: bool, *, knew: bool) -> _Said:
    stated = word.stated
    said = "listed" if category in word.categories(day) else "NOT LISTED"
    by = f", copied by {publisher_name(stated.snapshot.publisher)}" if several else ""
    late = f", stated afterwards on {stated.logged}" if stated.is_late or not knew else ""
    return _Said(
        f"{when}{said} for {category} on",
        f"{_ends(word, category, day)}, by announcement {stated.snapshot.announcement}, effective "
        f"{stated.snapshot.effective}{by}{late}",
    )


def _ends(word: Word, category: str, day: str) -> str:
    """The day on which a listing that holds on ``day`` ends, where all of its rows have one."""
    held = [row for row in word.rows if row.category == category and row.is_in_force(day)]
    ends = [row.valid_to for row in held if row.valid_to is not None]
    return f", until {max(ends)}" if held and len(ends) == len(held) else ""
