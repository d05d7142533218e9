"""The log's own three keys, each for one purpose, as this process holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from keys.errors import declare
from keys.signer import Signer
from ledger.custody.governance.policy import log_key
from ledger.custody.states import LogState
from ledger.log.publishing.memory import SignedMemory
from ledger.wire.tlog_policy import TlogPolicy

NOT_OURS = declare(
    "unavailable.log.signer",
    "This process does not hold the log key that the policy names for this tree size.",
    "Start the service with the ledger folder that has the keys of the policy in force.",
)


class LogSigners(msgspec.Struct, frozen=True):
    """Signers for checkpoints (C2SP notes), receipts, and the log's own statements (heads).

    ``more`` gives the keys that replace one of them from some tree size on, new ones among them.
    ``memory`` is what was signed with them, outside the database; without it nothing is remembered.
    ``witnesses`` are those whose quorum a checkpoint needs before it is published.
    """

    checkpoint: Signer
    receipts: Signer
    statements: Signer
    more: Callable[[], Sequence[Signer]] | None = None
    memory: SignedMemory | None = None
    witnesses: TlogPolicy | None = None

    def in_force(self, log: LogState, purpose: str, size: int) -> Signer:
        """The signer for ``purpose`` at tree size ``size``.

        Raises ``unavailable.log.signer`` when the policy names another key: what that key should
        sign is never signed with this one.
        """
        kid = log_key(log, purpose, size).kid
        first: Signer = getattr(self, purpose)
        if first.key.kid == kid:
            return first
        for signer in self.more() if self.more is not None else ():
            if signer.key.kid == kid:
                return signer
        raise NOT_OURS.at(f"{purpose} key at tree size {size}", kid.hex())
