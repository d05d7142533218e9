"""Statements by which a log ends and another one follows; ``succession`` and ``carrying`` know what
they mean."""

# Hints are values in this module: kept as text, a cold start would evaluate them twice.
from typing import Annotated

from msgspec import Meta

from ledger.custody.governance_base import Governance, Hash, Name, Part, Uri
from ledger.custody.states import AliasState, BatteryState


class Successor(Part, frozen=True, kw_only=True):
    """The log that may follow: its origin, and the thumbprint of the root of its genesis."""

    origin: Name
    root: Hash


class Freeze(Governance, tag="freeze", frozen=True, kw_only=True):
    """The end of a log, signed by the root in force: after it, only the head that closes it.

    Without ``successor`` no log follows. Its root is the next root to which the policies have
    committed.
    """

    successor: Successor | None = None


class Proved(Part, frozen=True, kw_only=True):
    """The leaf of an entry in another log, with its inclusion path."""

    leaf: Annotated[bytes, Meta(min_length=1, max_length=8192)]
    path: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=64)]


class Predecessor(Part, frozen=True, kw_only=True):
    """The log that this one follows, as it ended.

    ``genesis`` is the entry id of its first entry, ``checkpoint`` its last signed note as it was
    published, ``head`` the last entry of that tree, ``freeze`` the one before.
    """

    origin: Name
    genesis: Hash
    checkpoint: Annotated[bytes, Meta(min_length=1, max_length=16384)]
    freeze: Proved
    head: Proved


class IndexProof(Part, frozen=True, kw_only=True):
    """A proof from an index, as ``ledger.tree.prefix.PrefixProof`` has it."""

    depth: Annotated[int, Meta(ge=0, le=256)]
    present: Annotated[bytes, Meta(max_length=32)]
    siblings: Annotated[bytes, Meta(max_length=8192)]
    other_key: Hash | None = None
    other_value: Hash | None = None


class CarriedSubject(Part, frozen=True, kw_only=True):
    """What the predecessor's last index says of ``uri``: so many entries, with this chain hash.

    ``state`` is what they lead to, its places in the log counted from the predecessor's end, so
    that they are below 0. All three are absent where the index does not have the name.
    """

    uri: Uri
    proof: IndexProof
    count: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    chain: Hash | None = None
    state: BatteryState | AliasState | None = None


class CarriedOver(Governance, tag="carried-over", frozen=True, kw_only=True):
    """The first entry about subjects in a log with a predecessor, made by the log itself."""

    subjects: Annotated[tuple[CarriedSubject, ...], Meta(min_length=1, max_length=256)]
