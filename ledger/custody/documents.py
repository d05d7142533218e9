"""Documents in hash envelopes (RFC 9995): proof that one existed, and nothing more.

Such a statement is about a battery that is in the log. It changes no state and satisfies no rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from keys.errors import declare
from ledger.custody.governance.guests import KIND
from ledger.custody.governance.mandates import UNKNOWN
from ledger.custody.names.parties import is_device, is_guest
from ledger.custody.states import AliasState, BatteryState, State
from ledger.wire.statement import Statement

SUBJECT = declare(
    "rejected.document.subject",
    "The document is not about a battery of this log.",
    "Name the subject of a battery that is registered; for an alias the error names it.",
)
AHEAD = declare(
    "rejected.document.time",
    "The statement's time of issue is further ahead of registration than the policy allows.",
    "Correct the clock, or submit when the time has come.",
)


def check_document(
    statement: Statement, time: int, skew_s: int, states: Mapping[str, State]
) -> None:
    """That a hash envelope may be registered at log time ``time`` (Unix seconds).

    Raises ``rejected.document.*``, ``rejected.guest.kind`` for a guest, and
    ``rejected.mandate.unknown`` for a device: mandates are for events. The document itself is with
    who has it; nothing of it is checked.
    """
    subject = states.get(statement.sub)
    if isinstance(subject, AliasState):
        raise SUBJECT.at("sub", f"the subject is {subject.of}")
    if not isinstance(subject, BatteryState):
        raise SUBJECT.at("sub", statement.sub)
    if is_guest(statement.iss):
        raise KIND.at("iss", "documents are signed by operators")
    if is_device(statement.iss):
        raise UNKNOWN.at("iss", "a device signs events only")
    if statement.iat - time > skew_s:
        raise AHEAD.at("iat", f"{statement.iat - time} s ahead of log time")
