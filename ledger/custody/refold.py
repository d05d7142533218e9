"""A battery's state once more from its own entries, after one of them was corrected or annulled.

Nothing is undone silently: entries stay where they are, the state says which of them count no more
(``BatteryState.corrected``), and what follows a corrected entry is flagged. Only the batteries of
the corrected entry are folded again, each from its own chain; what others have taken over from them
stays as it was. Only these statements cost a reading of the chain, and registration bounds it.

Rules do not judge again: what was registered was decided then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from keys.errors import declare
from ledger.custody.events import (
    Correction,
    Event,
    Resolution,
)
from ledger.custody.governance.past_entries import HISTORY
from ledger.custody.profiles import CORE, HEIRS, version_of
from ledger.custody.recall import whole_chain
from ledger.custody.retelling import TAKEN_BACK, folded_again, is_said
from ledger.custody.retelling import Chain as Chain
from ledger.custody.states import (
    MAX_CORRECTED,
    MAX_DISPUTED,
    BatteryState,
    LogState,
    State,
)
from ledger.custody.subjects import CitedEntry, Named

MAX_ENTRIES = 2_000
SINCE = 2
"""The version of ``core`` from which on corrections have an effect on states."""

TOO_LONG = declare(
    "rejected.correction.history",
    f"To correct this, more than {MAX_ENTRIES} entries would have to be read, or one battery would "
    f"have more than {MAX_CORRECTED} corrected ones.",
    "Dispute the entry instead: both claims stay in the record.",
)

Fetch = Callable[[str, int], Chain]
"""The chain of a battery, before the statement that is decided; at most so many of it."""

UPHELD = "upheld"


class Change(msgspec.Struct, frozen=True):
    """What a correction or resolution says of an entry: what counts in its place, or nothing.
    ``other`` is the entry that shall count, ``core`` the version of that profile in the policy."""

    entry: CitedEntry
    instead: bytes
    core: int
    other: CitedEntry | None = None


def change_of(
    content: object, cited: Mapping[bytes, CitedEntry], log: LogState | None
) -> Change | None:
    """The change that ``content`` asks for under the policy ``log``; None for other statements."""
    if not isinstance(content, Correction | Resolution):
        return None
    core = version_of(CORE, log.profiles) if log is not None else 0
    entry = cited.get(content.entry_ref)
    if entry is None or core < SINCE:
        return None
    if isinstance(content, Resolution):
        return Change(entry, TAKEN_BACK, core) if content.outcome == UPHELD else None
    if content.kind == "did-not-happen":
        return Change(entry, TAKEN_BACK, core)
    instead = content.replacement
    if instead is None or instead not in cited:
        return None
    return Change(entry, instead, core, cited[instead])


def fetch_chains(
    change: Change | None, fetch: Fetch, log: LogState | None = None
) -> dict[str, Chain]:
    """The chains that a change needs under the policy ``log``; none without one. With the entries
    of the logs before, where the log holds them.

    Raises ``rejected.correction.history`` where they are too long together.
    """
    chains: dict[str, Chain] = {}
    left = MAX_ENTRIES
    if change is None:
        return chains
    for uri in change.entry.subjects:
        chains[uri] = fetch(uri, left + 1)
        if log is not None and log.predecessor is not None:
            chains[uri] = whole_chain(uri, chains[uri], log.predecessor)
        left -= len(chains[uri])
        if left < 0:
            raise TOO_LONG.at("payload.entry_ref", f"the batteries of entry {change.entry.index}")
    return chains


def changed(
    content: Event,
    change: Change,
    named: tuple[Named, ...],
    states: Mapping[str, State],
    chains: Mapping[str, Chain],
    signers: tuple[str, ...],
) -> dict[str, State]:
    """The states after ``content`` of the batteries of the changed entry.

    ``states`` are those after the fold of ``content`` itself. Raises
    ``rejected.correction.history``, and ``rejected.predecessor.history`` where the changed entry is
    of a log before and its battery's past is not in this one.
    """
    after: dict[str, State] = {}
    for uri in (name.uri for name in named):
        before = states.get(uri)
        if not isinstance(before, BatteryState) or uri not in chains:
            continue
        is_contested = isinstance(content, Correction) and (
            rests(content, change.entry, before)
            or (change.core >= HEIRS and clears(change.entry, change.other, before, signers))
        )
        if is_contested:
            disputed = dict.fromkeys((*before.disputed, change.entry.entry_id))
            after[uri] = replace(before, disputed=tuple(disputed)[:MAX_DISPUTED])
        else:
            _check_past(uri, change.entry, chains[uri])
            anew = _with_change(before, change, chains[uri])
            after[uri] = folded_again(uri, anew, chains[uri], change.core)
    return after


def _check_past(uri: str, changed: CitedEntry, chain: Chain) -> None:
    if changed.index < 0 and all(entry.entry_id != changed.entry_id for entry in chain):
        raise HISTORY.at("payload.entry_ref", f"entry {changed.index} of {uri}")


def rests(content: Correction, entry: CitedEntry, battery: BatteryState) -> bool:
    """Whether ``content`` takes back what others rest on: COR-3 opens a dispute then.

    They do where anything happened to the battery since, and where batteries came out of the entry.
    """
    if content.kind != "did-not-happen":
        return False
    begets = entry.kind in ("repurpose", "manufacture") and len(entry.subjects) > 1
    return begets or battery.last.entry_id != entry.entry_id


def clears(
    entry: CitedEntry, other: CitedEntry | None, battery: BatteryState, signers: tuple[str, ...]
) -> bool:
    """Whether a party to the battery would end by its own word what ``entry`` says against it.

    ``other`` is what shall count instead. COR-3 opens a dispute then, since version 4 of ``core``.
    """
    parties = {battery.owner, battery.possessor, battery.responsible, *battery.parties}
    if entry.against is None or parties.isdisjoint(signers):
        return False
    if other is None or other.entry_id in dict(battery.corrected):
        return True
    return not entry.against.is_covered_by(other.against)


def following(change: Change, chain: Chain) -> Iterator[int]:
    """The indexes of entries in a chain that come after the changed one and are about the unit."""
    for entry in chain:
        if entry.index > change.entry.index and not _is_said_only(entry.content):
            yield entry.index


def _with_change(battery: BatteryState, change: Change, chain: Chain) -> BatteryState:
    """With the change on the list; where it is about a correction, that one is undone."""
    corrected = dict(battery.corrected)
    about = next((e.content for e in chain if e.entry_id == change.entry.entry_id), None)
    if isinstance(about, Correction):
        corrected.pop(about.entry_ref, None)
    elif not is_said(about):
        corrected[change.entry.entry_id] = change.instead
    if len(corrected) > MAX_CORRECTED:
        raise TOO_LONG.at("payload.entry_ref", f"{len(corrected)} corrected entries")
    return replace(battery, corrected=tuple(corrected.items()))


def _is_said_only(content: object) -> bool:
    return not isinstance(content, Event) or is_said(content)
