"""The states that a log has taken over, compared with what the logs before it knew."""

from __future__ import annotations

from collections.abc import Sequence

from keys.errors import declare
from ledger.custody.governance.handover import CarriedOver
from ledger.custody.governance.statements import Policy, parse_governance
from ledger.custody.states import AliasState, BatteryState, LogState
from ledger.proof.assembly.reader import LogReader
from ledger.proof.assembly.taken_over import taken_over
from ledger.proof.checkpoint import parse_body
from ledger.wire.statement import parse_statement

PAST = declare(
    "failed.audit.past",
    "What the log took over of a battery is not what the log before it knew.",
    "Keep the evidence and show it to others; trust nothing that rests on this entry.",
)
OTHER = declare(
    "usage.audit.before",
    "This is not a copy of the log that the audited one follows, as it ended.",
    "Copy it with `cellbook mirror`, and name the newest one first.",
)


class PastLogs:
    """Copies of the logs before one, the newest first."""

    def __init__(self, readers: Sequence[LogReader]) -> None:
        self._readers = readers

    def compare(self, content: CarriedOver, log: LogState, genesis: bytes) -> int:
        """How many batteries in ``content`` have just the state of their past; all of them.

        ``genesis`` is the leaf of the audited log's first entry. Raises ``failed.audit.past``,
        ``usage.audit.before``, and what ``taken_over`` raises.
        """
        self._check(log)
        policy = parse_governance(parse_statement(genesis).payload)
        assert isinstance(policy, Policy)  # noqa: S101 - it was decided as the first entry
        count = 0
        for item in content.subjects:
            if item.state is None:
                continue
            battery = item.state.of if isinstance(item.state, AliasState) else item.uri
            states = taken_over(self._readers, policy, log.family, battery)
            if states.get(item.uri) != item.state:
                raise PAST.at("payload.subjects", item.uri)
            count += isinstance(item.state, BatteryState)
        return count

    def _check(self, log: LogState) -> None:
        note = self._readers[0].checkpoint()
        found, end = parse_body(note.rpartition(b"\n\n")[0] + b"\n"), log.predecessor
        if end is None or (found.origin, found.root) != (end.origin, end.root):
            raise OTHER.at(found.origin, f"size {found.size}")
