"""What a log takes over of a battery, made anew from the logs before it: for who states it, and for
who checks what was stated."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.custody.governance.carrying import Carried, brought_over
from ledger.custody.governance.statements import Policy
from ledger.custody.states import AliasState, BatteryState
from ledger.proof.assembly.past import assemble_past
from ledger.proof.assembly.reader import LogReader
from ledger.proof.checks.carried import carried_by
from ledger.proof.checks.predecessor import read_levels, spanning, verify_past


def taken_over(
    readers: Sequence[LogReader], genesis: Policy, family: str, battery: str
) -> dict[str, Carried]:
    """The states of ``battery`` and its further identifiers as the log that begins with ``genesis``
    (whose aud is ``family``) takes them over from the logs of ``readers``, the newest first.

    They are verified as a buyer does it. Raises ``failed.*``, ``rejected.*``, ``malformed.*`` and
    what the readers raise; a battery of which they know nothing has no state.
    """
    level = level_of(readers, battery)
    if level is None:
        return {}
    past = assemble_past(readers, [battery])
    levels = read_levels((), past)[1:]
    carried = carried_by(
        battery, [(entry.entry_id, entry.content) for entries in levels for entry in entries]
    )
    newer = {battery: level} if level else {}
    found = verify_past(past, levels, genesis, family, carried, newer=newer)
    states = spanning(found.older, found.history).states
    return {
        uri: brought_over(state, found.size)
        for uri, state in states.items()
        if (isinstance(state, BatteryState) and uri == battery)
        or (isinstance(state, AliasState) and state.of == battery)
    }


def level_of(readers: Sequence[LogReader], uri: str) -> int | None:
    """Which of the logs of ``readers`` is the first that has entries about ``uri``."""
    for level, reader in enumerate(readers):
        if reader.indexes(uri, reader.checkpoint_size()):
            return level
    return None
