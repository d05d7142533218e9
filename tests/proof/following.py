"""A log in memory that follows a frozen one, whose owner lies as he likes about what was before.

old = ended("manufacture", "install", "incident")
log = FollowingLog(old)
log.carry(PACK)
log.event("decommission", PACK)
log.head()
log.dossier(PACK)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.custody.governance.carrying import brought_over, written
from ledger.custody.governance.handover import (
    CarriedOver,
    CarriedSubject,
    Freeze,
    Predecessor,
    Proved,
    Successor,
)
from ledger.custody.governance.statements import Policy
from ledger.custody.states import BatteryState
from ledger.proof.dossier import DossierEntry, Past, decode_dossier, encode_dossier
from ledger.proof.trust import Trust
from ledger.wire.statement import TYP_GOVERNANCE, parse_statement
from tests.proof.lying import PACK, LyingLog, begun, signer

NEXT = "log.example/lies-2"

Change = Callable[[BatteryState], BatteryState]


def freeze(log: LyingLog, by: str = "root", root: str = "next-root", origin: str = NEXT) -> None:
    """End ``log``, with the head that closes it."""
    named = Successor(origin=origin, root=signer(root).key.kid)
    log.state(Freeze(successor=named), log.uri, by=by, iss=log.family)
    log.head()


def ended(*kinds: str) -> LyingLog:
    """A frozen log, and what happened to ``PACK`` in it."""
    log = begun()
    log.live(PACK, *kinds)
    log.head()
    freeze(log)
    return log


class FollowingLog(LyingLog):
    """See the module. ``root`` is the name of the key that founds it."""

    def __init__(self, old: LyingLog, root: str = "next-root") -> None:
        keys = {"root": signer(root), "next-root": signer("last root")}
        super().__init__(NEXT, **keys)
        self.old, self.family = old, old.family
        self.leaves = []
        self._first: Policy = msgspec.structs.replace(
            self._first, family_name=old._first.family_name, predecessor=end_of(old)
        )
        self.policy_in_force = self._first
        self.policy_id = self.policy(self._first)
        self.now, self.moment = old.now + 60, old.moment
        self.refs = dict(old.refs)
        self.head()

    def trust(self, **changes: Any) -> Trust:
        return super().trust(**{"root_key": self.keys["root"].key, **changes})

    def carry(
        self, uri: str, change: Change = lambda state: state, *, absent: bool = False
    ) -> None:
        """State what the old log knew of ``uri``: with a changed state, or that it knew nothing."""
        old = self.old
        (row,) = old.indexed().stated([uri], old.size - 1, old.hidden)
        values: dict[str, Any] = {"uri": uri, "proofs": (written(row.proof),)}
        state = old.indexed()._states.get(uri)
        if isinstance(state, BatteryState) and not absent:
            moved = brought_over(state, old.size)
            assert isinstance(moved, BatteryState)
            values |= {"count": row.chain.count, "chain": row.chain.hash, "state": change(moved)}
        content = CarriedOver(subjects=(CarriedSubject(**values),))
        self.state(content, self.uri, by="statements", iss=self.uri)

    def register_all(self) -> None:
        """The operator ``all``, who signs everything."""
        self.register("all", "maker", "installer", "dismantler")

    def spanning(self, past: Past | None, subject: str = PACK) -> bytes:
        """The dossier of ``subject`` with ``past``."""
        dossier = decode_dossier(self.dossier(subject))
        return encode_dossier(msgspec.structs.replace(dossier, past=past))

    def next_policy(self, *, by: str = "root", **changes: Any) -> bytes:
        return super().next_policy(by=by, **{"predecessor": None, **changes})

    def bare_past(self) -> Past:
        """How the old log ended, and nothing of a battery."""
        old = self.old
        statements = [parse_statement(leaf) for leaf in old.leaves]
        kept = [n for n, s in enumerate(statements) if s.sub == old.uri and s.typ == TYP_GOVERNANCE]
        kept.append(old.size - 1)
        entries = tuple(
            DossierEntry(index, old.leaves[index], receipt)
            for index, receipt in zip(kept, old.receipts(kept), strict=True)
        )
        return Past(old.note(), entries, old.indexed().stated([old.uri], old.size - 1))

    def past(self, subject: str = PACK, **options: Any) -> Past:
        """What the old log knew, out of its dossier."""
        dossier = decode_dossier(self.old.dossier(subject, **options))
        return Past(dossier.checkpoint, dossier.entries, dossier.index)


def end_of(old: LyingLog) -> Predecessor:
    """What a genesis says of ``old``."""
    tree = old.tree()
    genesis, freezing, head = (
        Proved(leaf=old.leaves[index], path=tuple(tree.path(index, old.size)))
        for index in (0, old.size - 2, old.size - 1)
    )
    return Predecessor(
        origin=old.origin, checkpoint=old.note(), genesis=genesis, freeze=freezing, head=head
    )
