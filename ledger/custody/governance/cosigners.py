"""Cosigners: the witnesses and auditors that a policy names, by their verifier keys (vkeys).

A witness says that it saw one history of the log; an auditor that it recomputed everything. Both
cosign checkpoints with Ed25519 (C2SP tlog-cosignature, type 04), each with a key of its own: who
could sign as both could pass off what was only seen as recomputed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from keys.errors import declare
from ledger.wire.verifier import COSIGNATURE, Verifier

COSIGNERS = declare(
    "rejected.policy.cosigners",
    "The policy names a witness or an auditor whose key is not for cosignatures, or has another "
    "use, or is named twice.",
    "Give each witness and each auditor a name and an Ed25519 cosignature key (type 04) of its "
    "own.",
)


@lru_cache(maxsize=256)
def cosigner(vkey: str) -> Verifier:
    """The cosigner of this vkey, from a bounded cache.

    Raises ``malformed.note.*``, ``unsupported.note.key-type``, ``rejected.policy.cosigners`` where
    the key is not for cosignatures by Ed25519.
    """
    verifier = Verifier.parse(vkey)
    if verifier.type != COSIGNATURE or verifier.vkey != vkey:
        raise COSIGNERS.at(verifier.name, f"signature type {verifier.type:02x}, 04 is needed")
    return verifier


def cosigners(vkeys: Iterable[str]) -> tuple[Verifier, ...]:
    """The cosigners of ``vkeys``; raises as :func:`cosigner` does."""
    return tuple(cosigner(vkey) for vkey in vkeys)


def check_cosigners(named: Iterable[Verifier], taken: Iterable[bytes], where: str) -> None:
    """That each has a name and a key for this one use; ``taken`` are kids that have another.

    Raises ``rejected.policy.cosigners``.
    """
    kids, names = set(taken), set[str]()
    for one in named:
        if one.key.kid in kids or one.name in names:
            raise COSIGNERS.at(where, f"{one.name}: its name or its key is there already"[:300])
        kids.add(one.key.kid)
        names.add(one.name)
