"""By which witnesses the log is published: the database knows, so that all its processes agree.

A host without the policy of witnesses, or with another one, would show what the others hold back.
The first service that has a policy writes its digest into the database; from then on nobody
publishes by another one, until the operator takes it into use on purpose.
"""

from __future__ import annotations

import logging
from hashlib import sha256

from keys.errors import CellbookError, declare
from ledger.store.sql import SqlStore
from ledger.store.writing import Writing
from ledger.wire.tlog_policy import Quorum, TlogPolicy

OTHER = declare(
    "usage.witnesses.other",
    "The log is published by another policy of witnesses than the one in this ledger's folder.",
    "Copy `witnesses.policy` from the host that has the right one. To change the witnesses of the "
    "log: put the new file on all hosts, and run `cellbook policy witnesses` on one.",
)

_log = logging.getLogger("cellbook.publishing")


def policy_digest(policy: TlogPolicy | None) -> bytes | None:
    """A SHA-256 over the witnesses' names and keys and the quorum: comments, order and URLs, which
    may differ from host to host, do not count. None without a policy."""
    if policy is None:
        return None
    lines = [f"{name} {verifier.vkey}" for name, (verifier, _) in policy.witnesses.items()]
    return sha256("\n".join([*sorted(lines), _quorum_text(policy.quorum)]).encode()).digest()


def check_agreed(store: SqlStore, policy: TlogPolicy | None) -> None:
    """At the start of a service with ``policy``: that the log is published by it. Where nothing is
    known yet, it is from now on. Raises ``usage.witnesses.other``."""
    with store.writing() as writing:
        error = _settle(writing, policy)
    if error is not None:
        raise error


def may_publish(writing: Writing, policy: TlogPolicy | None) -> bool:
    """Whether a process with ``policy`` may publish now, under the lock; as ``check_agreed``, but
    where another one was taken into use since its start, that is logged."""
    error = _settle(writing, policy)
    if error is not None:
        _log.error("nothing is published here: %s: %s", error.code, error.describe())
    return error is None


def take_into_use(store: SqlStore, policy: TlogPolicy | None) -> bool:
    """Publish the log by ``policy`` from now on; whether that is a change."""
    digest = policy_digest(policy)
    with store.writing() as writing:
        if writing.witnesses() == digest:
            return False
        writing.put_witnesses(digest)
    return True


def _settle(writing: Writing, policy: TlogPolicy | None) -> CellbookError | None:
    known, own = writing.witnesses(), policy_digest(policy)
    if known == own:
        return None
    if known is None:
        writing.put_witnesses(own)
        return None
    here = "here is none" if own is None else f"here is {own.hex()[:16]}"
    return OTHER.at("witnesses.policy", f"{here}, the log's is {known.hex()[:16]}")


def _quorum_text(quorum: Quorum) -> str:
    members = sorted(m if isinstance(m, str) else _quorum_text(m) for m in quorum.members)
    return f"({quorum.threshold} {' '.join(members)})"
