"""Was this identifier listed on that day? The answer, from proved leaves of the snapshots.

It is given twice for each publisher: as the log knew it by the end of that day, and as it knows it
now. What the answer says is the publishers' word: nobody else has signed a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from keys.errors import declare
from ledger.custody.lists.membership import ListProof, verify_membership
from ledger.custody.lists.rows import ListRow
from ledger.custody.lists.snapshots import Stated, counting

MISSING = declare(
    "failed.list.missing",
    "The proof for a snapshot that counts is missing.",
    "Get the proof again: `cellbook list prove`.",
)
FOREIGN = declare(
    "failed.list.foreign",
    "There is a proof for a snapshot that does not count.",
    "Get the proof again: `cellbook list prove`.",
)


class Word(msgspec.Struct, frozen=True):
    """What one snapshot says of the identifier: ``rows`` are all that it has, maybe none."""

    stated: Stated
    rows: tuple[ListRow, ...]

    def categories(self, day: str) -> tuple[str, ...]:
        """The categories in which the identifier is listed on ``day``, ascending."""
        return tuple(sorted({row.category for row in self.rows if row.is_in_force(day)}))


class PublisherAnswer(msgspec.Struct, frozen=True):
    """What one publisher says: by the snapshot that counted then, and by the one that counts now.
    None: there is no such snapshot."""

    publisher: str
    then: Word | None
    now: Word | None


class ListAnswer(msgspec.Struct, frozen=True):
    """What the lists of ``scheme`` say of ``identifier`` on ``day``, a day of the scheme's zone."""

    scheme: str
    identifier: str
    day: str
    publishers: tuple[PublisherAnswer, ...]

    def listed(self) -> tuple[str, ...]:
        """The categories in which any publisher lists it, as it is known now, ascending."""
        words = (answer.now for answer in self.publishers)
        found = {c for word in words if word is not None for c in word.categories(self.day)}
        return tuple(sorted(found))

    def disagreements(self) -> tuple[str, ...]:
        """The categories that one publisher lists and another, who has a snapshot for the day,
        does not, as it is known now."""
        words = [answer.now for answer in self.publishers if answer.now is not None]
        told: list[set[str]] = [set(word.categories(self.day)) for word in words]
        if not told:
            return ()
        in_all = told[0].intersection(*told[1:])
        return tuple(sorted(told[0].union(*told[1:]) - in_all))


def answer(
    scheme: str,
    identifier: str,
    day: str,
    snapshots: Iterable[Stated],
    proofs: Mapping[int, ListProof],
    *,
    others: bool = False,
) -> ListAnswer:
    """What ``snapshots``, all of the scheme's, say of ``identifier`` on ``day``.

    ``proofs`` has one for each snapshot that counts, by its entry's index, and no other, unless
    ``others`` are allowed: for who asks about several days. Raises ``failed.list.*``,
    ``malformed.list.*``, ``malformed.proof.*``, ``failed.inclusion``.
    """
    words: dict[int, Word] = {}
    answers = []
    for of_one in counting(snapshots, day):
        for item in (of_one.then, of_one.now):
            if item is not None and item.snapshot.index not in words:
                words[item.snapshot.index] = _word(item, identifier, proofs)
        then, now = (
            None if item is None else words[item.snapshot.index]
            for item in (of_one.then, of_one.now)
        )
        answers.append(PublisherAnswer(of_one.publisher, then, now))
    for index in () if others else proofs.keys() - words.keys():
        raise FOREIGN.at(f"list proof of entry {index}")
    return ListAnswer(scheme, identifier, day, tuple(answers))


def wanted(snapshots: Iterable[Stated], day: str) -> tuple[Stated, ...]:
    """The snapshots that count for ``day``, each once, ascending by index."""
    both = [item for of_one in counting(snapshots, day) for item in (of_one.then, of_one.now)]
    found = {item.snapshot.index: item for item in both if item is not None}
    return tuple(found[index] for index in sorted(found))


def _word(item: Stated, identifier: str, proofs: Mapping[int, ListProof]) -> Word:
    snapshot = item.snapshot
    where = f"list proof of entry {snapshot.index}"
    proof = proofs.get(snapshot.index)
    if proof is None:
        raise MISSING.at(where)
    leaf = verify_membership(proof, identifier, snapshot.leaves, snapshot.root, where)
    return Word(item, () if leaf is None else leaf.rows)
