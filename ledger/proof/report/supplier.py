"""What a supplier file establishes, for people.

It is the registrar's and the publishers' word, and says so. Nothing in it is about what the
operator did: that is in the dossiers of batteries.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.custody.governance.base import Facility
from ledger.custody.lists.listed import ListAnswer, PublisherAnswer, Word
from ledger.custody.lists.schemes import title_of
from ledger.custody.states import OperatorKey, OperatorState
from ledger.custody.values.times import format_moment
from ledger.proof.report.list_words import publisher_name
from ledger.proof.report.supplier_shapes import is_registered
from ledger.proof.report.table import columns
from ledger.proof.report.text import WIDTH, paragraph
from ledger.proof.report.vouched_words import completeness_note
from ledger.proof.report.wording import PROVES_NOTHING
from ledger.proof.verify_supplier import SupplierCheck


def print_supplier(found: SupplierCheck, *, offset_minutes: int = 0) -> str:
    """The report as text. Times of the reader are at ``offset_minutes`` from UTC."""
    parts = [
        list(_first_lines(found, offset_minutes)),
        list(_operator_lines(found)),
        list(_statement_lines(found)),
        [line for pair in found.lists for line in _list_lines(pair)],
        list(_closing_lines(found)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _first_lines(found: SupplierCheck, offset: int) -> Iterator[str]:
    now = format_moment(found.at, offset)
    yield f"{'CELLBOOK SUPPLIER CHECK':51}{now[:10]} {now[11:16]} {now[19:]}"
    until = format_moment(found.record.time)
    yield from paragraph(f"GENUINE AND COMPLETE up to {until[:10]} {until[11:16]} UTC", "RECORD")
    yield from paragraph(completeness_note(found.record), "")
    then, now_too = is_registered(found.then), is_registered(found.now)
    told = f"{'REGISTERED' if then else 'NOT REGISTERED'} on {found.day} (UTC)"
    if then != now_too:
        told += ", registered since" if now_too else ", REMOVED SINCE"
    yield from paragraph(told, "OPERATOR")


def _operator_lines(found: SupplierCheck) -> Iterator[str]:
    now, then = found.now, found.then
    yield from paragraph(f"{now.name}, {now.country}", "Who")
    yield from paragraph(now.uri, "")
    yield from paragraph(_roles(now), "Roles")
    if then is not None and (then.name, then.roles) != (now.name, now.roles):
        yield from paragraph(f"on {found.day}: {then.name}; {_roles(then)}", "")
    for number, place in enumerate(now.facilities):
        yield from paragraph(_facility(place), "" if number else "Facilities", 12)
    codes = ", ".join((*now.maker_codes, *now.gs1_prefixes))
    if codes:
        yield from paragraph(codes, "Codes")
    times = {item.index: item.time for item in found.statements}
    for number, key in enumerate(now.keys):
        yield from paragraph(_key(key, times), "" if number else "Keys")


def _facility(place: Facility) -> str:
    return ", ".join(part for part in (place.id, place.name, place.address, place.country) if part)


def _roles(state: OperatorState) -> str:
    return ", ".join(state.roles) or "none"


def _key(key: OperatorKey, times: dict[int, int]) -> str:
    text = f"{key.kid.hex()[:16]}... ({', '.join(key.purposes)}), added {_day(times, key.added)}"
    if key.revoked is not None:
        text += f", REVOKED {_day(times, key.revoked)}"
    if key.compromised_since is not None:
        text += f", IN OTHER HANDS since {format_moment(key.compromised_since)[:10]}"
    return text


def _day(times: dict[int, int], index: int) -> str:
    return format_moment(times[index])[:10]


def _statement_lines(found: SupplierCheck) -> Iterator[str]:
    rows = [["LOGGED", "STATEMENT", "ENTRY"]]
    for item in found.statements:
        rows.append([format_moment(item.time)[:10], item.kind, str(item.index)])
    yield from columns(rows, WIDTH)


def _list_lines(pair: tuple[ListAnswer, ListAnswer]) -> Iterator[str]:
    yield f"{title_of(pair[0].scheme).capitalize()} ({pair[0].scheme})"
    for answer in dict.fromkeys(pair):
        if not answer.publishers:
            yield from paragraph("no list says anything", answer.day, 12)
        for number, item in enumerate(answer.publishers):
            yield from paragraph(_publisher(item, answer.day), "" if number else answer.day, 12)


def _publisher(item: PublisherAnswer, day: str) -> str:
    if item.then == item.now:
        told = _word(item.now, day)
    else:
        told = f"as known then: {_word(item.then, day)}; as known now: {_word(item.now, day)}"
    by = publisher_name(item.publisher)
    return f"{told}. Copied by {by}, not signed by whose list it is."


def _word(word: Word | None, day: str) -> str:
    if word is None:
        return "there was no list"
    snapshot = word.stated.snapshot
    listed = ", ".join(word.categories(day))
    late = ", STATED AFTERWARDS" if word.stated.is_late else ""
    return (
        f"{f'listed for {listed}' if listed else 'NOT LISTED'} (announcement "
        f"{snapshot.announcement}, effective {snapshot.effective}{late})"
    )


def _closing_lines(found: SupplierCheck) -> Iterator[str]:
    record, digest = found.record, found.record.file_sha256.hex()
    yield from paragraph("; ".join(found.unchecked) + ".", "NOT CHECKED", 12)
    yield from paragraph("Verify the dossiers of batteries that it supplied.", "NEXT", 12)
    yield from paragraph(f'your file for "{record.ledger}" ({record.origin})', "Trust", 12)
    short = " ".join(digest[i : i + 4] for i in range(0, 16, 4))
    yield from paragraph(f"sha256 {short} ...", "File", 12)
    yield from paragraph(PROVES_NOTHING, "", 12)
