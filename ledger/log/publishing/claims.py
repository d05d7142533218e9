"""What witnesses say at the start of a service: that they know more of the log than its database.

A witness that says so shows no signature, so its word alone is no evidence, and it may lie. What
was published was cosigned by a quorum: where those that confirm the newest checkpoint are so many
that without them no quorum is possible, no larger tree and no other one was published.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from keys.errors import CellbookError
from ledger.log.publishing.memory import ROLLED_BACK
from ledger.log.publishing.witness import FORKED, LARGER
from ledger.wire.tlog_policy import TlogPolicy

_log = logging.getLogger("cellbook.publishing")


def check_claims(
    policy: TlogPolicy,
    answers: Mapping[str, BaseException | None],
    stored_size: Callable[[], int],
) -> None:
    """That the database may be the newest, as far as the witnesses of ``policy`` say.

    ``answers`` are those about the newest checkpoint, by name: None for a verified line on it.
    ``stored_size`` reads the tree size of the database. Raises ``damaged.log.rolled-back`` where
    one claims to know more, and those that do not confirm could be a quorum. A claim that is
    outvoted is logged.
    """
    claims = list(_claims(answers, stored_size))
    confirmed = {name for name, error in answers.items() if error is None}
    if claims and policy.quorum.is_met(policy.witnesses.keys() - confirmed):
        raise claims[0]
    for claim in claims:
        _log.error("outvoted by %s: %s", ", ".join(sorted(confirmed)), claim.describe())


def _claims(
    answers: Mapping[str, BaseException | None], stored_size: Callable[[], int]
) -> Iterator[CellbookError]:
    for name, error in answers.items():
        if not isinstance(error, CellbookError):
            continue
        if error.code == FORKED.code:
            yield ROLLED_BACK.at(error.where, f"{name} has cosigned another root of this size")
        # Read after its answer: a tree that another service has signed is in the database by now.
        claimed = int(error.facts.get("size", 0))
        if error.code == LARGER.code and claimed > stored_size():
            yield ROLLED_BACK.at(f"tree size {claimed}", f"{name} has cosigned it")
