"""What public lists say of those who recycled or repurposed the battery, in words.

It is the publishers' word: they copied, and nobody else has signed a list. Both days count, that of
the event by its signer's word and that of its log time, as the log knew it then and as it knows it
now; what is the same is said once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ledger.custody.lists.listed import ListAnswer, PublisherAnswer, Word
from ledger.custody.lists.schemes import SCHEMES, title_of
from ledger.custody.rules.listing import CATEGORY_FOR, Work


def list_sentences(works: Sequence[Work], signers: Mapping[int, str]) -> Iterator[str]:
    """A sentence for each that should be listed, and who has signed none of it.

    ``signers`` are their names by the index of the event.
    """
    sentences = (_sentence(work, signers.get(work.index, "who signed")) for work in works)
    yield from dict.fromkeys(sentences)
    for scheme in dict.fromkeys(work.happened.scheme for work in works):
        known = SCHEMES.get(scheme)
        authority = known.authority if known else "whose list it is"
        yield f"The {title_of(scheme)} is copied; {authority} signs nothing."


def _sentence(work: Work, who: str) -> str:
    category = CATEGORY_FOR[work.kind]
    answers = [work.happened]
    if work.logged.day != work.happened.day:
        answers.append(work.logged)
    told = [part for answer in answers for part in _told(answer, category)]
    return f"{who}: {'; '.join(dict.fromkeys(told))}."


def _told(answer: ListAnswer, category: str) -> Iterator[str]:
    words = [item for item in answer.publishers if item.then or item.now]
    if not words:
        yield f"no list here says anything about {answer.day}"
    for item in words:
        yield from _of_publisher(item, category, answer.day)


def _of_publisher(item: PublisherAnswer, category: str, day: str) -> Iterator[str]:
    if item.then == item.now and item.now is not None:
        yield _word(item.now, category, day, "")
        return
    for word, when in ((item.then, "as it was known then"), (item.now, "as it is known now")):
        if word is None:
            yield f"{when}, there was no list for {day} by {item.publisher}"
        else:
            yield _word(word, category, day, f"{when}, ")


def _word(word: Word, category: str, day: str, when: str) -> str:
    snapshot = word.stated.snapshot
    is_listed = category in word.categories(day)
    late = ", stated afterwards" if word.stated.is_late else ""
    said = "listed" if is_listed else "NOT LISTED"
    return (
        f"{when}{said} for {category} on {day}{_ends(word, category, day)} (announcement "
        f"{snapshot.announcement}, effective {snapshot.effective}, copied by "
        f"{snapshot.publisher}{late})"
    )


def _ends(word: Word, category: str, day: str) -> str:
    """The day on which a listing that holds on ``day`` ends, where all of its rows have one."""
    held = [row for row in word.rows if row.category == category and row.is_in_force(day)]
    ends = [row.valid_to for row in held if row.valid_to is not None]
    return f", until {max(ends)}" if held and len(ends) == len(held) else ""
