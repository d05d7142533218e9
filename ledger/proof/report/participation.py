"""What a participation file establishes, for people and for machines.

It is said of each publisher what he says, as the log knew it by the end of the day and as it knows
it now. Nobody but the publishers has signed a list, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.custody.lists.listed import PublisherAnswer, Word
from ledger.custody.lists.rows import ListRow
from ledger.custody.lists.schemes import SCHEMES, title_of
from ledger.custody.values.times import format_moment
from ledger.proof.report.list_words import publisher_name
from ledger.proof.report.table import filled
from ledger.proof.report.text import WIDTH, paragraph
from ledger.proof.report.vouched_words import completeness_note, vouched_facts
from ledger.proof.verify_participation import Participant
from ledger.wire.base64text import encode_base64url

_INDENT = 2


def print_participant(found: Participant, *, offset_minutes: int = 0) -> str:
    """The report as text. Times of the reader are at ``offset_minutes`` from UTC."""
    parts = [
        list(_first_lines(found, offset_minutes)),
        list(_asked_lines(found)),
        *(list(_publisher_lines(found, publisher)) for publisher in found.answer.publishers),
        list(_closing_lines(found)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def participant_facts(found: Participant) -> dict[str, Any]:
    """The JSON object, without the command line's ``ok``."""
    answer, record = found.answer, found.record
    return {
        "scheme": answer.scheme,
        "identifier": answer.identifier,
        "day": answer.day,
        "utc_offset_min": found.utc_offset_min,
        "listed": list(answer.listed()),
        "disagreements": list(answer.disagreements()),
        "publishers": [
            {
                "publisher": item.publisher,
                "then": _word_facts(item.then, answer.day),
                "now": _word_facts(item.now, answer.day),
            }
            for item in answer.publishers
        ],
        "at": found.at,
        "record": {
            "genuine": True,
            "completeness": record.completeness,
            **msgspec.to_builtins(vouched_facts(record.vouched)),
            "origin": record.origin,
            "genesis": encode_base64url(record.genesis),
            "size": record.size,
            "root": record.root.hex(),
            "time": record.time,
            "policy": record.policy,
            "entries": record.entries,
            "file_sha256": record.file_sha256.hex(),
        },
        "not_checked": list(found.unchecked),
    }


def _word_facts(word: Word | None, day: str) -> dict[str, Any] | None:
    if word is None:
        return None
    snapshot = word.stated.snapshot
    return {
        "entry": snapshot.index,
        "announcement": snapshot.announcement,
        "effective": snapshot.effective,
        "logged": word.stated.logged,
        "stated_afterwards": word.stated.is_late,
        "source_sha256": snapshot.source_sha256.hex(),
        "categories": list(word.categories(day)),
        "rows": [msgspec.to_builtins(row) for row in word.rows],
    }


def _first_lines(found: Participant, offset: int) -> Iterator[str]:
    now = format_moment(found.at, offset)
    yield f"{'CELLBOOK LIST CHECK':51}{now[:10]} {now[11:16]} {now[19:]}"
    until = format_moment(found.record.time)
    yield from paragraph(f"GENUINE AND COMPLETE up to {until[:10]} {until[11:16]} UTC", "FILE")
    note = completeness_note(found.record)
    yield from paragraph(note, "")
    yield from paragraph(_verdict(found), "LISTED")


def _verdict(found: Participant) -> str:
    answer = found.answer
    if all(item.now is None for item in answer.publishers):
        return f"CANNOT TELL: no list in the file says anything about {answer.day}"
    disagreements = answer.disagreements()
    if disagreements:
        return f"PUBLISHERS DISAGREE on {answer.day}: {', '.join(disagreements)}"
    listed = answer.listed()
    if not listed:
        return f"NO, not on {answer.day}"
    return f"YES on {answer.day}: {', '.join(listed)}"


def _asked_lines(found: Participant) -> Iterator[str]:
    answer = found.answer
    names = dict.fromkeys(row.name for item in answer.publishers for row in _rows(item))
    who = ", ".join((answer.identifier, *names))
    yield from paragraph(who, "Who")
    yield from paragraph(f"{title_of(answer.scheme)} ({answer.scheme})", "List")
    offset = found.utc_offset_min
    zone = "" if offset is None else f", a day at UTC{format_moment(86_400, offset)[19:]}"
    yield from paragraph(f"{answer.day}{zone}", "Day")


def _rows(item: PublisherAnswer) -> tuple[ListRow, ...]:
    words = [word for word in (item.then, item.now) if word is not None]
    return tuple(row for word in words for row in word.rows)


def _publisher_lines(found: Participant, item: PublisherAnswer) -> Iterator[str]:
    yield from paragraph(f"Copied by {publisher_name(item.publisher)}", "", 0)
    if item.then == item.now:
        yield from _word_lines(found, item.now, "then and now")
        return
    yield from _word_lines(found, item.then, "as the log knew it then")
    yield from _word_lines(found, item.now, "as the log knows it now")


def _word_lines(found: Participant, word: Word | None, when: str) -> Iterator[str]:
    if word is None:
        yield from _indented(f"{when}: no list for that day")
        return
    snapshot, day = word.stated.snapshot, found.answer.day
    categories = ", ".join(word.categories(day)) or "not listed"
    yield from _indented(f"{when}: {categories}")
    late = ", STATED AFTERWARDS" if word.stated.is_late else ""
    yield from _indented(
        f"by announcement {snapshot.announcement}, effective {snapshot.effective}, "
        f"logged {word.stated.logged}{late}; {_until(found, word)}",
        2,
    )
    for row in word.rows:
        yield from _indented(_row_line(row), 2)


def _until(found: Participant, word: Word) -> str:
    """Which list of the same publisher comes next, by what the file holds."""
    snapshot = word.stated.snapshot
    later = [
        other.effective
        for other in found.snapshots
        if other.publisher == snapshot.publisher and other.effective > snapshot.effective
    ]
    return f"until the list of {min(later)}" if later else "no later list is in the file"


def _row_line(row: ListRow) -> str:
    """A row for people."""
    parts = [row.category]
    if row.valid_from is not None or row.valid_to is not None:
        parts.append(f"{row.valid_from or '…'} to {row.valid_to or 'further notice'}")
    parts += [f"batch {row.batch}"] if row.batch else []
    parts += [f"announcement {row.announcement}"] if row.announcement else []
    parts += [part for part in (row.province, row.removal_reason) if part]
    return ", ".join(parts)


def _indented(text: str, level: int = 1) -> Iterator[str]:
    margin = " " * (_INDENT * level)
    for line in filled(text, WIDTH - len(margin)):
        yield margin + line


def _closing_lines(found: Participant) -> Iterator[str]:
    scheme = SCHEMES.get(found.answer.scheme)
    whose = "whose list it is" if scheme is None else scheme.authority
    copied = f"Publishers copied the list; {whose} does not sign. To be listed is no licence."
    yield from paragraph(copied, "", 0)
    yield from paragraph("; ".join(found.unchecked), "NOT CHECKED")
    yield from paragraph(
        "compare with the announcement itself; ask for a newer file where the day is recent", "NEXT"
    )
    yield from paragraph(f'"{found.record.ledger}", by your trust file', "Trust")
    digest = found.record.file_sha256.hex()
    yield from paragraph(f"sha256 {digest}", "File")
    yield from paragraph("This print proves nothing: check the file.", "")
