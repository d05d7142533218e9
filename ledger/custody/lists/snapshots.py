"""Snapshots of lists, folded; and which of them count for a day.

For a day the snapshot with the greatest effective date counts, of each publisher its own. Twice:
among those that the log had by the end of that day, and among those that it has now. What was
logged long after its effective date was *stated afterwards*: it may be true, and nobody could have
relied on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from keys.errors import declare
from ledger.custody.governance.statements import ListSnapshot
from ledger.custody.lists.schemes import list_uri
from ledger.custody.states import ListedSnapshot, ListState, State
from ledger.custody.values.times import format_moment, parse_moment

SAME_DATE = declare(
    "rejected.list.effective",
    "The publisher has stated a list of this scheme for this effective date already.",
    "A snapshot is never replaced: state what changed from another day on.",
)
OFFSET = declare(
    "rejected.list.offset",
    "The days of this scheme are those of another time zone.",
    "Use the offset of the scheme's first snapshot; `cellbook list show` prints it.",
)
FULL = declare(
    "rejected.list.full",
    "The scheme has as many snapshots as it may have.",
    "State the list under the name of a new scheme.",
)

MAX_SNAPSHOTS = 1_024
LATE_DAYS = 30
"""A snapshot that is logged more than so many days after its effective date counts as stated
afterwards."""


class Stated(msgspec.Struct, frozen=True):
    """A snapshot, and the log time of its entry (Unix seconds)."""

    snapshot: ListedSnapshot
    log_time: int
    logged: str
    """The day of ``log_time`` in the scheme's time zone."""

    @property
    def is_late(self) -> bool:
        """Whether it was stated afterwards."""
        return _day_number(self.logged) - _day_number(self.snapshot.effective) > LATE_DAYS


class Counting(msgspec.Struct, frozen=True):
    """The snapshots of one publisher that count for a day. None: there is none."""

    publisher: str
    then: Stated | None
    now: Stated | None


def apply_snapshot(
    publisher: str, content: ListSnapshot, states: Mapping[str, State], index: int
) -> dict[str, State]:
    """The state of the scheme after a snapshot by ``publisher`` at ``index``.

    Raises ``rejected.list.*``. That the policy names the publisher is ``operators``' matter; the
    rows are not here and not checked.
    """
    uri = list_uri(content.scheme)
    before = states.get(uri)
    assert before is None or isinstance(before, ListState)  # noqa: S101 - nothing else has the name
    snapshots = () if before is None else before.snapshots
    if before is not None and before.utc_offset_min != content.utc_offset_min:
        raise OFFSET.at("payload.utc_offset_min", f"{before.utc_offset_min} min ahead of UTC")
    for earlier in snapshots:
        if (earlier.publisher, earlier.effective) == (publisher, content.effective):
            raise SAME_DATE.at("payload.effective", f"{content.effective} in entry {earlier.index}")
    if len(snapshots) == MAX_SNAPSHOTS:
        raise FULL.at("sub", f"{MAX_SNAPSHOTS} snapshots")
    after = ListState(
        scheme=content.scheme,
        utc_offset_min=content.utc_offset_min,
        snapshots=(*snapshots, snapshot_of(publisher, content, index)),
    )
    return {uri: after}


def snapshot_of(publisher: str, content: ListSnapshot, index: int) -> ListedSnapshot:
    """The statement of ``publisher`` in the entry at ``index``, as states hold it."""
    return ListedSnapshot(
        publisher=publisher,
        announcement=content.announcement,
        effective=content.effective,
        leaves=content.leaves,
        rows=content.rows,
        root=content.root,
        source_sha256=content.source_sha256,
        index=index,
    )


def stated(snapshot: ListedSnapshot, log_time: int, utc_offset_min: int) -> Stated:
    """``snapshot`` with its log time. Raises ``usage.time`` for a time in no calendar."""
    return Stated(snapshot, log_time, day_of(log_time, utc_offset_min))


def day_of(seconds: int, utc_offset_min: int) -> str:
    """The day (2026-07-30) of Unix ``seconds`` at an offset. Raises ``usage.time``."""
    return format_moment(seconds, utc_offset_min)[:10]


def counting(snapshots: Iterable[Stated], day: str) -> tuple[Counting, ...]:
    """Which of ``snapshots`` count for ``day``, by publisher in ascending order."""
    by_publisher: dict[str, list[Stated]] = {}
    for item in snapshots:
        of_one = by_publisher.setdefault(item.snapshot.publisher, [])
        if item.snapshot.effective <= day:
            of_one.append(item)
    return tuple(
        Counting(
            publisher,
            _newest(item for item in of_one if item.logged <= day),
            _newest(of_one),
        )
        for publisher, of_one in sorted(by_publisher.items())
    )


def _newest(snapshots: Iterable[Stated]) -> Stated | None:
    """No two of one publisher have one effective date."""
    return max(snapshots, key=lambda item: item.snapshot.effective, default=None)


def _day_number(day: str) -> int:
    return parse_moment(f"{day}T00:00:00+00:00") // 86_400
