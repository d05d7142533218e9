"""Receipts for what is committed, and for nothing else.

One signature serves every entry of a tree size, so a commit costs one, however many statements it
holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from keys.errors import CellbookError
from ledger.custody.states import LogState
from ledger.log.commit import Commit, end_time
from ledger.log.outcome import Outcome, Placed
from ledger.log.signers import LogSigners
from ledger.proof.receipt import ReceiptIssuer
from ledger.proof.signed_root import SignedRoot
from ledger.tree.proofs import Proofs


class Receipts:
    """Issues receipts of the log at ``log_uri``. May be used from several threads."""

    def __init__(self, signers: LogSigners, log_uri: str, proofs: Proofs) -> None:
        self._signers = signers
        self._log_uri = log_uri
        self._proofs = proofs

    def issue(
        self, log: LogState, size: int, time: int, root: bytes, indexes: Sequence[int]
    ) -> list[bytes]:
        """Receipts for the entries at ``indexes``, all below ``size``.

        ``time`` (Unix seconds) is the log time of the tree's last entry, ``root`` the root at
        ``size``. The caller has read both from what is committed; that is not checked here. Raises
        ``unavailable.log.signer`` and ``damaged.store.*``.
        """
        if not indexes:
            return []
        signer = self._signers.in_force(log, "receipts", size)
        paths = [(index, self._proofs.inclusion(index, size)) for index in indexes]
        return ReceiptIssuer(signer, self._log_uri).issue(size, time, root, paths)

    def answer(self, done: Commit) -> list[Outcome]:
        """What to answer to those whose group was committed. What was committed stays registered,
        even where no receipt can be made of it now."""
        placed = [item for item in done.placed if isinstance(item, Placed)]
        receipts = iter(self._receipts_or_error(done, [item.index for item in placed]))
        return [
            _outcome(item, next(receipts), end_time(done.head))
            if isinstance(item, Placed)
            else Outcome(error=item)
            for item in done.placed
        ]

    def _receipts_or_error(
        self, done: Commit, indexes: list[int]
    ) -> Sequence[bytes | CellbookError]:
        head = done.head
        try:
            return self.issue(done.log, head.size, end_time(head), head.root, indexes)
        except CellbookError as error:
            return [error] * len(indexes)

    def signed_root(self, log: LogState, size: int, time: int, root: bytes) -> bytes:
        """From what the receipts at ``size`` are made by whoever has the tiles; see ``issue``."""
        signer = self._signers.in_force(log, "receipts", size)
        protected, signature = ReceiptIssuer(signer, self._log_uri).sign_root(size, time, root)
        return SignedRoot(size, protected, signature).encode()

    def consistency(self, log: LogState, size1: int, size2: int, time: int, root: bytes) -> bytes:
        """That the tree of ``size1`` is the beginning of that of ``size2``; see ``issue``."""
        signer = self._signers.in_force(log, "receipts", size2)
        path = self._proofs.consistency(size1, size2)
        issuer = ReceiptIssuer(signer, self._log_uri)
        return issuer.issue_consistency(size1, size2, time, root, path)


def _outcome(placed: Placed, receipt: bytes | CellbookError, time: int) -> Outcome:
    return Outcome(
        index=placed.index,
        entry_id=placed.entry_id,
        receipt=None if isinstance(receipt, CellbookError) else receipt,
        duplicate=not placed.is_new,
        error=receipt if isinstance(receipt, CellbookError) else None,
        log_time=time if placed.is_new else None,
    )
