"""Participation files: who was listed on a day, shown offline, and every way to falsify it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from keys.errors import CellbookError
from ledger.custody.lists.listed import Word
from ledger.custody.lists.membership import ListProof, prove
from ledger.custody.lists.rows import document_of
from ledger.proof.dossier import DossierEntry
from ledger.proof.participation import (
    Participation,
    decode_participation,
    encode_participation,
)
from ledger.proof.report.participation import participant_facts, print_participant
from ledger.proof.trust import Trust
from ledger.proof.verify_participation import Participant, verify_participation
from ledger.wire import cbor
from tests.log.building import NOW, World
from tests.log.listing import (
    AFTER,
    BEFORE,
    GREEN,
    LATE,
    NOBODY,
    PUBLISHER,
    REUSE,
    SCHEME,
    SECOND,
    Publishers,
    row,
)
from tests.proof.building import trust_of

AT = NOW + 100 * 86_400
"""When the files are checked; they were made about 90 days after ``NOW``, 2026-09-21."""


class Stated:
    """A ledger with two publishers and the lists of two dates, and another scheme."""

    def __init__(self, world: World) -> None:
        self.world = world
        publishers = Publishers(world, PUBLISHER, SECOND)
        self.first = publishers.state(BEFORE, "2023-01-05", announcement="60/2022")
        world.end_epoch()
        world.live(world.battery(), "manufacture")
        world.end_epoch()
        world.clock.advance(90 * 86_400)
        self.second = publishers.state(AFTER, "2026-07-30")
        world.end_epoch()
        publishers.state(BEFORE, "2026-07-30", by=SECOND)
        publishers.state(document_of([("A", row("cells"))]), "2026-01-01", scheme="other-scheme")
        world.end_epoch()
        self.trust = trust_of(world)

    def file(self, identifier: str, day: str, scheme: str = SCHEME) -> bytes:
        return self.world.ledger.lists.participation(scheme, identifier, day)

    def verified(self, data: bytes, at: int = AT) -> Participant:
        return verify_participation(data, self.trust, at)

    def refused(self, data: bytes, trust: Trust | None = None, at: int = AT) -> str:
        with pytest.raises(CellbookError) as found:
            verify_participation(data, trust or self.trust, at)
        return found.value.code


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stated]:
    with World(tmp_path_factory.mktemp("stated"), operators=("owner",)) as world:
        yield Stated(world)


@pytest.fixture(scope="module")
def file(stated: Stated) -> Participation:
    """The file that is falsified: of a day for which two lists count."""
    return decode_participation(stated.file(REUSE, "2026-08-01"))


def told(word: Word | None, day: str) -> Any:
    if word is None:
        return None
    return word.stated.snapshot.effective, word.categories(day), word.stated.is_late


LISTED, NOT = ("second-life",), ()


@pytest.mark.parametrize(
    ("day", "then", "now"),
    [
        ("2022-12-31", None, None),
        ("2023-01-05", None, ("2023-01-05", LISTED, True)),
        ("2026-07-29", None, ("2023-01-05", LISTED, True)),
        ("2026-07-30", None, ("2026-07-30", LISTED, True)),
        ("2026-07-31", None, ("2026-07-30", NOT, True)),
        ("2026-10-01", ("2023-01-05", LISTED, True), ("2026-07-30", NOT, True)),
        ("2026-12-31", ("2026-07-30", NOT, True), ("2026-07-30", NOT, True)),
    ],
)
def test_the_answer_is_given_twice(stated: Stated, day: str, then: Any, now: Any) -> None:
    found = stated.verified(stated.file(REUSE, day))
    (first, _) = sorted(found.answer.publishers, key=lambda item: item.publisher != PUBLISHER)
    assert (told(first.then, day), told(first.now, day)) == (then, now)


@pytest.mark.parametrize(
    ("identifier", "day", "listed", "disagreements"),
    [
        (GREEN, "2026-08-01", ("recycling",), ()),
        (LATE, "2026-08-01", (), ()),
        (LATE, "2026-08-02", ("recycling",), ("recycling",)),
        (REUSE, "2026-08-01", ("second-life",), ("second-life",)),
        (NOBODY, "2026-08-02", (), ()),
    ],
)
def test_publishers_are_compared(
    stated: Stated, identifier: str, day: str, listed: Any, disagreements: Any
) -> None:
    found = stated.verified(stated.file(identifier, day))
    assert found.answer.listed() == listed
    assert found.answer.disagreements() == disagreements
    assert len(found.snapshots) == 3


def test_what_the_report_says(stated: Stated) -> None:
    found = stated.verified(stated.file(REUSE, "2026-08-01"))
    printed = print_participant(found, offset_minutes=480)
    text = " ".join(printed.split())
    assert "PUBLISHERS DISAGREE on 2026-08-01: second-life" in text
    assert "Copied by publisher as the log" in text
    assert PUBLISHER not in text
    assert "STATED AFTERWARDS" in text
    assert "as the log knew it then: no list for that day" in text
    assert "the ministry (MIIT) does not sign" in text
    assert "no auditor has recomputed it" in text
    assert "no later list is in the file" in text
    assert all(len(line) <= 79 for line in printed.split("\n"))
    facts = participant_facts(found)
    assert facts["disagreements"] == ["second-life"]
    assert facts["publishers"][1]["now"]["stated_afterwards"]
    assert facts["record"]["completeness"] == "stated by the service"


def test_a_report_passes_nothing_on_that_steers_a_terminal(stated: Stated) -> None:
    found = stated.verified(stated.file(GREEN, "2026-08-01"))
    answer = msgspec.structs.replace(found.answer, identifier="\x1b[2J")
    assert "\x1b" not in print_participant(msgspec.structs.replace(found, answer=answer))


def test_it_says_how_long_a_list_counts(stated: Stated) -> None:
    printed = print_participant(stated.verified(stated.file(REUSE, "2024-01-01")))
    assert "until the list of 2026-07-30" in " ".join(printed.split())


# Falsified files


def entries_without(file: Participation, *gone: int) -> tuple[DossierEntry, ...]:
    return tuple(entry for entry in file.entries if entry.index not in gone)


def changed(file: Participation, **fields: Any) -> bytes:
    return encode_participation(msgspec.structs.replace(file, **fields))


def without_snapshot(stated: Stated, file: Participation) -> bytes:
    """The newest list of the publisher hidden, with its head: the older one would count."""
    hidden = entries_without(file, stated.second, stated.second + 1)
    proofs = {i: p for i, p in file.proofs.items() if i != stated.second}
    return changed(file, entries=hidden, proofs={stated.first: prove(BEFORE, REUSE), **proofs})


def test_a_newer_snapshot_cannot_be_hidden(stated: Stated, file: Participation) -> None:
    with pytest.raises(CellbookError) as refused:
        stated.verified(without_snapshot(stated, file))
    assert refused.value.code == "failed.dossier.incomplete"
    assert (refused.value.facts["exist"], refused.value.facts["held"]) == (3, 2)


FALSIFIED: dict[str, tuple[Callable[[Stated, Participation], bytes], str]] = {
    "other day": (lambda s, f: reasked(f, day="2026-07-29"), "failed.list.missing"),
    "earlier day": (lambda s, f: reasked(f, day="2022-01-01"), "failed.list.foreign"),
    "other identifier": (lambda s, f: reasked(f, identifier=GREEN), "failed.list.proof"),
    "other scheme": (lambda s, f: reasked(f, scheme="other-scheme"), "failed.dossier.foreign"),
    "no proof": (lambda s, f: changed(f, proofs=with_first(f, None)), "failed.list.missing"),
    "proof of another snapshot": (
        lambda s, f: changed(f, proofs=with_first(f, list(f.proofs.values())[1])),
        "malformed.proof.path",
    ),
    "absence claimed": (
        lambda s, f: changed(f, proofs=with_first(f, ListProof(()))),
        "failed.list.proof",
    ),
    "a proof more": (
        lambda s, f: changed(f, proofs={s.first: prove(BEFORE, REUSE), **f.proofs}),
        "failed.list.foreign",
    ),
    "no genesis": (
        lambda s, f: changed(f, entries=entries_without(f, 0)),
        "failed.dossier.missing",
    ),
    "no policy that names the publisher": (
        lambda s, f: changed(f, entries=policies(f, 1)),
        "rejected.issuer.authority",
    ),
    "no last head": (
        lambda s, f: changed(f, entries=f.entries[:-1]),
        "failed.dossier.head",
    ),
    "no head after a snapshot": (
        lambda s, f: changed(f, entries=entries_without(f, s.second + 1)),
        "failed.dossier.head",
    ),
    "an event": (lambda s, f: changed(f, entries=with_entry(s, f, 2)), "failed.dossier.foreign"),
    "a head more": (
        lambda s, f: changed(f, entries=with_entry(s, f, 1)),
        "failed.dossier.foreign",
    ),
    "a snapshot of another scheme": (
        lambda s, f: changed(f, entries=with_entry(s, f, f.entries[-1].index - 1)),
        "failed.dossier.foreign",
    ),
    "entries exchanged": (
        lambda s, f: changed(f, entries=f.entries[::-1]),
        "malformed.dossier.order",
    ),
    "a receipt of another entry": (
        lambda s, f: changed(f, entries=(replaced(f), *f.entries[1:])),
        "failed.dossier.receipt",
    ),
}


def with_first(file: Participation, first: ListProof | None) -> dict[int, ListProof]:
    """The file's proofs with another first one, or without it."""
    index, *_ = file.proofs
    rest = {i: proof for i, proof in file.proofs.items() if i != index}
    return rest if first is None else {index: first, **rest}


def reasked(file: Participation, **fields: Any) -> bytes:
    """The file with another question, and the digest that goes with it."""
    return changed(file, **fields)


def policies(file: Participation, count: int) -> tuple[DossierEntry, ...]:
    """The file's entries with its first ``count`` policies only."""
    from ledger.custody.governance.statements import Policy, parse_governance
    from ledger.wire.statement import parse_statement

    found = [
        entry.index
        for entry in file.entries
        if isinstance(parse_governance(parse_statement(entry.leaf).payload), Policy)
    ]
    return entries_without(file, *found[count:])


def with_entry(stated: Stated, file: Participation, index: int) -> tuple[DossierEntry, ...]:
    """The file's entries and the one at ``index``, with a genuine receipt at the same size."""
    world = stated.world
    entry = world.store.entry(index)
    assert entry is not None
    published = world.ledger._dossiers.published(0)
    (receipt,) = published.receipts([index], published.checkpoint_size())
    more = DossierEntry(index, entry.leaf, receipt)
    return tuple(sorted((*file.entries, more), key=lambda item: item.index))


def replaced(file: Participation) -> DossierEntry:
    return msgspec.structs.replace(file.entries[0], receipt=file.entries[1].receipt)


@pytest.mark.parametrize("name", FALSIFIED)
def test_falsified_files(stated: Stated, file: Participation, name: str) -> None:
    falsify, code = FALSIFIED[name]
    assert stated.refused(falsify(stated, file)) == code


def test_files_that_cannot_be_judged(
    stated: Stated, file: Participation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = encode_participation(file)
    assert stated.refused(data, at=NOW) == "undecided.time"
    other = msgspec.structs.replace(stated.trust, origin="log.example/other")
    assert stated.refused(data, other) == "undecided.trust.other-ledger"
    newer = msgspec.structs.replace(stated.trust, minimum_policy=9)
    assert stated.refused(data, newer) == "undecided.policy.old"


def fields_of(file: Participation) -> dict[Any, Any]:
    value = cbor.decode(encode_participation(file))
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "cellbook-dossier"}, "malformed.participation"),
        ({"version": 2}, "unsupported.participation"),
        ({"version": "1"}, "malformed.participation"),
        ({"more": 1}, "malformed.participation"),
        ({"checkpoint": "text"}, "malformed.participation"),
        ({"scheme": "No scheme"}, "malformed.participation"),
        ({"scheme": 1}, "malformed.participation"),
        ({"identifier": "a b"}, "malformed.participation"),
        ({"day": "2026-02-30"}, "malformed.participation"),
        ({"day": "2026-08-02"}, "malformed.participation"),
        ({"question": bytes(32)}, "malformed.participation"),
        ({"proofs": 1}, "malformed.list.proof"),
        ({"proofs": [1]}, "malformed.list.proof"),
        ({"proofs": [[1, []], [1, []]]}, "malformed.list.proof"),
        ({"proofs": [[1, [[]]]]}, "malformed.list.proof"),
        ({"entries": []}, "malformed.dossier"),
    ],
)
def test_files_of_another_form(
    stated: Stated, file: Participation, changes: Any, code: str
) -> None:
    assert stated.refused(cbor.encode({**fields_of(file), **changes})) == code


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with one list."""
    with World(tmp_path_factory.mktemp("small"), operators=()) as world:
        Publishers(world).state(AFTER, "2026-07-30")
        world.end_epoch()
        yield world


@pytest.mark.parametrize(("identifier", "step"), [(REUSE, 1), (NOBODY, 7)])
def test_every_byte_flip_is_refused(small: World, identifier: str, step: int) -> None:
    """One bit of each byte of a genuine file is turned; none changes what it says unnoticed."""
    data, trust = (
        small.ledger.lists.participation(SCHEME, identifier, "2026-10-01"),
        trust_of(small),
    )
    genuine = verify_participation(data, trust, AT).answer
    for place in range(0, len(data), step):
        flipped = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        try:
            found = verify_participation(flipped, trust, AT)
        except CellbookError:
            continue
        assert found.answer == genuine, f"byte {place} changed what the file says"
        raise AssertionError(f"byte {place} has no meaning: something unauthenticated is here")


def test_every_truncation_is_refused(stated: Stated, file: Participation) -> None:
    data = encode_participation(file)
    for size in range(0, len(data), 7):
        assert stated.refused(data[:size]).startswith("malformed.")
    assert stated.refused(data + b"\0") == "malformed.cbor.trailing"
