"""``--witness-policy``: witnesses and their quorum from a C2SP tlog-policy, beside a trust file."""

from __future__ import annotations

import msgspec

from cli.output import read_file
from keys.errors import CellbookError, declare
from ledger.proof.quorum import Panel
from ledger.proof.trust import Trust
from ledger.wire.tlog_policy import MAX_POLICY, parse_tlog_policy

WITNESSES = declare(
    "usage.witness-policy",
    "The policy of witnesses cannot be used with this trust file.",
    "Give a tlog-policy with a quorum and a log line for this ledger, and a trust file that names "
    "no witnesses.",
)


def with_witnesses(trust: Trust, file: str) -> Trust:
    """``trust``, asking for the quorum of witnesses in ``file``. Raises ``usage.witness-policy``.

    The log's own keys come from the ledger's policies; the file must name its origin all the same.
    """
    try:
        policy = parse_tlog_policy(read_file(file, MAX_POLICY))
    except CellbookError as error:
        if error.error_class.name == "usage":
            raise
        raise WITNESSES.at(file, error.describe()) from error
    if trust.witnesses is not None:
        raise WITNESSES.at(file, "the trust file names witnesses")
    if policy.quorum.is_met(frozenset()):
        raise WITNESSES.at(file, "its quorum asks for no witness")
    if trust.origin not in {log.verifier.name for log in policy.logs}:
        raise WITNESSES.at(file, f"it has no log line for {trust.origin}")
    members = {name: verifier for name, (verifier, _) in policy.witnesses.items()}
    auditors = () if trust.auditors is None else trust.auditors.members.values()
    if {one.key for one in auditors} & {one.key for one in members.values()}:
        raise WITNESSES.at(file, "one of its witnesses is an auditor of the trust file")
    needed = "witnessed" if trust.completeness == "stated" else trust.completeness
    panel = Panel(members, policy.quorum)
    return msgspec.structs.replace(trust, witnesses=panel, completeness=needed)
